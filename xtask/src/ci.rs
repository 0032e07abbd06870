//! `cargo xtask ci`: the whole review. Every step runs, also behind one that failed. `cargo xtask ci STEP...` runs some.

use std::process::ExitCode;
use std::time::Instant;

use crate::policy::Metadata;
use crate::project::Project;
use crate::run::{Findings, cargo, run, say};
use crate::{bench, docs, interop, layers, policy, setup, soak, tidy};

/// A part of the review.
type Step = fn(&Project) -> Findings;

/// The steps, what is quick to fail first. All of `clippy`, `test` and `docs` build with the same features, so that
/// each finds most of its work done by the one before.
const STEPS: &[(&str, Step)] = &[
    ("setup", setup::install),
    ("fmt", fmt),
    ("tidy", tidy::check),
    ("layers", layers::check),
    ("policy", policy::check),
    ("clippy", clippy),
    ("test", test),
    ("interop", interop::review),
    ("rustdoc", rustdoc),
    ("docs", docs::check),
    ("bench", bench::gate),
    ("soak", soak::review),
];

/// Runs the steps of these names, every step when there is none, and sums up in one line, the last.
pub(crate) fn review(project: &Project, names: &[&str]) -> ExitCode {
    let steps = match chosen(names) {
        Ok(steps) => steps,
        Err(finding) => {
            say(&format!("error: {finding}"));
            return ExitCode::from(2);
        }
    };
    let mut failed = Vec::new();
    let mut times = Vec::new();
    for (name, step) in &steps {
        say(&format!("== {name}"));
        let start = Instant::now();
        let findings = step(project);
        times.push(format!("{name} {:.1} s", start.elapsed().as_secs_f64()));
        for finding in &findings {
            say(&format!("error: {name}: {finding}"));
        }
        if !findings.is_empty() {
            failed.push(*name);
        }
    }
    let (verdict, status) = verdict(&failed, steps.len());
    say(&format!("{verdict} ({})", times.join(", ")));
    status
}

/// The steps in their own order, whatever the order of the names.
fn chosen(names: &[&str]) -> Result<Vec<(&'static str, Step)>, String> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|(step, _)| step == *name)) {
        let all: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
        return Err(format!("no step is called `{unknown}`: {}", all.join(", ")));
    }
    Ok(STEPS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)).copied().collect())
}

/// Part of the review is not called the whole of it.
fn verdict(failed: &[&str], steps: usize) -> (String, ExitCode) {
    if !failed.is_empty() {
        (format!("xtask ci: FAILED: {}", failed.join(", ")), ExitCode::FAILURE)
    } else if steps == STEPS.len() {
        ("xtask ci: all passed".to_owned(), ExitCode::SUCCESS)
    } else {
        (format!("xtask ci: {steps} of {} steps passed", STEPS.len()), ExitCode::SUCCESS)
    }
}

fn fmt(project: &Project) -> Findings {
    run(&mut cargo(project, &["fmt", "--all", "--check"]))
}

/// All features, then each crate that has features without any of them.
fn clippy(project: &Project) -> Findings {
    let all = ["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    let mut findings = run(&mut cargo(project, &all));
    match Metadata::load(project) {
        Ok(metadata) => {
            for name in metadata.members_with_features() {
                let bare = ["clippy", "--locked", "--package", name, "--all-targets", "--no-default-features"];
                findings.extend(run(cargo(project, &bare).args(["--", "-D", "warnings"])));
            }
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

/// Unit, integration and documentation tests. Without `--no-fail-fast` one failure would hide the others.
fn test(project: &Project) -> Findings {
    run(&mut cargo(project, &["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"]))
}

fn rustdoc(project: &Project) -> Findings {
    let arguments = ["doc", "--locked", "--workspace", "--all-features", "--no-deps"];
    run(cargo(project, &arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_review_and_is_named() {
        assert_eq!(verdict(&[], STEPS.len()), ("xtask ci: all passed".to_owned(), ExitCode::SUCCESS));
        assert_eq!(verdict(&["fmt", "test"], 3), ("xtask ci: FAILED: fmt, test".to_owned(), ExitCode::FAILURE));
        assert_eq!(verdict(&[], 2).0, format!("xtask ci: 2 of {} steps passed", STEPS.len()));
    }

    #[test]
    fn steps_are_chosen_by_name_and_all_without_one() {
        let names = |names: &[&str]| chosen(names).map(|steps| steps.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(names(&["tidy", "fmt"]), Ok(vec!["fmt", "tidy"]));
        assert_eq!(names(&[]).map(|names| names.len()), Ok(STEPS.len()));
        assert!(names(&["fmt", "nothing"]).is_err());
    }
}
