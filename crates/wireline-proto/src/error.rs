//! What can go wrong. Whose fault it is stands in the type: theirs is [`Error`], yours is [`Misuse`].

use std::fmt;

use crate::exchange::{CloseReason, ExchangeId};

/// The peer's fault: what it sent is not HTTP/1.1, is too much, or ended too early.
///
/// An error is a state, not a flag: from the first one on every [`advance`](crate::Connection::advance) gives the
/// same error again. The questions of the connection still have answers, [`unanswered`](crate::Connection::unanswered)
/// above all.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Details>);

#[derive(Clone, PartialEq, Eq)]
struct Details {
    kind: ErrorKind,
    offset: u64,
    exchange: Option<ExchangeId>,
    phase: Phase,
    excerpt: Vec<u8>,
}

impl Error {
    /// How many bytes around the offending one an error keeps.
    pub const EXCERPT: usize = 48;

    pub(crate) fn new(
        kind: ErrorKind,
        offset: u64,
        exchange: Option<ExchangeId>,
        phase: Phase,
        excerpt: &[u8],
    ) -> Self {
        Self(Box::new(Details { kind, offset, exchange, phase, excerpt: excerpt.to_vec() }))
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it is wrong: how many bytes the peer had sent on this connection before the offending one.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// The exchange whose response it was; `None` between messages.
    #[must_use]
    pub fn exchange(&self) -> Option<ExchangeId> {
        self.0.exchange
    }

    /// Where in a response it is wrong; [`Phase::BeforeResponse`] between messages.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// The offending byte with those around it in the same line, [`EXCERPT`](Self::EXCERPT) bytes at most; behind it
    /// only where the line had to be there as a whole to be judged, so that an error does not depend on how the stream
    /// was cut. Empty where something is missing. As the peer sent it: escape it before it goes to a log.
    #[must_use]
    pub fn excerpt(&self) -> &[u8] {
        &self.0.excerpt
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("offset", &self.0.offset)
            .field("exchange", &self.0.exchange)
            .field("phase", &self.0.phase)
            .field("excerpt", &format_args!("\"{}\"", self.0.excerpt.escape_ascii()))
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.0.kind, self.0.offset)?;
        if let Some(exchange) = self.0.exchange {
            write!(f, " in exchange {exchange}")?;
        }
        if !self.0.excerpt.is_empty() {
            write!(f, ": \"{}\"", self.0.excerpt.escape_ascii())?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The three ways in which a peer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stream ended inside a message, or before one that is owed.
    Incomplete(Incomplete),
    /// More than one of the [`Limits`](crate::Limits) allows.
    Limit(Limit),
    /// Not HTTP/1.1.
    Violation(Violation),
}

impl From<Incomplete> for ErrorKind {
    fn from(incomplete: Incomplete) -> Self {
        Self::Incomplete(incomplete)
    }
}

impl From<Limit> for ErrorKind {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl From<Violation> for ErrorKind {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(incomplete) => incomplete.fmt(f),
            Self::Limit(limit) => write!(f, "limit {}: {}", limit.name(), limit.text()),
            Self::Violation(violation) => write!(f, "violation {}: {}", violation.name(), violation.text()),
        }
    }
}

/// A response that ended early (RFC 9112 section 8): never an empty success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incomplete {
    /// Where in the response the stream ended.
    pub phase: Phase,
    /// How much content had come, in bytes.
    pub received: u64,
    /// How much content is known to be missing, in bytes; `None` where the peer had not said.
    pub missing: Option<u64>,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "incomplete {}: {}", self.phase.name(), self.phase.text())?;
        if self.phase.is_in_body() {
            write!(f, ", {} bytes of content received", self.received)?;
        }
        match self.missing {
            Some(missing) => write!(f, ", at least {missing} missing"),
            None => Ok(()),
        }
    }
}

