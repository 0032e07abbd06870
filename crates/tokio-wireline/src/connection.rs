//! One connection, awaited.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use wireline::{Canceller, Config, Error, Origin, Request, Reuse, Tap, Timeouts};

use crate::connect::{Connector, Reopen};
use crate::content::Content;
use crate::drive::{Wait, drive};
use crate::pipeline::Pipeline;
use crate::response::Response;
use crate::split::{ReceiveHalf, SendHalf, split};
use crate::transport::{AsyncTransport, Bring, Stream};
use crate::writer::ContentWriter;

/// One HTTP/1.1 client connection: [`wireline::Connection`], awaited.
///
/// One exchange at a time, which the compiler checks: a [`Response`] borrows the connection, so that the next request
/// cannot be sent before the response is finished or dropped. Several at a time go through a [`Pipeline`]. The questions,
/// which have answers at any time, are those of [`wireline::Connection`].
#[derive(Debug)]
pub struct Connection<S: AsyncTransport = Stream> {
    inner: wireline::Connection<S>,
    wait: Wait,
    /// How to connect anew, where that happens by itself.
    again: Option<Box<dyn Reopen<S>>>,
}

impl Connection<Stream> {
    /// Connects to an origin, `http://host:port` or `https://host:port`, with the defaults of a [`Connector`].
    ///
    /// # Errors
    /// As [`Connector::connect`], or [`InvalidUrl`](crate::ErrorKind::InvalidUrl).
    ///
    /// # Panics
    /// As [`Connector::connect`].
    pub async fn connect(origin: &str) -> Result<Self, Error> {
        Connector::new().connect(&Origin::parse(origin)?).await
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<Bring<T>> {
    /// Over any stream.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// use tokio_wireline::Connection;
    ///
    /// let (near, mut far) = tokio::io::duplex(64);
    /// let server = async {
    ///     let mut head = [0; 27];
    ///     far.read_exact(&mut head).await?;
    ///     assert_eq!(&head, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ///     far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await
    /// };
    /// let client = async {
    ///     let mut connection = Connection::over(near);
    ///     connection.set_host("a");
    ///     let status = connection.get("/").await?.status();
    ///     Ok::<_, tokio_wireline::Error>(status)
    /// };
    /// let (served, status) = tokio::join!(server, client);
    /// served?;
    /// assert_eq!(status?, 204);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

impl<S: AsyncTransport> Connection<S> {
    /// Over a transport.
    #[must_use]
    pub fn with_transport(transport: S, config: Config) -> Self {
        Self::adopt(wireline::Connection::with_transport(transport, config), Wait::default())
    }

    pub(crate) fn adopt(mut inner: wireline::Connection<S>, wait: Wait) -> Self {
        inner.set_nonblocking(true);
        Self { inner, wait, again: None }
    }

    /// The same that connects anew by itself.
    pub(crate) fn again_by(mut self, again: Box<dyn Reopen<S>>) -> Self {
        self.again = Some(again);
        self
    }

    /// Connects anew where nothing more can be sent, nothing is in flight, and that was asked for
    /// ([`Connector::auto_open`]).
    async fn reopen_if_over(&mut self) -> Result<(), Error> {
        let is_in_use = self.inner.transport().is_some() && self.inner.receiving().is_some();
        if self.again.is_none() || is_in_use || !matches!(self.look(), Reuse::Never(_)) {
            return Ok(());
        }
        let (timeouts, deadline) = (self.inner.timeouts(), self.inner.deadline());
        let canceller = self.wait.canceller();
        let Some(again) = &self.again else { return Ok(()) };
        let new = again.reopen(timeouts, deadline, canceller).await?;
        self.inner.renew(new.inner);
        Ok(())
    }

    // Exchanges

    /// Sends `GET` for a target, with nothing but `Host`, and waits for the response.
    ///
    /// Dropped, the future leaves the request where it is: [`receive`](Self::receive) goes on.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn get(&mut self, target: &str) -> Result<Response<'_, S>, Error> {
        let request = self.inner.request("GET", target).build()?;
        self.send(&request, Content::none()).await
    }

    /// Sends a request with its content, and waits for the head of the final response:
    /// [`wireline::Connection::send`].
    ///
    /// Dropped, the future leaves a request with content from memory where it is: [`resume`](Self::resume) goes on, and
    /// when all of it has left, [`receive`](Self::receive). In the middle of other content the connection is closed.
    ///
    /// # Errors
    /// As [`wireline::Connection::send`], but never [`WouldBlock`](crate::ErrorKind::WouldBlock).
    pub async fn send<'a>(
        &mut self,
        request: &Request,
        content: impl Into<Content<'a>>,
    ) -> Result<Response<'_, S>, Error> {
        self.reopen_if_over().await?;
        content.into().send(&mut self.inner, &mut self.wait, request).await?;
        self.received()
    }

