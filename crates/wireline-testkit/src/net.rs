//! What the peers of this crate share: sockets on loopback, TLS over them or not, and how they stop.

mod leaving;
mod listener;
#[cfg(feature = "tls")]
mod tls;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use leaving::Leaving;
pub(crate) use listener::Listener;
#[cfg(feature = "tls")]
pub(crate) use tls::secured;

/// How long a peer waits for its client unless it is told otherwise: a test that takes longer has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A socket that can be shut from elsewhere while a thread is blocked in it.
#[derive(Clone, Debug)]
pub(crate) struct Socket(pub(crate) Arc<TcpStream>);

impl Socket {
    /// No read and no write waits longer, and no small write waits for its acknowledgement.
    pub(crate) fn prepare(&self, patience: Duration) -> io::Result<()> {
        // A timeout of zero would be refused.
        let patience = Some(patience.max(Duration::from_millis(1)));
        self.0.set_nodelay(true)?;
        self.0.set_read_timeout(patience)?;
        self.0.set_write_timeout(patience)
    }

    /// From now on closing it resets the connection: what the client has not read may be lost.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(&*self.0, Some(Duration::ZERO))?)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection as its server sees it.
pub(crate) trait Transport: Read + Write + Send {
    /// Says that nothing more will be sent, where that has words of its own (TLS: `close_notify`).
    fn say_goodbye(&mut self) -> io::Result<()>;
}

impl Transport for Socket {
    fn say_goodbye(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a server makes a transport of the socket that it accepted.
pub(crate) type Secure = Arc<dyn Fn(Socket) -> io::Result<Box<dyn Transport>> + Send + Sync>;

/// Without TLS.
pub(crate) fn plain() -> Secure {
    Arc::new(|socket| Ok(Box::new(socket)))
}

/// Ends a connection without losing anything that is under way: our direction is closed, and what the client still
/// sends is taken until it closes too. A socket that is closed with unread bytes would be reset instead, and the client
/// could lose the end of the last response.
///
/// When the server leaves, a client that is silent for a moment is not waited for.
pub(crate) fn drain(
    transport: &mut dyn Transport,
    socket: &Socket,
    patience: Duration,
    leaving: &Leaving,
    mut taken: impl FnMut(&[u8]),
) -> io::Result<()> {
    socket.0.shutdown(Shutdown::Write)?;
    socket.0.set_read_timeout(Some(MOMENT))?;
    let mut buffer = [0; 4096];
    let mut until = Instant::now() + patience;
    loop {
        match transport.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                taken(&buffer[..n]);
                until = Instant::now() + patience;
            }
            Err(error) if is_timeout(&error) && !leaving.has_left() && Instant::now() < until => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What has left the client is here long before.
const MOMENT: Duration = Duration::from_millis(50);

/// Whether this is a socket's way to say that its timeout has passed.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
