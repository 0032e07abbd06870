//! How long to wait, and for what.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each operation may take. The same three values mean the same everywhere: `None` waits for ever, zero does
/// not wait at all ([`WouldBlock`](crate::ErrorKind::WouldBlock), and the call can be made again), anything else is
/// the longest wait ([`Timeout`](crate::ErrorKind::Timeout)).
///
/// ```
/// use std::time::Duration;
/// use wireline::Timeouts;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Some(Duration::from_secs(5));
/// timeouts.exchange = Some(Duration::from_secs(30));
/// assert_eq!(timeouts.expect_continue, Some(Duration::from_secs(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Looking the host's name up. With a bound, the look-up runs on a thread of its own, since the system's resolver
    /// cannot be told when to stop.
    pub resolve: Option<Duration>,
    /// Connecting, all addresses of the host together.
    pub connect: Option<Duration>,
    /// A proxy's part: its answer to CONNECT, or the SOCKS5 handshake. What comes before it, a look-up and a connect, has
    /// its own.
    pub tunnel: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// Each wait for bytes of a response: a peer that sends a byte now and then does not trip it, but
    /// [`exchange`](Self::exchange).
    pub read: Option<Duration>,
    /// Each wait for room to send in.
    pub write: Option<Duration>,
    /// The wait for 100 (Continue), where a request asks for it; then its content is sent unasked (RFC 9110
    /// section 10.1.1). One second, as curl.
    pub expect_continue: Option<Duration>,
    /// Each exchange, from its request to the end of its response.
    pub exchange: Option<Duration>,
}

impl Timeouts {
    const DEFAULT: Self = Self {
        resolve: None,
        connect: None,
        tunnel: None,
        tls: None,
        read: None,
        write: None,
        expect_continue: Some(Duration::from_secs(1)),
        exchange: None,
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The timeouts of a connection, which mostly are those of many: they are there once, and the default ones take no memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Option<Arc<Timeouts>>);

impl Shared {
    pub(crate) fn set(&mut self, timeouts: Timeouts) {
        match self.0.as_mut().and_then(Arc::get_mut) {
            Some(mine) => *mine = timeouts,
            None => self.0 = (timeouts != Timeouts::DEFAULT).then(|| Arc::new(timeouts)),
        }
    }
}

impl Deref for Shared {
    type Target = Timeouts;

    fn deref(&self) -> &Timeouts {
        self.0.as_deref().unwrap_or(&Timeouts::DEFAULT)
    }
}

/// What took too long, or would have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Connecting: [`Timeouts::connect`].
    Connect,
    /// The whole, up to the deadline that was set.
    Deadline,
    /// An exchange: [`Timeouts::exchange`].
    Exchange,
    /// Waiting for bytes of a response: [`Timeouts::read`].
    Read,
    /// Looking a name up: [`Timeouts::resolve`].
    Resolve,
    /// The TLS handshake: [`Timeouts::tls`].
    Tls,
    /// Asking a proxy: [`Timeouts::tunnel`].
    Tunnel,
    /// Waiting for room to send in: [`Timeouts::write`].
    Write,
}

impl Operation {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Deadline => "deadline",
            Self::Exchange => "exchange",
            Self::Read => "read",
            Self::Resolve => "resolve",
            Self::Tls => "tls",
            Self::Tunnel => "tunnel",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When a wait that begins now has to be over. A bound beyond the end of the clock is none.
pub(crate) fn end_of(patience: Option<Duration>) -> Option<Instant> {
    let patience = patience?;
    Instant::now().checked_add(patience)
}

/// The tightest of several bounds on one wait, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// How much time is left; `None` for ever.
    pub(crate) left: Option<Duration>,
    /// What is to blame when it is over.
    pub(crate) operation: Operation,
}

impl Bound {
    /// A wait that may take this long, whatever the time is.
    pub(crate) const fn of(left: Option<Duration>, operation: Operation) -> Self {
        Self { left, operation }
    }

    /// The same, ending at `until` at the latest.
    #[must_use]
    pub(crate) fn until(self, until: Option<Instant>, operation: Operation, now: Instant) -> Self {
        match until.map(|until| until.saturating_duration_since(now)) {
            Some(left) if self.left.is_none_or(|mine| left <= mine) => Self { left: Some(left), operation },
            _ => self,
        }
    }
}
