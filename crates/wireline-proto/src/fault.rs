//! A fault as a scanner finds it, in places of what it scans; the connection makes an [`Error`] of it.

use std::ops::Range;

use crate::error::{Error, ErrorKind};

/// What is wrong and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) at: usize,
    /// What to show of it: bytes that are there however the stream is cut, so that an error is the same for all cuts.
    pub(crate) shown: Range<usize>,
}

impl Fault {
    /// At `at`, in what starts at `from` and may not have come completely: it is shown up to there.
    pub(crate) fn up_to(kind: impl Into<ErrorKind>, from: usize, at: usize) -> Self {
        Self { kind: kind.into(), at, shown: from..at + 1 }
    }

    /// At `at`, in a line that is there as a whole.
    pub(crate) fn within(kind: impl Into<ErrorKind>, line: Range<usize>, at: usize) -> Self {
        Self { kind: kind.into(), at, shown: line }
    }

    /// The bytes around the fault, as many as an error keeps.
    pub(crate) fn excerpt<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let end = self.shown.end.min(bytes.len());
        let before = self.at.saturating_sub(Error::EXCERPT / 2).max(self.shown.start);
        let start = before.min(end.saturating_sub(Error::EXCERPT).max(self.shown.start)).min(end);
        &bytes[start..end.min(start + Error::EXCERPT)]
    }
}
