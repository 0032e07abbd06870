//! Measures wireline, the floors that it stands on, and its peers, side by side.
//!
//! `bench run --peers PROGRAM --results FILE [--quick] [ROW...]` measures, and keeps what it found; `bench gate` holds
//! what can be counted exactly against the bounds in `gate.json`. `cargo xtask bench` builds and runs both.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

mod counts;
mod gate;
mod machine;
mod measure;
mod origin;
mod programs;
mod results;
mod rows;
mod start;
mod trips;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use wireline_bench::Failure;

use crate::measure::Effort;
use crate::origin::Origin;
use crate::results::Results;
use crate::start::Programs;

/// Some fifteen minutes in all.
const FULL: Effort = Effort { run: Duration::from_millis(200), rounds: 7, counted: true };

/// To see that it works.
const QUICK: Effort = Effort { run: Duration::from_millis(30), rounds: 3, counted: false };

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["origin", core, folder] => origin::run(core.parse().unwrap_or(0), folder.as_ref()),
        ["child", core, count, ref program @ ..] => start::child(core, count, program),
        ["gate"] => in_folder(|folder| gate::gate(&programs(None)?, &folder)),
        ["run", "--peers", peers, "--results", file, ref rest @ ..] => run(peers.into(), Path::new(file), rest),
        _ => Err("bench run --peers PROGRAM --results FILE [--quick] [ROW...], or bench gate".into()),
    };
    if let Err(failure) = ended {
        // Nobody is left to be told when this fails too.
        let _ = writeln!(std::io::stderr(), "bench: {failure}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(peers: PathBuf, file: &Path, rest: &[&str]) -> Result<(), Failure> {
    let effort = if rest.contains(&"--quick") { QUICK } else { FULL };
    let names: Vec<&str> = rest.iter().copied().filter(|word| *word != "--quick").collect();
    let is_known = |name: &str| [PROGRAMS, TRIPS].contains(&name) || rows::ROWS.iter().any(|row| row.name == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(format!("no row is called `{unknown}`").into());
    }
    let mut results = Results::load(file)?;
    results.machine = machine::machine()?;
    results.versions = machine::versions()?;
    in_folder(|folder| {
        measure::measure(&programs(Some(peers))?, &folder, &names, effort, |row, measured| {
            results.rows.insert(row.name.to_owned(), measured);
            results.save(file)
        })?;
        if names.is_empty() || names.contains(&TRIPS) {
            results.round_trips = trips::measure(&Origin::start(1, &folder)?.plain)?;
        }
        if names.is_empty() || names.contains(&PROGRAMS) {
            programs::measure(&folder, |name, program| {
                results.programs.insert(name.to_owned(), program);
                results.save(file)
            })?;
        }
        Ok(())
    })?;
    results.save(file)
}

/// The row that is built and not run.
const PROGRAMS: &str = "programs";

/// The row that is a simulation.
const TRIPS: &str = "round-trips";

/// The subjects are built beside this program.
fn programs(peers: Option<PathBuf>) -> Result<Programs, Failure> {
    let own = env::current_exe()?.with_file_name("subject");
    if !own.is_file() {
        return Err(format!("{} is missing: build all programs of wireline-bench", own.display()).into());
    }
    Ok(Programs { own, peers, core: 0 })
}

/// A folder for what lasts as long as this.
fn in_folder(then: impl FnOnce(PathBuf) -> Result<(), Failure>) -> Result<(), Failure> {
    let folder = env::temp_dir().join(format!("wireline-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let ended = then(folder.clone());
    fs::remove_dir_all(folder)?;
    ended
}
