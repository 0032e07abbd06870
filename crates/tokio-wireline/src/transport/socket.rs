//! A stream socket, known to tokio's reactor.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use wireline::{Ready, Transport};

use super::{AsyncTransport, Task, now};

/// A connected stream socket: TCP or Unix.
#[derive(Debug)]
pub struct Socket {
    stream: Kind,
    task: Task,
    /// There is something to read of which the reactor may not have heard.
    is_ahead: bool,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The same words for either kind.
macro_rules! either {
    ($kind:expr, $stream:ident => $act:expr) => {
        match $kind {
            Kind::Tcp($stream) => $act,
            Kind::Unix($stream) => $act,
        }
    };
}

impl Socket {
    /// Makes a socket known to the runtime that this is called in.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Outside of a runtime with I/O enabled.
    pub fn new(socket: wireline::Socket) -> io::Result<Self> {
        let is_tcp = socket.local_addr().is_some();
        let fd = OwnedFd::from(socket);
        if is_tcp {
            let stream = std::net::TcpStream::from(fd);
            stream.set_nonblocking(true)?;
            Ok(TcpStream::from_std(stream)?.into())
        } else {
            let stream = std::os::unix::net::UnixStream::from(fd);
            stream.set_nonblocking(true)?;
            Ok(UnixStream::from_std(stream)?.into())
        }
    }

    /// The peer's address; none for a Unix socket.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.stream {
            Kind::Tcp(stream) => stream.peer_addr().ok(),
            Kind::Unix(_) => None,
        }
    }

    /// Our own address; none for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.stream {
            Kind::Tcp(stream) => stream.local_addr().ok(),
            Kind::Unix(_) => None,
        }
    }
}

impl Transport for Socket {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.task.0);
        now(either!(&mut self.stream, stream => match parts {
            [one] => Pin::new(stream).poll_write(&mut cx, one),
            parts => Pin::new(stream).poll_write_vectored(&mut cx, parts),
        }))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        if std::mem::take(&mut self.is_ahead) {
            match recv(self.as_fd(), &mut *into, RecvFlags::DONTWAIT) {
                Err(Errno::AGAIN) => {}
                done => return Ok(done?.0),
            }
        }
        let mut cx = Context::from_waker(&self.task.0);
        let mut into = ReadBuf::new(into);
        now(either!(&mut self.stream, stream => Pin::new(stream).poll_read(&mut cx, &mut into)))?;
        Ok(into.filled().len())
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        let mut cx = Context::from_waker(&self.task.0);
        let ready = either!(&self.stream, stream => Ready {
            read: wanted.read && stream.poll_read_ready(&mut cx).is_ready(),
            write: wanted.write && stream.poll_write_ready(&mut cx).is_ready(),
        });
        if ready == Ready::default() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(ready) }
    }

    fn end_write(&mut self) {
        let mut cx = Context::from_waker(&self.task.0);
        // A peer that is gone has shut it already. It never waits.
        let _gone = either!(&mut self.stream, stream => Pin::new(stream).poll_shutdown(&mut cx));
    }

    fn close(&mut self) {
        // The goodbye of a socket is that it is dropped.
    }
}

impl AsyncTransport for Socket {
    fn wakes(&mut self, waker: &Waker) {
        self.task.set(waker);
    }

    fn look(&mut self) {
        // A glance without reading would take the error of a reset away from the read.
        self.is_ahead = true;
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(&self.stream, stream => stream.as_fd())
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self { stream: Kind::Tcp(stream), task: Task::default(), is_ahead: false }
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self { stream: Kind::Unix(stream), task: Task::default(), is_ahead: false }
    }
}
