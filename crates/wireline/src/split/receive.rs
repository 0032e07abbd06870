//! The half that receives.

use std::fmt;
use std::io::{self, Read};

use wireline_proto::{ExchangeId, Fields, FieldsRef, Reuse, StatusCode, Unanswered};

use super::{Half, SendHalf};
use crate::connection::Connection;
use crate::driver::Driver;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::reply::{Head, State};
use crate::timing::Marks;
use crate::transport::Transport;
use crate::transport::stream::Stream;

/// The receiving half of a connection, for one thread, while another has the [`SendHalf`]: see [`Connection::split`].
///
/// Dropped, it leaves the other half to send as long as the receive buffer has room for what nobody receives.
pub struct ReceiveHalf<S: Transport = Stream>(Option<Half<S>>);

impl<S: Transport> ReceiveHalf<S> {
    pub(super) fn new(half: Half<S>) -> Self {
        Self(Some(half))
    }

    pub(super) fn take(mut self) -> Half<S> {
        self.0.take().expect("it is there until now")
    }

    fn half(&self) -> &Half<S> {
        self.0.as_ref().expect("it is there until it is taken")
    }

    /// Waits for the next response, and sends what is queued meanwhile. While nothing is in flight it waits for the
    /// sending half to send something.
    ///
    /// # Errors
    /// [`NothingOwed`](ErrorKind::NothingOwed): the sending half is gone, and all is received. Else as
    /// [`Pipeline::receive`](crate::Pipeline::receive); it may be a [`Timeout`](ErrorKind::Timeout) of sending what is
    /// queued.
    pub fn receive(&mut self) -> Result<Received<'_, S>, Error> {
        let response = self.half().until_done(|driver, _| {
            if driver.core.receiving().is_none() {
                // A close is noticed also while nothing is in flight.
                driver.look();
            }
            driver.receive_head()?;
            Ok(Kept::of(driver))
        })?;
        Ok(Received { half: self.half(), response })
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

    /// As [`Pipeline::marks`](crate::Pipeline::marks).
    #[must_use]
    pub fn marks(&self, exchange: ExchangeId) -> Option<Marks> {
        self.half().with(|driver| driver.clock.marks(exchange))
    }

    /// The connection in one piece again.
    ///
    /// # Errors
    /// The halves, when they are not of the same connection.
    pub fn unsplit(self, send: SendHalf<S>) -> Result<Connection<S>, (SendHalf<S>, Self)> {
        send.unsplit(self)
    }
}

impl<S: Transport> Drop for ReceiveHalf<S> {
    fn drop(&mut self) {
        if let Some(half) = &self.0 {
            half.leave();
        }
    }
}

impl<S: Transport> fmt::Debug for ReceiveHalf<S> {
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
    fn of<S: Transport>(driver: &Driver<S>) -> Self {
        let mut kept = Self {
            head: driver.reply.head().clone(),
            interim: driver.reply.interim().to_vec(),
            trailers: Fields::new(),
            is_complete: false,
        };
        kept.note(driver);
        kept
    }

    fn note<S: Transport>(&mut self, driver: &Driver<S>) {
        if driver.reply.state == State::Ended {
            self.is_complete = true;
            driver.reply.trailers().clone_into(&mut self.trailers);
        }
    }
}

/// A final response whose head has come, to the receiving half: as [`Response`](crate::Response). Another protocol cannot
/// be switched to here: [`unsplit`](ReceiveHalf::unsplit) first.
#[derive(Debug)]
pub struct Received<'h, S: Transport = Stream> {
    half: &'h Half<S>,
    response: Kept,
}

impl<S: Transport> Received<'_, S> {
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
    pub fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if self.response.is_complete {
            return Ok(0);
        }
        let Self { half, response } = self;
        half.until_done(|driver, _| {
            let read = driver.read_content(into)?;
            response.note(driver);
            Ok(read)
        })
    }

    /// All of the content that has not been read yet.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content); what did come is in [`Error::partial`].
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            match self.read_content(&mut piece) {
                Ok(0) => return Ok(content),
                Ok(read) => content.extend_from_slice(&piece[..read]),
                Err(error) => return Err(error.with_partial(content)),
            }
        }
    }
}

/// How much content is read at a time.
const PIECE: usize = 16 << 10;

impl<S: Transport> Read for Received<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_content(into)?)
    }
}

impl<S: Transport> Drop for Received<'_, S> {
    fn drop(&mut self) {
        if !self.response.is_complete {
            self.half.with(|driver| {
                // It may wait a little for what is on its way.
                driver.no_wait = false;
                driver.let_go();
                driver.no_wait = true;
            });
        }
    }
}
