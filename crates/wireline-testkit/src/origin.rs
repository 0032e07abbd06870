//! A small origin server, for tests, examples and demonstrations.

mod answer;
mod incoming;
mod pattern;
mod request;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use pattern::{Pattern, pattern};

use crate::net::{self, Leaving, Listener, Secure, Socket};
use incoming::Incoming;
use request::{BadRequest, Request};

/// A real HTTP/1.1 origin on `127.0.0.1`, with a thread for each connection. It reads requests strictly, keeps
/// connections open, and answers pipelined requests in order. Dropped, it closes them all.
///
/// | route | answer |
/// | --- | --- |
/// | `/bytes/N` | `N` bytes of [`pattern`], with `Content-Length` |
/// | `/chunked/N?size=K&trailers=1` | the same in chunks of `K` bytes (1,024 unless given), and with `trailers=1` the trailer fields `X-Length` and `X-Chunks` |
/// | `/close/N` | the same, until the connection closes |
/// | `/echo` | the content of the request, with `Content-Length`; up to 64 MiB |
/// | `/headers` | the head of the request, byte for byte |
/// | `/delay/MS` | the word `done`, after so many milliseconds |
/// | `/status/CODE` | that status without content; an interim one is followed by 200 |
/// | `/refuse`, `/refuse/CODE` | 413, or that status, without waiting for the content or reading it; closes |
/// | `/reset-after/N` | announces more than `N` bytes, sends `N`, and resets the connection |
///
/// Content of a request is read before the answer, except for `/refuse`, and 100 (Continue) is sent where it was
/// asked for. `HEAD` gets what `GET` would, without content. Anything else is 404, and what is no request is 400.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use wireline_testkit::{Origin, pattern};
///
/// let origin = Origin::start()?;
/// let mut client = TcpStream::connect(origin.address())?;
/// client.write_all(b"GET /bytes/1000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
/// let mut response = Vec::new();
/// client.read_to_end(&mut response)?;
/// assert!(response.ends_with(&pattern(1000)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Origin {
    listener: Listener,
    served: Arc<Served>,
}

/// What has been served so far.
#[derive(Debug, Default)]
struct Served {
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Origin {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system gives no port or no thread.
    pub fn start() -> io::Result<Self> {
        Self::over(net::plain())
    }

    /// The same over TLS.
    ///
    /// # Errors
    /// When the system gives no port or no thread.
    #[cfg(feature = "tls")]
    pub fn start_tls(config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        Self::over(net::secured(config))
    }

    fn over(secure: Secure) -> io::Result<Self> {
        let served = Arc::<Served>::default();
        let counting = Arc::clone(&served);
        let listener = Listener::start(usize::MAX, move |_, socket, leaving| {
            counting.connections.fetch_add(1, Ordering::Relaxed);
            // A client that goes away while it is being served has its reasons.
            let _gone = serve(&secure, &socket, leaving, &counting.requests);
        })?;
        Ok(Self { listener, served })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// `127.0.0.1:PORT`: what goes into `Host`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// `http://127.0.0.1:PORT` with this path behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.served.connections.load(Ordering::Relaxed)
    }

    /// How many requests it has read.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.served.requests.load(Ordering::Relaxed)
    }
}

/// An idle connection is closed after this time.
const IDLE: Duration = Duration::from_secs(60);

/// What becomes of a connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Close,
    KeepAlive,
    Reset,
}

fn serve(secure: &Secure, socket: &Socket, leaving: &Leaving, requests: &AtomicU64) -> io::Result<()> {
    socket.prepare(IDLE)?;
    leaving.shut_when_leaving(socket);
    let mut incoming = Incoming::new(secure(socket.clone())?);
    let next = loop {
        let next = match Request::read(&mut incoming) {
            Ok(Some(request)) => {
                requests.fetch_add(1, Ordering::Relaxed);
                routes::answer(&request, &mut incoming, leaving)
            }
            Ok(None) => break Next::Close,
            Err(bad) => Err(bad),
        };
        match next {
            Ok(Next::KeepAlive) => {}
            Ok(next) => break next,
            Err(BadRequest::Lost(error)) => return Err(error),
            Err(BadRequest::Invalid(reason)) => {
                answer::refuse(&mut incoming, reason)?;
                break Next::Close;
            }
        }
    };
    incoming.flush()?;
    let mut transport = incoming.into_transport();
    if next == Next::Reset {
        return socket.reset_on_close();
    }
    transport.say_goodbye()?;
    net::drain(&mut *transport, socket, net::PATIENCE, leaving, |_| {})
}

#[cfg(test)]
mod tests;
