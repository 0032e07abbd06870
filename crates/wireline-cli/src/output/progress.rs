//! The progress bar: on a terminal, for transfers longer than a second.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer may take before it is worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// One transfer, watched.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    done: u64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    is_shown: bool,
}

impl Progress {
    /// Watches a transfer of `total` bytes, where that is known. `is_wanted`: nothing else appears on the terminal.
    pub(crate) fn new(total: Option<u64>, is_wanted: bool) -> Self {
        let is_shown = is_wanted && io::stderr().is_terminal();
        Self { begun: Instant::now(), done: 0, total, bar: None, is_shown }
    }

    /// So many bytes more.
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        if !self.is_shown || self.begun.elapsed() < PATIENCE {
            return;
        }
        let (begun, total) = (self.begun, self.total);
        self.bar.get_or_insert_with(|| new_bar(begun, total)).set_position(self.done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(begun: Instant, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}  {elapsed}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style).with_elapsed(begun.elapsed())
}
