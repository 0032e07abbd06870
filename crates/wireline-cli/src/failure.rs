//! Why an exchange failed: one value for standard error, for `--json` and for the exit status.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};
use wireline::proto::{self, ErrorKind as ProtocolKind};
use wireline::{Error, ErrorKind, Phase, Stage};

use crate::exit::Exit;

/// A failed exchange. Its form is the `error` of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Failure {
    /// What kind of failure: `incomplete`, `violation`, `limit`, `timeout`, `resolve`, ...
    pub(crate) kind: &'static str,
    /// The violation or the limit by name.
    pub(crate) name: Option<&'static str>,
    /// The same for people.
    pub(crate) message: String,
    /// The offset in the peer's stream, in bytes.
    pub(crate) offset: Option<u64>,
    /// How far the exchange had come.
    pub(crate) phase: Option<&'static str>,
    /// The exit status that it makes.
    #[serde(serialize_with = "as_code")]
    pub(crate) exit: Exit,
    /// How long it took to fail, in seconds, where no exchange had begun.
    #[serde(skip)]
    pub(crate) elapsed: f64,
    /// Whoever read the output has gone, and does not want to hear about it.
    #[serde(skip)]
    pub(crate) is_unread: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_code<S: Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(exit.code())
}

impl Failure {
    /// A failure that no byte of the peer is to blame for.
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            name: None,
            message: message.into(),
            offset: None,
            phase: None,
            exit,
            elapsed: 0.0,
            is_unread: false,
        }
    }

    /// A failure of the connection or of the peer.
    pub(crate) fn of(error: &Error) -> Self {
        let (exit, kind) = match error.kind() {
            ErrorKind::Resolve => (Exit::Resolve, "resolve"),
            ErrorKind::NoSuchHost => (Exit::Resolve, "no-such-host"),
            ErrorKind::ResolverUnreachable => (Exit::Resolve, "resolver-unreachable"),
            ErrorKind::Connect => (Exit::Connect, "connect"),
            // A session that breaks later is a connection that broke.
            ErrorKind::Tls if error.stage() != Stage::Securing => (Exit::Receive, "tls"),
            ErrorKind::Tls => (Exit::Tls, "tls"),
            ErrorKind::Certificate => (Exit::Certificate, "certificate"),
            ErrorKind::Timeout(_) | ErrorKind::WouldBlock(_) => (Exit::Timeout, "timeout"),
            ErrorKind::Lost if error.stage() == Stage::Securing => (Exit::Tls, "tls"),
            ErrorKind::Lost => (lost(error), "incomplete"),
            ErrorKind::Protocol => (Exit::Receive, "violation"),
            // The answer to an earlier request ended the connection: nothing of this one is known.
            ErrorKind::Closed(_) => (Exit::Empty, "closed"),
            ErrorKind::Source => (Exit::Input, "read"),
            ErrorKind::Sink => (Exit::Output, "write"),
            _ => (Exit::Usage, "request"),
        };
        let mut failure = Self::new(exit, kind, error.to_string());
        failure.elapsed = error.elapsed().as_secs_f64();
        failure.phase = Some(error.stage().name());
        if error.bytes_received() > 0 {
            failure.offset = Some(error.bytes_received());
        }
        if let Some(protocol) = error.protocol() {
            failure.offset = Some(protocol.offset());
            failure.phase = Some(protocol.phase().name());
            if error.kind() == ErrorKind::Protocol {
                failure.message = protocol.to_string();
            }
            match protocol.kind() {
                ProtocolKind::Limit(limit) => (failure.kind, failure.name) = ("limit", Some(limit.name())),
                ProtocolKind::Violation(violation) => failure.name = Some(violation.name()),
                _ => {}
            }
        }
        failure
    }

    /// Whether the same request may do better: it is the connection that failed, or the way to it.
    pub(crate) fn may_pass(&self) -> bool {
        let is_of_the_way = matches!(
            self.exit,
            Exit::Connect | Exit::Empty | Exit::Receive | Exit::Resolve | Exit::Send | Exit::Timeout
        );
        is_of_the_way && self.kind != "no-such-host"
    }

    /// What was received could not be written.
    pub(crate) fn output(what: impl fmt::Display, error: &io::Error) -> Self {
        let failure = Self::new(Exit::Output, "write", format!("cannot write to {what}: {error}"));
        Self { is_unread: error.kind() == io::ErrorKind::BrokenPipe, ..failure }
    }

    /// What is to be sent could not be read.
    pub(crate) fn input(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(Exit::Input, "read", format!("cannot read {what}: {error}"))
    }
}

/// The number that curl has for a connection that ended early: it tells apart whether the end was in order, and
/// how far things had come.
fn lost(error: &Error) -> Exit {
    match (error.io_error(), error.protocol().map(proto::Error::phase)) {
        (Some(_), _) => Exit::Receive,
        (None, Some(Phase::BeforeResponse)) => Exit::Empty,
        (None, _) => Exit::Incomplete,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
