//! What can go wrong with a connection, in one type.

mod stage;

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use wireline_proto as proto;

pub use stage::Stage;

use crate::connect::origin::InvalidUrl;
use crate::connect::socks::SocksError;
use crate::reply::Head;
use crate::timeouts::Operation;
use crate::{CloseReason, ExchangeId, InvalidRequest, Misuse};

/// What a connection could not do, and how far it had got.
pub struct Error(Box<Details>);

struct Details {
    kind: ErrorKind,
    cause: Option<Cause>,
    context: Context,
    partial: Vec<u8>,
    answer: Option<Head>,
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    Protocol(proto::Error),
    /// The stream broke, and this is what the core makes of it.
    Both(io::Error, proto::Error),
}

/// Where a connection was when it failed.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) exchange: Option<ExchangeId>,
    pub(crate) stage: Stage,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) elapsed: Duration,
}

impl Context {
    /// Before there is a connection.
    pub(crate) const fn before(stage: Stage, elapsed: Duration) -> Self {
        Self { exchange: None, stage, bytes_sent: 0, bytes_received: 0, elapsed }
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A wait was ended by a [`Canceller`](crate::Canceller). Nothing was lost: make the call again, when it is reset.
    Canceled,
    /// The peer's certificate is not to be believed.
    Certificate,
    /// The charset that the response names is not known here. The content is in [`Error::partial`], all of it.
    Charset,
    /// This connection takes no more requests, and why. Nothing was sent: connect anew.
    Closed(CloseReason),
    /// The content is not in the content coding that it is said to be in, ends before that does, or goes on behind it;
    /// or the coding is not known here (RFC 9110 section 8.4).
    Coding,
    /// Nobody accepted the connection.
    Connect,
    /// Decoded, the content is more than was allowed for.
    Expansion {
        /// The bound, in bytes: see [`Expansion`](crate::Expansion).
        bound: u64,
    },
    /// An exchange has not been finished: [`receive`](crate::Connection::receive) its response first.
    InFlight,
    /// The request cannot be built. Nothing was sent.
    InvalidRequest(InvalidRequest),
    /// Not the URL of an HTTP origin.
    InvalidUrl(InvalidUrl),
    /// The connection ended early, however the system called it: end of stream, reset, abort, broken pipe, TLS
    /// without a closing notice. [`unanswered`](crate::Connection::unanswered) says what is safe to send again.
    Lost,
    /// A command that is not legal now. Nothing has changed.
    Misuse(Misuse),
    /// The host's name does not exist, or has no address.
    NoSuchHost,
    /// No response is owed.
    NothingOwed,
    /// The content is not text in its charset.
    NotText,
    /// What the peer sent is not HTTP/1.1, or too much.
    Protocol,
    /// The proxy does not make the connection: [`Error::proxy_answer`] or [`Error::socks`] says why.
    Proxy,
    /// The peer does not read before its responses have been, and the buffer for them is full. Nothing was lost and
    /// nothing has changed: receive a response and make the call again.
    ReceiveBufferFull {
        /// The bound, in bytes: [`Limits::receive_buffer`](crate::Limits).
        bound: u32,
    },
    /// Going on needs the responses before it to be received. Nothing has changed.
    ReceiveFirst,
    /// The host's name could not be looked up, and the resolver does not say why.
    Resolve,
    /// The host's name could not be looked up, because nobody could be asked: the resolver is not reachable, or does not
    /// answer. Later it may.
    ResolverUnreachable,
    /// The caller's file did not take the content. What had been read and is not in it is in [`Error::partial`]; the rest
    /// can be read.
    Sink,
    /// The caller's own content could not be read.
    Source,
    /// It took too long.
    Timeout(Operation),
    /// The TLS handshake failed, or what came later is not TLS.
    Tls,
    /// The content, or a line of it, is longer than the caller has room for. Nothing was lost: what was read is in
    /// [`Error::partial`], and the rest can be read.
    TooLong {
        /// The caller's bound, in bytes.
        bound: u64,
    },
    /// It would have to wait, and was told not to. Nothing was lost: make the call again.
    WouldBlock(Operation),
}

impl ErrorKind {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Certificate => "certificate",
            Self::Charset => "charset",
            Self::Closed(_) => "closed",
            Self::Coding => "coding",
            Self::Connect => "connect",
            Self::Expansion { .. } => "expansion",
            Self::InFlight => "in-flight",
            Self::InvalidRequest(_) => "invalid-request",
            Self::InvalidUrl(_) => "invalid-url",
            Self::Lost => "lost",
            Self::Misuse(_) => "misuse",
            Self::NoSuchHost => "no-such-host",
            Self::NothingOwed => "nothing-owed",
            Self::NotText => "not-text",
            Self::Protocol => "protocol",
            Self::Proxy => "proxy",
            Self::ReceiveBufferFull { .. } => "receive-buffer-full",
            Self::ReceiveFirst => "receive-first",
            Self::Resolve => "resolve",
            Self::ResolverUnreachable => "resolver-unreachable",
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Timeout(_) => "timeout",
            Self::Tls => "tls",
            Self::TooLong { .. } => "too-long",
            Self::WouldBlock(_) => "would-block",
        }
    }

    /// Whether the same call can be made again, and nothing has changed.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(self, Self::Canceled | Self::ReceiveBufferFull { .. } | Self::Timeout(_) | Self::WouldBlock(_))
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canceled => f.write_str("canceled"),
            Self::Certificate => f.write_str("certificate not accepted"),
            Self::Charset => f.write_str("a charset that is not known here"),
            Self::Closed(reason) => write!(f, "no more requests on this connection: {reason}"),
            Self::Coding => f.write_str("cannot decode the content"),
            Self::Connect => f.write_str("cannot connect"),
            Self::Expansion { bound } => write!(f, "the content is more than {bound} bytes when it is decoded"),
            Self::InFlight => f.write_str("an exchange has not been finished"),
            Self::InvalidRequest(invalid) => write!(f, "request refused: {invalid}"),
            Self::InvalidUrl(invalid) => write!(f, "URL refused: {invalid}"),
            Self::Lost => f.write_str("connection lost"),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::NoSuchHost => f.write_str("no such host"),
            Self::NothingOwed => f.write_str("no response is owed"),
            Self::NotText => f.write_str("the content is not text in its charset"),
            Self::Protocol => f.write_str("protocol broken"),
            Self::Proxy => f.write_str("the proxy refused"),
            Self::ReceiveBufferFull { bound } => {
                write!(f, "the receive buffer of {bound} bytes is full: receive a response first")
            }
            Self::ReceiveFirst => f.write_str("responses that were asked for before have to be received first"),
            Self::Resolve => f.write_str("cannot look the name up"),
            Self::ResolverUnreachable => f.write_str("no resolver can be reached"),
            Self::Sink => f.write_str("cannot write the content to the file"),
            Self::Source => f.write_str("cannot read the content to send"),
            Self::Timeout(operation) => write!(f, "took too long: {operation}"),
            Self::Tls => f.write_str("TLS failed"),
            Self::TooLong { bound } => write!(f, "longer than {bound} bytes"),
            Self::WouldBlock(operation) => write!(f, "would have to wait: {operation}"),
        }
    }
}

