//! The half that sends.

use std::fmt;
use std::time::{Duration, Instant};

use wireline_proto::{ExchangeId, Fields, Framing, Request, Reuse, Unanswered};

use super::turn::give_up_content;
use super::{Half, ReceiveHalf};
use crate::connection::Connection;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::timeouts::Timeouts;
use crate::transport::Transport;
use crate::transport::stream::Stream;

/// The sending half of a connection, for one thread, while another has the [`ReceiveHalf`]: see
/// [`Connection::split`]. Its methods are those of a [`Pipeline`](crate::Pipeline), but where that asks for a response to
/// be received first, this waits until the other half has done so.
///
/// Dropped in the middle of a request's content it gives the rest up and shuts its direction down, so that the peer does
/// not wait for it; the other half still receives the responses.
pub struct SendHalf<S: Transport = Stream>(Option<Half<S>>);

impl<S: Transport> SendHalf<S> {
    pub(super) fn new(half: Half<S>) -> Self {
        Self(Some(half))
    }

    pub(super) fn take(mut self) -> Half<S> {
        self.0.take().expect("it is there until now")
    }

    fn half(&self) -> &Half<S> {
        self.0.as_ref().expect("it is there until it is taken")
    }

    /// Queues a request and writes what goes without waiting; the receiving half writes the rest while it waits. Where
    /// [`Limits::transmit_buffer`](crate::Limits::transmit_buffer) bytes wait already, it waits for them to leave.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed), [`Misuse`](ErrorKind::Misuse), [`Timeout`](ErrorKind::Timeout): nothing was queued.
    /// [`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull) when the receiving half is gone and nobody makes room.
    pub fn send(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        self.half().until_done(|driver, _| {
            let id = driver.queue_request(request)?;
            driver.offer(&mut &[][..]);
            Ok(id)
        })
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// As [`send`](Self::send): make the call again.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.half().until_done(|driver, _| driver.send_queued())
    }

    /// As [`Pipeline::send_content`](crate::Pipeline::send_content). Content that waits for 100 (Continue) behind other
    /// exchanges waits until the receiving half has had their responses.
    ///
    /// # Errors
    /// As [`send`](Self::send), [`Lost`](ErrorKind::Lost) and [`Protocol`](ErrorKind::Protocol): the end of the connection,
    /// for both halves.
    pub fn send_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        self.half().until_done(|driver, _| driver.send_some(content))
    }

    /// As [`Pipeline::continue_within`](crate::Pipeline::continue_within).
    pub fn continue_within(&mut self, patience: Option<Duration>) {
        self.half().with(|driver| driver.continue_within = patience);
    }

    /// As [`Pipeline::finish`](crate::Pipeline::finish).
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse).
    pub fn finish(&mut self, trailers: &Fields) -> Result<(), Error> {
        self.half().with(|driver| {
            driver.finish_request(trailers)?;
            driver.offer(&mut &[][..]);
            Ok(())
        })
    }

    /// As [`Pipeline::abandon`](crate::Pipeline::abandon).
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse).
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.half().with(|driver| driver.abandon().map_err(|misuse| driver.misuse(misuse)))
    }

    /// What is still owed of the content of the request sent last.
    #[must_use]
    pub fn content_due(&self) -> Framing {
        self.half().with(|driver| driver.core.content_due())
    }

    /// As [`Connection::content_sent`].
    #[must_use]
    pub fn content_sent(&self) -> u64 {
        self.half().with(|driver| driver.content_sent)
    }

    /// How long each operation may take, from now on, for both halves: of the connection before unless it is set.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.half().with(|driver| driver.timeouts.set(timeouts));
    }

    /// When everything has to be over, for both halves.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.half().with(|driver| driver.deadline = deadline);
    }

    /// Whether the connection can carry another request.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.half().with(|driver| driver.core.reuse())
    }

    /// Each exchange without a complete response, in order, as it is now.
    #[must_use]
    pub fn unanswered(&self) -> Vec<Unanswered> {
        self.half().with(|driver| driver.core.unanswered().collect())
    }

    /// The connection in one piece again.
    ///
    /// # Errors
    /// The halves, when they are not of the same connection.
    pub fn unsplit(self, receive: ReceiveHalf<S>) -> Result<Connection<S>, (Self, ReceiveHalf<S>)> {
        self.take().join(receive.take()).map_err(|(send, receive)| (Self::new(send), ReceiveHalf::new(receive)))
    }
}

impl<S: Transport> Drop for SendHalf<S> {
    fn drop(&mut self) {
        let Some(half) = &self.0 else { return };
        half.with(give_up_content);
        half.leave();
    }
}

impl<S: Transport> fmt::Debug for SendHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendHalf")
    }
}