    /// Begins to send a request, of which the content follows step by step: [`wireline::Connection::start`].
    ///
    /// # Errors
    /// As there.
    pub async fn start(&mut self, request: &Request) -> Result<ContentWriter<'_, S>, Error> {
        self.reopen_if_over().await?;
        let Self { inner, wait, .. } = self;
        Ok(ContentWriter::new(inner.start(request)?, wait))
    }

    /// Goes on with a [`send`](Self::send) of content from memory that was dropped or stopped in its middle:
    /// [`wireline::Connection::resume`], with the same content. It may be dropped itself. Other content cannot go on: the
    /// connection was closed in its middle.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`NothingOwed`](crate::ErrorKind::NothingOwed).
    pub async fn resume<'a>(&mut self, content: impl Into<Content<'a>>) -> Result<Response<'_, S>, Error> {
        content.into().resume(&mut self.inner, &mut self.wait).await?;
        self.received()
    }

    /// The same as [`send`](Self::send) for a request of the `http` crate.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub async fn send_http<B: AsRef<[u8]>>(&mut self, request: &http::Request<B>) -> Result<Response<'_, S>, Error> {
        let content = request.body().as_ref();
        let request = self.inner.request_of_http(request)?;
        self.send(&request, content).await
    }

    /// Waits for the response to a request that has been sent. It may be dropped and called again.
    ///
    /// # Errors
    /// As [`send`](Self::send), or [`NothingOwed`](crate::ErrorKind::NothingOwed).
    pub async fn receive(&mut self) -> Result<Response<'_, S>, Error> {
        drive(&mut self.wait, &mut self.inner, |inner| inner.receive().map(wireline::Response::suspend)).await?;
        self.received()
    }

    /// The response that was received last: [`wireline::Connection::response`].
    pub fn response(&mut self) -> Option<Response<'_, S>> {
        let Self { inner, wait, .. } = self;
        inner.response().map(|response| Response::new(response, wait))
    }

    /// Several exchanges at a time.
    pub fn pipeline(&mut self) -> Pipeline<'_, S> {
        Pipeline::new(self.inner.pipeline(), &mut self.wait)
    }

    /// Two halves, for two tasks: one sends requests, the other receives their responses, and neither waits for the other.
    /// Exchanges in flight go on. They share a lock, which is never held while one of them waits.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let connection = tokio_wireline::Connection::connect(&server.url("")).await?;
    /// let requests: Vec<_> =
    ///     (0..100).map(|n| connection.request("GET", format!("/bytes/{n}")).build()).collect::<Result<_, _>>()?;
    /// let (mut send, mut receive) = connection.split()?;
    /// let sender = tokio::spawn(async move {
    ///     for request in &requests {
    ///         send.send(request).await?;
    ///     }
    ///     Ok::<_, tokio_wireline::Error>(send)
    /// });
    /// for n in 0..100 {
    ///     assert_eq!(receive.receive().await?.bytes().await?.len(), n);
    /// }
    /// let connection = receive.unsplit(sender.await??).expect("they belong together");
    /// assert_eq!(connection.reuse(), tokio_wireline::Reuse::Now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The system has no descriptors left (one is needed where there is a canceller), or the connection is closed
    /// ([`NotConnected`](std::io::ErrorKind::NotConnected)).
    ///
    /// # Panics
    /// As [`set_canceller`](Self::set_canceller), where there is one.
    pub fn split(self) -> io::Result<(SendHalf<S>, ReceiveHalf<S>)> {
        split(self.inner, self.wait, self.again)
    }

    fn received(&mut self) -> Result<Response<'_, S>, Error> {
        let response = self.inner.response().expect("a response has been received");
        Ok(Response::new(response, &mut self.wait))
    }

    /// As [`wireline::Connection::look`]: it does not wait, and asks the system. A request looks too, but sees only what the
    /// reactor has heard of, which is nothing since the task last waited.
    pub fn look(&mut self) -> Reuse {
        if let Some(transport) = self.inner.transport_mut() {
            transport.look();
        }
        self.inner.look()
    }

    // Settings

    /// As [`wireline::Connection::set_host`].
    pub fn set_host(&mut self, host: impl Into<String>) {
        self.inner.set_host(host);
    }

    /// As [`wireline::Connection::set_timeouts`].
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.inner.set_timeouts(timeouts);
    }

    /// As [`wireline::Connection::set_deadline`].
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.inner.set_deadline(deadline);
    }

    /// As [`wireline::Connection::set_canceller`].
    ///
    /// # Errors
    /// The system has no descriptors left: one is needed.
    ///
    /// # Panics
    /// Outside of a runtime with I/O enabled.
    pub fn set_canceller(&mut self, canceller: Option<Canceller>) -> io::Result<()> {
        self.wait.set_canceller(canceller.as_ref())?;
        self.inner.set_canceller(canceller);
        Ok(())
    }

    /// As [`wireline::Connection::set_tap`].
    pub fn set_tap(&mut self, tap: Option<Box<dyn Tap>>) {
        self.inner.set_tap(tap);
    }

    /// As [`wireline::Connection::show_all`].
    pub fn show_all(&mut self, tap: Box<dyn Tap>) {
        self.inner.show_all(tap);
    }

    /// As [`wireline::Connection::set_drain`], but of a response that is dropped only what is here already is read:
    /// nothing can wait when it is dropped. [`Response::discard`] waits.
    pub fn set_drain(&mut self, most: u64) {
        self.inner.set_drain(most);
    }

    // The end

    /// As [`wireline::Connection::close`]: what of it needs waiting, over TLS or a stream of your own, is left out.
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// Closes the connection and waits until the peer has been told: the closing notice of TLS has left, and a stream of
    /// your own has been shut down. It takes no longer than a write may take, or the deadline. Dropped, the future leaves
    /// that begun: the call can be made again, and nothing else be sent.
    ///
    /// # Errors
    /// [`Timeout`](crate::ErrorKind::Timeout) and [`Canceled`](crate::ErrorKind::Canceled): make the call again, or
    /// [`close`](Self::close). [`Lost`](crate::ErrorKind::Lost): the peer may not know; the connection is closed.
    pub async fn shutdown(&mut self) -> Result<(), Error> {
        drive(&mut self.wait, &mut self.inner, |inner| inner.close_by(AsyncTransport::finish_write)).await
    }
}

impl<S: AsyncTransport> Deref for Connection<S> {
    type Target = wireline::Connection<S>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<S: AsyncTransport + AsFd> AsFd for Connection<S> {
    /// The descriptor.
    ///
    /// # Panics
    /// When the connection is closed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
