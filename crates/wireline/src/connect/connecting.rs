//! A connection while it is being made: one step behind another, none of which waits.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::Request;
use crate::canceller::Canceller;
use crate::connect::Connector;
#[cfg(not(feature = "tls"))]
use crate::connect::NoTls as TlsSettings;
use crate::connect::attempts::{Attempts, connect_unix};
use crate::connect::lookup::{self, Lookup};
use crate::connect::origin::Origin;
use crate::connect::passage::{Asking, Passage};
use crate::connect::proxy::Route;
#[cfg(feature = "tls")]
use crate::connect::tls::{self, TlsSettings};
use crate::connection::{Connection, Made};
use crate::error::{Context, Error, ErrorKind, Stage};
use crate::reply::Head;
use crate::timeouts::{Bound, Operation};
use crate::timing::Setup;
use crate::trace;
use crate::transport::Ready;
use crate::transport::stream::Stream;
#[cfg(feature = "tls")]
use crate::transport::tls::Tls;
use crate::wait::{wait_for, wanted_of};

/// A connection that is being made. [`Connector::begin`] makes one; [`finish`](Self::finish) goes on with it.
///
/// ```
/// use std::time::Duration;
/// use wireline::{Connector, ErrorKind, Origin, Timeouts};
///
/// # let server = wireline_testkit::Origin::start()?;
/// # let address = server.url("");
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Some(Duration::ZERO);
/// let mut connecting = Connector::new().timeouts(timeouts).begin(&Origin::parse(&address)?);
/// let mut connection = loop {
///     match connecting.finish() {
///         Ok(connection) => break connection,
///         // Here a program waits for `wanted`, or does something else.
///         Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {}
///         Err(error) => return Err(error.into()),
///     }
/// };
/// assert_eq!(connection.get("/bytes/0")?.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Connecting {
    pub(super) connector: Connector,
    pub(super) origin: Origin,
    pub(super) place: Place,
    proxy: Option<Arc<dyn Passage>>,
    /// The origin's addresses, where a proxy is to be given one.
    pub(super) targets: VecDeque<SocketAddr>,
    /// What answers the proxy's last refusal, where that takes another connection.
    pub(super) ask: Option<Request>,
    /// How often it has refused.
    pub(super) rounds: u32,
    /// What came through the proxy behind its answer.
    pub(super) early: Vec<u8>,
    /// The proxy's answer to CONNECT.
    pub(super) answer: Option<Head>,
    pub(super) step: Step,
    pub(super) is_nonblocking: bool,
    /// When the step that goes on began.
    started: Instant,
    setup: Setup,
}

/// Where an origin is.
#[derive(Clone)]
pub(crate) enum Place {
    At(Vec<SocketAddr>),
    Name,
    Unix(PathBuf),
}

/// One thing that has to be done, and how far it is.
pub(crate) enum Step {
    /// Nothing has begun.
    Beginning,
    LookingUp {
        lookup: Lookup,
        whom: Whom,
    },
    Connecting(Attempts),
    /// The listener's backlog is full; it is tried again then.
    Queueing {
        again: Instant,
    },
    #[cfg(feature = "tls")]
    Securing {
        tls: Box<Tls<Stream>>,
        whom: Whom,
    },
    /// Through a proxy to the origin.
    Asking(Box<dyn Asking>),
}

/// Whom a step is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    Origin,
    Proxy,
}

/// What came of a step.
pub(crate) enum Went {
    /// It is done, and this is next.
    On(Step),
    /// It has to wait.
    Nowhere(Step),
    /// It was the last.
    Home(Stream),
}

/// How far a stream leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To whom was connected to: the proxy, if there is one.
    Next,
    /// To the proxy, and nobody else hears it.
    #[cfg(feature = "tls")]
    SecuredProxy,
    /// To the origin, through whatever is between.
    Origin,
}

/// How long a Unix listener whose backlog is full is left alone.
const BACKLOG: Duration = Duration::from_millis(10);

impl Connecting {
    pub(crate) fn new(connector: &Connector, origin: &Origin, place: Place) -> Self {
        let way = connector.proxy.as_ref().filter(|_| matches!(place, Place::Name));
        let proxy = way.and_then(|way| way.passage(origin));
        Self {
            place,
            proxy,
            targets: VecDeque::new(),
            ask: None,
            rounds: 0,
            early: Vec::new(),
            answer: None,
            step: Step::Beginning,
            is_nonblocking: false,
            started: Instant::now(),
            setup: Setup::default(),
            origin: origin.clone(),
            connector: connector.clone(),
        }
    }

