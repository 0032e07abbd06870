//! The head of a response: lent, or kept.

use std::fmt;
use std::ops::Range;
use std::thread::LocalKey;

use http::{HeaderMap, StatusCode, Version};

use crate::body::length::Framing;
use crate::exchange::ExchangeId;
use crate::fields::known::KnownLines;
use crate::fields::{FieldsRef, InvalidField, Line};
use crate::free::{self, Free, Lend, Lent};

/// A place in the bytes of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.end]
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// What is said of a head beside its bytes and the index of its fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) exchange: ExchangeId,
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    /// How many bytes at the end were never sent.
    pub(crate) made_up: usize,
    /// Where the reason phrase is: in the bytes, or in what was rewritten of them.
    pub(crate) reason: Span,
    pub(crate) reason_rewritten: bool,
    /// Where the field section is in the bytes.
    pub(crate) section: Span,
    /// The bytes of the section are its lines and nothing else.
    pub(crate) plain: bool,
}

impl About {
    const NONE: Self = Self {
        exchange: ExchangeId(0),
        status: StatusCode::OK,
        version: Version::HTTP_09,
        framing: Framing::None,
        made_up: 0,
        reason: Span { start: 0, end: 0 },
        reason_rewritten: false,
        section: Span { start: 0, end: 0 },
        plain: true,
    };
}

/// A status line with its field section, lent from a connection.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    pub(crate) about: About,
    pub(crate) bytes: &'a [u8],
    pub(crate) lines: &'a [Line],
    pub(crate) rewritten: &'a [u8],
    pub(crate) known: &'a KnownLines,
}

impl<'a> ResponseHead<'a> {
    /// The exchange that it belongs to.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.about.exchange
    }

    /// The status code, 100 to 999. An unknown one acts as the x00 of its class, one above 599 as 500 (RFC 9110
    /// section 15).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.about.status
    }

    /// HTTP/1.0 or HTTP/1.1 (1.2 to 1.9 act as 1.1, RFC 9110 section 2.5); HTTP/0.9 only where it was let through.
    #[must_use]
    pub fn version(&self) -> Version {
        self.about.version
    }

    /// The reason phrase, mostly empty or of no interest, in no particular charset (RFC 9112 section 4).
    #[must_use]
    pub fn reason(&self) -> &'a [u8] {
        self.about.reason.of(if self.about.reason_rewritten { self.rewritten } else { self.bytes })
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'a> {
        FieldsRef {
            bytes: self.about.section.of(self.bytes),
            lines: self.lines,
            rewritten: self.rewritten,
            known: self.known,
            plain: self.about.plain,
        }
    }

    /// How the end of the message body is found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.about.framing
    }

    /// The same in the types of the `http` crate, without the content.
    ///
    /// # Errors
    /// [`InvalidField`] for a value that only a [`Leniency`](crate::Leniency) let in.
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
        &self.bytes[..self.bytes.len() - self.about.made_up]
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
        kept.about = self.about;
        self.bytes.clone_into(&mut kept.bytes);
        self.lines.clone_into(&mut kept.lines);
        self.rewritten.clone_into(&mut kept.rewritten);
        kept.known = *self.known;
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
    about: About,
    bytes: Vec<u8>,
    lines: Vec<Line>,
    rewritten: Vec<u8>,
    known: KnownLines,
}

impl Head {
    /// What can be asked of it.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "AsRef cannot return a value that borrows")]
    pub fn as_ref(&self) -> ResponseHead<'_> {
        let Kept { about, bytes, lines, rewritten, known } = &*self.0;
        ResponseHead { about: *about, bytes, lines, rewritten, known }
    }
}

impl Kept {
    const NEW: Self = Self {
        about: About::NONE,
        bytes: Vec::new(),
        lines: Vec::new(),
        rewritten: Vec::new(),
        known: KnownLines::NONE,
    };
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
        let is_small = free::is_small(&self.bytes, &self.lines);
        self.bytes.clear();
        self.lines.clear();
        self.rewritten = Vec::new();
        is_small
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}
