//! A request sent step by step.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use wireline_proto::{ExchangeId, Fields, Framing, Misuse, Request};

use crate::connection::Connection;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::reply::Head;
use crate::response::Response;
use crate::timeouts::Operation;
use crate::transport::Transport;
use crate::transport::stream::Stream;

/// The content of a request, sent piece by piece as there is any: the connection lends it, by
/// [`Connection::start`].
///
/// Each step of a request has its type, and each type only the steps that come next:
///
/// | step | type | to the next one |
/// | --- | --- | --- |
/// | the request line, then field by field | [`RequestBuilder`](crate::RequestBuilder) | `build` |
/// | the head, complete | [`Request`] | [`Connection::start`] |
/// | the content, piece by piece | `ContentWriter` | [`finish`](Self::finish), [`finish_with`](Self::finish_with) |
/// | the response | [`Response`] | |
///
/// [`Connection::request`] puts `Host` in; a request that is begun by [`Request::builder`] has nothing but what it is
/// given.
///
/// Dropped before it is finished, it closes the connection, so that the peer does not take what it has for all.
///
/// ```
/// # let server = wireline_testkit::Origin::start()?;
/// # let mut connection = wireline::Connection::connect(&server.url(""))?;
/// use wireline::{Connection, Fields};
///
/// let mut head = connection.request("PUT", "/echo").chunked();
/// for (name, value) in [("X-One", "1"), ("X-Two", "2")] {
///     head = head.field(name, value);
/// }
/// let request = head.build()?;
/// let mut writer = connection.start(&request)?;
/// for piece in ["piece ", "by ", "piece"] {
///     writer.write_content(piece.as_bytes())?;
/// }
/// let mut trailers = Fields::new();
/// trailers.append("X-Sum", "18")?;
/// assert_eq!(writer.finish_with(&trailers)?.text()?, "piece by piece");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ContentWriter<'c, S: Transport = Stream> {
    /// There until it is finished.
    pub(crate) driver: Option<&'c mut Driver<S>>,
    exchange: ExchangeId,
    has_content: bool,
    /// There was some, and it has ended.
    has_ended: bool,
    keeps_sending: bool,
    is_refused: bool,
}

impl<S: Transport> Connection<S> {
    /// Begins to send a request, of which the content follows step by step. The head leaves with the first of the
    /// content, or by [`flush`](Write::flush).
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed), [`Misuse`](ErrorKind::Misuse) and [`InFlight`](ErrorKind::InFlight): nothing was
    /// sent.
    pub fn start(&mut self, request: &Request) -> Result<ContentWriter<'_, S>, Error> {
        self.reopen_if_over()?;
        let driver = self.driver();
        driver.check_free()?;
        let exchange = driver.send_request(request)?;
        driver.reply.begin();
        Ok(ContentWriter {
            has_content: driver.core.content_due() != Framing::None,
            driver: Some(driver),
            exchange,
            has_ended: false,
            keeps_sending: false,
            is_refused: false,
        })
    }
}

impl<'c, S: Transport> ContentWriter<'c, S> {
    /// Goes on when the final response comes before the end of the content, as
    /// [`Content::keep_sending`](crate::Content::keep_sending) does.
    #[must_use]
    pub const fn keep_sending(mut self) -> Self {
        self.keeps_sending = true;
        self
    }

    /// Waits for 100 (Continue), for [`Timeouts::expect_continue`](crate::Timeouts::expect_continue), where the request asks
    /// for it; [`write_content`](Self::write_content) does so by itself. `false`: the final response came instead, or
    /// nothing can be sent any more, and the content is not wanted.
    ///
    /// # Errors
    /// As [`write_content`](Self::write_content).
    pub fn await_continue(&mut self) -> Result<bool, Error> {
        self.is_refused |= !self.driver().await_continue()?;
        Ok(!self.is_refused)
    }

    /// How long the content waits for 100 (Continue), where the request asks for it: `None` for ever. Without this it is
    /// [`Timeouts::expect_continue`](crate::Timeouts::expect_continue).
    #[must_use]
    pub fn continue_within(mut self, patience: Option<Duration>) -> Self {
        self.driver().continue_within = patience;
        self
    }

