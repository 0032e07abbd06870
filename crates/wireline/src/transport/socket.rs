//! A stream socket: TCP or Unix.

use std::fs::File;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg, shutdown};

use crate::canceller::Canceller;
use crate::timeouts::end_of;
use crate::transport::{Ready, Transport, zero_copy};
use crate::wait::wait_for_one;

/// A connected stream socket.
///
/// The socket stays blocking: writes ask not to wait one by one, and a read that may wait is one system call. One that
/// was not blocking (`O_NONBLOCK`) when it was handed over never waits, whatever the timeouts are.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// How long the system lets a blocking read wait (`SO_RCVTIMEO`), in milliseconds; 0 for ever.
    tick: u32,
    is_blocking: bool,
    /// How long a read asks again and again before it sleeps, in microseconds.
    busy: u32,
    canceller: Option<Canceller>,
}

/// Below this the system's own timeouts are too coarse: they count in ticks of up to 10 ms.
pub(crate) const FINE: Duration = Duration::from_millis(50);

impl Socket {
    /// Lets a blocking read wait no longer than `patience`.
    ///
    /// A tick that is shorter than that is right too, the read goes on behind it; so a bound that stays about the
    /// same from one exchange to the next costs no system call, and none is ever passed.
    fn set_tick(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let Some(patience) = patience else { return Ok(()) };
        let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX).max(1);
        if (1..=millis).contains(&self.tick) && millis / 8 <= self.tick {
            return Ok(());
        }
        // The largest power of two that fits leaves room for the next bound to be a little shorter.
        let tick = 1 << millis.ilog2();
        set_socket_timeout(&self.fd, Timeout::Recv, Some(Duration::from_millis(u64::from(tick))))?;
        self.tick = tick;
        Ok(())
    }

    /// Reads as `read` does, which is told whether it may wait as long as the system lets it.
    fn read_by(
        &mut self,
        patience: Option<Duration>,
        mut read: impl FnMut(BorrowedFd<'_>, bool) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if !self.is_blocking || patience.is_some_and(|patience| patience.is_zero()) {
            return read(self.fd.as_fd(), false);
        }
        let mut patience = patience;
        if self.busy > 0 {
            let busy = Duration::from_micros(u64::from(self.busy));
            let busy = patience.map_or(busy, |patience| patience.min(busy));
            let end = end_of(Some(busy));
            let is_canceled = || self.canceller.as_ref().is_some_and(Canceller::is_canceled);
            while end.is_some_and(|end| Instant::now() < end) && !is_canceled() {
                match read(self.fd.as_fd(), false) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::hint::spin_loop(),
                    done => return done,
                }
            }
            patience = patience.map(|patience| patience - busy);
        }
        // How long the system has waited when nothing has come, so that no clock has to be asked what is left.
        let mut tick = 0;
        let here = if self.canceller.is_some() {
            // A wait inside of `recv` could not be ended from outside.
            read(self.fd.as_fd(), false)
        } else if patience.is_none_or(|patience| patience >= FINE) {
            self.set_tick(patience)?;
            tick = self.tick;
            read(self.fd.as_fd(), true)
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        };
        match here {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
        let tick = Duration::from_millis(u64::from(tick));
        self.wait(Ready { read: true, write: false }, patience.map(|patience| patience.saturating_sub(tick)))?;
        read(self.fd.as_fd(), false)
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

    fn write_file(&mut self, before: &[u8], file: &File, most: u64) -> io::Result<usize> {
        zero_copy::write_file(self.fd.as_fd(), self.is_blocking, before, file, most)
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.read_by(patience, |socket, may_wait| {
            let flags = if may_wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
            let (read, _) = recv(socket, &mut *into, flags)?;
            Ok(read)
        })
    }

    fn read_into_pipe(&mut self, pipe: BorrowedFd<'_>, most: u64, patience: Option<Duration>) -> io::Result<usize> {
        let is_blocking = self.is_blocking;
        self.read_by(patience, |socket, may_wait| {
            zero_copy::read_into_pipe(socket, may_wait || !is_blocking, pipe, most)
        })
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        let until = if self.is_blocking { end_of(patience) } else { Some(Instant::now()) };
        let ready = wait_for_one(self.fd.as_fd(), wanted, until, self.canceller.as_ref())?;
        ready.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn set_busy_poll(&mut self, busy: Duration) {
        self.busy = u32::try_from(busy.as_nanos().div_ceil(1000)).unwrap_or(u32::MAX);
    }

    fn keeps_patience(&self) -> bool {
        self.is_blocking
    }

    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.canceller = canceller;
    }

    fn end_write(&mut self) {
        // A peer that is gone has shut it already.
        let _gone = shutdown(&self.fd, Shutdown::Write);
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

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.fd
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
    /// The peer's address; none for a Unix socket.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        rustix::net::getpeername(&self.fd).ok()?.and_then(|address| address.try_into().ok())
    }

    /// Our own address; none for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        rustix::net::getsockname(&self.fd).ok()?.try_into().ok()
    }

    /// A socket of our own making: it is blocking, and has no timeouts.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { fd, tick: 0, is_blocking: true, busy: 0, canceller: None }
    }

    /// A caller's: it may have any.
    fn over(fd: OwnedFd) -> Self {
        let tick = rustix::net::sockopt::socket_timeout(&fd, Timeout::Recv).ok().flatten();
        let tick = tick.map_or(0, |tick| u32::try_from(tick.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX));
        let is_blocking = !fcntl_getfl(&fd).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK));
        Self { fd, tick, is_blocking, busy: 0, canceller: None }
    }
}

/// A write to a peer that is gone is an error, not a signal. Apple has no such flag; there the standard library sets
/// the socket option that means the same.
#[cfg(not(target_vendor = "apple"))]
pub(super) const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
pub(super) const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT;
