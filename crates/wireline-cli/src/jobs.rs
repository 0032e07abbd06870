//! `--jobs`: many URLs over several connections at a time, on one thread.

mod list;
mod turns;
mod worker;

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_wireline::{Pool, PoolLimits};

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::human::{say, span};
use crate::output::json::Summary;
use crate::output::progress::Progress;
use crate::session;
use list::List;
use turns::Turns;

/// How often a request is sent at most, unless `--attempts` says otherwise.
const ATTEMPTS: u32 = 3;

/// What the workers share.
struct Run<'a> {
    args: &'a Args,
    list: List<'a>,
    pool: Pool,
    turns: Turns,
    begun: Instant,
    tally: RefCell<Tally>,
}

/// What it has come to so far.
struct Tally {
    exchanges: u64,
    failed: u64,
    repeated: u64,
    /// The first in the order of the URLs, so that the exit status does not depend on who was faster.
    failure: Option<(usize, Exit)>,
    /// Nobody reads the output any more, or it has no room: nothing else is begun.
    is_over: bool,
    progress: Progress,
}

/// Fetches all URLs. The error is what kept it from beginning.
pub(crate) fn fetch_all(args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let workers = args.jobs.unwrap_or(1);
    let mut limits = PoolLimits::default();
    limits.per_origin = workers;
    // A worker has one at a time. The others are kept for URLs that come back to their origin.
    limits.in_all = limits.in_all.max(workers);
    limits.depth = args.pipeline.unwrap_or(1);
    let pool = Pool::with(session::connector(args)?.into(), limits);
    let wants_bar = !(args.wire || args.verbose || !args.json && io::stdout().is_terminal());
    let total = if wants_bar { list::count(args) } else { None };
    let tally = Tally {
        exchanges: 0,
        failed: 0,
        repeated: 0,
        failure: None,
        is_over: false,
        progress: Progress::of_exchanges(total, wants_bar),
    };
    let list = List::open(args)?;
    let run = Run { args, list, pool, turns: Turns::default(), begun, tally: RefCell::new(tally) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::input("the descriptors to wait with", &error))?;
    runtime.block_on((0..workers).map(|_| worker::work(&run)).collect::<FuturesUnordered<_>>().collect::<()>());
    Ok(run.end())
}

impl Run<'_> {
    /// An exchange is over: `end` shows it, and gives its exit status.
    fn note(&self, number: usize, end: impl FnOnce() -> Exit) {
        let mut tally = self.tally.borrow_mut();
        let exit = tally.progress.aside(end);
        self.turns.end(number);
        tally.exchanges += 1;
        tally.progress.advance(1);
        if exit != Exit::Success {
            tally.failed += 1;
            if tally.failure.is_none_or(|(first, _)| number < first) {
                tally.failure = Some((number, exit));
            }
        }
        if exit == Exit::Output {
            tally.is_over = true;
        }
    }

    fn is_over(&self) -> bool {
        self.tally.borrow().is_over
    }

    fn end(self) -> Exit {
        let Tally { exchanges, failed, repeated, failure, is_over, progress } = self.tally.into_inner();
        drop(progress);
        let summary = Summary {
            exchanges,
            complete: exchanges - failed,
            failed,
            repeated,
            connections: self.pool.made(),
            seconds: self.begun.elapsed().as_secs_f64(),
            peak_memory: peak_memory(),
        };
        let mut exit = failure.map_or(Exit::Success, |(_, exit)| exit);
        if self.args.json && !is_over && summary.print().is_err() {
            exit = exit.or(Exit::Output);
        }
        if self.args.verbose {
            say(line(&summary));
        }
        exit
    }
}

/// The summary for people.
fn line(summary: &Summary) -> String {
    let Summary { exchanges, complete, failed, repeated, connections, seconds, peak_memory } = summary;
    let memory = peak_memory.map_or_else(String::new, |bytes| format!(", at most {} KiB of memory", bytes >> 10));
    format!(
        "wireline: {exchanges} exchanges, {complete} complete, {failed} failed, {repeated} repeats, {connections} \
         connections, {}{memory}\n",
        span(*seconds)
    )
}

/// The most resident memory that the process had, in bytes, as Linux counts it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_for_people() {
        let mut summary = Summary {
            exchanges: 5,
            complete: 3,
            failed: 2,
            repeated: 1,
            connections: 2,
            seconds: 1.5,
            peak_memory: Some(3 << 20),
        };
        let text = "wireline: 5 exchanges, 3 complete, 2 failed, 1 repeats, 2 connections, 1.500 s";
        assert_eq!(line(&summary), format!("{text}, at most 3072 KiB of memory\n"));
        summary.peak_memory = None;
        assert_eq!(line(&summary), format!("{text}\n"));
    }
}
