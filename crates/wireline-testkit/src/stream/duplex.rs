//! A pair of connected streams in memory.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Two connected ends: what is written to one is read from the other. Each direction holds `capacity` bytes; a write
/// that finds it full waits, as does a read that finds it empty, for ten seconds unless
/// [`set_patience`](Pipe::set_patience) says otherwise.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut client, mut server) = wireline_testkit::duplex(1024);
/// client.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
/// drop(client);
/// let mut received = Vec::new();
/// server.read_to_end(&mut received)?;
/// assert_eq!(received, b"GET / HTTP/1.1\r\n\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// When `capacity` is 0: nothing could pass.
#[must_use]
pub fn duplex(capacity: usize) -> (Pipe, Pipe) {
    assert!(capacity > 0, "a pipe of capacity 0 would block for ever");
    let (there, back) = (Arc::new(Lane::new(capacity)), Arc::new(Lane::new(capacity)));
    let first = Pipe { incoming: Arc::clone(&back), outgoing: Arc::clone(&there), patience: Some(PATIENCE) };
    (first, Pipe { incoming: there, outgoing: back, patience: Some(PATIENCE) })
}

/// A test that waits longer than this has hung.
const PATIENCE: Duration = Duration::from_secs(10);

/// One end of a [`duplex`]. Dropping it closes both directions: the other end reads what is still there and then the
/// end of the stream, and its writes fail with `BrokenPipe`.
#[derive(Debug)]
pub struct Pipe {
    incoming: Arc<Lane>,
    outgoing: Arc<Lane>,
    patience: Option<Duration>,
}

impl Pipe {
    /// How long reads and writes wait before they fail with `TimedOut`; `None` for ever. With zero they do not wait and
    /// fail with `WouldBlock`.
    pub fn set_patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Ends our direction in order; the other one stays open.
    #[allow(clippy::needless_pass_by_ref_mut, reason = "it ends what &mut self can write to")]
    pub fn close_write(&mut self) {
        self.outgoing.end(None);
    }

    /// Breaks both directions, as a reset does: what is not read yet is lost.
    pub fn reset(self) {
        for lane in [&self.outgoing, &self.incoming] {
            lane.end(Some(io::ErrorKind::ConnectionReset));
        }
    }

    /// How many bytes wait to be read.
    #[must_use]
    pub fn readable(&self) -> usize {
        self.incoming.lock().bytes.len()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.outgoing.end(None);
        self.incoming.stop_reading();
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut held =
            self.incoming.wait(self.patience, |held| !held.bytes.is_empty() || held.ended || held.broken.is_some())?;
        if let Some(kind) = held.broken {
            return Err(kind.into());
        }
        let n = held.bytes.read(buffer)?;
        self.incoming.changed.notify_all();
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let capacity = self.outgoing.capacity;
        let ready = |held: &Held| held.bytes.len() < capacity || held.ended || held.unread || held.broken.is_some();
        let mut held = self.outgoing.wait(self.patience, ready)?;
        if let Some(kind) = held.broken {
            return Err(kind.into());
        }
        if held.ended || held.unread {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(capacity - held.bytes.len());
        held.bytes.extend(&bytes[..n]);
        self.outgoing.changed.notify_all();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One direction.
#[derive(Debug)]
struct Lane {
    capacity: usize,
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    bytes: VecDeque<u8>,
    /// The writer has ended it.
    ended: bool,
    /// The reader is gone.
    unread: bool,
    broken: Option<io::ErrorKind>,
}

impl Lane {
    fn new(capacity: usize) -> Self {
        Self { capacity, held: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // A thread that panicked while it held the lock left at worst a byte more or less behind.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, broken: Option<io::ErrorKind>) {
        let mut held = self.lock();
        held.ended = true;
        held.broken = held.broken.or(broken);
        self.changed.notify_all();
    }

    fn stop_reading(&self) {
        self.lock().unread = true;
        self.changed.notify_all();
    }

    fn wait(&self, patience: Option<Duration>, ready: impl Fn(&Held) -> bool) -> io::Result<MutexGuard<'_, Held>> {
        let mut held = self.lock();
        let until = patience.map(|patience| Instant::now() + patience);
        while !ready(&held) {
            let Some(until) = until else {
                held = self.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let kind =
                    if patience == Some(Duration::ZERO) { io::ErrorKind::WouldBlock } else { io::ErrorKind::TimedOut };
                return Err(kind.into());
            }
            held = self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(held)
    }
}
