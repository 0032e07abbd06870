//! Interim responses are bounded: without a bound a peer holds a client for ever without tripping a time-out.

use crate::error::Limit;
use crate::limits::Limits;

/// The interim responses since the last final one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interims {
    count: u32,
    bytes: u64,
}

impl Interims {
    /// Counts one more, of `len` bytes; or the limit that it passes, and at which of its bytes.
    pub(super) fn admit(&mut self, len: usize, limits: &Limits) -> Result<(), (Limit, usize)> {
        if self.count >= limits.interim_responses {
            return Err((Limit::InterimResponses, 0));
        }
        let room = u64::from(limits.interim_bytes).saturating_sub(self.bytes);
        if room < len as u64 {
            return Err((Limit::InterimBytes, usize::try_from(room).unwrap_or(len)));
        }
        self.count += 1;
        self.bytes += len as u64;
        Ok(())
    }
}
