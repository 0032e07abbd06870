//! Watching the bytes.

use std::time::Instant;

/// Sees every byte of a connection in both directions, as it leaves and as it comes: above TLS, so in the clear, and
/// with whatever credentials are in it.
///
/// ```
/// use std::time::Instant;
/// use wireline::Tap;
///
/// struct Count(u64);
/// impl Tap for Count {
///     fn sent(&mut self, bytes: &[u8], _at: Instant) {
///         self.0 += bytes.len() as u64;
///     }
///     fn received(&mut self, _bytes: &[u8], _at: Instant) {}
/// }
/// # let mut count = Count(0);
/// # count.sent(b"abc", Instant::now());
/// # assert_eq!(count.0, 3);
/// ```
pub trait Tap: Send {
    /// These bytes were handed to the transport.
    fn sent(&mut self, bytes: &[u8], at: Instant);

    /// These bytes came from the transport.
    fn received(&mut self, bytes: &[u8], at: Instant);
}
