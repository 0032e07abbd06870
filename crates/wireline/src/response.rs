//! A final response, and what came before it.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use http::{StatusCode, Version};
use wireline_proto::{Deviations, ExchangeId, FieldsRef, Framing, Reuse, Unanswered};

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::reply::{Head, State};
use crate::switched::Switched;
use crate::timing::{Marks, Timing};
use crate::transport::Transport;
use crate::transport::stream::Stream;

pub(crate) mod lines;
mod reading;
mod saving;

/// A final response whose head has come, lent by its connection: its content is read from it.
///
/// Content that ends early is an error from every method that reads, never an end. Dropped before its end, a response
/// is read on if little is left and it is on its way; otherwise the connection is closed, and
/// [`Connection::dropped`](crate::Connection::dropped) says which.
#[derive(Debug)]
pub struct Response<'c, S: Transport = Stream> {
    pub(crate) driver: &'c mut Driver<S>,
}

/// What became of a response that was dropped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// The connection was closed.
    Closed,
    /// It was read to its end, and the connection is none the worse for it.
    Drained {
        /// How much content was read for nothing.
        bytes: u64,
    },
}

impl<'c, S: Transport> Response<'c, S> {
    pub(crate) fn new(driver: &'c mut Driver<S>) -> Self {
        Self { driver }
    }

    // The head

    /// The head, to keep a clone of.
    #[must_use]
    pub fn head(&self) -> &Head {
        self.driver.reply.head()
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

    /// The reason phrase, mostly empty or of no interest, in no particular charset (RFC 9112 section 4).
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.head().reason()
    }

    /// HTTP/1.1 or HTTP/1.0; HTTP/0.9 only where it was let through.
    #[must_use]
    pub fn version(&self) -> Version {
        self.head().version()
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        self.head().fields()
    }

