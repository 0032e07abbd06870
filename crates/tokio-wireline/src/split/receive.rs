//! The half that receives.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use wireline::{Error, ExchangeId, Fields, FieldsRef, Head, Marks, Reuse, StatusCode, Unanswered};

use super::{Half, SendHalf};
use crate::connection::Connection;
use crate::transport::{AsyncTransport, Stream};

/// The receiving half of a connection, for one task, while another has the [`SendHalf`]: see [`Connection::split`].
///
/// Every future may be dropped, and the call made again: nothing is received twice. Dropped itself, it leaves the other half
/// to send as long as the receive buffer has room for what nobody receives.
pub struct ReceiveHalf<S: AsyncTransport = Stream>(Option<Box<Half<S>>>);

impl<S: AsyncTransport> ReceiveHalf<S> {
    pub(super) fn new(half: Box<Half<S>>) -> Self {
        Self(Some(half))
    }

    pub(super) fn take(mut self) -> Box<Half<S>> {
        self.0.take().expect(UNTIL_TAKEN)
    }

    fn half(&self) -> &Half<S> {
        self.0.as_ref().expect(UNTIL_TAKEN)
    }

    fn half_mut(&mut self) -> &mut Half<S> {
        self.0.as_mut().expect(UNTIL_TAKEN)
    }

    /// Waits for the next response, and sends what is queued meanwhile. While nothing is in flight it waits for the
    /// sending half to send something.
    ///
    /// # Errors
    /// [`NothingOwed`](crate::ErrorKind::NothingOwed): the sending half is gone, and all is received. Else as
    /// [`wireline::Pipeline::receive`], but never [`WouldBlock`](crate::ErrorKind::WouldBlock); it may be a
    /// [`Timeout`](crate::ErrorKind::Timeout) of sending what is queued.
    pub async fn receive(&mut self) -> Result<Received<'_, S>, Error> {
        let half = self.half_mut();
        let response = half.until_done(|connection| {
            if connection.receiving().is_none() {
                // A close is noticed also while nothing is in flight.
                connection.look();
            }
            let response = connection.receive()?;
            let kept = Kept::of(&response);
            response.suspend();
            Ok(kept)
        });
        let response = response.await?;
        Ok(Received { half, response })
    }

    /// Whether the connection can carry another request.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.half().ask(|connection| connection.reuse())
    }

    /// Each exchange without a complete response, in order, as it is now.
    #[must_use]
    pub fn unanswered(&self) -> Vec<Unanswered> {
        self.half().ask(|connection| connection.unanswered().collect())
    }

    /// As [`wireline::Pipeline::marks`].
    #[must_use]
    pub fn marks(&self, exchange: ExchangeId) -> Option<Marks> {
        self.half().ask(|connection| {
            let pipeline = connection.pipeline();
            let marks = pipeline.marks(exchange);
            pipeline.suspend();
            marks
        })
    }

    /// The connection in one piece again.
    ///
    /// # Errors
    /// The halves, when they are not of the same connection.
    pub fn unsplit(self, send: SendHalf<S>) -> Result<Connection<S>, (SendHalf<S>, Self)> {
        send.unsplit(self)
    }
}

const UNTIL_TAKEN: &str = "it is there until it is taken";

impl<S: AsyncTransport> Drop for ReceiveHalf<S> {
    fn drop(&mut self) {
        if let Some(half) = &self.0 {
            half.leave();
        }
    }
}

impl<S: AsyncTransport> fmt::Debug for ReceiveHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiveHalf")
    }
}

/// What is known of a response, kept: the next may have begun in the connection before this one is let go of.
#[derive(Debug)]
struct Kept {
    head: Head,
    interim: Vec<Head>,
    trailers: Fields,
    is_complete: bool,
}

impl Kept {
    fn of<S: AsyncTransport>(response: &wireline::Response<'_, S>) -> Self {
        let (head, interim) = (response.head().clone(), response.interim().to_vec());
        let mut kept = Self { head, interim, trailers: Fields::new(), is_complete: false };
        kept.note(response);
        kept
    }

    fn note<S: AsyncTransport>(&mut self, response: &wireline::Response<'_, S>) {
        if response.is_complete() {
            self.is_complete = true;
            self.trailers = response.trailers().to_owned();
        }
    }
}

/// A final response whose head has come, to the receiving half: as [`Response`](crate::Response), and `AsyncRead`. Another
/// protocol cannot be switched to here: [`unsplit`](ReceiveHalf::unsplit) first.
#[derive(Debug)]
pub struct Received<'h, S: AsyncTransport = Stream> {
    half: &'h mut Half<S>,
    response: Kept,
}

impl<S: AsyncTransport> Received<'_, S> {
    /// The head, to keep a clone of.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.response.head
    }

    /// The exchange that it belongs to.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.head().exchange()
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head().status()
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        self.head().fields()
    }

    /// The interim responses that came before it, in order.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        &self.response.interim
    }

    /// Whether all of it has come and been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.response.is_complete
    }

    /// The trailer section; empty before the response is complete (RFC 9110 section 6.5).
    #[must_use]
    pub fn trailers(&self) -> FieldsRef<'_> {
        self.response.trailers.as_ref()
    }

    /// Reads some content into `into`; 0 when it is complete (or `into` empty).
    ///
    /// # Errors
    /// As [`Response::read_content`](crate::Response::read_content).
    pub async fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        std::future::poll_fn(|cx| self.poll_content(cx, into)).await
    }

    /// All of the content that has not been read yet. Dropped, the future drops what has been read, as the response.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content); what did come is in [`Error::partial`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            match self.read_content(&mut piece).await {
                Ok(0) => return Ok(content),
                Ok(read) => content.extend_from_slice(&piece[..read]),
                Err(error) => return Err(error.with_partial(content)),
            }
        }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize, Error>> {
        let Self { half, response: kept } = self;
        if kept.is_complete {
            return Poll::Ready(Ok(0));
        }
        half.poll(cx, |connection| {
            // As long as it is not complete it is the one.
            let Some(mut response) = connection.response() else { return Ok(0) };
            let read = response.read_content(into);
            kept.note(&response);
            response.suspend();
            read
        })
    }
}

/// How much content is read at a time.
const PIECE: usize = 16 << 10;

impl<S: AsyncTransport> AsyncRead for Received<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = ready!(self.get_mut().poll_content(cx, into.initialize_unfilled()))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncTransport> Drop for Received<'_, S> {
    fn drop(&mut self) {
        if !self.response.is_complete {
            let _let_go = self.half.with(|connection| {
                drop(connection.response());
                Ok(())
            });
        }
    }
}
