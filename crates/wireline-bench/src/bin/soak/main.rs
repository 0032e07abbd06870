//! The soak: pipelined exchanges without end, with everything that can go wrong going wrong, and each verdict of the
//! client held against what the server saw.
//!
//! `soak [--exchanges N] [--seconds S] [--seed X] [--connection C]`. Everything is made from the seed; with
//! `--connection` one connection alone is gone through again, and its plan is shown. How threads and bytes meet in time is not repeatable, so a
//! failure may take several runs to come back.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

mod client;
mod lane;
mod plan;
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
            say(&format!("soak: {error}\nsoak [--exchanges N] [--seconds S] [--seed X] [--connection C]"));
            return ExitCode::from(2);
        }
    };
    say(&format!("seed {}", settings.seed));
    let start = Instant::now();
    let Outcome { report, troubles } = soak(settings);
    let elapsed = start.elapsed();
    say(&format!("\n{report}\n\n{}", report.rate(elapsed)));
    if let Some(peak) = peak() {
        say(&format!("peak of resident memory: {peak}, client and server together"));
    }
    if troubles.is_empty() {
        if settings.connection.is_none() && report.exchanges < settings.exchanges {
            say("the time was over before the exchanges were");
        }
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
    let mut settings = Settings { exchanges: 1_000_000, time: None, seed: fresh, connection: None };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("exchanges") => settings.exchanges = parser.value()?.parse()?,
            Long("seconds") => settings.time = Some(Duration::from_secs(parser.value()?.parse()?)),
            Long("seed") => settings.seed = parser.value()?.parse()?,
            Long("connection") => settings.connection = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
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
        let settings = Settings { exchanges: 6000, time: None, seed: 2026, connection: None };
        let Outcome { report, troubles } = soak(settings);
        assert_eq!(troubles, [""; 0]);
        assert!(report.exchanges >= 6000);
    }

    #[test]
    fn arguments_are_read() {
        let settings = |words: &[&str]| settings(lexopt::Parser::from_args(words)).map(|settings| settings.seed);
        assert_eq!(settings(&["--seed", "7", "--exchanges", "1"]).unwrap(), 7);
        assert!(settings(&["--seed", "x"]).is_err() && settings(&["else"]).is_err());
    }
}
