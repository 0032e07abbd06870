//! Making connections.

pub(crate) mod address;
pub(crate) mod origin;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use crate::Config;
use crate::connect::origin::Origin;
#[cfg(feature = "tls")]
use crate::connect::tls::TlsSettings;
use crate::connection::Connection;
use crate::error::{Context, Error, ErrorKind, Stage};
use crate::timeouts::{Bound, Operation, Timeouts};
use crate::timing::Setup;
use crate::transport::socket::Socket;
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
    timeouts: Timeouts,
    deadline: Option<Instant>,
    config: Config,
    #[cfg(feature = "tls")]
    tls: TlsSettings,
}

impl Connector {
    /// The defaults: no bound on time but for 100 (Continue), a strict [`Config`], the roots that the system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long each operation may take, here and on the connections.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// When everything has to be over: the look-up, connecting, TLS, and what happens on the connections.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How the connections treat their peers.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Whom to believe over TLS. What it has loaded is kept for the connections that follow.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsSettings) -> Self {
        self.tls = tls;
        self
    }

    /// Connects to an origin: looks its name up and tries its addresses in turn.
    ///
    /// # Errors
    /// [`Resolve`](ErrorKind::Resolve), [`Connect`](ErrorKind::Connect), [`Tls`](ErrorKind::Tls),
    /// [`Certificate`](ErrorKind::Certificate) or [`Timeout`](ErrorKind::Timeout).
    pub fn connect(&self, origin: &Origin) -> Result<Connection<Stream>, Error> {
        let started = Instant::now();
        let bound = self.bound(Bound::of(self.timeouts.resolve, Operation::Resolve), started);
        let addresses = address::resolve(origin.host(), origin.port(), bound)
            .map_err(|error| refused(ErrorKind::Resolve, Stage::Resolving, bound, started, error))?;
        let setup = Setup { resolve: Some(started.elapsed()), ..Setup::default() };
        self.connect_to(origin, &addresses, setup)
    }

    /// Connects to an origin at other addresses than its name says. The name is still what TLS verifies.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub fn connect_at(&self, origin: &Origin, addresses: &[SocketAddr]) -> Result<Connection<Stream>, Error> {
        self.connect_to(origin, addresses, Setup::default())
    }

    /// Connects to an origin that listens on a Unix socket. The connect itself has no bound: it waits only while the
    /// listener's backlog is full.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), but for the look-up.
    pub fn connect_unix(&self, origin: &Origin, path: impl AsRef<Path>) -> Result<Connection<Stream>, Error> {
        let started = Instant::now();
        let bound = self.bound(Bound::of(self.timeouts.connect, Operation::Connect), started);
        let stream = UnixStream::connect(path)
            .map_err(|error| refused(ErrorKind::Connect, Stage::Connecting, bound, started, error))?;
        let setup = Setup { connect: Some(started.elapsed()), ..Setup::default() };
        self.secure(origin, stream.into(), setup)
    }

    fn connect_to(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
        mut setup: Setup,
    ) -> Result<Connection<Stream>, Error> {
        let started = Instant::now();
        let bound = self.bound(Bound::of(self.timeouts.connect, Operation::Connect), started);
        let stream: TcpStream = address::connect(addresses, bound.left)
            .map_err(|error| refused(ErrorKind::Connect, Stage::Connecting, bound, started, error))?;
        setup.connect = Some(started.elapsed());
        self.secure(origin, stream.into(), setup)
    }

    #[cfg(feature = "tls")]
    fn secure(&self, origin: &Origin, socket: Socket, mut setup: Setup) -> Result<Connection<Stream>, Error> {
        if !origin.is_secure() {
            return Ok(self.finish(origin, socket.into(), setup));
        }
        let started = Instant::now();
        let bound = self.bound(Bound::of(self.timeouts.tls, Operation::Tls), started);
        let stream = self.tls.secure(socket, origin.host(), bound.left).map_err(|error| {
            let kind = if tls::is_about_certificate(&error) { ErrorKind::Certificate } else { ErrorKind::Tls };
            refused(kind, Stage::Securing, bound, started, error)
        })?;
        setup.tls = Some(started.elapsed());
        Ok(self.finish(origin, Stream::Tls(Box::new(stream)), setup))
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&self, origin: &Origin, socket: Socket, setup: Setup) -> Result<Connection<Stream>, Error> {
        if origin.is_secure() {
            let error = io::Error::new(io::ErrorKind::Unsupported, "wireline was built without its feature `tls`");
            let bound = Bound::of(None, Operation::Tls);
            return Err(refused(ErrorKind::Tls, Stage::Securing, bound, Instant::now(), error));
        }
        Ok(self.finish(origin, socket.into(), setup))
    }

    fn finish(&self, origin: &Origin, stream: Stream, setup: Setup) -> Connection<Stream> {
        let mut connection = Connection::with_transport(stream, self.config);
        connection.set_origin(origin.clone(), setup);
        connection.set_timeouts(self.timeouts);
        connection.set_deadline(self.deadline);
        connection
    }

    fn bound(&self, bound: Bound, now: Instant) -> Bound {
        bound.until(self.deadline, Operation::Deadline, now)
    }
}

/// Why there is no connection. That time is up comes as `WouldBlock` from below, whatever the operation.
fn refused(kind: ErrorKind, stage: Stage, bound: Bound, started: Instant, error: io::Error) -> Error {
    let context = Context::before(stage, started.elapsed());
    match (error.kind(), bound.left) {
        (io::ErrorKind::WouldBlock, Some(left)) if left.is_zero() && bound.operation != Operation::Deadline => {
            Error::new(ErrorKind::WouldBlock(bound.operation), context)
        }
        (io::ErrorKind::WouldBlock, Some(_)) => Error::new(ErrorKind::Timeout(bound.operation), context),
        _ => Error::from_system(kind, context, error),
    }
}
