//! The streams that a connector makes.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::Waker;
use std::time::Duration;

use wireline::{Canceller, Ready, Transport};

use super::{AsyncTransport, Socket};

/// TCP or a Unix socket, with TLS or without.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// In the clear.
    Plain(Socket),
    /// Over TLS: over a socket, or over the TLS of a proxy.
    #[cfg(feature = "tls")]
    Tls(Box<wireline::Tls<Self>>),
}

impl Stream {
    /// A stream of the blocking connection, made known to the runtime that this is called in.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Outside of a runtime with I/O enabled.
    pub fn new(stream: wireline::Stream) -> io::Result<Self> {
        Ok(match stream {
            wireline::Stream::Plain(socket) => Self::Plain(Socket::new(socket)?),
            #[cfg(feature = "tls")]
            wireline::Stream::Tls(tls) => Self::Tls(Box::new(tls.map(Self::new)?)),
            _ => return Err(io::ErrorKind::Unsupported.into()),
        })
    }

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
    pub fn tls(&self) -> Option<&wireline::rustls::CommonState> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls.session()),
        }
    }

    fn transport(&mut self) -> &mut dyn AsyncTransport {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => &mut **tls,
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

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.transport().read(into, patience)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        self.transport().wait(wanted, patience)
    }

    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.transport().set_canceller(canceller);
    }

    fn is_flushing(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_flushing(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.is_flushing(),
        }
    }

    fn flushed(&self) -> u64 {
        match self {
            Self::Plain(socket) => socket.flushed(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.flushed(),
        }
    }

    fn end_write(&mut self) {
        self.transport().end_write();
    }

    fn close(&mut self) {
        self.transport().close();
    }
}

impl AsyncTransport for Stream {
    fn wakes(&mut self, waker: &Waker) {
        self.transport().wakes(waker);
    }

    fn look(&mut self) {
        self.transport().look();
    }

    fn finish_write(&mut self) -> io::Result<()> {
        self.transport().finish_write()
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
