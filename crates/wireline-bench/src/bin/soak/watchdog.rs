//! Notices when nothing happens any more: a hang is a failure like any other, and has to name its connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What a lane tells the watchdog.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Goes up with each answer and each connection.
    pub(crate) progress: AtomicU64,
    /// The connection that the lane is at.
    pub(crate) connection: AtomicU64,
    pub(crate) is_over: AtomicBool,
}

/// How long a lane may stand still: thousands of times what the longest exchange takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Looks at the lanes until all are over, or one hangs: at which connection.
pub(crate) fn watch(pulses: &[Pulse], patience: Duration) -> Option<u64> {
    let mut last: Vec<(u64, Instant)> = pulses.iter().map(|_| (u64::MAX, Instant::now())).collect();
    while pulses.iter().any(|pulse| !pulse.is_over.load(Ordering::Relaxed)) {
        thread::park_timeout(Duration::from_millis(500));
        for (pulse, last) in pulses.iter().zip(&mut last) {
            let progress = pulse.progress.load(Ordering::Relaxed);
            if progress != last.0 || pulse.is_over.load(Ordering::Relaxed) {
                *last = (progress, Instant::now());
            } else if last.1.elapsed() >= patience {
                return Some(pulse.connection.load(Ordering::Relaxed));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_stands_still_is_noticed() {
        let pulses = [Pulse::default(), Pulse::default()];
        pulses[0].is_over.store(true, Ordering::Relaxed);
        pulses[1].connection.store(7, Ordering::Relaxed);
        assert_eq!(watch(&pulses, Duration::ZERO), Some(7));
        pulses[1].is_over.store(true, Ordering::Relaxed);
        assert_eq!(watch(&pulses, Duration::ZERO), None);
    }
}
