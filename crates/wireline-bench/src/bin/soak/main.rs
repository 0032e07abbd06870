//! The soak: pipelined exchanges without end, with everything that can go wrong going wrong, and each verdict of the
//! client held against what the server saw.
//!
//! `soak [--pool] [--exchanges N] [--seconds S] [--seed X] [--connection C]`. Everything is made from the seed; with
//! `--connection` one connection alone is gone through again, and its plan is shown. How threads and bytes meet in time is not repeatable, so a
//! failure may take several runs to come back. With `--pool` it is the pool of tokio-wireline that is put to work.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

mod client;
mod lane;
mod plan;
mod pool;
mod random;
mod reply;
mod report;
mod server;
mod told;
mod verdict;
mod watchdog;
mod wire;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::lane::{Outcome, soak};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// The pool, and not connections one by one.
    pub(crate) pool: bool,
    pub(crate) exchanges: u64,
    pub(crate) time: Option<Duration>,
    pub(crate) seed: u64,
    /// Only this one.
    pub(crate) connection: Option<u32>,
}

fn main() -> ExitCode {
    let settings = match settings(lexopt::Parser::from_env()) {
        Ok(settings) => settings,
        Err(error) => {
            say(&format!("soak: {error}\nsoak [--pool] [--exchanges N] [--seconds S] [--seed X] [--connection C]"));
            return ExitCode::from(2);
        }
    };
    say(&format!("seed {}", settings.seed));
    let start = Instant::now();
    if settings.pool {
        return match pool::soak(settings) {
            Ok(outcome) => ended(settings, &outcome.to_string(), outcome.troubles),
            Err(error) => ended(settings, "", vec![error.to_string()]),
        };
    }
    let Outcome { report, troubles } = soak(settings);
    let elapsed = start.elapsed();
    if troubles.is_empty() && settings.connection.is_none() && report.exchanges < settings.exchanges {
        say("the time was over before the exchanges were");
    }
    ended(settings, &format!("{report}\n\n{}", report.rate(elapsed)), troubles)
}

/// Says how it ended.
fn ended(settings: Settings, report: &str, troubles: Vec<String>) -> ExitCode {
    say(&format!("\n{report}"));
    if let Some(peak) = peak() {
        say(&format!("peak of resident memory: {peak}, client and server together"));
    }
    if troubles.is_empty() {
        say(&format!("nothing lost, nothing wrong (seed {})", settings.seed));
        return ExitCode::SUCCESS;
    }
    say(&format!("FAILED with seed {}", settings.seed));
    for trouble in troubles {
        say(&trouble);
    }
    ExitCode::FAILURE
}

fn settings(mut parser: lexopt::Parser) -> Result<Settings, lexopt::Error> {
    use lexopt::prelude::*;
    let fresh = RandomState::new().build_hasher().finish() % 1_000_000_007;
    let mut settings = Settings { pool: false, exchanges: 0, time: None, seed: fresh, connection: None };
    let mut exchanges = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("pool") => settings.pool = true,
            Long("exchanges") => exchanges = Some(parser.value()?.parse()?),
            Long("seconds") => settings.time = Some(Duration::from_secs(parser.value()?.parse()?)),
            Long("seed") => settings.seed = parser.value()?.parse()?,
            Long("connection") => settings.connection = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    settings.exchanges = exchanges.unwrap_or(if settings.pool { 100_000 } else { 1_000_000 });
    Ok(settings)
}

/// The most memory that the process had, as the system counted it, where it does.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

/// A line to standard output.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    // Nobody reads any more: the exit status still tells.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_thousand_exchanges_lose_nothing() {
        let settings = Settings { pool: false, exchanges: 6000, time: None, seed: 2026, connection: None };
        let Outcome { report, troubles } = soak(settings);
        assert_eq!(troubles, [""; 0]);
        assert!(report.exchanges >= 6000);
    }

    #[test]
    fn arguments_are_read() {
        let exchanges =
            |words: &[&str]| settings(lexopt::Parser::from_args(words)).map_or(0, |settings| settings.exchanges);
        let settings = |words: &[&str]| settings(lexopt::Parser::from_args(words)).map(|settings| settings.seed);
        assert_eq!(settings(&["--seed", "7", "--exchanges", "1"]).unwrap(), 7);
        assert_eq!((exchanges(&["--pool"]), exchanges(&[])), (100_000, 1_000_000));
        assert_eq!(exchanges(&["--exchanges", "7", "--pool"]), 7);
        assert!(settings(&["--seed", "x"]).is_err() && settings(&["else"]).is_err());
    }
}
