//! From a name to addresses.

use std::fmt;
use std::io::{self, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::error::ErrorKind;

/// Looks names up: the system, unless a [`Connector`](crate::Connector) is given another.
///
/// It may be called on a thread of its own, which ends when the call does, whether anybody still waits for it or not.
/// A function that takes a host and a port is a resolver too.
///
/// ```
/// use std::net::SocketAddr;
/// use wireline::{Connector, Origin};
///
/// # let server = wireline_testkit::Origin::start()?;
/// # let port = server.address().port();
/// let connector = Connector::new().resolver(|_host: &str, port| Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]));
/// let mut connection = connector.connect(&Origin::new(wireline::Scheme::Http, "origin.test", port)?)?;
/// assert_eq!(connection.get("/bytes/0")?.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Resolver: Send + Sync {
    /// The addresses of a host, those to be tried first in front.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound): the host does not exist, or has no address
    /// ([`ErrorKind::NoSuchHost`]). [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable),
    /// [`HostUnreachable`](io::ErrorKind::HostUnreachable) or [`TimedOut`](io::ErrorKind::TimedOut): nobody could be asked
    /// ([`ErrorKind::ResolverUnreachable`]). Any other: [`ErrorKind::Resolve`].
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

impl<F: Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync> Resolver for F {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self(host, port)
    }
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect).map_err(told)
    }
}

/// What the system's resolver means. The standard library keeps only the text of its error.
fn told(error: io::Error) -> io::Error {
    let text = error.to_string();
    // Without the search of `str`, which is longer than all of this.
    let says = |texts: &[&str]| {
        texts.iter().any(|known| text.as_bytes().windows(known.len()).any(|part| part == known.as_bytes()))
    };
    let kind = if says(&NOT_FOUND) {
        io::ErrorKind::NotFound
    } else if says(&NOBODY_ASKED) {
        io::ErrorKind::HostUnreachable
    } else {
        return error;
    };
    io::Error::new(kind, error)
}

/// `EAI_NONAME` and `EAI_NODATA` as glibc, musl and the BSDs say them.
const NOT_FOUND: [&str; 5] = [
    "Name or service not known",
    "No address associated with",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided",
];

/// `EAI_AGAIN` likewise.
const NOBODY_ASKED: [&str; 3] = ["Temporary failure in name resolution", "Try again", "name server is currently not"];

/// What a failed look-up is called.
pub(crate) fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NoSuchHost,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::TimedOut => {
            ErrorKind::ResolverUnreachable
        }
        _ => ErrorKind::Resolve,
    }
}

/// A resolver that several connectors share.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<dyn Resolver>);

impl Default for Shared {
    fn default() -> Self {
        Self(Arc::new(SystemResolver))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Shared {
    /// Looks a name up and waits for it.
    pub(crate) fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self.0.resolve(host, port) {
            Ok(none) if none.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
            done => done,
        }
    }
}

/// A look-up on a thread of its own, since nothing can tell the system's resolver when to stop.
pub(crate) struct Lookup {
    thread: JoinHandle<io::Result<Vec<SocketAddr>>>,
    /// Its other end is closed when the thread is about to end.
    bell: UnixStream,
}

impl Lookup {
    pub(crate) fn start(resolver: Shared, host: &str, port: u16) -> io::Result<Self> {
        let (bell, rings_when_dropped) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let host = host.to_owned();
        let thread = thread::Builder::new().name("wireline resolve".to_owned()).spawn(move || {
            let _rings = rings_when_dropped;
            resolver.resolve(&host, port)
        })?;
        Ok(Self { thread, bell })
    }

    /// The result, or the look-up again where there is none yet.
    pub(crate) fn result(self) -> Result<io::Result<Vec<SocketAddr>>, Self> {
        if (&self.bell).read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return Err(self);
        }
        Ok(self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the resolver panicked"))))
    }

    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_a_meaning() {
        let kind =
            |text: &str| kind_of(&told(io::Error::other(format!("failed to lookup address information: {text}"))));
        assert_eq!(kind("Name or service not known"), ErrorKind::NoSuchHost);
        assert_eq!(kind("Temporary failure in name resolution"), ErrorKind::ResolverUnreachable);
        assert_eq!(kind("Non-recoverable failure in name resolution"), ErrorKind::Resolve);
    }

    #[test]
    fn a_lookup_ends_whatever_the_resolver_does() {
        let end_of = |resolver: Shared| {
            let mut lookup = Lookup::start(resolver, "origin.test", 80).unwrap();
            loop {
                match lookup.result() {
                    Ok(result) => return result,
                    Err(later) => lookup = later,
                }
                thread::yield_now();
            }
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(end_of(Shared(Arc::new(move |_: &str, _| Ok(vec![address])))).unwrap(), [address]);
        let panics = |_: &str, _| -> io::Result<Vec<SocketAddr>> { panic!("on purpose") };
        assert_eq!(end_of(Shared(Arc::new(panics))).unwrap_err().to_string(), "the resolver panicked");
    }
}
