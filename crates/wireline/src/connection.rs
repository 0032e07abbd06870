//! One blocking connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use http::Method;
use wireline_proto::{
    Config, Connection as Core, Deviations, ExchangeId, Interest, Request, RequestBuilder, Reuse, Unanswered,
};

use crate::connect::Connector;
use crate::connect::origin::Origin;
use crate::content::Content;
use crate::driver::Driver;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::reply::Head;
use crate::response::{Dropped, Response};
use crate::split::{self, ReceiveHalf, SendHalf};
use crate::tap::Tap;
use crate::timeouts::Timeouts;
use crate::timing::{Setup, Timing};
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
#[derive(Debug)]
pub struct Connection<S: Transport = Stream> {
    driver: Driver<S>,
    origin: Option<Origin>,
    host: Option<String>,
}

impl Connection<Stream> {
    /// Connects to an origin, `http://host:port` or `https://host:port`, with the defaults of a [`Connector`].
    ///
    /// # Errors
    /// As [`Connector::connect`], or [`InvalidUrl`](crate::ErrorKind::InvalidUrl).
    pub fn connect(origin: &str) -> Result<Self, Error> {
        Connector::new().connect(&Origin::parse(origin)?)
    }

    /// Two halves, for two threads: one sends requests, the other receives their responses, and neither waits for the
    /// other. Exchanges in flight go on.
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
    pub fn split(self) -> std::io::Result<(SendHalf, ReceiveHalf)> {
        split::split(self)
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
        Self::with_transport(Bring(stream), config)
    }
}

impl<S: Transport> Connection<S> {
    /// Over a transport.
    #[must_use]
    pub fn with_transport(transport: S, config: Config) -> Self {
        Self { driver: Driver::new(Core::new(config), transport), origin: None, host: None }
    }

    // Exchanges

