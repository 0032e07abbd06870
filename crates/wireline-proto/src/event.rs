//! What comes out of a connection: events, lent from the receive buffer, one at a time.

use http::{StatusCode, Version};

use crate::body::length::Framing;
use crate::exchange::ExchangeId;
use crate::fields::{FieldsRef, InvalidField};

/// What the peer said next.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An interim response: any 1xx but a 101 that was asked for (RFC 9110 section 15.2).
    Interim(ResponseHead<'a>),
    /// The final response of the exchange at the front of the queue.
    Response(ResponseHead<'a>),
    /// Content, decoded, never empty.
    Content(&'a [u8]),
    /// The message is complete. Its trailer section, mostly empty. While a trailer section is lent the connection holds its
    /// buffers; the next [`advance`](crate::Connection::advance) gives them back.
    End(FieldsRef<'a>),
    /// 101, or 2xx to CONNECT: from here on the bytes are not HTTP. See
    /// [`into_switched`](crate::Connection::into_switched).
    Switched(ResponseHead<'a>),
    /// The peer closed between messages.
    Closed,
}

/// A status line with its field section.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    pub(crate) exchange: ExchangeId,
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) reason: &'a [u8],
    pub(crate) fields: FieldsRef<'a>,
    pub(crate) framing: Framing,
    pub(crate) bytes: &'a [u8],
}

impl<'a> ResponseHead<'a> {
    /// The exchange that it belongs to.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.exchange
    }

    /// The status code, 100 to 999. An unknown one acts as the x00 of its class, one above 599 as 500 (RFC 9110
    /// section 15).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// HTTP/1.0 or HTTP/1.1 (1.2 to 1.9 act as 1.1, RFC 9110 section 2.5); HTTP/0.9 only where it was let through.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The reason phrase, mostly empty or of no interest, in no particular charset (RFC 9112 section 4).
    #[must_use]
    pub fn reason(&self) -> &'a [u8] {
        self.reason
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'a> {
        self.fields
    }

    /// How the end of the message body is found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The same in the types of the `http` crate, without the content.
    ///
    /// # Errors
    /// [`InvalidField`] for a value that only a [`Leniency`](crate::Leniency) let in.
    pub fn to_http(&self) -> Result<http::Response<()>, InvalidField> {
        let mut response = http::Response::new(());
        *response.status_mut() = self.status;
        *response.version_mut() = self.version;
        *response.headers_mut() = self.fields.try_into()?;
        Ok(response)
    }

    /// The bytes of the head as they came, the empty line included.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl std::fmt::Debug for ResponseHead<'_> {
    /// Without the raw bytes: the fields know which of their values not to show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseHead")
            .field("exchange", &self.exchange)
            .field("status", &self.status)
            .field("version", &self.version)
            .field("reason", &format_args!("{}", self.reason.escape_ascii()))
            .field("fields", &self.fields)
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

/// What a connection waits for: what to ask `poll`, `epoll` or an event loop for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interest {
    /// Read: the peer may send, and there is room for it.
    pub read: bool,
    /// Write: bytes are queued.
    pub write: bool,
}
