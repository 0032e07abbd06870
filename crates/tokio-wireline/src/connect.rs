//! Making connections.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

#[cfg(feature = "tls")]
use wireline::TlsSettings;
use wireline::{
    Canceller, Config, Connecting, Error, ErrorKind, Origin, Proxy, ProxyRules, Ready, Resolver, Timeouts, Transport,
};

use crate::connection::Connection;
use crate::drive::{Bell, Wait};
use crate::transport::{AsyncTransport, Stream};

/// Makes connections, each with the same settings: [`wireline::Connector`], awaited. A name is looked up on a thread of
/// its own, as tokio does it.
///
/// ```no_run
/// # async fn example() -> Result<(), tokio_wireline::Error> {
/// use std::time::Duration;
/// use tokio_wireline::{Connector, Origin, Timeouts};
///
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Some(Duration::from_secs(5));
/// let connector = Connector::new().timeouts(timeouts);
/// let mut connection = connector.connect(&Origin::parse("https://example.org")?).await?;
/// println!("{}", connection.get("/").await?.status());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Connector {
    inner: wireline::Connector,
    canceller: Option<Canceller>,
    auto_open: bool,
}

/// Connects to the same place again.
pub(crate) trait Reopen<S: AsyncTransport>: fmt::Debug + Send + Sync {
    /// With these bounds.
    fn reopen(
        &self,
        timeouts: Timeouts,
        deadline: Option<Instant>,
        canceller: Option<Canceller>,
    ) -> Pin<Box<dyn Future<Output = Result<Connection<S>, Error>> + Send + '_>>;
}

/// Where a connection goes.
#[derive(Clone, Debug)]
struct Place {
    connector: Connector,
    origin: Origin,
    at: At,
}

#[derive(Clone, Debug)]
enum At {
    Addresses(Vec<SocketAddr>),
    Name,
    Unix(PathBuf),
}

impl Place {
    fn begin(&self) -> Connecting {
        let connector = &self.connector.inner;
        match &self.at {
            At::Addresses(addresses) => connector.begin_at(&self.origin, addresses),
            At::Name => connector.begin(&self.origin),
            At::Unix(path) => connector.begin_unix(&self.origin, path),
        }
    }

    /// In a box, that it is gone when there is a connection: a task keeps room for the largest that it awaits as long as it
    /// lives, and this is several times as large as all that comes later.
    fn connect(self) -> Pin<Box<dyn Future<Output = Result<Connection<Stream>, Error>> + Send>> {
        Box::pin(async move {
            let connection = self.connector.finish(self.begin()).await?;
            Ok(if self.connector.auto_open { connection.again_by(Box::new(self)) } else { connection })
        })
    }
}

impl Reopen<Stream> for Place {
    fn reopen(
        &self,
        timeouts: Timeouts,
        deadline: Option<Instant>,
        canceller: Option<Canceller>,
    ) -> Pin<Box<dyn Future<Output = Result<Connection<Stream>, Error>> + Send + '_>> {
        let mut connector = self.connector.clone().timeouts(timeouts);
        if let Some(deadline) = deadline {
            connector = connector.deadline(deadline);
        }
        if let Some(canceller) = canceller {
            connector = connector.canceller(canceller);
        }
        let place = Self { connector, ..self.clone() };
        Box::pin(async move { place.connector.finish(place.begin()).await })
    }
}

