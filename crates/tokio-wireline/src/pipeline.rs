//! Several exchanges in flight on one connection, awaited.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use wireline::{Error, ExchangeId, Fields, Head, Request, Reuse};

use crate::drive::{Wait, drive, poll_drive};
use crate::response::Response;
use crate::transport::{AsyncTransport, Stream};

/// Several exchanges in flight on one connection: [`wireline::Pipeline`], awaited. The questions are those of the blocking
/// one.
///
/// Every future may be dropped, and the call made again: nothing is queued or received twice. Dropped itself with exchanges
/// in flight, the pipeline closes the connection; [`suspend`](Self::suspend) leaves them there.
#[derive(Debug)]
pub struct Pipeline<'c, S: AsyncTransport = Stream> {
    inner: wireline::Pipeline<'c, S>,
    wait: &'c mut Wait,
}

impl<'c, S: AsyncTransport> Pipeline<'c, S> {
    pub(crate) fn new(inner: wireline::Pipeline<'c, S>, wait: &'c mut Wait) -> Self {
        Self { inner, wait }
    }

    /// As [`wireline::Pipeline::queue`].
    ///
    /// # Errors
    /// As there.
    pub async fn queue(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.queue(request)).await
    }

    /// As [`wireline::Pipeline::flush`].
    ///
    /// # Errors
    /// As there.
    pub async fn flush(&mut self) -> Result<(), Error> {
        drive(self.wait, &mut self.inner, wireline::Pipeline::flush).await
    }

    /// As [`wireline::Pipeline::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.send(request)).await
    }

    /// As [`wireline::Pipeline::send_content`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.send_content(content)).await
    }

    /// As [`wireline::Pipeline::continue_within`].
    pub fn continue_within(&mut self, patience: Option<Duration>) {
        self.inner.continue_within(patience);
    }

    /// As [`wireline::Pipeline::finish`]: it does not wait.
    ///
    /// # Errors
    /// As there.
    pub fn finish(&mut self, trailers: &Fields) -> Result<(), Error> {
        self.inner.finish(trailers)
    }

    /// As [`wireline::Pipeline::abandon`]: it does not wait.
    ///
    /// # Errors
    /// As there.
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.inner.abandon()
    }

    /// Waits for the next response: [`wireline::Pipeline::receive`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// Never.
    pub async fn receive(&mut self) -> Result<Response<'_, S>, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.receive().map(wireline::Response::suspend)).await?;
        let response = self.inner.response().expect("a response has been received");
        Ok(Response::new(response, self.wait))
    }

    /// The response that was received last: [`wireline::Pipeline::response`].
    pub fn response(&mut self) -> Option<Response<'_, S>> {
        let Self { inner, wait } = self;
        inner.response().map(|response| Response::new(response, wait))
    }

    /// Sends requests without content, at most `depth` in flight at a time (at least one), and gives their answers in
    /// order: [`wireline::Pipeline::run`], and a `Stream` of whole answers.
    pub fn run<R>(&mut self, requests: R, depth: usize) -> Run<'_, 'c, S, R::IntoIter>
    where
        R: IntoIterator<Item: Borrow<Request>>,
    {
        Run { inner: self.inner.run(requests, depth), wait: self.wait, content: Vec::new(), is_over: false }
    }

    /// As [`wireline::Pipeline::suspend`]: another [`pipeline`](crate::Connection::pipeline) goes on.
    pub fn suspend(self) {
        self.inner.suspend();
    }

    /// As [`wireline::Pipeline::set_deadline`].
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.inner.set_deadline(deadline);
    }

    /// As [`wireline::Pipeline::look`]: it does not wait.
    pub fn look(&mut self) -> Reuse {
        self.inner.look()
    }
}

impl<'c, S: AsyncTransport> Deref for Pipeline<'c, S> {
    type Target = wireline::Pipeline<'c, S>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

/// A run of requests over a pipeline: [`Pipeline::run`]. A `Stream` of [`Answer`]s, in order, up to the first error; or
/// [`receive`](Self::receive) lends each response.
pub struct Run<'p, 'c, S: AsyncTransport, I: Iterator> {
    inner: wireline::Run<'p, 'c, S, I>,
    wait: &'p mut Wait,
    /// What has come of the content of the answer that is being received.
    content: Vec<u8>,
    is_over: bool,
}

/// A response, all of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Its head.
    pub head: Head,
    /// Its content.
    pub content: Vec<u8>,
    /// Its trailer section.
    pub trailers: Fields,
}

impl<S: AsyncTransport, I> Run<'_, '_, S, I>
where
    I: Iterator<Item: Borrow<Request>>,
{
    /// Waits for the next response; none when each request has had its own. It may be dropped and called again. Content that
    /// the `Stream` has taken of it without giving the answer is lost:
    /// [`content_read`](wireline::Response::content_read) says how much.
    ///
    /// # Errors
    /// As [`wireline::Run::receive`].
    pub async fn receive(&mut self) -> Result<Option<Response<'_, S>>, Error> {
        let found =
            drive(self.wait, &mut self.inner, |inner| Ok(inner.receive()?.map(wireline::Response::suspend))).await?;
        if found.is_none() {
            return Ok(None);
        }
        // What the stream had of this one is not the next one's.
        self.content.clear();
        Ok(self.inner.response().map(|response| Response::new(response, self.wait)))
    }

    /// The requests of which nothing was sent, in order.
    pub fn rest(self) -> impl Iterator<Item = I::Item> {
        self.inner.rest()
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Answer>, Error>> {
        let Self { inner, wait, content, .. } = self;
        poll_drive(cx, wait, inner, |inner| {
            let Some(mut response) = inner.receive()? else { return Ok(None) };
            loop {
                match response.fill_content() {
                    Ok([]) => break,
                    Ok(piece) => {
                        let len = piece.len();
                        content.extend_from_slice(piece);
                        response.consume_content(len);
                    }
                    Err(error) => {
                        // It goes on from here.
                        response.suspend();
                        return Err(error);
                    }
                }
            }
            Ok(Some(Answer {
                head: response.head().clone(),
                content: std::mem::take(content),
                trailers: response.trailers().to_owned(),
            }))
        })
    }
}

impl<S: AsyncTransport, I> futures_core::Stream for Run<'_, '_, S, I>
where
    I: Iterator<Item: Borrow<Request> + Unpin> + Unpin,
{
    type Item = Result<Answer, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let answer = match ready!(this.poll_answer(cx)) {
            Err(error) => Err(error.with_partial(std::mem::take(&mut this.content))),
            answer => answer,
        };
        this.is_over = !matches!(answer, Ok(Some(_)));
        Poll::Ready(answer.transpose())
    }
}

impl<S: AsyncTransport, I: Iterator> fmt::Debug for Run<'_, '_, S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}
