//! The half that sends.

use std::fmt;
use std::time::{Duration, Instant};

use wireline::{Error, ExchangeId, Fields, Framing, Request, Reuse, Timeouts, Turn, Unanswered};

use super::{Half, ReceiveHalf};
use crate::connection::Connection;
use crate::transport::{AsyncTransport, Stream};

/// The sending half of a connection, for one task, while another has the [`ReceiveHalf`]: see [`Connection::split`]. Its
/// methods are those of a [`Pipeline`](crate::Pipeline), but where that asks for a response to be received first, this waits
/// until the other half has done so.
///
/// Every future may be dropped, and the call made again: nothing is queued twice. Dropped itself in the middle of a
/// request's content it gives the rest up and shuts its direction down, so that the peer does not wait for it; the other
/// half still receives the responses.
pub struct SendHalf<S: AsyncTransport = Stream>(Option<Box<Half<S>>>);

impl<S: AsyncTransport> SendHalf<S> {
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

    /// Queues a request and writes what goes without waiting; the receiving half writes the rest while it waits. Where
    /// [`Limits::transmit_buffer`](crate::Limits::transmit_buffer) bytes wait already, it waits for them to leave.
    ///
    /// # Errors
    /// As [`wireline::SendHalf::send`]: nothing was queued.
    pub async fn send(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        self.half_mut().until_done(|connection| queued(connection, |pipeline| pipeline.send(request))).await
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// As [`send`](Self::send): make the call again.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.half_mut().until_done(|connection| queued(connection, |pipeline| pipeline.flush())).await
    }

    /// As [`Pipeline::send_content`](crate::Pipeline::send_content). Content that waits for 100 (Continue) behind other
    /// exchanges waits until the receiving half has had their responses.
    ///
    /// # Errors
    /// As [`wireline::SendHalf::send_content`].
    pub async fn send_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        self.half_mut().until_done(|connection| queued(connection, |pipeline| pipeline.send_content(content))).await
    }

    /// As [`Pipeline::continue_within`](crate::Pipeline::continue_within).
    pub fn continue_within(&mut self, patience: Option<Duration>) {
        self.ask(|pipeline| pipeline.continue_within(patience));
    }

    /// As [`Pipeline::finish`](crate::Pipeline::finish): it does not wait.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse).
    pub fn finish(&mut self, trailers: &Fields) -> Result<(), Error> {
        self.half().with(|connection| queued(connection, |pipeline| pipeline.finish(trailers)))
    }

    /// As [`Pipeline::abandon`](crate::Pipeline::abandon): it does not wait.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse).
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.half().with(|connection| queued(connection, |pipeline| pipeline.abandon()))
    }

    /// What is still owed of the content of the request sent last.
    #[must_use]
    pub fn content_due(&self) -> Framing {
        self.ask(|pipeline| pipeline.content_due())
    }

    /// As [`wireline::Connection::content_sent`].
    #[must_use]
    pub fn content_sent(&self) -> u64 {
        self.half().ask(|connection| connection.content_sent())
    }

    /// How long each operation may take, from the next call on, for both halves: of the connection before unless it is set.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.half().ask(|connection| connection.set_timeouts(timeouts));
        self.half().wake_other();
    }

    /// When everything has to be over, for both halves.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.half().ask(|connection| connection.set_deadline(deadline));
        self.half().wake_other();
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

    /// The connection in one piece again.
    ///
    /// # Errors
    /// The halves, when they are not of the same connection.
    pub fn unsplit(self, receive: ReceiveHalf<S>) -> Result<Connection<S>, (Self, ReceiveHalf<S>)> {
        self.take().join(receive.take()).map_err(|(send, receive)| (Self::new(send), ReceiveHalf::new(receive)))
    }

    fn ask<T>(&self, question: impl FnOnce(&mut wireline::Pipeline<'_, S>) -> T) -> T {
        self.half().ask(|connection| queued(connection, question))
    }
}

const UNTIL_TAKEN: &str = "it is there until it is taken";

/// The queue of a connection, for one call.
fn queued<S: AsyncTransport, T>(
    connection: &mut wireline::Connection<S>,
    call: impl FnOnce(&mut wireline::Pipeline<'_, S>) -> T,
) -> T {
    let mut pipeline = connection.pipeline();
    let done = call(&mut pipeline);
    pipeline.suspend();
    done
}

impl<S: AsyncTransport> Drop for SendHalf<S> {
    fn drop(&mut self) {
        let Some(half) = &self.0 else { return };
        half.ask(Turn::leave_sending);
        half.leave();
    }
}

impl<S: AsyncTransport> fmt::Debug for SendHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendHalf")
    }
}
