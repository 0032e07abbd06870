//! Several exchanges in flight on one connection.

use std::borrow::Borrow;
use std::time::{Duration, Instant};

use wireline_proto::{Deviations, ExchangeId, Fields, Framing, Request, Reuse, Unanswered};

use crate::driver::Driver;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::pipeline::run::Run;
use crate::reply::Head;
use crate::response::Response;
use crate::timing::{Marks, Timing};
use crate::transport::Transport;
use crate::transport::stream::Stream;

pub(crate) mod run;

/// Several exchanges in flight on one connection (RFC 9112 section 9.3.2): requests go out without waiting for the
/// responses before theirs, and the responses come in the same order.
///
/// It cannot deadlock. Whenever a write would block, what the peer has already sent is read into the bounded receive
/// buffer; when that is full the call says so ([`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull)), nothing has
/// changed, and the way on is to [`receive`](Self::receive) a response and make the call again.
///
/// Requests whose method is not idempotent are refused while others are in flight, unless
/// [`Config::pipeline_any_method`](crate::Config) says otherwise.
///
/// Dropped with exchanges in flight, it closes the connection: their responses would be the next one's.
///
/// ```no_run
/// # let mut connection = wireline::Connection::connect("http://example.org")?;
/// let requests = [connection.request("GET", "/1").build()?, connection.request("GET", "/2").build()?];
/// let mut pipeline = connection.pipeline();
/// for request in &requests {
///     pipeline.queue(request)?;
/// }
/// while pipeline.in_flight() > 0 {
///     println!("{}", pipeline.receive()?.text()?);
/// }
/// # Ok::<(), wireline::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<'c, S: Transport = Stream> {
    pub(crate) driver: &'c mut Driver<S>,
}

impl<'c, S: Transport> Pipeline<'c, S> {
    pub(crate) fn new(driver: &'c mut Driver<S>) -> Self {
        Self { driver }
    }

    /// Queues a request and writes what goes without waiting. Its content, if it has any, follows by
    /// [`send_content`](Self::send_content) and [`finish`](Self::finish).
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn send(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        let id = self.queue(request)?;
        self.driver.offer(&mut &[][..]);
        Ok(id)
    }

    /// Queues a request, to leave with the next [`send`](Self::send), [`flush`](Self::flush) or
    /// [`receive`](Self::receive): many requests in one write. When
    /// [`Limits::transmit_buffer`](crate::Limits::transmit_buffer) bytes wait already, they leave first.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed), [`Misuse`](ErrorKind::Misuse),
    /// [`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull), [`Timeout`](ErrorKind::Timeout): nothing was queued.
    pub fn queue(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        self.driver.queue_request(request)
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// [`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull), [`Timeout`](ErrorKind::Timeout),
    /// [`WouldBlock`](ErrorKind::WouldBlock): make the call again.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.driver.send_queued()
    }

