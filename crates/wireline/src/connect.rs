//! Making connections.

mod attempts;
mod basic;
pub(crate) mod connecting;
pub(crate) mod lookup;
pub(crate) mod no_proxy;
pub(crate) mod origin;
pub(crate) mod passage;
pub(crate) mod proxy;
mod race;
mod reopen;
pub(crate) mod rules;
pub(crate) mod socks;
#[cfg(feature = "tls")]
pub(crate) mod tls;
mod tunnel;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Config;
use crate::canceller::Canceller;
use crate::connect::attempts::Options;
use crate::connect::connecting::{Connecting, Place};
use crate::connect::lookup::{Resolver, Shared};
use crate::connect::origin::Origin;
use crate::connect::passage::Way;
use crate::connect::proxy::Proxy;
use crate::connect::reopen::Anew;
use crate::connect::rules::ProxyRules;
#[cfg(feature = "tls")]
use crate::connect::tls::TlsSettings;
use crate::connection::Connection;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::timeouts::{self, Timeouts};
use crate::transport::stream::Stream;

/// Makes connections, each with the same settings.
///
/// ```no_run
/// use std::time::Duration;
/// use wireline::{Connector, Origin, Timeouts};
///
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Some(Duration::from_secs(5));
/// let connector = Connector::new().timeouts(timeouts);
/// let mut connection = connector.connect(&Origin::parse("https://example.org")?)?;
/// println!("{}", connection.get("/")?.status());
/// # Ok::<(), wireline::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Connector {
    timeouts: timeouts::Shared,
    deadline: Option<Instant>,
    canceller: Option<Canceller>,
    config: Config,
    resolver: Shared,
    options: Options,
    /// How its connections connect anew, where they do: others have nothing of it in the program.
    anew: Option<Anew>,
    /// Through which proxy to which origin; `None` through none.
    proxy: Option<Arc<dyn Way>>,
    tls: TlsSettings,
    proxy_tls: TlsSettings,
}

/// Without the feature `tls`, what there is to say about it.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Debug, Default)]
struct NoTls;
#[cfg(not(feature = "tls"))]
use NoTls as TlsSettings;

