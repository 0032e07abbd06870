//! Watching the bytes.

pub(crate) mod redact;
pub(crate) mod transcript;

use std::time::Instant;

use wireline_proto::ExchangeId;

/// Sees every byte of a connection in both directions, as it leaves and as it comes: above TLS, so in the clear.
/// Credentials are hidden from it unless it is told them by name: see
/// [`Connection::set_tap`](crate::Connection::set_tap). [`Transcript`](crate::Transcript) is one for people to read.
///
/// ```
/// use std::time::Instant;
/// use wireline::{ExchangeId, Tap};
///
/// struct Count(u64);
/// impl Tap for Count {
///     fn sent(&mut self, bytes: &[u8], _at: Instant, _exchange: Option<ExchangeId>) {
///         self.0 += bytes.len() as u64;
///     }
///     fn received(&mut self, _bytes: &[u8], _at: Instant, _exchange: Option<ExchangeId>) {}
/// }
/// # let mut count = Count(0);
/// # count.sent(b"abc", Instant::now(), None);
/// # assert_eq!(count.0, 3);
/// ```
pub trait Tap: Send {
    /// These bytes, all of one exchange, were handed to the transport.
    fn sent(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>);

    /// These bytes came from the transport while the response of this exchange was awaited or received; what came behind
    /// its end in the same read is of the next ones. None while no exchange was in flight.
    fn received(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>);
}