    /// Queues content of the request sent last, says how much was taken, and writes what goes without waiting. 0 for
    /// content that is not empty: nothing can be sent any more, or, once, the request has been answered already. Then
    /// [`abandon`](Self::abandon) the rest and [`receive`](Self::receive), or go on: both are legal (RFC 9110 section
    /// 7.5), and only who goes on can use the connection again.
    ///
    /// Content that waits for 100 (Continue) does so here, for
    /// [`Timeouts::expect_continue`](crate::Timeouts::expect_continue).
    ///
    /// # Errors
    /// [`ReceiveFirst`](ErrorKind::ReceiveFirst) for content that waits for 100 (Continue) behind responses that have
    /// not been received; else as [`flush`](Self::flush), and [`Misuse`](ErrorKind::Misuse).
    pub fn send_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        self.driver.send_some(content)
    }

    /// How long the content of the request sent last waits for 100 (Continue), where that asks for it: `None` for ever.
    /// Without this it is [`Timeouts::expect_continue`](crate::Timeouts::expect_continue).
    pub fn continue_within(&mut self, patience: Option<Duration>) {
        self.driver.continue_within = patience;
    }

    /// Ends the content of the request sent last, with a trailer section where it goes in chunks.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse).
    pub fn finish(&mut self, trailers: &Fields) -> Result<(), Error> {
        self.driver.finish_request(trailers)?;
        self.driver.offer(&mut &[][..]);
        Ok(())
    }

    /// Gives the rest of the content up: its response can still be received, and no other request can follow.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse).
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.driver.abandon().map_err(|misuse| self.driver.misuse(misuse))
    }

    /// Waits for the next response, and sends what is queued meanwhile.
    ///
    /// # Errors
    /// [`NothingOwed`](ErrorKind::NothingOwed), and [`Closed`](ErrorKind::Closed) behind a response that was the
    /// connection's last: [`unanswered`](Self::unanswered) says which requests it left.
    /// [`Timeout`](ErrorKind::Timeout) and [`WouldBlock`](ErrorKind::WouldBlock): make the call again.
    /// [`Lost`](ErrorKind::Lost) and [`Protocol`](ErrorKind::Protocol): the end of the connection.
    pub fn receive(&mut self) -> Result<Response<'_, S>, Error> {
        self.driver.receive_head()?;
        Ok(Response::new(self.driver))
    }

    /// The response that was received last: [`Connection::response`](crate::Connection::response).
    pub fn response(&mut self) -> Option<Response<'_, S>> {
        self.driver.reply.is_received().then(|| Response::new(self.driver))
    }

    /// Sends requests without content, at most `depth` in flight at a time (at least one), and lends their responses in
    /// order.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// let host = server.host();
    /// let requests = (0..100).map(|n| wireline::Request::get(&format!("/bytes/{n}"), &host).expect("a legal target"));
    /// let mut pipeline = connection.pipeline();
    /// let mut run = pipeline.run(requests, 16);
    /// let mut total = 0;
    /// while let Some(response) = run.receive()? {
    ///     total += response.discard()?;
    /// }
    /// assert_eq!(total, 99 * 100 / 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<R>(&mut self, requests: R, depth: usize) -> Run<'_, 'c, S, R::IntoIter>
    where
        R: IntoIterator<Item: Borrow<Request>>,
    {
        Run::new(self, requests.into_iter(), depth)
    }

    /// Gives the connection back and leaves the exchanges in flight where they are: another
    /// [`pipeline`](crate::Connection::pipeline) goes on.
    pub fn suspend(self) {
        // Nothing but the borrow ends.
        std::mem::forget(self);
    }

    /// When everything has to be over, from now on: as [`Connection::set_deadline`](crate::Connection::set_deadline), for
    /// exchanges in flight too.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.driver.deadline = deadline;
    }

    /// Looks, without waiting, whether the peer has closed or said something unasked while nothing was in flight.
    pub fn look(&mut self) -> Reuse {
        self.driver.look();
        self.reuse()
    }

    /// How many responses are still to come.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        if self.driver.core.receiving().is_some() { self.driver.core.unanswered().count() } else { 0 }
    }

    /// Whether the connection can carry another request.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.driver.core.reuse()
    }

    /// Each exchange without a complete response, in order.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> + '_ {
        self.driver.core.unanswered()
    }

    /// The interim responses of the exchange that is going on, or of the last one.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        self.driver.reply.interim()
    }

    /// What had to be tolerated in the response being received, or the last one.
    #[must_use]
    pub fn deviations(&self) -> Deviations {
        self.driver.core.deviations()
    }

    /// The timing of the exchange whose response comes next, or of the last one.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.driver.clock.timing()
    }

    /// The moments of an exchange that is in flight, or of the last one that ended: also of those that wait behind
    /// others. As many steps as there are exchanges in flight.
    #[must_use]
    pub fn marks(&self, exchange: ExchangeId) -> Option<Marks> {
        self.driver.clock.marks(exchange)
    }

    /// What is still owed of the content of the request sent last.
    #[must_use]
    pub fn content_due(&self) -> Framing {
        self.driver.core.content_due()
    }
}

impl<S: Transport> Drop for Pipeline<'_, S> {
    fn drop(&mut self) {
        if self.driver.core.unanswered().next().is_some() && self.driver.transport.is_some() {
            self.driver.close();
        }
    }
}
