//! How far a connection had got when it failed.

use std::fmt;

/// How far a connection had got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The name was being looked up.
    Resolving,
    /// An address was being connected to.
    Connecting,
    /// A proxy was being asked for a way to the origin.
    Tunnelling,
    /// The TLS handshake was going on.
    Securing,
    /// No exchange was in flight.
    Idle,
    /// A request was being sent.
    Sending,
    /// Content waited for 100 (Continue).
    AwaitingContinue,
    /// A request had been sent.
    AwaitingResponse,
    /// A response had begun.
    Receiving,
}

impl Stage {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolving => "resolving",
            Self::Connecting => "connecting",
            Self::Tunnelling => "tunnelling",
            Self::Securing => "securing",
            Self::Idle => "idle",
            Self::Sending => "sending",
            Self::AwaitingContinue => "awaiting-continue",
            Self::AwaitingResponse => "awaiting-response",
            Self::Receiving => "receiving",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
