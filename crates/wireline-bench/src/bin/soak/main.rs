//! The soak: pipelined exchanges without end, with everything that can go wrong going wrong, and each verdict of the
//! client held against what the server saw.
//!
//! ```text
//! soak [--exchanges N] [--seconds S] [--seed X] [--connection C]
//! soak --pool [--exchanges N] [--seconds S] [--seed X]       the pool of tokio-wireline
//! soak --load [--connections C] [--exchanges N] [--seed X]   many connections at once, awaited on one thread
//! soak --held [--minutes M | --seconds S] [--seed X]         one blocking connection, whose memory must not grow
//! ```
//!
//! Everything is made from the seed; with `--connection` one connection alone is gone through again, and its plan is shown.
//! How threads and bytes meet in time is not repeatable, so a failure may take several runs to come back.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

mod child;
mod client;
mod held;
mod lane;
mod load;
mod memory;
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
    pub(crate) what: What,
    pub(crate) exchanges: u64,
    /// How many at once, under load.
    pub(crate) connections: u32,
    pub(crate) time: Option<Duration>,
    pub(crate) seed: u64,
    /// Only this one.
    pub(crate) connection: Option<u32>,
}

/// What is put to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Connections one by one, with all that can go wrong.
    Connections,
    Held,
    Load,
    Pool,
    /// The server of another that is held.
    ServeHeld,
    /// The server of others under load.
    ServeLoad,
}

const USAGE: &str = "\
soak [--exchanges N] [--seconds S] [--seed X] [--connection C]
soak --pool [--exchanges N] [--seconds S] [--seed X]
soak --load [--connections C] [--exchanges N] [--seed X]
soak --held [--minutes M | --seconds S] [--seed X]";

fn main() -> ExitCode {
    let settings = match settings(lexopt::Parser::from_env()) {
        Ok(settings) => settings,
        Err(error) => {
            say(&format!("soak: {error}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match run(settings) {
        Ok(status) => status,
        Err(error) => ended(settings, "", vec![error.to_string()]),
    }
}

fn run(settings: Settings) -> io::Result<ExitCode> {
    let (report, troubles) = match settings.what {
        What::ServeHeld => return held::serve(settings.seed),
        What::ServeLoad => return load::serve(settings),
        what => {
            say(&format!("seed {}", settings.seed));
            match what {
                What::Held => {
                    let outcome = held::soak(settings, settings.time.unwrap_or(TEN_MINUTES))?;
                    (outcome.to_string(), outcome.troubles)
                }
                What::Load => {
                    let outcome = load::soak(settings)?;
                    (outcome.to_string(), outcome.troubles)
                }
                What::Pool => {
                    let outcome = pool::soak(settings)?;
                    (outcome.to_string(), outcome.troubles)
                }
                _ => connections(settings),
            }
        }
    };
    Ok(ended(settings, &report, troubles))
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

fn connections(settings: Settings) -> (String, Vec<String>) {
    let start = Instant::now();
    let Outcome { report, troubles } = soak(settings);
    let elapsed = start.elapsed();
    if troubles.is_empty() && settings.connection.is_none() && report.exchanges < settings.exchanges {
        say("the time was over before the exchanges were");
    }
    (format!("{report}\n\n{}", report.rate(elapsed)), troubles)
}

/// Says how it ended.
fn ended(settings: Settings, report: &str, troubles: Vec<String>) -> ExitCode {
    say(&format!("\n{report}"));
    if let Some(peak) = memory::peak() {
        let of =
            if matches!(settings.what, What::Held | What::Load) { "the client" } else { "client and server together" };
        say(&format!("peak of resident memory: {peak}, {of}"));
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

pub(crate) fn settings(mut parser: lexopt::Parser) -> Result<Settings, lexopt::Error> {
    use lexopt::prelude::*;
    let fresh = RandomState::new().build_hasher().finish() % 1_000_000_007;
    let mut settings = Settings {
        what: What::Connections,
        exchanges: 0,
        connections: 10_000,
        time: None,
        seed: fresh,
        connection: None,
    };
    let mut exchanges = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("held") => settings.what = What::Held,
            Long("load") => settings.what = What::Load,
            Long("pool") => settings.what = What::Pool,
            Long("serve-held") => settings.what = What::ServeHeld,
            Long("serve-load") => settings.what = What::ServeLoad,
            Long("exchanges") => exchanges = Some(parser.value()?.parse()?),
            Long("connections") => settings.connections = parser.value()?.parse()?,
            Long("minutes") => settings.time = Some(Duration::from_secs(60 * parser.value()?.parse::<u64>()?)),
            Long("seconds") => settings.time = Some(Duration::from_secs(parser.value()?.parse()?)),
            Long("seed") => settings.seed = parser.value()?.parse()?,
            Long("connection") => settings.connection = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    settings.exchanges = exchanges.unwrap_or(if settings.what == What::Pool { 100_000 } else { 1_000_000 });
    Ok(settings)
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
        let settings = settings(lexopt::Parser::from_args(["--exchanges", "6000", "--seed", "2026"])).unwrap();
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
        let held = super::settings(lexopt::Parser::from_args(["--held", "--minutes", "10"])).unwrap();
        assert_eq!((held.what, held.time), (What::Held, Some(TEN_MINUTES)));
        assert!(settings(&["--seed", "x"]).is_err() && settings(&["else"]).is_err());
    }
}
