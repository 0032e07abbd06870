//! One blocking connection.

mod questions;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use wireline_proto::{Config, Request, RequestBuilder, Reuse};

use crate::canceller::Canceller;
use crate::connect::Connector;
use crate::connect::connecting::Connecting;
use crate::connect::origin::Origin;
use crate::connect::passage::Passage;
use crate::content::Content;
use crate::driver::Driver;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::reply::Head;
use crate::response::Response;
use crate::split::{self, ReceiveHalf, SendHalf};
use crate::tap::Tap;
use crate::tap::redact::Redact;
use crate::timeouts::{Operation, Timeouts};
use crate::timing::Setup;
use crate::transport::Transport;
use crate::transport::bring::Bring;
use crate::transport::stream::Stream;

/// One HTTP/1.1 client connection.
///
/// One exchange at a time, which the compiler checks: a [`Response`] borrows the connection, so that the next request
/// cannot be sent before the response is finished or dropped. Several at a time go through a [`Pipeline`].
///
/// The methods come in five groups: making one; exchanges; questions, which have answers at any time, after an error
/// above all; settings; the end.
pub struct Connection<S: Transport = Stream> {
    driver: Driver<S>,
    origin: Option<Origin>,
    /// What the caller wants in `Host`, where that is not the origin's.
    host: Option<Box<str>>,
    proxy_answer: Option<Box<Head>>,
    /// How to connect anew, where that happens by itself.
    reopen: Option<Box<dyn Reopen<S>>>,
}

/// Makes another connection to the same origin.
pub(crate) trait Reopen<S: Transport>: Send {
    /// Puts it in the place of the one before, and gives the proxy's answer.
    fn reopen(&mut self, before: &mut Driver<S>) -> Result<Option<Box<Head>>, Error>;

    /// What goes on with it at the next call, where it has begun.
    fn begun(&self) -> Option<&Connecting>;
}

/// How a connection was made.
pub(crate) struct Made<S: Transport> {
    pub(crate) reopen: Option<Box<dyn Reopen<S>>>,
    pub(crate) setup: Setup,
    /// The proxy that every request goes to, and for whom.
    pub(crate) forward: Option<Box<(Arc<dyn Passage>, Origin)>>,
    pub(crate) answer: Option<Head>,
}

impl Connection<Stream> {
    /// Connects to an origin, `http://host:port` or `https://host:port`, with the defaults of a [`Connector`].
    ///
    /// # Errors
    /// As [`Connector::connect`], or [`InvalidUrl`](crate::ErrorKind::InvalidUrl).
    pub fn connect(origin: &str) -> Result<Self, Error> {
        Connector::new().connect(&Origin::parse(origin)?)
    }
}

impl<T: Read + Write> Connection<Bring<T>> {
    /// Over any stream. It can only block: what a [`Stream`] can do more, see [`Bring`].
    #[must_use]
    pub fn over(stream: T) -> Self {
        Self::over_with(stream, Config::default())
    }

    /// The same, with a configuration of your own.
    #[must_use]
    pub fn over_with(stream: T, config: Config) -> Self {
        Self::with_transport(Bring::new(stream), config)
    }
}

impl<S: Transport> Connection<S> {
    /// Over a transport.
    #[must_use]
    pub fn with_transport(transport: S, config: Config) -> Self {
        let driver = Driver::new(transport, config);
        Self { driver, origin: None, host: None, proxy_answer: None, reopen: None }
    }

    // Exchanges

