//! The gate: what can be counted exactly, held against bounds that are committed. It is about wireline alone, and needs
//! no quiet machine.

use std::fmt;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use wireline_bench::Failure;

use crate::counts::Counts;
use crate::origin::Origin;
use crate::start::Programs;

/// A row of `gate.json`.
#[derive(Debug, Deserialize)]
struct Bound {
    subject: String,
    scenario: String,
    /// For each of two runs, the second with twice as many.
    exchanges: u64,
    instructions: f64,
    allocations: f64,
    /// None where they depend on how much has come when it is read.
    system_calls: Option<f64>,
}

const BOUNDS: &str = include_str!("../../../gate.json");

/// A count this much below its bound could slip back unseen: then the bound is to be tightened.
const SLACK: f64 = 0.10;

/// What was decided about one figure.
#[derive(Debug, PartialEq)]
enum Verdict {
    Fits,
    Over,
    /// The bound is too wide.
    Under,
}

/// Counts, prints, and fails where a bound is passed or has become too wide.
pub(crate) fn gate(programs: &Programs, folder: &Path) -> Result<(), Failure> {
    let bounds: Vec<Bound> = serde_json::from_str(BOUNDS)?;
    let origin = Origin::start(1, folder)?;
    let mut out = std::io::stdout();
    let mut troubles = 0;
    for bound in &bounds {
        let scenario: Vec<String> =
            bound.scenario.replace("ORIGIN", &origin.plain).split(' ').map(str::to_owned).collect();
        let counts = Counts::of(programs, &bound.subject, &scenario, bound.exchanges, folder)?;
        writeln!(
            out,
            "{bound}: {} instructions, {} allocations, {} system calls",
            round(counts.instructions),
            round(counts.allocations),
            round(counts.system_calls)
        )?;
        for (name, counted, most) in [
            ("instructions", counts.instructions, bound.instructions),
            ("allocations", counts.allocations, bound.allocations),
            ("system calls", counts.system_calls, bound.system_calls.unwrap_or(counts.system_calls)),
        ] {
            let verdict = verdict(counted, most);
            let said = match verdict {
                Verdict::Fits => continue,
                Verdict::Over => "more than",
                Verdict::Under => "far below: tighten",
            };
            troubles += 1;
            writeln!(out, "error: {bound}: {} {name}, {said} the bound of {most} in gate.json", round(counted))?;
        }
    }
    match troubles {
        0 => Ok(()),
        _ => Err(format!("{troubles} figures are not within their bounds").into()),
    }
}

fn verdict(counted: f64, most: f64) -> Verdict {
    if counted > most {
        Verdict::Over
    } else if counted < most * (1.0 - SLACK) && most - counted > 1.0 {
        // Below one of anything there is nothing to tighten.
        Verdict::Under
    } else {
        Verdict::Fits
    }
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.scenario.replace("--url http://ORIGIN", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_held_against_its_bound_in_both_directions() {
        assert_eq!(verdict(4100.0, 4000.0), Verdict::Over);
        assert_eq!(verdict(3900.0, 4000.0), Verdict::Fits);
        assert_eq!(verdict(3500.0, 4000.0), Verdict::Under);
        assert_eq!((verdict(0.0, 0.0), verdict(0.01, 0.0)), (Verdict::Fits, Verdict::Over));
        assert_eq!(verdict(2.0, 2.1), Verdict::Fits);
    }

    #[test]
    fn the_bounds_can_be_read() {
        let bounds: Vec<Bound> = serde_json::from_str(BOUNDS).unwrap();
        assert!(bounds.iter().all(|bound| bound.exchanges > 0 && bound.instructions > 0.0));
    }
}
