//! The head of a response: lent, or kept.

use std::fmt;
use std::thread::LocalKey;

use http::{HeaderMap, StatusCode, Version};

use crate::body::length::Framing;
use crate::exchange::ExchangeId;
use crate::fields::{FieldsRef, InvalidField};
use crate::free::{self, Free, Lend, Lent};
use crate::head::Scanner;

/// A status line with its field section, lent from a connection.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    pub(crate) exchange: ExchangeId,
    pub(crate) framing: Framing,
    pub(crate) bytes: &'a [u8],
    /// How many of them, at the end, were never sent.
    pub(crate) made_up: usize,
    /// What has read the bytes.
    pub(crate) scanner: &'a Scanner,
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
        self.scanner.status().map_or(StatusCode::OK, |line| line.status)
    }

    /// HTTP/1.0 or HTTP/1.1 (1.2 to 1.9 act as 1.1, RFC 9110 section 2.5); HTTP/0.9 only where it was let through.
    #[must_use]
    pub fn version(&self) -> Version {
        self.scanner.status().map_or(Version::HTTP_09, |line| line.version)
    }

    /// The reason phrase, mostly empty or of no interest, in no particular charset (RFC 9112 section 4).
    #[must_use]
    pub fn reason(&self) -> &'a [u8] {
        self.scanner.reason(self.bytes)
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'a> {
        self.scanner.fields(self.bytes)
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
    #[inline]
    pub fn to_http(&self) -> Result<http::Response<()>, InvalidField> {
        let mut response = http::Response::new(());
        *response.status_mut() = self.status();
        *response.version_mut() = self.version();
        *response.headers_mut() = HeaderMap::try_from(self.fields())?;
        Ok(response)
    }

    /// The bytes of the head as they came, the empty line included.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        &self.bytes[..self.bytes.len() - self.made_up]
    }

    /// A copy to keep.
    #[must_use]
    pub fn to_owned(&self) -> Head {
        let mut head = Head(Lent::NONE);
        self.clone_into(&mut head);
        head
    }

    /// A copy to keep, in memory that `head` has already.
    pub fn clone_into(&self, head: &mut Head) {
        let kept = &mut *head.0;
        (kept.exchange, kept.framing, kept.made_up) = (self.exchange, self.framing, self.made_up);
        self.bytes.clone_into(&mut kept.bytes);
        self.scanner.clone_into(&mut kept.scanner);
    }
}

impl fmt::Debug for ResponseHead<'_> {
    /// Without the raw bytes: the fields know which of their values not to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("exchange", &self.exchange())
            .field("status", &self.status())
            .field("version", &self.version())
            .field("reason", &format_args!("{}", self.reason().escape_ascii()))
            .field("fields", &self.fields())
            .field("framing", &self.framing())
            .finish_non_exhaustive()
    }
}

/// A [`ResponseHead`] that was kept. Its bytes are there once: the fields are places in them. Its memory is lent by the
/// thread, and goes back when it is dropped: keeping the heads of one response after the other allocates nothing.
#[derive(Clone)]
pub struct Head(Lent<Kept>);

#[derive(Clone)]
struct Kept {
    exchange: ExchangeId,
    framing: Framing,
    bytes: Vec<u8>,
    made_up: usize,
    scanner: Scanner,
}

impl Head {
    /// What can be asked of it.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "AsRef cannot return a value that borrows")]
    pub fn as_ref(&self) -> ResponseHead<'_> {
        let Kept { exchange, framing, bytes, made_up, scanner } = &*self.0;
        ResponseHead { exchange: *exchange, framing: *framing, bytes, made_up: *made_up, scanner }
    }
}

impl Kept {
    const NEW: Self =
        Self { exchange: ExchangeId(0), framing: Framing::None, bytes: Vec::new(), made_up: 0, scanner: Scanner::NEW };
}

impl Default for Kept {
    fn default() -> Self {
        Self::NEW
    }
}

thread_local! {
    static KEPT: Free<Box<Kept>> = const { Free::new() };
}

impl Lend for Kept {
    const NONE: &'static Self = &Self::NEW;

    fn free() -> &'static LocalKey<Free<Box<Self>>> {
        &KEPT
    }

    fn clear(&mut self) -> bool {
        let is_small = free::is_small(&self.bytes) && self.scanner.clear();
        self.bytes.clear();
        is_small
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}