    /// Sends `GET` for a target, with nothing but `Host`, and waits for the response.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get(&mut self, target: &str) -> Result<Response<'_, S>, Error> {
        let request = self.request(Method::GET, target).build()?;
        self.reopen_if_over()?;
        self.driver.send_bare(&request)?;
        self.receive()
    }

    /// Begins a request, with `Host` as this connection's origin has it, where it is known.
    pub fn request(&self, method: impl TryInto<Method>, target: impl AsRef<[u8]>) -> RequestBuilder {
        let builder = Request::builder(method, target);
        match self.host() {
            Some(host) => builder.host(host),
            None => builder,
        }
    }

    /// Sends a request with its content, and waits for the head of the final response.
    ///
    /// A final response that comes before the content has left stops the sending and is delivered, even if the peer
    /// then resets the connection ([`Response::request_sent`] says so). Content that waits for 100 (Continue) does so
    /// for [`Timeouts::expect_continue`].
    ///
    /// # An expectation that is refused
    /// 417 (Expectation Failed) says that a server on the way does not support expectations, not that the content is
    /// unwanted: the request should be repeated without `Expect` (RFC 9110 section 10.1.1). That is left to the caller,
    /// since it sends again. [`Response::request_sent`] says whether the content had left, and [`reuse`](Self::reuse)
    /// what has become of the connection. In place of 100 (Continue), 417 leaves content unsent that the peer may still
    /// wait for, so the connection takes no other request; a server that read the content first leaves one that does.
    ///
    /// ```
    /// use wireline::{Connection, Connector, Error, Reuse, StatusCode};
    ///
    /// fn put(connection: &mut Connection, content: &str) -> Result<StatusCode, Error> {
    ///     let length = content.len() as u64;
    ///     let request = connection.request("PUT", "/").content_length(length).expect_continue().build()?;
    ///     let response = connection.send(&request, content)?;
    ///     let status = response.status();
    ///     response.discard()?;
    ///     if status != StatusCode::EXPECTATION_FAILED {
    ///         return Ok(status);
    ///     }
    ///     if connection.reuse() != Reuse::Now {
    ///         let origin = connection.origin().cloned().expect("a connector made it");
    ///         *connection = Connector::new().connect(&origin)?;
    ///     }
    ///     let request = connection.request("PUT", "/").content_length(length).build()?;
    ///     Ok(connection.send(&request, content)?.status())
    /// }
    /// # use wireline_testkit::{Script, ScriptedPeer};
    /// # let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    /// # let (begun, created) = (Script::new().read_head(), "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    /// # let at_once = begun.clone().send(refusal).hold();
    /// # let again = begun.clone().expect("abc").send(created);
    /// # let late = begun.expect("abc").send(refusal).read_head().expect("abc").send(created);
    /// # for (scripts, connections) in [(vec![at_once, again], 2), (vec![late], 1)] {
    /// # let server = ScriptedPeer::start(scripts)?;
    /// # let address = server.url("");
    ///
    /// let mut connection = Connection::connect(&address)?;
    /// assert_eq!(put(&mut connection, "abc")?, 201);
    /// # drop(connection);
    /// # assert_eq!(server.join().len(), connections);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`Misuse`](crate::ErrorKind::Misuse) and
    /// [`InFlight`](crate::ErrorKind::InFlight): nothing was sent. [`Timeout`](crate::ErrorKind::Timeout) and
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock): [`resume`](Self::resume) goes on, and when the request has left,
    /// [`receive`](Self::receive).
    /// [`Lost`](crate::ErrorKind::Lost), [`Protocol`](crate::ErrorKind::Protocol): the end of the connection.
    pub fn send<'a>(&mut self, request: &Request, content: impl Into<Content<'a>>) -> Result<Response<'_, S>, Error> {
        self.reopen_if_over()?;
        self.driver.send_whole(request, content.into())?;
        self.receive()
    }

    /// Goes on with a [`send`](Self::send) that was stopped in the middle of its content by
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock), [`Timeout`](crate::ErrorKind::Timeout) or
    /// [`ReceiveBufferFull`](crate::ErrorKind::ReceiveBufferFull). `content` is the same as before: the same bytes, from
    /// their start, of which those that have left are skipped; or the same reader, from where it stands. No byte is lost
    /// and none is sent twice. When all of it has left, this is [`receive`](Self::receive).
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// use wireline::{Connection, ErrorKind};
    ///
    /// let mut connection = Connection::connect(&server.url(""))?;
    /// let content = vec![b'x'; 3_000_000];
    /// let request = connection.request("PUT", "/echo").content_length(3_000_000).build()?;
    /// let mut timeouts = connection.timeouts();
    /// timeouts.write = Some(std::time::Duration::ZERO);
    /// connection.set_timeouts(timeouts);
    /// let mut error = connection.send(&request, &content).map(drop).err();
    /// while error.is_some_and(|error| matches!(error.kind(), ErrorKind::WouldBlock(_))) {
    ///     // Here a program waits with `poll`, or does something else.
    ///     error = connection.resume(&content).map(drop).err();
    /// }
    /// assert_eq!(connection.content_sent(), 3_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send), [`NothingOwed`](crate::ErrorKind::NothingOwed), or
    /// [`ReceiveFirst`](crate::ErrorKind::ReceiveFirst) for a request that a [`Pipeline`] has sent behind others.
    pub fn resume<'a>(&mut self, content: impl Into<Content<'a>>) -> Result<Response<'_, S>, Error> {
        self.driver.resume(content.into())?;
        self.receive()
    }

    /// The same for a request of the `http` crate: [`request_of_http`](Self::request_of_http) makes ours of it.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub fn send_http<B: AsRef<[u8]>>(&mut self, request: &http::Request<B>) -> Result<Response<'_, S>, Error> {
        let content = request.body().as_ref();
        let request = self.request_of_http(request)?;
        self.send(&request, content)
    }

    /// A request of the `http` crate as ours. `Host`, and the framing of a body that is not empty, are added where the
    /// request does not have them.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub fn request_of_http<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Result<Request, Error> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = request.method().clone();
        parts.uri = request.uri().clone();
        parts.version = request.version();
        parts.headers = request.headers().clone();
        let body = request.body().as_ref();
        let length = (!body.is_empty()).then_some(body.len() as u64);
        Ok(Request::from_http(&parts, self.host(), length)?)
    }

    /// Waits for the response to a request that has been sent: after a timeout, or a wait that was not to be.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`NothingOwed`](crate::ErrorKind::NothingOwed).
    pub fn receive(&mut self) -> Result<Response<'_, S>, Error> {
        self.driver.receive_head()?;
        Ok(Response::new(&mut self.driver))
    }

    /// The response that was received last, as [`suspend`](Response::suspend) left it. `None` where none has been received,
    /// while the next one is awaited, and where it was dropped, but for one that [switched](Response::is_switched).
    pub fn response(&mut self) -> Option<Response<'_, S>> {
        self.driver.reply.is_received().then(|| Response::new(&mut self.driver))
    }

    /// Several exchanges at a time.
    pub fn pipeline(&mut self) -> Pipeline<'_, S> {
        Pipeline::new(&mut self.driver)
    }

    // Settings

    /// What [`request`](Self::request) puts into `Host`.
    pub fn set_host(&mut self, host: impl Into<String>) {
        let host = host.into();
        let is_own = self.origin.as_ref().is_some_and(|origin| origin.host_text() == host);
        self.host = (!is_own).then(|| host.into());
    }

    /// How long each operation may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        *self.driver.timeouts
    }

    /// How long each operation may take, from now on.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.timeouts.set(timeouts);
    }

    /// When everything has to be over, if that was set.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.driver.deadline
    }

    /// Whether a wait for something else may go on, before anything is sent. For adapters.
    ///
    /// # Errors
    /// [`Canceled`](crate::ErrorKind::Canceled), and [`Timeout`](crate::ErrorKind::Timeout) behind the deadline.
    pub fn in_time(&self) -> Result<(), Error> {
        self.driver.patience(None, Operation::Deadline).map(drop)
    }

    /// When everything has to be over.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.driver.deadline = deadline;
    }

    /// Whether calls return [`WouldBlock`](crate::ErrorKind::WouldBlock) rather than wait, as with timeouts of zero, but with
    /// the timeouts as they are: a call that is made again keeps to the bound of its wait. For event loops:
    /// [`interest`](Self::interest) and [`until`](Self::until) say what to wait for.
    pub fn set_nonblocking(&mut self, nonblocking: bool) {
        self.driver.is_nonblocking = nonblocking;
    }

    /// How long a read asks again and again whether bytes have come, before it sleeps: zero unless set. A processor is busy
    /// all that time; in exchange, an answer that comes within it is not behind the wake-up of a thread, which takes longer
    /// than many an answer. For a near origin, on a machine with a processor to spare: 50 µs to begin with. It counts
    /// towards the bounds on the wait, and a [`Canceller`] ends it. On a connection that does not wait it does nothing.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// connection.set_busy_poll(std::time::Duration::from_micros(50));
    /// assert_eq!(connection.get("/bytes/9")?.bytes()?.len(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_busy_poll(&mut self, busy: Duration) {
        self.driver.set_busy_poll(busy);
    }

    /// Ends this connection's waits, from now on, when `canceller` is canceled.
    pub fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.driver.set_canceller(canceller);
    }

    /// Shows every byte to `tap`, from now on, but for credentials: see [`show_all`](Self::show_all).
    pub fn set_tap(&mut self, tap: Option<Box<dyn Tap>>) {
        self.driver.tap = tap.map(|tap| Box::new(Redact::new(tap)) as Box<dyn Tap>);
    }

    /// Shows every byte to `tap`, from now on, with whatever credentials are in it. Otherwise the values of
    /// `Authorization`, `Cookie`, `Proxy-Authorization` and `Set-Cookie` are shown as asterisks; those that stand elsewhere,
    /// in a target say, are not recognised.
    pub fn show_all(&mut self, tap: Box<dyn Tap>) {
        self.driver.tap = Some(tap);
    }

    /// How much of a response that is dropped before its end is read, so that the connection can be used again, rather
    /// than the connection closed: 64 KiB unless set, in bytes. It is given 20 ms, about what bytes need that are on their
    /// way already; over a stream that cannot bound a wait, and on a connection that does not wait, only what is here
    /// already is read.
    pub fn set_drain(&mut self, most: u64) {
        self.driver.drain = most;
    }

    // The end

    /// Closes the connection, TLS with its closing notice. Dropping it does the same; after this, the questions still
    /// have answers.
    pub fn close(&mut self) {
        self.driver.close();
    }

    /// Closes the connection when `finish` has said goodbye in its own way; for an adapter whose transport needs waiting for
    /// it, as [`Nonblocking`](crate::Nonblocking) is.
    ///
    /// # Errors
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) or [`Timeout`](crate::ErrorKind::Timeout), as of a write, where
    /// `finish` says [`WouldBlock`](std::io::ErrorKind::WouldBlock): make the call again, or [`close`](Self::close).
    /// [`Lost`](crate::ErrorKind::Lost) with whatever else it says: then the connection is closed.
    pub fn close_by(&mut self, finish: impl FnOnce(&mut S) -> std::io::Result<()>) -> Result<(), Error> {
        self.driver.close_by(finish)
    }

    /// The same connection over another transport, which carries on where this one stands: another layer around it, say.
    /// It does not connect anew by itself any more.
    ///
    /// # Errors
    /// What `map` says; then the connection is gone.
    pub fn map_transport<T: Transport>(
        self,
        map: impl FnOnce(S) -> std::io::Result<T>,
    ) -> std::io::Result<Connection<T>> {
        let Self { driver, origin, host, proxy_answer, .. } = self;
        Ok(Connection { driver: driver.map(map)?, origin, host, proxy_answer, reopen: None })
    }

    fn host(&self) -> Option<&str> {
        self.host.as_deref().or_else(|| self.origin.as_ref().map(Origin::host_text))
    }

    pub(crate) fn driver(&mut self) -> &mut Driver<S> {
        &mut self.driver
    }

    /// Connects anew where nothing more can be sent, nothing is in flight, and that was asked for
    /// ([`Connector::auto_open`]).
    pub(crate) fn reopen_if_over(&mut self) -> Result<(), Error> {
        let Self { driver, reopen: Some(reopen), .. } = self else { return Ok(()) };
        if driver.transport.is_some() && driver.core.receiving().is_some() {
            return Ok(());
        }
        driver.look_if_idle(Instant::now());
        if !matches!(driver.core.reuse(), Reuse::Never(_)) {
            return Ok(());
        }
        self.proxy_answer = reopen.reopen(driver)?;
        Ok(())
    }

    /// Goes on as another connection to the same origin, with what was set on this one: timeouts, deadline, canceller, tap,
    /// drain. Its counts and its exchanges begin from zero. What was in flight here is lost.
    pub fn renew(&mut self, new: Self) {
        self.proxy_answer = new.replace(&mut self.driver);
    }

    /// Takes the place of another one, and gives the proxy's answer.
    pub(crate) fn replace(mut self, before: &mut Driver<S>) -> Option<Box<Head>> {
        self.driver.keep_settings_of(before);
        std::mem::swap(before, &mut self.driver);
        self.proxy_answer.take()
    }

    pub(crate) fn set_origin(&mut self, origin: Origin, made: Made<S>) {
        self.origin = Some(origin);
        self.proxy_answer = made.answer.map(Box::new);
        self.reopen = made.reopen;
        self.driver.clock.setup = made.setup;
        self.driver.forward = made.forward;
    }
}

