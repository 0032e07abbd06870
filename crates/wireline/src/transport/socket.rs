//! A stream socket: TCP or Unix.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};

use crate::timeouts::end_of;
use crate::transport::{Ready, Transport};

/// A connected stream socket.
///
/// The socket stays blocking: writes ask not to wait one by one, and a read that may wait is one system call.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// How long the system lets a blocking read wait (`SO_RCVTIMEO`); `None` for ever.
    tick: Option<Duration>,
}

/// Below this the system's own read timeout is too coarse: it counts in ticks of up to 10 ms.
const FINE: Duration = Duration::from_millis(50);

impl Socket {
    /// Lets a blocking read wait no longer than `patience`.
    ///
    /// A tick that is shorter than that is right too, the read goes on behind it; so a bound that stays about the
    /// same from one exchange to the next costs no system call, and none is ever passed.
    fn set_tick(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let Some(patience) = patience else { return Ok(()) };
        if self.tick.is_some_and(|tick| tick <= patience && patience / 8 <= tick) {
            return Ok(());
        }
        // The largest power of two that fits leaves room for the next bound to be a little shorter.
        let millis = 1_u64 << patience.as_millis().clamp(1, 1 << 31).ilog2();
        let tick = Duration::from_millis(millis);
        set_socket_timeout(&self.fd, Timeout::Recv, Some(tick))?;
        self.tick = Some(tick);
        Ok(())
    }

    fn recv(&self, into: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        let (read, _) = recv(&self.fd, into, flags)?;
        Ok(read)
    }
}

impl Transport for Socket {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match parts {
            [one] => send(&self.fd, one, SEND_FLAGS),
            many => sendmsg(&self.fd, many, &mut SendAncillaryBuffer::default(), SEND_FLAGS),
        };
        Ok(sent?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        if patience.is_some_and(|patience| patience.is_zero()) {
            return self.recv(into, RecvFlags::DONTWAIT);
        }
        let until = end_of(patience);
        if patience.is_none_or(|patience| patience >= FINE) {
            self.set_tick(patience)?;
            match self.recv(into, RecvFlags::empty()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        self.wait(Ready { read: true, write: false }, left)?;
        self.recv(into, RecvFlags::DONTWAIT)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, wanted.read);
        flags.set(PollFlags::OUT, wanted.write);
        let until = end_of(patience);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&self.fd, flags)];
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Err(io::ErrorKind::WouldBlock.into()),
                Ok(_) => {
                    let found = fds[0].revents();
                    // An error or a hang-up is heard by whoever reads or writes next.
                    let broken = found.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
                    return Ok(Ready {
                        read: wanted.read && (broken || found.contains(PollFlags::IN)),
                        write: wanted.write && (broken || found.contains(PollFlags::OUT)),
                    });
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn close(&mut self) {
        // The goodbye of a socket is that it is dropped.
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::over(stream.into())
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::over(stream.into())
    }
}

impl Socket {
    fn over(fd: OwnedFd) -> Self {
        let tick = rustix::net::sockopt::socket_timeout(&fd, Timeout::Recv).ok().flatten();
        Self { fd, tick }
    }
}

/// A write to a peer that is gone is an error, not a signal. Apple has no such flag; there the standard library sets
/// the socket option that means the same.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT;
