//! What a scripted peer saw of one connection.

use std::fmt;
use std::io;

/// One connection of a [`ScriptedPeer`](super::ScriptedPeer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub(super) received: Vec<u8>,
    pub(super) sent: usize,
    pub(super) outcome: Outcome,
}

impl Conversation {
    /// All that the client sent, in as far as the peer read it.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// How many bytes of the script were sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// How the script ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the script was followed to its end.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.outcome == Outcome::Completed
    }
}

/// How a script ended. Steps are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every step was taken.
    Completed,
    /// The client closed before it had sent what this step waited for.
    Ended {
        /// Which step.
        step: usize,
    },
    /// The connection failed in this step.
    Failed {
        /// Which step.
        step: usize,
        /// What the system called it.
        kind: io::ErrorKind,
    },
    /// This step's wait lasted too long.
    TimedOut {
        /// Which step.
        step: usize,
    },
    /// The client sent something else than this step expected.
    Unexpected {
        /// Which step.
        step: usize,
        /// What the script says.
        expected: Vec<u8>,
        /// What came, up to the first byte that differs.
        found: Vec<u8>,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Ended { step } => write!(f, "step {step}: the client closed too early"),
            Self::Failed { step, kind } => write!(f, "step {step}: {kind}"),
            Self::TimedOut { step } => write!(f, "step {step}: waited too long"),
            Self::Unexpected { step, expected, found } => {
                write!(f, "step {step}: expected \"{}\", found \"{}\"", expected.escape_ascii(), found.escape_ascii())
            }
        }
    }
}
