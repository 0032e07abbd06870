//! What carries the bytes.

pub(crate) mod bring;
pub(crate) mod socket;
pub(crate) mod stream;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(target_os = "linux")]
pub(crate) mod zero_copy;
#[cfg(not(target_os = "linux"))]
#[path = "transport/copied.rs"]
pub(crate) mod zero_copy;

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::canceller::Canceller;

/// A stream that a [`Connection`](crate::Connection) can listen to while it talks.
///
/// [`Stream`](crate::Stream) is TCP, a Unix socket, or TLS over either. For any `Read + Write` there is
/// [`Connection::over`](crate::Connection::over). Implement this trait for a stream that can do better than block,
/// another TLS library's, say.
///
/// `patience` is how long a call may wait: `None` for ever, zero not at all. When it is over the call returns
/// [`WouldBlock`](io::ErrorKind::WouldBlock). An end without notice, where the stream can tell, is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof); what breaks the stream's own protocol (TLS) is
/// [`InvalidData`](io::ErrorKind::InvalidData); any other error means that the connection is lost.
/// [`Interrupted`](io::ErrorKind::Interrupted) is repeated by the caller.
pub trait Transport {
    /// Takes what it can of these bytes without waiting, and says how many, at least one. What it took may still have to
    /// be sent: see [`flush`](Self::flush). An error means that nothing of them has left.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no room; else see above.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Sends what was taken, without waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when something is left; else see above.
    fn flush(&mut self) -> io::Result<()>;

    /// The same for `before` and then `most` bytes of a file, from its position on, which moves with what was taken of it;
    /// 0 where the file is at its end and nothing is to go before. It saves copying through the caller's memory, so a
    /// stream that has to look at the bytes need not offer it: then the caller reads the file.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) where this stream or this file cannot do it; else as
    /// [`write`](Self::write).
    fn write_file(&mut self, before: &[u8], file: &File, most: u64) -> io::Result<usize> {
        let _copied = (before, file, most);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads some bytes; 0 is the end of the stream, in order.
    ///
    /// # Errors
    /// See above.
    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize>;

    /// The same into a pipe that is empty, `most` bytes at most, where that saves copying them through the caller's memory.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) where this stream cannot do it, and nothing was read; else as
    /// [`read`](Self::read).
    fn read_into_pipe(&mut self, pipe: BorrowedFd<'_>, most: u64, patience: Option<Duration>) -> io::Result<usize> {
        let _copied = (pipe, most, patience);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Waits until there is something to read or room to write, as `wanted` says.
    ///
    /// # Errors
    /// See above.
    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready>;

    /// Whether a wait lasts until `patience` is over, and ends then. Where it does not, what ends it is
    /// [`ErrorKind::WouldBlock`](crate::ErrorKind::WouldBlock), and a response that is dropped half-read is not read on.
    fn keeps_patience(&self) -> bool {
        true
    }

    /// Ends its waits as soon as `canceller` is canceled: they return [`WouldBlock`](io::ErrorKind::WouldBlock), as if
    /// patience were over. A stream that cannot end a wait does nothing here.
    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        drop(canceller);
    }

    /// Asks again and again for so long, before it sleeps, whether bytes have come. A stream that cannot do so does nothing
    /// here.
    fn set_busy_poll(&mut self, busy: Duration) {
        let _ = busy;
    }

    /// Whether bytes that were taken have not left yet: then the stream waits for room to write, whatever is queued. Where
    /// it is not told so, nothing is flushed before the next write or the next wait.
    fn is_flushing(&self) -> bool {
        false
    }

    /// How many bytes have left of what it made of those it took, where it makes something else of them (TLS): a wait for
    /// room is a new one when this has changed.
    fn flushed(&self) -> u64 {
        0
    }

    /// Tells the peer that nothing more is sent, as far as that needs no waiting; reading goes on. A stream that cannot say
    /// so does nothing here.
    fn end_write(&mut self) {}

    /// Says goodbye, as far as that needs no waiting. Nothing is read or written afterwards.
    fn close(&mut self);
}

/// What a stream is waited for, or is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a stream has two directions")]
pub struct Ready {
    /// There is something to read, perhaps the end.
    pub read: bool,
    /// There is room to write.
    pub write: bool,
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        (**self).write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }

    fn write_file(&mut self, before: &[u8], file: &File, most: u64) -> io::Result<usize> {
        (**self).write_file(before, file, most)
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        (**self).read(into, patience)
    }

    fn read_into_pipe(&mut self, pipe: BorrowedFd<'_>, most: u64, patience: Option<Duration>) -> io::Result<usize> {
        (**self).read_into_pipe(pipe, most, patience)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        (**self).wait(wanted, patience)
    }

    fn keeps_patience(&self) -> bool {
        (**self).keeps_patience()
    }

    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        (**self).set_canceller(canceller);
    }

    fn set_busy_poll(&mut self, busy: Duration) {
        (**self).set_busy_poll(busy);
    }

    fn is_flushing(&self) -> bool {
        (**self).is_flushing()
    }

    fn flushed(&self) -> u64 {
        (**self).flushed()
    }

    fn end_write(&mut self) {
        (**self).end_write();
    }

    fn close(&mut self) {
        (**self).close();
    }
}