    /// How the end of the message body is found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.head().framing()
    }

    /// The length of the content, where the peer has said it: 0 where there is none.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.framing().length()
    }

    /// The interim responses that came before it, in order.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        self.driver.reply.interim()
    }

    /// The content of the request was sent completely. `false` when this response came first, or the peer stopped
    /// taking it: then the connection cannot be used again.
    #[must_use]
    pub fn request_sent(&self) -> bool {
        !self.driver.cut_short && self.driver.core.content_due() == Framing::None
    }

    // How far it is

    /// Whether all of it has come and been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.driver.reply.state == State::Ended
    }

    /// How much content has been read, in bytes.
    #[must_use]
    pub fn content_read(&self) -> u64 {
        self.driver.reply.content_read
    }

    /// How much content is still to be read, in bytes, where the peer has said how much there is: 0 where there is none.
    #[must_use]
    pub fn content_left(&self) -> Option<u64> {
        self.content_length().map(|length| length.saturating_sub(self.content_read()))
    }

    /// The trailer section; empty before the response is complete (RFC 9110 section 6.5).
    #[must_use]
    pub fn trailers(&self) -> FieldsRef<'_> {
        self.driver.reply.trailers()
    }

    /// What had to be tolerated in it so far.
    #[must_use]
    pub fn deviations(&self) -> Deviations {
        self.driver.core.deviations()
    }

    /// The timing of this exchange, so far.
    #[must_use]
    pub fn timing(&self) -> Timing {
        if self.driver.reply.is_begun() { self.driver.clock.timing() } else { self.driver.clock.last() }
    }

    /// The moments of this exchange, so far: among them since when only its own answer was waited for.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        self.driver.clock.marks(self.exchange())
    }

    /// Whether the connection can carry another request.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.driver.core.reuse()
    }

    /// Each exchange without a complete response, this one first while it is not complete.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> + '_ {
        self.driver.core.unanswered()
    }

    // The content

    /// Reads some content into `into`; 0 when it is complete (or `into` empty). As [`Read::read`], with this crate's
    /// errors.
    ///
    /// # Errors
    /// [`Lost`](ErrorKind::Lost) and [`Protocol`](ErrorKind::Protocol): the end of the connection.
    /// [`Timeout`](ErrorKind::Timeout) and [`WouldBlock`](ErrorKind::WouldBlock): nothing is lost, read again.
    pub fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        self.driver.read_content(into)
    }

    /// Lends the content that comes next, empty when it is complete. As [`BufRead::fill_buf`], with this crate's
    /// errors.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    pub fn fill_content(&mut self) -> Result<&[u8], Error> {
        self.driver.fill_content()
    }

    /// Lets go of so many bytes of the content that was lent, at most of all of them. As [`BufRead::consume`].
    pub fn consume_content(&mut self, len: usize) {
        self.driver.consume(len);
    }

    /// All of the content that has not been read yet. For content that may be too much for memory, see
    /// [`bytes_up_to`](Self::bytes_up_to).
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content); what did come is in [`Error::partial`]. An error is the end of this response,
    /// as if it were dropped, also one after which others read again: who does not wait takes
    /// [`read_bytes`](Self::read_bytes).
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_all()
    }

    /// The same as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), or [`NotText`](ErrorKind::NotText) for what is not UTF-8.
    pub fn text(mut self) -> Result<String, Error> {
        let content = self.read_all()?;
        self.text_of(content)
    }

    /// What was read of it as text: the end of [`text`](Self::text), for those who read by themselves.
    ///
    /// # Errors
    /// [`NotText`](ErrorKind::NotText) for what is not UTF-8.
    pub fn text_of(&self, content: Vec<u8>) -> Result<String, Error> {
        String::from_utf8(content)
            .map_err(|invalid| self.driver.error(ErrorKind::NotText).with_partial(invalid.into_bytes()))
    }

    /// The reason phrase as text, octets above 0x7F as the code points U+0080 to U+00FF.
    #[must_use]
    pub fn reason_text(&self) -> Cow<'_, str> {
        match std::str::from_utf8(self.reason()) {
            Ok(text) if text.is_ascii() => Cow::Borrowed(text),
            _ => self.reason().iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        }
    }

    /// Reads the rest of the content and drops it, however much it is; says how much it was.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    pub fn discard(self) -> Result<u64, Error> {
        let before = self.content_read();
        loop {
            let len = self.driver.fill_content()?.len();
            if len == 0 {
                return Ok(self.content_read() - before);
            }
            self.driver.consume(len);
        }
    }

    /// The same as the `http` crate has it, with all of its content.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), or [`Protocol`](ErrorKind::Protocol) for a field that a `HeaderMap` does not take.
    pub fn into_http(mut self) -> Result<http::Response<Vec<u8>>, Error> {
        let head = self.head_to_http()?;
        let content = self.read_all()?;
        Ok(head.map(|()| content))
    }

    /// The head as the `http` crate has it.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) for a field that a `HeaderMap` does not take.
    pub fn head_to_http(&self) -> Result<http::Response<()>, Error> {
        self.head().to_http().map_err(|_| self.driver.error(ErrorKind::Protocol))
    }

    /// Gives the connection back and leaves the response where it is, neither read on nor dropped:
    /// [`Connection::receive`](crate::Connection::receive) takes it up again. For event loops, which cannot keep what
    /// borrows a connection beside it.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// use std::io::Read;
    ///
    /// let mut first = [0; 4];
    /// let mut response = connection.get("/bytes/9")?;
    /// response.read_exact(&mut first)?;
    /// response.suspend();
    /// assert_eq!(connection.receive()?.bytes()?.len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn suspend(self) {
        // Nothing but the borrow ends.
        std::mem::forget(self);
    }

    // The end of HTTP

    /// Whether the bytes that follow are not HTTP: 101, or 2xx to CONNECT.
    #[must_use]
    pub fn is_switched(&self) -> bool {
        self.driver.reply.state == State::Switched
    }

    /// The stream, after a switch; bytes that came behind the head are read from it first.
    ///
    /// # Errors
    /// The response itself, when it does not switch.
    pub fn into_switched(self) -> Result<Switched<S>, Self> {
        let unread = match self.is_switched() {
            // The connection keeps its core: its questions still have answers.
            true => self.driver.core.clone().into_switched().ok(),
            false => None,
        };
        match (unread, self.driver.transport.take()) {
            (Some(unread), Some(transport)) => Ok(Switched::new(transport, unread, self.driver)),
            (_, transport) => {
                self.driver.transport = transport;
                Err(self)
            }
        }
    }

    fn read_all(&mut self) -> Result<Vec<u8>, Error> {
        self.read_most(usize::MAX)
    }

    fn read_most(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        let mut len = 0;
        while len < most {
            if len == content.len() && !self.is_complete() {
                content.resize(self.room(len).min(most), 0);
            }
            match self.driver.read_content(&mut content[len..]) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) => {
                    content.truncate(len);
                    return Err(error.with_partial(content));
                }
            }
        }
        content.truncate(len);
        Ok(content)
    }

    /// How much memory there may be for content of which `len` bytes have come: twice as much, since what the peer
    /// announces is not yet worth any; no more than it has announced.
    fn room(&self, len: usize) -> usize {
        match self.content_left() {
            None | Some(0) => (len * 2).max(SMALL),
            Some(left) => {
                let all = len.saturating_add(usize::try_from(left).unwrap_or(usize::MAX));
                (len * 2).max(PIECE).min(all)
            }
        }
    }
}

/// The first memory for content of unknown length, and the most before any has come of a length that was announced.
const SMALL: usize = 8 << 10;
const PIECE: usize = 64 << 10;

impl<S: Transport> Read for Response<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.driver.read_content(into)?)
    }
}

impl<S: Transport> BufRead for Response<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.driver.fill_content()?)
    }

    fn consume(&mut self, len: usize) {
        self.driver.consume(len);
    }
}

impl<S: Transport> Drop for Response<'_, S> {
    fn drop(&mut self) {
        self.driver.let_go();
    }
}