impl Connector {
    /// The defaults: no bound on time but for 100 (Continue), a strict [`Config`], the roots that the system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long each operation may take, here and on the connections.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts.set(timeouts);
        self
    }

    /// When everything has to be over: the look-up, connecting, TLS, and what happens on the connections.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What ends every wait, the look-up included, here and on the connections.
    pub fn canceller(mut self, canceller: Canceller) -> Self {
        self.canceller = Some(canceller);
        self
    }

    /// How the connections treat their peers.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Who looks names up.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver = Shared(Arc::new(resolver));
        self
    }

    /// The address to connect from; port 0 for any. Addresses of the other family cannot be reached from it.
    pub fn local_address(mut self, address: SocketAddr) -> Self {
        self.options.local = Some(address);
        self
    }

    /// Whether small writes leave at once, as they do unless told otherwise (`TCP_NODELAY`): a request leaves in as few
    /// writes as it can anyway.
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.options.delay = !nodelay;
        self
    }

    /// Has the system ask an idle peer every so often whether it is still there (`SO_KEEPALIVE`), in whole seconds, at
    /// least one and at most 32,767.
    pub fn keepalive(mut self, every: Duration) -> Self {
        self.options.keepalive = Some(every.max(Duration::from_secs(1)));
        self
    }

    /// Whether the connections connect anew by themselves: when a request is sent on one that the peer has closed, or that
    /// carries no more requests, and nothing is in flight. Not unless asked for. Its settings stay, its counts and its
    /// exchanges begin from zero. A request that has left is never sent again by itself; a pipeline, and the halves of a
    /// connection, do not connect anew. Where calls do not wait, [`Connection::reopening`] says what to wait for.
    ///
    /// ```
    /// use wireline::{Connector, Origin, Reuse};
    ///
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let address = server.url("");
    /// let mut connection = Connector::new().auto_open(true).connect(&Origin::parse(&address)?)?;
    /// let closing = connection.request("GET", "/bytes/1").close().build()?;
    /// connection.send(&closing, ())?.bytes()?;
    /// assert!(matches!(connection.reuse(), Reuse::Never(_)));
    /// assert_eq!(connection.get("/bytes/2")?.bytes()?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn auto_open(mut self, auto_open: bool) -> Self {
        self.anew = auto_open.then_some(Anew::AS_BEFORE);
        self
    }

    /// Whom to believe over TLS. What it has loaded is kept for the connections that follow.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsSettings) -> Self {
        self.tls = tls;
        self
    }

    /// Whom a proxy that is spoken to over TLS has to be: the system's trusted roots unless set. What
    /// [`tls`](Self::tls) says is for the origin alone, so that a proxy never sees a certificate of ours that is meant
    /// for the origin.
    #[cfg(feature = "tls")]
    pub fn proxy_tls(mut self, tls: TlsSettings) -> Self {
        self.proxy_tls = tls;
        self
    }

    /// Goes through this proxy to every origin. An HTTP proxy forwards what is for an `http` origin: the requests of
    /// such a connection leave in absolute-form, with the proxy's credentials. To an `https` origin, and where
    /// [`tunnel_always`](Proxy::tunnel_always) was asked for, it makes a tunnel.
    ///
    /// Connections to given addresses and to Unix sockets go to no proxy.
    #[inline]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(Arc::new(proxy));
        self
    }

    /// Goes through the proxy that these rules name for the origin, if any: [`ProxyRules::from_env`] for those of the
    /// environment, which is not looked at otherwise.
    #[inline]
    pub fn proxy_rules(mut self, rules: ProxyRules) -> Self {
        self.proxy = Some(Arc::new(rules));
        self
    }

    /// Connects to an origin: looks its name up and races its addresses, each with a quarter of a second for itself
    /// before the next begins beside it (RFC 8305).
    ///
    /// # Errors
    /// [`NoSuchHost`](ErrorKind::NoSuchHost), [`ResolverUnreachable`](ErrorKind::ResolverUnreachable) or
    /// [`Resolve`](ErrorKind::Resolve); [`Connect`](ErrorKind::Connect), that of the last address that failed;
    /// [`Proxy`](ErrorKind::Proxy), and [`Error::proxy_answer`] says how it was refused; [`Lost`](ErrorKind::Lost) and
    /// [`Protocol`](ErrorKind::Protocol), by a proxy; [`Tls`](ErrorKind::Tls), [`Certificate`](ErrorKind::Certificate);
    /// [`Timeout`](ErrorKind::Timeout);
    /// [`Canceled`](ErrorKind::Canceled); [`WouldBlock`](ErrorKind::WouldBlock), where
    /// [`begin`](Self::begin) would make it possible to go on.
    pub fn connect(&self, origin: &Origin) -> Result<Connection<Stream>, Error> {
        self.begin(origin).finish()
    }

    /// Connects to an origin at other addresses than its name says. The name is still what TLS verifies.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub fn connect_at(&self, origin: &Origin, addresses: &[SocketAddr]) -> Result<Connection<Stream>, Error> {
        self.begin_at(origin, addresses).finish()
    }

    /// Connects to an origin that listens on a Unix socket.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub fn connect_unix(&self, origin: &Origin, path: impl AsRef<Path>) -> Result<Connection<Stream>, Error> {
        self.begin_unix(origin, path).finish()
    }

    /// Begins to connect, for those who go on by themselves: [`connect`](Self::connect) in steps.
    #[must_use]
    pub fn begin(&self, origin: &Origin) -> Connecting {
        Connecting::new(self, origin, Place::Name)
    }

    /// Begins to connect: [`connect_at`](Self::connect_at) in steps.
    #[must_use]
    pub fn begin_at(&self, origin: &Origin, addresses: &[SocketAddr]) -> Connecting {
        Connecting::new(self, origin, Place::At(addresses.to_vec()))
    }

    /// Begins to connect: [`connect_unix`](Self::connect_unix) in steps.
    #[must_use]
    pub fn begin_unix(&self, origin: &Origin, path: impl AsRef<Path>) -> Connecting {
        Connecting::new(self, origin, Place::Unix(path.as_ref().to_owned()))
    }
}