/// Names each variant for people and for the wire cases, and lists them all, so that a test can ask whether each one
/// has a case that produces it.
macro_rules! kinds {
    ($(#[$outer:meta])* $kind:ident { $($(#[$inner:meta])* $variant:ident = $name:literal, $text:literal;)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $kind { $($(#[$inner])* #[doc = concat!("`", $name, "`: ", $text, ".")] $variant,)* }

        impl $kind {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// A short name that does not change: what the wire cases and the command print.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means, in a few words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

kinds! {
    /// What is not HTTP/1.1 in what the peer sent. The leniency that lets it through, if there is one, is named
    /// in [`Leniency`](crate::Leniency).
    Violation {
        BareCr = "bare-cr", "CR without LF in a head";
        BareLf = "bare-lf", "LF without CR where a line must end in CRLF";
        ChunkDataEnd = "chunk-data-end", "the data of a chunk is not followed by CRLF";
        ChunkExtension = "chunk-extension", "a byte that no chunk extension may hold";
        ChunkSize = "chunk-size", "the size of a chunk is not hexadecimal digits alone";
        ChunkSizeOverflow = "chunk-size-overflow", "the size of a chunk does not fit into 64 bits";
        CodingInHttp10 = "coding-in-http10", "Transfer-Encoding in an HTTP/1.0 response";
        CodingUnsupported = "coding-unsupported", "a transfer coding other than chunked, or chunked twice";
        CodingWithLength = "coding-with-length", "Transfer-Encoding and Content-Length together";
        ControlByte = "control-byte", "a control byte in a field value or in a reason phrase";
        FieldName = "field-name", "a byte that no field name may hold, or no name at all";
        FieldWithoutColon = "field-without-colon", "a field line without a colon";
        FoldRefused = "fold-refused", "a folded field line, which the configuration refuses";
        FoldedFraming = "folded-framing", "a folded line in a field that decides framing or persistence";
        LeadingWhitespace = "leading-whitespace", "white space before the first field line";
        LengthConflict = "length-conflict", "Content-Length values that differ";
        LengthInvalid = "length-invalid", "a Content-Length that is not decimal digits alone";
        LengthOverflow = "length-overflow", "a Content-Length that does not fit into 64 bits";
        SpaceBeforeColon = "space-before-colon", "white space between a field name and its colon";
        StatusCode = "status-code", "a status code that is not three digits from 100 to 999";
        StatusLine = "status-line", "not a status line";
        SwitchUnasked = "switch-unasked", "101 that nobody asked for, or to a protocol that was not offered";
        Unsolicited = "unsolicited", "bytes that nobody asked for";
        Version = "version", "an HTTP version other than 1.0 and 1.1";
    }
}

kinds! {
    /// The bound that the peer passed, named after the field of [`Limits`](crate::Limits) that sets it.
    Limit {
        ChunkExtensions = "chunk-extensions", "more chunk extensions than content can account for";
        ChunkLine = "chunk-line", "a chunk line is too long";
        FieldLine = "field-line", "a field line is too long";
        Fields = "fields", "too many field lines in a head";
        Head = "head", "a head is too large";
        InterimBytes = "interim-bytes", "the interim responses before a final one are too large";
        InterimResponses = "interim-responses", "too many interim responses before a final one";
        StartLine = "start-line", "a status line is too long";
        TrailerFields = "trailer-fields", "too many field lines in a trailer section";
        Trailers = "trailers", "a trailer section is too large";
    }
}

kinds! {
    /// Where in a response something is wrong, or the stream ended.
    Phase {
        BeforeResponse = "before-response", "the peer closed without a byte of the response";
        Head = "head", "the stream ended inside a head";
        Content = "content", "the stream ended inside the content";
        ChunkLine = "chunk-line", "the stream ended where a chunk was due";
        Trailers = "trailers", "the stream ended before the empty line that ends the trailer section";
    }
}

impl Phase {
    const fn is_in_body(self) -> bool {
        matches!(self, Self::Content | Self::ChunkLine | Self::Trailers)
    }
}

/// Your fault: a command that is not legal now. Nothing has changed, on the wire or in the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The request waits for 100 (Continue): [`waive_continue`](crate::Connection::waive_continue) ends the wait.
    AwaitingContinue,
    /// Chunks to a peer that has answered with HTTP/1.0, which has none (RFC 9112 section 6.1): give the content a length.
    ChunksToHttp10,
    /// No more requests on this connection, and why.
    Closed(CloseReason),
    /// More content than `Content-Length` announced; `room` bytes would have been right.
    ContentExcess {
        /// How many bytes of content may still be sent.
        room: u64,
    },
    /// The request ends before the announced `Content-Length` is reached.
    ContentShort {
        /// How many bytes of content are still owed.
        missing: u64,
    },
    /// The content of the request before this one has not been sent completely.
    ContentUnfinished,
    /// Framed content has to leave first, see [`frame_content`](crate::Connection::frame_content).
    FramedContentOwed,
    /// A field that must not stand in a trailer section (RFC 9110 section 6.5.1), or a value that only a leniency let
    /// in.
    ForbiddenTrailer,
    /// There is no content to send, to finish or to abandon.
    NoContentDue,
    /// Nothing waits for 100 (Continue).
    NotAwaitingContinue,
    /// A request whose method is not idempotent has no place in a pipeline (RFC 9112 section 9.3.2), unless
    /// [`Config::pipeline_any_method`](crate::Config) says so.
    NotIdempotent,
    /// An upgrade or a tunnel has been asked for, and not been answered.
    SwitchPending,
    /// Only content in chunks can have a trailer section.
    TrailersWithoutChunks,
}

impl Misuse {
    /// A short name that does not change: what the wire cases print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingContinue => "awaiting-continue",
            Self::ChunksToHttp10 => "chunks-to-http10",
            Self::Closed(_) => "closed",
            Self::ContentExcess { .. } => "content-excess",
            Self::ContentShort { .. } => "content-short",
            Self::ContentUnfinished => "content-unfinished",
            Self::FramedContentOwed => "framed-content-owed",
            Self::ForbiddenTrailer => "forbidden-trailer",
            Self::NoContentDue => "no-content-due",
            Self::NotAwaitingContinue => "not-awaiting-continue",
            Self::NotIdempotent => "not-idempotent",
            Self::SwitchPending => "switch-pending",
            Self::TrailersWithoutChunks => "trailers-without-chunks",
        }
    }

    /// Every name that [`name`](Self::name) can give.
    pub const NAMES: &'static [&'static str] = &[
        "awaiting-continue",
        "chunks-to-http10",
        "closed",
        "content-excess",
        "content-short",
        "content-unfinished",
        "framed-content-owed",
        "forbidden-trailer",
        "no-content-due",
        "not-awaiting-continue",
        "not-idempotent",
        "switch-pending",
        "trailers-without-chunks",
    ];
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwaitingContinue => f.write_str("the content waits for 100 (Continue)"),
            Self::ChunksToHttp10 => f.write_str("the peer has answered with HTTP/1.0, which has no chunks"),
            Self::Closed(reason) => write!(f, "no more requests on this connection: {reason}"),
            Self::ContentExcess { room } => {
                write!(f, "more content than Content-Length announced: {room} bytes may still be sent")
            }
            Self::ContentShort { missing } => {
                write!(f, "less content than Content-Length announced: {missing} bytes are missing")
            }
            Self::ContentUnfinished => f.write_str("the content of the last request is not complete"),
            Self::FramedContentOwed => f.write_str("content that has been framed must be sent first"),
            Self::ForbiddenTrailer => f.write_str("this field must not stand in a trailer section"),
            Self::NoContentDue => f.write_str("no content is due"),
            Self::NotAwaitingContinue => f.write_str("nothing waits for 100 (Continue)"),
            Self::NotIdempotent => f.write_str("a request that is not idempotent is not pipelined unasked"),
            Self::SwitchPending => f.write_str("an upgrade or a tunnel has been asked for and not been answered"),
            Self::TrailersWithoutChunks => f.write_str("a trailer section needs content in chunks"),
        }
    }
}

impl std::error::Error for Misuse {}