    /// Goes on until there is a connection, and waits as the timeouts allow. After [`WouldBlock`](ErrorKind::WouldBlock),
    /// [`Timeout`](ErrorKind::Timeout) and [`Canceled`](ErrorKind::Canceled) nothing is lost: the next call goes on, though
    /// a bound that is over stays so: such a call only looks what has come. After any other error, and after a connection,
    /// it begins anew.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub fn finish(&mut self) -> Result<Connection<Stream>, Error> {
        loop {
            let step = std::mem::replace(&mut self.step, Step::Beginning);
            let (_, operation, _) = self.doing(&step);
            if matches!(step, Step::Beginning) {
                self.started = Instant::now();
            }
            let went = match self.go(step) {
                Ok(went) => went,
                Err(error) => {
                    trace::failure(&error);
                    self.forget();
                    return Err(error);
                }
            };
            match went {
                Went::Nowhere(step) => {
                    self.step = step;
                    self.wait()?;
                }
                Went::On(step) => {
                    if self.doing(&step).1 != operation {
                        self.note(operation);
                    }
                    self.step = step;
                }
                Went::Home(stream) => {
                    self.note(operation);
                    return Ok(self.connection(stream));
                }
            }
        }
    }

    /// What an event loop has to wait for before [`finish`](Self::finish) is called again: one of these descriptors, or
    /// [`until`](Self::until). They are others after each call, and several where several addresses are tried at a time.
    #[must_use]
    pub fn wanted(&self) -> Vec<(BorrowedFd<'_>, Ready)> {
        let reading = Ready { read: true, write: false };
        let writing = Ready { read: false, write: true };
        match &self.step {
            Step::Beginning | Step::Queueing { .. } => Vec::new(),
            Step::LookingUp { lookup, .. } => vec![(lookup.bell(), reading)],
            Step::Connecting(attempts) => attempts.going().map(|fd| (fd, writing)).collect(),
            #[cfg(feature = "tls")]
            Step::Securing { tls, .. } => vec![tls.wanted()],
            Step::Asking(asking) => asking.wanted().into_iter().collect(),
        }
    }

    /// When to call again, whatever the descriptors say: a step begins by itself then, or a bound is over. `None` where only
    /// the descriptors matter.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        let (_, _, most) = self.doing(&self.step);
        let by_itself = match &self.step {
            Step::Connecting(attempts) => attempts.until(),
            Step::Queueing { again } => Some(*again),
            _ => None,
        };
        // A bound that is over is still one: who asks a moment too late would wait for ever. Only zero is none.
        let end = most.filter(|most| !most.is_zero()).and_then(|most| self.started.checked_add(most));
        [by_itself, end, self.connector.deadline].into_iter().flatten().min()
    }

    /// Whether [`finish`](Self::finish) returns [`WouldBlock`](ErrorKind::WouldBlock) rather than wait, as with timeouts of
    /// zero, but with the timeouts as they are. The connection does the same then:
    /// [`Connection::set_nonblocking`](crate::Connection::set_nonblocking).
    pub fn set_nonblocking(&mut self, nonblocking: bool) {
        self.is_nonblocking = nonblocking;
    }

    fn bound(&self, operation: Operation, most: Option<Duration>, now: Instant) -> Bound {
        let end = most.and_then(|most| self.started.checked_add(most));
        let bound = Bound::of(None, operation).until(end, operation, now);
        bound.until(self.connector.deadline, Operation::Deadline, now)
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.doing(&self.step).0
    }

    /// What a step is called, and how long it may take.
    fn doing(&self, step: &Step) -> (Stage, Operation, Option<Duration>) {
        let timeouts = &self.connector.timeouts;
        match step {
            Step::Beginning | Step::LookingUp { .. } => (Stage::Resolving, Operation::Resolve, timeouts.resolve),
            Step::Connecting(_) | Step::Queueing { .. } => (Stage::Connecting, Operation::Connect, timeouts.connect),
            #[cfg(feature = "tls")]
            Step::Securing { .. } => (Stage::Securing, Operation::Tls, timeouts.tls),
            Step::Asking(_) => (Stage::Tunnelling, Operation::Tunnel, timeouts.tunnel),
        }
    }

    /// Goes as far with a step as it can without waiting.
    fn go(&mut self, step: Step) -> Result<Went, Error> {
        match step {
            Step::Beginning => self.begin(),
            Step::LookingUp { lookup, whom } => match lookup.result() {
                Ok(found) => self.found(found, whom),
                Err(lookup) => Ok(Went::Nowhere(Step::LookingUp { lookup, whom })),
            },
            Step::Connecting(mut attempts) => match attempts.advance(self.sleep()) {
                Ok(Some(socket)) => self.onward(socket.into(), Reach::Next),
                Ok(None) => Ok(Went::Nowhere(Step::Connecting(attempts))),
                Err(error) => Err(self.failed(ErrorKind::Connect, Stage::Connecting, error)),
            },
            Step::Queueing { again } => self.queue(again),
            #[cfg(feature = "tls")]
            Step::Securing { mut tls, whom } => match (tls.handshake(Some(Instant::now())), whom) {
                (Ok(()), Whom::Proxy) => self.onward(Stream::Tls(tls), Reach::SecuredProxy),
                (Ok(()), Whom::Origin) => Ok(Went::Home(Stream::Tls(tls))),
                (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => {
                    Ok(Went::Nowhere(Step::Securing { tls, whom }))
                }
                (Err(error), _) => Err(self.failed(tls::kind_of(&error), Stage::Securing, error)),
            },
            Step::Asking(asking) => asking.go(self),
        }
    }

    /// How long a system call may sleep while it connects: not at all where its end is not all that has to be heard.
    fn sleep(&self) -> Option<Duration> {
        if self.is_nonblocking || self.connector.canceller.is_some() {
            return Some(Duration::ZERO);
        }
        self.bound(Operation::Connect, self.connector.timeouts.connect, Instant::now()).left
    }

    /// What was found out on the way is not for the next time.
    pub(super) fn forget(&mut self) {
        self.targets.clear();
        self.ask = None;
        self.rounds = 0;
        self.setup = Setup::default();
    }

    fn begin(&mut self) -> Result<Went, Error> {
        self.early.clear();
        match &self.place {
            Place::At(addresses) => Ok(self.connect(addresses)),
            Place::Unix(_) => Ok(Went::On(Step::Queueing { again: Instant::now() })),
            Place::Name => match self.proxy.as_ref().map(|proxy| proxy.route(&self.origin)) {
                None => self.look_up(Whom::Origin),
                Some(Route::SocksAddress) if self.targets.is_empty() => self.look_up(Whom::Origin),
                Some(_) => self.look_up(Whom::Proxy),
            },
        }
    }

    fn look_up(&mut self, whom: Whom) -> Result<Went, Error> {
        let (host, port) = match (whom, &self.proxy) {
            (Whom::Proxy, Some(proxy)) => proxy.place(),
            _ => (self.origin.host(), self.origin.port()),
        };
        if let Ok(literal) = host.parse::<IpAddr>() {
            return self.found(Ok(vec![SocketAddr::new(literal, port)]), whom);
        }
        let Connector { resolver, timeouts, deadline, canceller, .. } = &self.connector;
        let is_bounded = timeouts.resolve.is_some() || deadline.is_some() || canceller.is_some();
        if !is_bounded && !self.is_nonblocking {
            // Nothing could end it but itself: a thread for it would be of no use.
            return self.found(resolver.resolve(host, port), whom);
        }
        match Lookup::start(resolver.clone(), host, port) {
            Ok(lookup) => Ok(Went::On(Step::LookingUp { lookup, whom })),
            Err(error) => self.found(Err(error), whom),
        }
    }

    fn found(&mut self, found: io::Result<Vec<SocketAddr>>, whom: Whom) -> Result<Went, Error> {
        let addresses = found.map_err(|error| self.failed(lookup::kind_of(&error), Stage::Resolving, error))?;
        match (whom, &self.proxy) {
            (Whom::Origin, Some(_)) => {
                self.targets = addresses.into();
                self.look_up(Whom::Proxy)
            }
            _ => Ok(self.connect(&addresses)),
        }
    }

    fn connect(&self, addresses: &[SocketAddr]) -> Went {
        Went::On(Step::Connecting(Attempts::new(addresses, self.connector.options)))
    }

    fn queue(&self, again: Instant) -> Result<Went, Error> {
        let Place::Unix(path) = &self.place else { unreachable!("only a Unix socket has such a queue") };
        let now = Instant::now();
        if now < again {
            return Ok(Went::Nowhere(Step::Queueing { again }));
        }
        match connect_unix(path) {
            Ok(socket) => self.onward(socket.into(), Reach::Next),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok(Went::Nowhere(Step::Queueing { again: now + BACKLOG }))
            }
            Err(error) => Err(self.failed(ErrorKind::Connect, Stage::Connecting, error)),
        }
    }

    /// The next step over a stream that leads this far.
    pub(super) fn onward(&self, stream: Stream, reach: Reach) -> Result<Went, Error> {
        match &self.proxy {
            Some(proxy) if reach == Reach::Next && proxy.is_secure() => {
                self.secure(&self.connector.proxy_tls, stream, proxy.place().0, Whom::Proxy)
            }
            Some(proxy) if reach != Reach::Origin => match proxy.route(&self.origin) {
                Route::Forward => Ok(Went::Home(stream)),
                _ => Arc::clone(proxy).ask(stream, self).map(Went::On),
            },
            _ if self.origin.is_secure() => self.secure(&self.connector.tls, stream, self.origin.host(), Whom::Origin),
            _ => Ok(Went::Home(stream)),
        }
    }

    #[cfg(feature = "tls")]
    fn secure(&self, settings: &TlsSettings, stream: Stream, host: &str, whom: Whom) -> Result<Went, Error> {
        let session = if self.early.is_empty() {
            settings.session(stream, host)
        } else {
            let what = "bytes came through the proxy before the handshake had begun";
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        };
        match session {
            Ok(tls) => Ok(Went::On(Step::Securing { tls: Box::new(tls), whom })),
            Err(error) => Err(self.failed(ErrorKind::Tls, Stage::Securing, error)),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&self, _: &TlsSettings, _: Stream, _: &str, _: Whom) -> Result<Went, Error> {
        let error = io::Error::new(io::ErrorKind::Unsupported, "wireline was built without its feature `tls`");
        Err(self.failed(ErrorKind::Tls, Stage::Securing, error))
    }

    pub(super) fn failed(&self, kind: ErrorKind, stage: Stage, error: io::Error) -> Error {
        Error::from_system(kind, self.context(stage), error)
    }

    /// A step is over.
    fn note(&mut self, operation: Operation) {
        trace::step(operation, self.origin.host());
        let took = self.started.elapsed();
        self.started = Instant::now();
        let phase = match operation {
            // An address needs no look-up.
            Operation::Resolve if !matches!(self.place, Place::Name) => return,
            Operation::Resolve => &mut self.setup.resolve,
            Operation::Connect => &mut self.setup.connect,
            Operation::Tunnel => &mut self.setup.tunnel,
            _ => &mut self.setup.tls,
        };
        // Through a proxy, some happen twice.
        phase.add(took);
    }

    /// Waits for what the step wants.
    fn wait(&self) -> Result<(), Error> {
        let (stage, operation, most) = self.doing(&self.step);
        let canceller = &self.connector.canceller;
        let refused = |kind| Err(Error::new(kind, self.context(stage)));
        let now = Instant::now();
        let bound = self.bound(operation, most, now);
        if canceller.as_ref().is_some_and(Canceller::is_canceled) {
            return refused(ErrorKind::Canceled);
        }
        if bound.left == Some(Duration::ZERO) {
            let never_waits = bound.operation != Operation::Deadline && most == Some(Duration::ZERO);
            let kind = if never_waits { ErrorKind::WouldBlock } else { ErrorKind::Timeout };
            return refused(kind(bound.operation));
        }
        if self.is_nonblocking {
            return refused(ErrorKind::WouldBlock(operation));
        }
        let mut fds: Vec<_> = self.wanted().into_iter().map(|(fd, wanted)| wanted_of(fd, wanted)).collect();
        if let Some(canceller) = canceller {
            fds.push(PollFd::from_borrowed_fd(canceller.bell(), PollFlags::IN));
        }
        if let Err(error) = wait_for(&mut fds, self.until()) {
            return Err(Error::from_system(ErrorKind::Connect, self.context(stage), error));
        }
        if let (Some(canceller), Some(bell)) = (canceller, fds.last()) {
            if !bell.revents().is_empty() {
                canceller.heard();
            }
        }
        Ok(())
    }

    pub(super) fn context(&self, stage: Stage) -> Context {
        Context::before(stage, self.started.elapsed())
    }

    fn connection(&mut self, stream: Stream) -> Connection<Stream> {
        let Connector { config, timeouts, deadline, canceller, .. } = &self.connector;
        let mut connection = Connection::with_transport(stream, *config);
        connection.driver().timeouts = timeouts.clone();
        connection.set_deadline(*deadline);
        connection.set_canceller(canceller.clone());
        connection.set_nonblocking(self.is_nonblocking);
        let forwards = self.proxy.as_ref().filter(|proxy| proxy.route(&self.origin) == Route::Forward);
        let made = Made {
            reopen: self.connector.anew.map(|anew| anew.of(self)),
            setup: std::mem::take(&mut self.setup),
            forward: forwards.map(|proxy| Box::new((Arc::clone(proxy), self.origin.clone()))),
            answer: self.answer.take(),
        };
        self.forget();
        // It was made just now: a look would cost more than it tells, as at one that was idle for a moment.
        connection.driver().unseen = false;
        connection.set_origin(self.origin.clone(), made);
        connection.driver().take_in_early(&std::mem::take(&mut self.early));
        connection
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("origin", &self.origin).field("stage", &self.stage()).finish_non_exhaustive()
    }
}