thread_local! {
    /// The memory of an error that nobody wanted.
    static SPARE: Cell<Option<Box<Details>>> = const { Cell::new(None) };
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: Context) -> Self {
        let details = Details { kind, cause: None, context, partial: Vec::new(), answer: None };
        match SPARE.try_with(Cell::take) {
            Ok(Some(mut spare)) => {
                *spare = details;
                Self(spare)
            }
            _ => Self(Box::new(details)),
        }
    }

    /// Keeps the memory of this error for the next one of this thread: whoever waits after each
    /// [`WouldBlock`](ErrorKind::WouldBlock), as an adapter to a runtime does, allocates nothing then.
    pub fn recycle(mut self) {
        // Content that came before a wait may be long.
        self.0.partial = Vec::new();
        // A thread that ends keeps nothing.
        let _kept = SPARE.try_with(|spare| spare.set(Some(self.0)));
    }

    pub(crate) fn from_system(kind: ErrorKind, context: Context, cause: io::Error) -> Self {
        Self(Box::new(Details { kind, cause: Some(Cause::Io(cause)), context, partial: Vec::new(), answer: None }))
    }

    /// What the core says, and what the system had said before, if that is why.
    pub(crate) fn from_protocol(error: proto::Error, broken: Option<io::Error>, context: Context) -> Self {
        let (kind, cause) = match (error.kind(), broken) {
            (proto::ErrorKind::Incomplete(_), None) => (ErrorKind::Lost, Cause::Protocol(error)),
            (proto::ErrorKind::Incomplete(_), Some(broken)) => {
                let tls = broken.kind() == io::ErrorKind::InvalidData;
                (if tls { ErrorKind::Tls } else { ErrorKind::Lost }, Cause::Both(broken, error))
            }
            _ => (ErrorKind::Protocol, Cause::Protocol(error)),
        };
        Self(Box::new(Details { kind, cause: Some(cause), context, partial: Vec::new(), answer: None }))
    }

    #[must_use]
    pub(crate) fn with_cause(mut self, cause: io::Error) -> Self {
        self.0.cause = Some(Cause::Io(cause));
        self
    }

    /// The same with content that did come: for adapters, whose users ask [`partial`](Self::partial).
    #[must_use]
    pub fn with_partial(mut self, partial: Vec<u8>) -> Self {
        self.0.partial = partial;
        self
    }

    /// A proxy refused, and this is how.
    pub(crate) fn refused(answer: Head, context: Context) -> Self {
        let mut error = Self::new(ErrorKind::Proxy, context);
        error.0.answer = Some(answer);
        error
    }

    /// The same, seen from elsewhere.
    #[must_use]
    pub(crate) fn at(mut self, context: Context) -> Self {
        self.0.context = context;
        self
    }

    /// For [`Proxy`](ErrorKind::Proxy): the head of the answer to CONNECT, if it was an HTTP proxy.
    #[must_use]
    pub fn proxy_answer(&self) -> Option<&Head> {
        self.0.answer.as_ref()
    }

    /// For [`Proxy`](ErrorKind::Proxy): what a SOCKS5 proxy said.
    #[must_use]
    pub fn socks(&self) -> Option<&SocksError> {
        self.io_error()?.get_ref()?.downcast_ref()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the network is to blame, and the same may go well a little later: a lost connection, a wait that took too
    /// long, a resolver that is not reachable, a connect that the network or the host did not let through. Whether a
    /// request is safe to send again is another question: [`Connection::unanswered`](crate::Connection::unanswered).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self.kind() {
            ErrorKind::Lost | ErrorKind::ResolverUnreachable | ErrorKind::Timeout(_) => true,
            ErrorKind::Connect => self.io_error().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::HostUnreachable
                        | io::ErrorKind::NetworkDown
                        | io::ErrorKind::NetworkUnreachable
                        | io::ErrorKind::TimedOut
                )
            }),
            _ => false,
        }
    }

    /// For [`Lost`](ErrorKind::Lost) and [`Protocol`](ErrorKind::Protocol): what exactly, at which byte.
    #[must_use]
    pub fn protocol(&self) -> Option<&proto::Error> {
        match &self.0.cause {
            Some(Cause::Protocol(error) | Cause::Both(_, error)) => Some(error),
            _ => None,
        }
    }

    /// What the system said, if it said anything: the end of a stream is not an error there.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.0.cause {
            Some(Cause::Io(error) | Cause::Both(error, _)) => Some(error),
            _ => None,
        }
    }

    /// The exchange that was going on.
    #[must_use]
    pub fn exchange(&self) -> Option<ExchangeId> {
        self.0.context.exchange
    }

    /// How far it had got.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.context.stage
    }

    /// How many bytes had been handed to the transport on this connection.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.0.context.bytes_sent
    }

    /// How many bytes had come on this connection.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.0.context.bytes_received
    }

    /// How long the exchange, or making the connection, had taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.context.elapsed
    }

    /// The content that did come and was not handed over, from the methods that read more than once. It is not all.
    #[must_use]
    pub fn partial(&self) -> &[u8] {
        &self.0.partial
    }

    /// The caller's own content could not be read, before anything was sent: [`Source`](ErrorKind::Source). For adapters.
    #[must_use]
    pub fn source_failed(error: io::Error) -> Self {
        Self::from_system(ErrorKind::Source, Context::before(Stage::Idle, Duration::ZERO), error)
    }

    /// What the system said to an adapter that connects: [`Connect`](ErrorKind::Connect).
    #[must_use]
    pub fn cannot_connect(error: io::Error) -> Self {
        Self::from_system(ErrorKind::Connect, Context::before(Stage::Connecting, Duration::ZERO), error)
    }

    /// The error inside an [`io::Error`] that came from reading a [`Response`](crate::Response).
    ///
    /// # Errors
    /// The same `io::Error`, when there is none inside.
    pub fn from_io(error: io::Error) -> Result<Self, io::Error> {
        error.downcast::<Self>()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Certificate
            | ErrorKind::Charset
            | ErrorKind::Coding
            | ErrorKind::Expansion { .. }
            | ErrorKind::NotText
            | ErrorKind::Protocol
            | ErrorKind::Tls
            | ErrorKind::TooLong { .. } => io::ErrorKind::InvalidData,
            ErrorKind::InvalidRequest(_) | ErrorKind::InvalidUrl(_) | ErrorKind::Misuse(_) => {
                io::ErrorKind::InvalidInput
            }
            ErrorKind::Lost => error.io_error().map_or(io::ErrorKind::UnexpectedEof, Self::kind),
            ErrorKind::Closed(_) => io::ErrorKind::NotConnected,
            ErrorKind::Timeout(_) => io::ErrorKind::TimedOut,
            ErrorKind::WouldBlock(_) => io::ErrorKind::WouldBlock,
            _ => error.io_error().map_or(io::ErrorKind::Other, Self::kind),
        };
        Self::new(kind, error)
    }
}

