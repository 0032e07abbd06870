//! A stream whose every segment is a read of its own.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};

/// A stream over scripted segments: a read gives bytes of one segment at most, as a socket does when each of them came
/// in a packet of its own; behind the last one the stream has ended. What is written is kept.
///
/// ```
/// use std::io::{Read, Write};
/// use wireline_testkit::SplitStream;
///
/// let mut stream = SplitStream::new(["HTTP/1.1 20", "0 OK\r\n"]);
/// let mut buffer = [0; 64];
/// assert_eq!(stream.read(&mut buffer)?, 11);
/// assert_eq!(stream.read(&mut buffer)?, 6);
/// assert_eq!(stream.read(&mut buffer)?, 0);
/// stream.write_all(b"GET / ")?;
/// assert_eq!(stream.written(), b"GET / ");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SplitStream {
    segments: VecDeque<Vec<u8>>,
    written: Vec<u8>,
    /// Where in `written` each write ends.
    writes: Vec<usize>,
}

impl SplitStream {
    /// A stream that gives these segments. Empty ones are left out: a read of nothing would be the end.
    pub fn new<S: Into<Vec<u8>>>(segments: impl IntoIterator<Item = S>) -> Self {
        let segments = segments.into_iter().map(Into::into).filter(|segment| !segment.is_empty()).collect();
        Self { segments, ..Self::default() }
    }

    /// A stream that gives these bytes in segments of `size` bytes, the last one perhaps shorter.
    ///
    /// # Panics
    /// When `size` is 0.
    #[must_use]
    pub fn every(bytes: &[u8], size: usize) -> Self {
        Self::new(bytes.chunks(size))
    }

    /// All that was written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// What was written, by write.
    pub fn writes(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.writes.iter().copied());
        starts.zip(&self.writes).map(|(start, &end)| &self.written[start..end])
    }

    /// How many bytes have not been read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }
}

impl Read for SplitStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(segment) = self.segments.front_mut() else { return Ok(0) };
        let n = segment.len().min(buffer.len());
        buffer[..n].copy_from_slice(&segment[..n]);
        segment.drain(..n);
        if segment.is_empty() {
            self.segments.pop_front();
        }
        Ok(n)
    }
}

impl Write for SplitStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let before = self.written.len();
        for slice in slices {
            self.written.extend_from_slice(slice);
        }
        self.writes.push(self.written.len());
        Ok(self.written.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