    /// Sends `GET` for a target, with nothing but `Host`, and waits for the response.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get(&mut self, target: &str) -> Result<Response<'_, S>, Error> {
        let request = self.request(Method::GET, target).build()?;
        self.send(&request, Content::none())
    }

    /// Begins a request, with `Host` as this connection's origin has it, where it is known.
    pub fn request(&self, method: impl TryInto<Method>, target: impl AsRef<[u8]>) -> RequestBuilder {
        let builder = Request::builder(method, target);
        match &self.host {
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
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`Misuse`](crate::ErrorKind::Misuse) and
    /// [`InFlight`](crate::ErrorKind::InFlight): nothing was sent. [`Timeout`](crate::ErrorKind::Timeout) and
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock): [`resume`](Self::resume) goes on, and when the request has left,
    /// [`receive`](Self::receive).
    /// [`Lost`](crate::ErrorKind::Lost), [`Protocol`](crate::ErrorKind::Protocol): the end of the connection.
    pub fn send<'a>(&mut self, request: &Request, content: impl Into<Content<'a>>) -> Result<Response<'_, S>, Error> {
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
    /// As [`send`](Self::send), or [`NothingOwed`](crate::ErrorKind::NothingOwed).
    pub fn resume<'a>(&mut self, content: impl Into<Content<'a>>) -> Result<Response<'_, S>, Error> {
        self.driver.go_on(content.into())?;
        self.receive()
    }

    /// The same for a request of the `http` crate. `Host`, and the framing of a body that is not empty, are added where
    /// the request does not have them.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub fn send_http<B: AsRef<[u8]>>(&mut self, request: &http::Request<B>) -> Result<Response<'_, S>, Error> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = request.method().clone();
        parts.uri = request.uri().clone();
        parts.version = request.version();
        parts.headers = request.headers().clone();
        let body = request.body().as_ref();
        let length = (!body.is_empty()).then_some(body.len() as u64);
        let request = Request::from_http(&parts, self.host.as_deref(), length)?;
        self.send(&request, body)
    }

    /// Waits for the response to a request that has been sent: after a timeout, or a wait that was not to be.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`NothingOwed`](crate::ErrorKind::NothingOwed).
    pub fn receive(&mut self) -> Result<Response<'_, S>, Error> {
        self.driver.receive_head()?;
        Ok(Response::new(&mut self.driver))
    }

    /// Several exchanges at a time.
    pub fn pipeline(&mut self) -> Pipeline<'_, S> {
        Pipeline::new(&mut self.driver)
    }

    // Questions

    /// Looks, without waiting, whether the peer has closed or said something unasked, and says whether the connection
    /// can carry another request. A request does the same look by itself when the connection was idle.
    pub fn look(&mut self) -> Reuse {
        self.driver.look();
        self.reuse()
    }

    /// Whether the connection can carry another request, as far as is known.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.driver.core.reuse()
    }

    /// Each exchange without a complete response, in order: after a failure, what is safe to send again.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> + '_ {
        self.driver.core.unanswered()
    }

    /// The exchange whose response comes next.
    #[must_use]
    pub fn receiving(&self) -> Option<ExchangeId> {
        self.driver.core.receiving()
    }

    /// The interim responses of the exchange that is going on, or of the last one: also where no final response came.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        &self.driver.reply.interim
    }

    /// What had to be tolerated in the response being received, or the last one.
    #[must_use]
    pub fn deviations(&self) -> Deviations {
        self.driver.core.deviations()
    }

    /// How many bytes were handed to the transport.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.driver.core.bytes_sent()
    }

    /// How many bytes have come.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.driver.core.bytes_received()
    }

    /// How much content of the last request was handed to the transport, in bytes, framing not counted.
    #[must_use]
    pub fn content_sent(&self) -> u64 {
        self.driver.content_sent
    }

    /// The timing of the exchange that is going on, or of the last one.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.driver.clock.timing()
    }

    /// What became of the last response that was dropped before its end.
    #[must_use]
    pub fn dropped(&self) -> Option<Dropped> {
        self.driver.dropped
    }

    /// What the connection waits for, as far as HTTP is concerned: with [`fd`](Self::fd), what an event loop has to know of
    /// a plain connection. TLS may have bytes of its own to send, which leave with the next call.
    #[must_use]
    pub fn interest(&self) -> Interest {
        self.driver.core.interest()
    }

    /// The origin, where the connection was made by a [`Connector`].
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What carries the bytes; `None` once it is closed.
    #[must_use]
    pub fn transport(&self) -> Option<&S> {
        self.driver.transport.as_ref()
    }

    // Settings

    /// What [`request`](Self::request) puts into `Host`.
    pub fn set_host(&mut self, host: impl Into<String>) {
        self.host = Some(host.into());
    }

    /// How long each operation may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.driver.timeouts
    }

    /// How long each operation may take, from now on.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.timeouts = timeouts;
    }

    /// When everything has to be over.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.driver.deadline = deadline;
    }

    /// Shows every byte to `tap`, from now on.
    pub fn set_tap(&mut self, tap: Option<Box<dyn Tap>>) {
        self.driver.tap = tap;
    }

    /// How much of a response that is dropped before its end is read, so that the connection can be used again, rather
    /// than the connection closed: 64 KiB unless set, in bytes. It is given 20 ms, about what bytes need that are on their
    /// way already; over a stream that cannot bound a wait only what is here already is read.
    pub fn set_drain(&mut self, most: u64) {
        self.driver.drain = most;
    }

    // The end

    /// Closes the connection, TLS with its closing notice. Dropping it does the same; after this, the questions still
    /// have answers.
    pub fn close(&mut self) {
        self.driver.close();
    }

    pub(crate) fn driver(&mut self) -> &mut Driver<S> {
        &mut self.driver
    }

    pub(crate) fn set_origin(&mut self, origin: Origin, setup: Setup) {
        self.host = Some(origin.host_field());
        self.origin = Some(origin);
        self.driver.clock.setup = setup;
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
    /// The descriptor to wait on; `None` once the connection is closed.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.driver.transport.as_ref().map(AsFd::as_fd)
    }
}
