//! The streams that a connector makes.

use std::fs::File;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::canceller::Canceller;
use crate::transport::socket::Socket;
#[cfg(feature = "tls")]
use crate::transport::tls::Tls;
use crate::transport::{Ready, Transport};

/// TCP or a Unix socket, with TLS or without.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// In the clear.
    Plain(Socket),
    /// Over TLS: over a socket, or over the TLS of a proxy.
    #[cfg(feature = "tls")]
    Tls(Box<Tls<Self>>),
}

impl Stream {
    /// The peer's address; none for a Unix socket.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(socket) => socket.peer_addr(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.inner().peer_addr(),
        }
    }

    /// Our own address; none for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(socket) => socket.local_addr(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.inner().local_addr(),
        }
    }

    /// The TLS session, to ask it for the peer's certificates or what was negotiated.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&rustls::CommonState> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls.session()),
        }
    }

    fn transport(&mut self) -> &mut dyn Transport {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => &mut **tls,
        }
    }

    fn as_transport(&self) -> &dyn Transport {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => &**tls,
        }
    }
}

impl Transport for Stream {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.transport().write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport().flush()
    }

    fn write_file(&mut self, before: &[u8], file: &File, most: u64) -> io::Result<usize> {
        self.transport().write_file(before, file, most)
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.transport().read(into, patience)
    }

    fn read_into_pipe(&mut self, pipe: BorrowedFd<'_>, most: u64, patience: Option<Duration>) -> io::Result<usize> {
        self.transport().read_into_pipe(pipe, most, patience)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        self.transport().wait(wanted, patience)
    }

    fn keeps_patience(&self) -> bool {
        self.as_transport().keeps_patience()
    }

    fn set_busy_poll(&mut self, busy: Duration) {
        self.transport().set_busy_poll(busy);
    }

    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.transport().set_canceller(canceller);
    }

    fn is_flushing(&self) -> bool {
        self.as_transport().is_flushing()
    }

    fn flushed(&self) -> u64 {
        self.as_transport().flushed()
    }

    fn end_write(&mut self) {
        self.transport().end_write();
    }

    fn close(&mut self) {
        self.transport().close();
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.inner().as_fd(),
        }
    }
}

impl From<Socket> for Stream {
    fn from(socket: Socket) -> Self {
        Self::Plain(socket)
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Plain(stream.into())
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Plain(stream.into())
    }
}
