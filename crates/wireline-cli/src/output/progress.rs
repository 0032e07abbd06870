//! The progress bar: on a terminal, for what takes longer than a second.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer may take before it is worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// One transfer, or one run of many exchanges, watched.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    unit: Unit,
    done: u64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    is_shown: bool,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Bytes,
    Exchanges,
}

impl Progress {
    /// Watches a transfer of `total` bytes, where that is known. `is_wanted`: nothing else appears on the terminal.
    pub(crate) fn new(total: Option<u64>, is_wanted: bool) -> Self {
        Self::of(Unit::Bytes, total, is_wanted)
    }

    /// Watches a run of `total` exchanges, where that is known.
    pub(crate) fn of_exchanges(total: Option<u64>, is_wanted: bool) -> Self {
        Self::of(Unit::Exchanges, total, is_wanted)
    }

    fn of(unit: Unit, total: Option<u64>, is_wanted: bool) -> Self {
        let is_shown = is_wanted && io::stderr().is_terminal();
        Self { begun: Instant::now(), unit, done: 0, total, bar: None, is_shown }
    }

    /// So many bytes or exchanges more.
    pub(crate) fn advance(&mut self, by: u64) {
        self.done += by;
        if !self.is_shown || self.begun.elapsed() < PATIENCE {
            return;
        }
        let (begun, unit, total) = (self.begun, self.unit, self.total);
        self.bar.get_or_insert_with(|| new_bar(begun, unit, total)).set_position(self.done);
    }

    /// Does something that may write to the terminal, with the bar out of its way.
    pub(crate) fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(act),
            None => act(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(begun: Instant, unit: Unit, total: Option<u64>) -> ProgressBar {
    let template = match (unit, total) {
        (Unit::Bytes, Some(_)) => "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
        (Unit::Bytes, None) => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}",
        (Unit::Exchanges, Some(_)) => "{wide_bar} {percent:>3} %  {pos} of {len}  {per_sec}  {eta} left",
        (Unit::Exchanges, None) => "{spinner} {pos}  {per_sec}  {elapsed}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style).with_elapsed(begun.elapsed())
}
