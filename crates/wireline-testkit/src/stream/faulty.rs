//! A stream that goes wrong where a test says.

use std::io::{self, Read, Write};
use std::ops::{Bound, RangeBounds};

/// A stream around another that fails at chosen calls, gives and takes less than it was asked to, or ends early.
///
/// Calls are counted from 0, reads and writes apart, failed ones included; a flush is no write.
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use wireline_testkit::{FaultyStream, SplitStream};
///
/// let stream = SplitStream::new(["abcdef"]);
/// let mut stream = FaultyStream::new(stream).short_reads(4).fail_reads(1..=1, ErrorKind::WouldBlock);
/// let mut buffer = [0; 64];
/// assert_eq!(stream.read(&mut buffer)?, 4);
/// assert_eq!(stream.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(stream.read(&mut buffer)?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStream<S> {
    inner: S,
    reads: Direction,
    writes: Direction,
}

/// What goes wrong in one direction.
#[derive(Clone, Debug)]
struct Direction {
    faults: Vec<(Bound<u64>, Bound<u64>, io::ErrorKind)>,
    calls: u64,
    /// A call moves this many bytes at most.
    short: usize,
    /// So many bytes pass, and then the stream has ended.
    left: u64,
}

impl Direction {
    const fn sound() -> Self {
        Self { faults: Vec::new(), calls: 0, short: usize::MAX, left: u64::MAX }
    }

    fn fail(&mut self, calls: impl RangeBounds<u64>, kind: io::ErrorKind) {
        self.faults.push((calls.start_bound().cloned(), calls.end_bound().cloned(), kind));
    }

    /// How many of `len` bytes this call may move.
    fn call(&mut self, len: usize) -> io::Result<usize> {
        let call = self.calls;
        self.calls += 1;
        match self.faults.iter().find(|(start, end, _)| (*start, *end).contains(&call)) {
            Some((.., kind)) => Err((*kind).into()),
            None => Ok(len.min(self.short).min(usize::try_from(self.left).unwrap_or(usize::MAX))),
        }
    }

    fn moved(&mut self, n: usize) {
        // Without an end there is nothing to count down.
        if self.left < u64::MAX {
            self.left -= n as u64;
        }
    }
}

impl<S> FaultyStream<S> {
    /// Nothing goes wrong yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, reads: Direction::sound(), writes: Direction::sound() }
    }

    /// These reads fail, and take nothing: `2..=2` for the third one, `2..` for it and all later ones.
    #[must_use]
    pub fn fail_reads(mut self, calls: impl RangeBounds<u64>, kind: io::ErrorKind) -> Self {
        self.reads.fail(calls, kind);
        self
    }

    /// These writes fail, and nothing of them leaves.
    #[must_use]
    pub fn fail_writes(mut self, calls: impl RangeBounds<u64>, kind: io::ErrorKind) -> Self {
        self.writes.fail(calls, kind);
        self
    }

    /// A read gives `most` bytes at most; at least 1, since 0 would be the end.
    #[must_use]
    pub fn short_reads(mut self, most: usize) -> Self {
        self.reads.short = most.max(1);
        self
    }

    /// A write takes `most` bytes at most.
    #[must_use]
    pub fn short_writes(mut self, most: usize) -> Self {
        self.writes.short = most.max(1);
        self
    }

    /// The stream ends when so many bytes have been read.
    #[must_use]
    pub fn end_reads_after(mut self, bytes: u64) -> Self {
        self.reads.left = bytes;
        self
    }

    /// Writes take nothing any more, as `Ok(0)`, when so many bytes have been written.
    #[must_use]
    pub fn end_writes_after(mut self, bytes: u64) -> Self {
        self.writes.left = bytes;
        self
    }

    /// How often it was read from.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.calls
    }

    /// How often it was written to.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.calls
    }

    /// The stream inside.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The stream inside, without the faults.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Read> Read for FaultyStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.reads.call(buffer.len())?;
        let n = if most == 0 { 0 } else { self.inner.read(&mut buffer[..most])? };
        self.reads.moved(n);
        Ok(n)
    }
}

impl<S: Write> Write for FaultyStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.writes.call(bytes.len())?;
        let n = if most == 0 { 0 } else { self.inner.write(&bytes[..most])? };
        self.writes.moved(n);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