impl From<InvalidUrl> for Error {
    fn from(invalid: InvalidUrl) -> Self {
        Self::new(ErrorKind::InvalidUrl(invalid), Context::before(Stage::Resolving, Duration::ZERO))
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::new(ErrorKind::Misuse(misuse), Context::before(Stage::Idle, Duration::ZERO))
    }
}

impl From<InvalidRequest> for Error {
    fn from(invalid: InvalidRequest) -> Self {
        Self::new(ErrorKind::InvalidRequest(invalid), Context::before(Stage::Idle, Duration::ZERO))
    }
}

impl fmt::Debug for Error {
    /// Of a proxy's answer the status, and of content how much came: what is printed where an error is unwrapped is in
    /// every program, and the rest can be asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { kind, cause, context, partial, answer } = &*self.0;
        let elapsed = context.elapsed;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("cause", cause)
            .field("answer", &answer.as_ref().map(|head| head.status().as_u16()))
            .field("partial", &partial.len())
            .field("exchange", &context.exchange)
            .field("stage", &context.stage)
            .field("bytes_sent", &context.bytes_sent)
            .field("bytes_received", &context.bytes_received)
            .field("elapsed", &format_args!("{}.{:03} s", elapsed.as_secs(), elapsed.subsec_millis()))
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        if let Some(answer) = &self.0.answer {
            write!(f, ": {} {}", answer.status().as_u16(), answer.reason().escape_ascii())?;
        }
        match &self.0.cause {
            None => Ok(()),
            Some(Cause::Io(error)) => write!(f, ": {error}"),
            Some(Cause::Protocol(error)) => write!(f, ": {error}"),
            Some(Cause::Both(io, error)) => write!(f, ": {error} ({io})"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.cause {
            None => None,
            Some(Cause::Io(error) | Cause::Both(error, _)) => Some(error),
            Some(Cause::Protocol(error)) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_an_error_is_brief() {
        let context = Context::before(Stage::Connecting, Duration::from_millis(1012));
        let error = Error::new(ErrorKind::Connect, context).with_partial(b"abc".to_vec());
        let printed = "Error { kind: Connect, cause: None, answer: None, partial: 3, exchange: None, stage: Connecting, \
                       bytes_sent: 0, bytes_received: 0, elapsed: 1.012 s }";
        assert_eq!(format!("{error:?}"), printed);
    }
}
