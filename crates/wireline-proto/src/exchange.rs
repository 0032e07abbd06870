//! One request with the responses that belong to it: its place in the queue, and what becomes of it when the
//! connection does not last.

use std::fmt;

use http::Method;

/// Which exchange on this connection: they are counted from 0 in the order in which their requests were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub(crate) u64);

impl ExchangeId {
    /// The number of exchanges before this one on the same connection.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the connection keeps of a request until its final response is complete (RFC 9110 section 6.2: without it
/// the response cannot be parsed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) id: ExchangeId,
    pub(crate) role: Role,
    pub(crate) idempotent: bool,
    /// Offset in the sent stream at which the request starts.
    pub(crate) start: u64,
    /// Offset behind its last byte; `None` while content is still to come.
    pub(crate) end: Option<u64>,
    /// It says `Connection: close`, or what amounts to it.
    pub(crate) last: bool,
    /// How much the peer had sent when the first byte of the request left; `None` while none has. What came before cannot
    /// be its response, whatever it looks like.
    pub(crate) since: Option<u64>,
    /// A byte of a response has come.
    pub(crate) heard: bool,
    /// The final response's head has come.
    pub(crate) begun: bool,
}

/// What of a request decides how its response is framed (RFC 9112 section 6.3, rules 1 and 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) is_connect: bool,
    pub(crate) is_get: bool,
    pub(crate) is_head: bool,
    /// The value of the request's `Upgrade` field: what was offered.
    pub(crate) offered: Option<Box<[u8]>>,
}

impl Role {
    pub(crate) fn new(method: &Method, offered: Option<&[u8]>) -> Self {
        Self {
            is_connect: *method == Method::CONNECT,
            is_get: *method == Method::GET,
            is_head: *method == Method::HEAD,
            offered: offered.map(Into::into),
        }
    }

    pub(crate) const fn may_switch(&self) -> bool {
        self.is_connect || self.offered.is_some()
    }
}

/// An exchange without a complete response: what left, what came, and whether it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unanswered {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// How far it got.
    pub progress: Progress,
    /// How many bytes of the request were handed to the transport, framing included. Whether they arrived is not
    /// known.
    pub sent: u64,
    /// The request's method is idempotent (RFC 9110 section 9.2.2).
    pub idempotent: bool,
}

impl Unanswered {
    /// Whether sending the request again cannot repeat a side effect: nothing of it had left, or its method is
    /// idempotent and no byte of a response had come (RFC 9110 section 9.2.2).
    ///
    /// Do not pipeline a repeated request, nor repeat it twice (RFC 9112 section 9.3.2, RFC 9110 section 9.2.2).
    #[must_use]
    pub const fn is_safe_to_repeat(&self) -> bool {
        match self.progress {
            Progress::NothingSent => true,
            Progress::PartlySent | Progress::Sent => self.idempotent,
            Progress::ResponseBegun => false,
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idempotent = if self.idempotent { "idempotent" } else { "not idempotent" };
        write!(f, "{} ({}, {idempotent})", self.exchange, self.progress.text())
    }
}

/// How far an exchange got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Progress {
    /// No byte of it was handed to the transport.
    NothingSent,
    /// Some of it was.
    PartlySent,
    /// All of it was.
    Sent,
    /// A byte of a response to it has come, interim or final: the peer has seen it.
    ResponseBegun,
}

impl Progress {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingSent => "nothing-sent",
            Self::PartlySent => "partly-sent",
            Self::Sent => "sent",
            Self::ResponseBegun => "response-begun",
        }
    }

    /// The same in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NothingSent => "nothing of it sent",
            Self::PartlySent => "part of it sent",
            Self::Sent => "all of it sent",
            Self::ResponseBegun => "response begun",
        }
    }
}

/// Whether the connection can carry another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reuse {
    /// Never again, and why.
    Never(CloseReason),
    /// Not before what is in flight is complete.
    NotYet,
    /// Now: everything sent is answered, nothing is left over, and nobody asked for a close.
    Now,
}

impl fmt::Display for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never(reason) => write!(f, "never, {reason}"),
            Self::NotYet => f.write_str("not yet"),
            Self::Now => f.write_str("now"),
        }
    }
}

/// Why a connection takes no more requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Content of a request was given up: the peer cannot tell where the next request would start.
    ContentAbandoned,
    /// A leniency let framing through that parsers disagree about.
    Deviation,
    /// The peer broke the protocol or passed a limit: see the [`Error`](crate::Error).
    Error,
    /// The response came with HTTP/1.0 and without `Connection: keep-alive` (RFC 9112 section 9.3).
    Http10,
    /// The peer closed its side.
    PeerClosed,
    /// The peer sent `Connection: close`.
    PeerSentClose,
    /// The stream broke: a reset, or TLS that ended without notice.
    StreamBroken,
    /// The bytes are no longer HTTP: 101, or 2xx to CONNECT.
    Switched,
    /// Our side can send no more.
    TransmitClosed,
    /// More bytes have come than the messages account for.
    Unsolicited,
    /// The content lasted until the close of the connection.
    UntilClose,
    /// A request said `Connection: close`, or was HTTP/1.0 without `Connection: keep-alive`.
    WeSentClose,
}

impl CloseReason {
    /// The reason in a few words that do not change.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ContentAbandoned => "content abandoned",
            Self::Deviation => "ambiguous framing let through",
            Self::Error => "protocol error",
            Self::Http10 => "HTTP/1.0 without keep-alive",
            Self::PeerClosed => "peer closed",
            Self::PeerSentClose => "peer sent close",
            Self::StreamBroken => "stream broke",
            Self::Switched => "switched protocols",
            Self::TransmitClosed => "sending side closed",
            Self::Unsolicited => "unsolicited bytes",
            Self::UntilClose => "content until close",
            Self::WeSentClose => "we sent close",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