impl Connector {
    /// As [`wireline::Connector::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`wireline::Connector::timeouts`].
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.with(|inner| inner.timeouts(timeouts))
    }

    /// As [`wireline::Connector::deadline`].
    pub fn deadline(self, deadline: Instant) -> Self {
        self.with(|inner| inner.deadline(deadline))
    }

    /// As [`wireline::Connector::canceller`].
    pub fn canceller(mut self, canceller: Canceller) -> Self {
        self.canceller = Some(canceller.clone());
        self.with(|inner| inner.canceller(canceller))
    }

    /// As [`wireline::Connector::config`].
    pub fn config(self, config: Config) -> Self {
        self.with(|inner| inner.config(config))
    }

    /// As [`wireline::Connector::resolver`]. It is called on a thread of its own.
    pub fn resolver(self, resolver: impl Resolver + 'static) -> Self {
        self.with(|inner| inner.resolver(resolver))
    }

    /// As [`wireline::Connector::local_address`].
    pub fn local_address(self, address: SocketAddr) -> Self {
        self.with(|inner| inner.local_address(address))
    }

    /// As [`wireline::Connector::nodelay`].
    pub fn nodelay(self, nodelay: bool) -> Self {
        self.with(|inner| inner.nodelay(nodelay))
    }

    /// As [`wireline::Connector::keepalive`].
    pub fn keepalive(self, every: Duration) -> Self {
        self.with(|inner| inner.keepalive(every))
    }

    /// As [`wireline::Connector::tls`].
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: TlsSettings) -> Self {
        self.with(|inner| inner.tls(tls))
    }

    /// As [`wireline::Connector::proxy_tls`].
    #[cfg(feature = "tls")]
    pub fn proxy_tls(self, tls: TlsSettings) -> Self {
        self.with(|inner| inner.proxy_tls(tls))
    }

    /// As [`wireline::Connector::auto_open`].
    pub fn auto_open(mut self, auto_open: bool) -> Self {
        self.auto_open = auto_open;
        self
    }

    /// As [`wireline::Connector::proxy`].
    pub fn proxy(self, proxy: Proxy) -> Self {
        self.with(|inner| inner.proxy(proxy))
    }

    /// As [`wireline::Connector::proxy_rules`].
    pub fn proxy_rules(self, rules: ProxyRules) -> Self {
        self.with(|inner| inner.proxy_rules(rules))
    }

    /// Connects to an origin. Dropped, the future gives the attempt up.
    ///
    /// # Errors
    /// As [`wireline::Connector::connect`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O enabled, and time where there is a bound; so do all methods that wait.
    pub async fn connect(&self, origin: &Origin) -> Result<Connection<Stream>, Error> {
        self.place(origin, At::Name).connect().await
    }

    /// As [`wireline::Connector::connect_at`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub async fn connect_at(&self, origin: &Origin, addresses: &[SocketAddr]) -> Result<Connection<Stream>, Error> {
        self.place(origin, At::Addresses(addresses.to_vec())).connect().await
    }

    /// As [`wireline::Connector::connect_unix`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub async fn connect_unix(&self, origin: &Origin, path: impl AsRef<Path>) -> Result<Connection<Stream>, Error> {
        self.place(origin, At::Unix(path.as_ref().to_owned())).connect().await
    }

    /// Puts what its borrower took away back into a connection that is lent again: all but what the pool itself does.
    pub(crate) fn renew(&self, connection: &mut Connection<Stream>) -> io::Result<()> {
        match &self.canceller {
            Some(canceller) => connection.set_canceller(Some(canceller.clone())),
            None => Ok(()),
        }
    }

    fn place(&self, origin: &Origin, at: At) -> Place {
        Place { connector: self.clone(), origin: origin.clone(), at }
    }

    async fn finish(&self, mut connecting: Connecting) -> Result<Connection<Stream>, Error> {
        connecting.set_nonblocking(true);
        let mut wait = Wait::default();
        let failed = Error::cannot_connect;
        wait.set_canceller(self.canceller.as_ref()).map_err(failed)?;
        loop {
            match connecting.finish() {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {
                    let wanted = wanted(&connecting).map_err(failed)?;
                    until_ready(&wanted, &mut wait, connecting.until()).await;
                }
                Err(error) => return Err(error),
                Ok(connection) => {
                    let mut connection = connection.map_transport(Stream::new).map_err(failed)?;
                    until_writable(&mut connection, &mut wait).await;
                    return Ok(Connection::adopt(connection, wait));
                }
            }
        }
    }

    fn with(mut self, change: impl FnOnce(wireline::Connector) -> wireline::Connector) -> Self {
        self.inner = change(self.inner);
        self
    }
}

/// The same settings. A canceller and `auto_open` that were set before have to be set again.
impl From<wireline::Connector> for Connector {
    fn from(inner: wireline::Connector) -> Self {
        Self { inner, canceller: None, auto_open: false }
    }
}

/// The descriptors that it waits for.
fn wanted(connecting: &Connecting) -> io::Result<Vec<Bell>> {
    connecting.wanted().into_iter().map(|(fd, ready)| Bell::new(fd, ready)).collect()
}

/// Waits for one of them, or until it is time. What connects is not borrowed meanwhile, so that the future may go from
/// thread to thread.
async fn until_ready(wanted: &[Bell], wait: &mut Wait, until: Option<Instant>) {
    poll_fn(|cx| {
        // Each of them is asked, so that each wakes.
        let is_ready = wanted.iter().filter(|bell| bell.is_ready(cx)).count() > 0;
        if wait.poll(cx, until).is_ready() || is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The reactor has not heard of a socket yet that is new to it: without this, the first write would find no room. What is
/// too late or canceled meanwhile, the first exchange is told.
async fn until_writable(connection: &mut wireline::Connection<Stream>, wait: &mut Wait) {
    let deadline = connection.deadline();
    let Some(transport) = connection.transport_mut() else { return };
    poll_fn(|cx| {
        transport.wakes(cx.waker());
        match transport.wait(Ready { read: false, write: true }, None) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait.poll(cx, deadline),
            _ => Poll::Ready(()),
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_socket_without_room_is_waited_for_within_the_deadline() {
        let (mut near, far) = UnixStream::pair().expect("a pair of sockets");
        near.set_nonblocking(true).expect("a socket that does not wait");
        while near.write(&[0; 4096]).is_ok() {}
        let stream = Stream::Plain(tokio::net::UnixStream::from_std(near).expect("a socket of the reactor").into());
        let mut connection = wireline::Connection::with_transport(stream, Config::default());
        let mut wait = Wait::default();
        let is_over = |connection: &mut _, wait: &mut _| {
            let waiting = std::pin::pin!(until_writable(connection, wait));
            waiting.poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        assert!(!is_over(&mut connection, &mut wait));
        connection.set_deadline(Some(Instant::now()));
        assert!(is_over(&mut connection, &mut wait));
        drop(far);
    }
}
