//! A word between a test and its peer, so that neither has to sleep.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Something that happens once, and that others wait for: a script [gives](super::Script::give) it or
/// [waits](super::Script::wait_for) for it, and so does a test. Clones are the same signal.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<(Mutex<bool>, Condvar)>);

impl Signal {
    /// One that has not been given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it. It stays given.
    pub fn give(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits for it, but no longer than this; whether it has been given.
    #[must_use]
    pub fn wait(&self, most: Duration) -> bool {
        let given = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *self.0.1.wait_timeout_while(given, most, |given| !*given).unwrap_or_else(PoisonError::into_inner).0
    }
}