impl From<Stream> for Connection<Stream> {
    fn from(stream: Stream) -> Self {
        Self::with_transport(stream, Config::default())
    }
}

impl From<TcpStream> for Connection<Stream> {
    fn from(stream: TcpStream) -> Self {
        Stream::from(stream).into()
    }
}

impl From<UnixStream> for Connection<Stream> {
    fn from(stream: UnixStream) -> Self {
        Stream::from(stream).into()
    }
}

impl<S: Transport + AsFd> Connection<S> {
    /// Two halves, for two threads: one sends requests, the other receives their responses, and neither waits for the
    /// other. Exchanges in flight go on. The stream has to be one that does not wait where it is told not to.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let connection = wireline::Connection::connect(&server.url(""))?;
    /// let requests: Vec<_> =
    ///     (0..100).map(|n| connection.request("GET", format!("/bytes/{n}")).build()).collect::<Result<_, _>>()?;
    /// let (mut send, mut receive) = connection.split()?;
    /// let sender = std::thread::spawn(move || {
    ///     for request in &requests {
    ///         send.send(request)?;
    ///     }
    ///     Ok::<_, wireline::Error>(send)
    /// });
    /// for n in 0..100 {
    ///     assert_eq!(receive.receive()?.bytes()?.len(), n);
    /// }
    /// let connection = receive.unsplit(sender.join().expect("it does not panic")?).expect("they belong together");
    /// assert_eq!(connection.reuse(), wireline::Reuse::Now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The system has no descriptors left (three are needed), or the connection is closed
    /// ([`NotConnected`](std::io::ErrorKind::NotConnected)).
    pub fn split(self) -> std::io::Result<(SendHalf<S>, ReceiveHalf<S>)> {
        split::split(self)
    }

    /// The descriptor to wait on; `None` once the connection is closed.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.driver.transport.as_ref().map(AsFd::as_fd)
    }
}

impl<S: Transport + AsFd> AsFd for Connection<S> {
    /// The descriptor to wait on.
    ///
    /// # Panics
    /// When the connection is closed: [`fd`](Connection::fd) asks first.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd().expect("the connection is closed")
    }
}
