//! What carries the bytes.

mod bring;
mod socket;
mod stream;

use std::io;
use std::task::{Poll, Waker};

use wireline::Transport;

pub use bring::Bring;
pub use socket::Socket;
pub use stream::Stream;

/// A [`Transport`] that never waits, whatever its patience, and wakes a task instead.
///
/// [`Stream`] is TCP, a Unix socket, or TLS over either; [`Bring`] is any `AsyncRead + AsyncWrite`.
pub trait AsyncTransport: Transport {
    /// Whom to wake when a call that said [`WouldBlock`](io::ErrorKind::WouldBlock) from now on is worth making again.
    fn wakes(&mut self, waker: &Waker);

    /// Asks the system, and not the reactor, which hears of a close or of bytes only when the task next waits: the read that
    /// follows finds what is there now.
    fn look(&mut self) {}

    /// Ends the sending side as [`end_write`](Transport::end_write) does, where that may need waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) while the peer cannot be told yet: the call is to be made again. Else what
    /// the stream says.
    fn finish_write(&mut self) -> io::Result<()> {
        self.end_write();
        Ok(())
    }
}

#[cfg(feature = "tls")]
impl<T: AsyncTransport> AsyncTransport for wireline::Tls<T> {
    fn wakes(&mut self, waker: &Waker) {
        self.inner_mut().wakes(waker);
    }

    fn look(&mut self) {
        self.inner_mut().look();
    }

    fn finish_write(&mut self) -> io::Result<()> {
        self.end_write();
        // The closing notice first: it may wait for room.
        self.flush()?;
        self.inner_mut().finish_write()
    }
}

/// The task that is to be woken.
#[derive(Debug)]
struct Task(Waker);

impl Task {
    fn set(&mut self, waker: &Waker) {
        self.0.clone_from(waker);
    }
}

impl Default for Task {
    fn default() -> Self {
        Self(Waker::noop().clone())
    }
}

/// What a poll says to who does not wait.
fn now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
