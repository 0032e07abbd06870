//! What the client was told of a connection: all that it knows, and all that the verdict is about.

use wireline::proto;
use wireline::{Error, ErrorKind, Phase, Progress, Reuse, Unanswered, Violation};

/// What the client was told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// How many answers were delivered whole, in order.
    pub(crate) answered: usize,
    /// How many requests were accepted.
    pub(crate) accepted: usize,
    /// Why the next request was not.
    pub(crate) refused: Option<ErrorKind>,
    /// What receiving ended with.
    pub(crate) failure: Option<Failure>,
    /// The exchanges that are left, as they were listed.
    pub(crate) left: Vec<Left>,
    pub(crate) bytes_sent: u64,
    /// Content of the last request, where only one was sent at a time.
    pub(crate) content_sent: Option<u64>,
    /// At the end, before the client closed.
    pub(crate) reuse: Reuse,
    /// How often the receive buffer was full, and a response had to be received first.
    pub(crate) full: u64,
    /// What was wrong with the answers.
    pub(crate) troubles: Vec<String>,
}

/// An error, as far as the verdict asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) exchange: Option<usize>,
    pub(crate) violation: Option<Violation>,
    pub(crate) phase: Option<Phase>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let violation = match error.protocol().map(proto::Error::kind) {
            Some(proto::ErrorKind::Violation(violation)) => Some(violation),
            _ => None,
        };
        Self {
            kind: error.kind(),
            exchange: error.exchange().map(|exchange| index(exchange.index())),
            violation,
            phase: error.protocol().map(proto::Error::phase),
        }
    }
}

/// An exchange without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) exchange: usize,
    pub(crate) progress: Progress,
    pub(crate) sent: u64,
    pub(crate) idempotent: bool,
    pub(crate) is_safe: bool,
}

impl From<Unanswered> for Left {
    fn from(left: Unanswered) -> Self {
        Self {
            exchange: index(left.exchange.index()),
            progress: left.progress,
            sent: left.sent,
            idempotent: left.idempotent,
            is_safe: left.is_safe_to_repeat(),
        }
    }
}

fn index(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Told {
    pub(crate) fn new() -> Self {
        Self {
            answered: 0,
            accepted: 0,
            refused: None,
            failure: None,
            left: Vec::new(),
            bytes_sent: 0,
            content_sent: None,
            reuse: Reuse::NotYet,
            full: 0,
            troubles: Vec::new(),
        }
    }

    /// The first error is the one that counts.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.failure.get_or_insert_with(|| error.into());
    }

    pub(crate) fn refuse(&mut self, error: &Error) {
        self.refused.get_or_insert_with(|| error.kind());
    }

    pub(crate) fn trouble(&mut self, exchange: usize, what: impl std::fmt::Display) {
        self.troubles.push(format!("exchange {exchange}: {what}"));
    }

    /// How many are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.accepted - self.answered
    }

    /// Nothing more is to be sent.
    pub(crate) fn is_stopped(&self) -> bool {
        self.refused.is_some() || self.failure.is_some()
    }
}