    /// Sends some content and says how much of it was taken: it may wait in the connection's buffer, to leave with what
    /// follows. In chunks, each call makes one. 0 for content that is not empty: the request has been answered, or
    /// nothing can be sent any more; [`finish`](Self::finish) gives the response, and the rest is not sent.
    ///
    /// Content that waits for 100 (Continue) does so here, for
    /// [`Timeouts::expect_continue`](crate::Timeouts::expect_continue).
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) for more content than was announced, of which nothing is taken.
    /// [`Timeout`](ErrorKind::Timeout), [`WouldBlock`](ErrorKind::WouldBlock) and
    /// [`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull): nothing was taken, make the call again.
    pub fn write_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        if self.is_refused {
            return Ok(0);
        }
        let keeps_sending = self.keeps_sending;
        let driver = self.driver();
        if driver.core.content_due() != Framing::None {
            // A peer that throws away what it gets never makes a write wait.
            let _nothing = driver.take_in_now();
        }
        let mut taken = driver.send_some(content)?;
        if taken == 0 && keeps_sending && driver.core.awaiting_continue().is_none() {
            taken = driver.send_some(content)?;
        }
        self.is_refused = taken == 0 && !content.is_empty();
        Ok(taken)
    }

    /// Looks, without waiting, whether the request has been answered, or nothing can be sent any more: for those who wait
    /// for content of their own. After that [`is_refused`](Self::is_refused) says so, unless it goes on all the same.
    ///
    /// # Errors
    /// As [`write_content`](Self::write_content): also when a bound on the exchange or a deadline is over, or it was
    /// canceled.
    pub fn listen(&mut self) -> Result<(), Error> {
        let keeps_sending = self.keeps_sending;
        let driver = self.driver();
        driver.offer(&mut &[][..]);
        // Until a read finds nothing: only that one tells the transport who is to be woken.
        let is_answered = loop {
            let may_come = driver.core.interest().read && !driver.core.receive_space().is_empty();
            let has_come = may_come && driver.take_in_now().is_ok();
            let is_answered = driver.hear_answer()? && !keeps_sending;
            if is_answered || !has_come {
                break is_answered;
            }
        };
        // Whoever waits for something else keeps to what bounds the whole.
        driver.note_wait(None, Operation::Read)?;
        self.is_refused |= is_answered || self.driver().mute;
        Ok(())
    }

    /// The caller's own content cannot be had: closes the connection, so that the peer does not take what it has for all,
    /// and makes a [`Source`](ErrorKind::Source) of `error`.
    pub fn fail(&mut self, error: io::Error) -> Error {
        let driver = self.driver();
        let error = driver.source_failed(error);
        driver.give_up();
        error
    }

    /// Waits until all that was written has left, as far as it can.
    ///
    /// # Errors
    /// As [`write_content`](Self::write_content).
    pub fn send_queued(&mut self) -> Result<(), Error> {
        self.driver().send_queued()
    }

    /// Ends the request and waits for the head of the final response.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) where content is missing: the connection is closed. Otherwise as
    /// [`Connection::receive`], which also goes on after a [`Timeout`](ErrorKind::Timeout) or a
    /// [`WouldBlock`](ErrorKind::WouldBlock). Where no content was written and it still waits for 100 (Continue),
    /// [`await_continue`](Self::await_continue) comes first if nothing is to wait; else it is
    /// [`Connection::resume`], with [`Content::none`](crate::Content::none) and the trailer section, that goes on.
    pub fn finish(self) -> Result<Response<'c, S>, Error> {
        self.finish_with(&Fields::new())
    }

    /// The same with a trailer section, where the content goes in chunks.
    ///
    /// # Errors
    /// As [`finish`](Self::finish); [`Misuse`](ErrorKind::Misuse) also for a trailer section that cannot be sent. That of a
    /// request without content closes nothing, and its response can be received.
    ///
    /// # Panics
    /// Never.
    pub fn finish_with(mut self, trailers: &Fields) -> Result<Response<'c, S>, Error> {
        let ended = self.end_with(trailers);
        let driver = self.driver.take().expect(UNFINISHED);
        ended?;
        driver.receive_head()?;
        Ok(Response::new(driver))
    }

    /// Ends the content, with a trailer section where it goes in chunks: [`finish_with`](Self::finish_with) without the wait
    /// for the response, for those who make calls again. Once it has, there is nothing more to end.
    ///
    /// # Errors
    /// As [`finish_with`](Self::finish_with).
    ///
    /// # Panics
    /// Never.
    pub fn end_with(&mut self, trailers: &Fields) -> Result<(), Error> {
        let Self { driver, has_content, is_refused, keeps_sending, .. } = self;
        let driver = driver.as_mut().expect(UNFINISHED);
        if *has_content {
            let is_wanted = !*is_refused && driver.await_continue()?;
            if is_wanted && driver.core.content_due() != Framing::None {
                driver.finish_request(trailers).inspect_err(|_| driver.give_up())?;
                driver.keep_sending = *keeps_sending;
            } else if driver.core.content_due() == Framing::Length(0) {
                // An answer to all of the content.
                driver.finish_request(&Fields::new())?;
            } else {
                driver.stop();
            }
            *has_content = false;
            self.has_ended = true;
        } else if !self.has_ended && !trailers.is_empty() {
            return Err(driver.error(ErrorKind::Misuse(Misuse::TrailersWithoutChunks)));
        }
        driver.send_end()
    }

    /// Waits for the head of the final response, when the content has ended.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    pub fn receive(&mut self) -> Result<(), Error> {
        self.driver().receive_head()
    }

    /// The response, when it has been received: what [`finish`](Self::finish) comes to for those who make calls again.
    ///
    /// # Errors
    /// The writer, before that.
    ///
    /// # Panics
    /// Never.
    pub fn into_response(mut self) -> Result<Response<'c, S>, Self> {
        if !self.has_content && self.driver().reply.is_received() {
            Ok(Response::new(self.driver.take().expect(UNFINISHED)))
        } else {
            Err(self)
        }
    }

    /// Gives the rest of the content up and waits for the final response: no other request can follow on this connection,
    /// and a peer that waits for the rest may never answer.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    ///
    /// # Panics
    /// Never.
    pub fn abandon(mut self) -> Result<Response<'c, S>, Error> {
        let driver = self.driver.take().expect(UNFINISHED);
        if self.has_content {
            driver.stop();
        }
        driver.receive_head()?;
        Ok(Response::new(driver))
    }

    /// Gives the rest of the content up: [`abandon`](Self::abandon) without the wait for the response.
    pub fn give_up(&mut self) {
        if std::mem::take(&mut self.has_content) {
            self.driver().stop();
        }
    }

    /// The exchange that the request began.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.exchange
    }

    /// Whether no more content is taken, because the request has been answered or nothing can be sent any more.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// How much content was handed to the transport, in bytes, framing not counted.
    #[must_use]
    pub fn content_sent(&self) -> u64 {
        self.driver.as_ref().map_or(0, |driver| driver.content_sent)
    }

    /// What is still owed of the content.
    #[must_use]
    pub fn content_due(&self) -> Framing {
        self.driver.as_ref().map_or(Framing::None, |driver| driver.core.content_due())
    }

    /// The interim responses that have come so far.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        self.driver.as_ref().map_or(&[], |driver| driver.reply.interim())
    }

    pub(crate) fn driver(&mut self) -> &mut Driver<S> {
        self.driver.as_mut().expect(UNFINISHED)
    }
}

const UNFINISHED: &str = "only what finishes it takes the driver, and itself with it";

/// As [`ContentWriter::write_content`]; the [`Error`] is inside the [`io::Error`].
impl<S: Transport> Write for ContentWriter<'_, S> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        Ok(self.write_content(content)?)
    }

    /// Waits until all that was written has left.
    fn flush(&mut self) -> io::Result<()> {
        Ok(self.driver().send_queued()?)
    }
}

impl<S: Transport> Drop for ContentWriter<'_, S> {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.as_mut().filter(|_| self.has_content) {
            driver.give_up();
        }
    }
}

impl<S: Transport> fmt::Debug for ContentWriter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentWriter")
            .field("exchange", &self.exchange)
            .field("content_due", &self.content_due())
            .field("is_refused", &self.is_refused)
            .finish_non_exhaustive()
    }
}
