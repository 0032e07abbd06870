//! `cargo xtask fuzz`: the programs in `fuzz`, one after another, on a nightly toolchain with cargo-fuzz.

use std::fs;

use crate::project::Project;
use crate::run::{Findings, command, run};

/// How long each target runs when nobody says.
const MINUTES: u64 = 5;

/// What is found goes to `fuzz/found/TARGET`, which is not committed, and goes on from there and from the corpus. An input
/// that fails stands in `fuzz/artifacts/TARGET`.
///
/// Arguments: `--minutes N` for each target, and the names of targets; without a name all of them.
pub(crate) fn fuzz(project: &Project, arguments: &[&str]) -> Findings {
    match targets(project).and_then(|all| plan(arguments, &all)) {
        Ok((minutes, targets)) => targets.iter().flat_map(|target| go_on(project, target, minutes)).collect(),
        Err(finding) => vec![finding],
    }
}

fn go_on(project: &Project, target: &str, minutes: u64) -> Findings {
    let found = format!("fuzz/found/{target}");
    if let Err(error) = fs::create_dir_all(project.root.join(&found)) {
        return vec![format!("{found}: {error}")];
    }
    let time = format!("-max_total_time={}", minutes.saturating_mul(60));
    let corpus = format!("fuzz/corpus/{target}");
    // By rustup, since the cargo that runs us is one of another toolchain. Without the address sanitizer, which is what
    // most of the time would be for: nothing here is unsafe, and `cargo xtask sanitize address` has the corpora.
    let start = ["run", "nightly", "cargo", "fuzz", "run", "--sanitizer", "none", target, &found, &corpus, "--"];
    // Without control of lengths, since scripts of two or three steps find little.
    run(command(project, "rustup", &start).args([&time, "-max_len=1500", "-len_control=0", "-print_final_stats=1"]))
}

/// Each target has a program, named after it.
fn targets(project: &Project) -> Result<Vec<String>, String> {
    let folder = "fuzz/fuzz_targets";
    let files = fs::read_dir(project.root.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let names = files.filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned));
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    Ok(names)
}

/// For how many minutes, and which targets.
fn plan(arguments: &[&str], all: &[String]) -> Result<(u64, Vec<String>), String> {
    let mut minutes = MINUTES;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        if argument == "--minutes" {
            let number = arguments.next().and_then(|number| number.parse().ok()).filter(|&number| number > 0);
            minutes = number.ok_or("--minutes: a number from 1 on")?;
        } else if all.iter().any(|name| name == argument) {
            chosen.push(argument.to_owned());
        } else {
            return Err(format!("no target `{argument}`; there are {}", all.join(", ")));
        }
    }
    Ok((minutes, if chosen.is_empty() { all.to_vec() } else { chosen }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_targets_and_time() {
        let all = ["a", "b"].map(str::to_owned);
        assert_eq!(plan(&[], &all), Ok((MINUTES, all.to_vec())));
        assert_eq!(plan(&["--minutes", "30", "b"], &all), Ok((30, vec!["b".to_owned()])));
        assert!(plan(&["c"], &all).is_err_and(|finding| finding.contains("there are a, b")));
        assert!(plan(&["--minutes"], &all).is_err() && plan(&["--minutes", "0"], &all).is_err());
    }

    #[test]
    fn every_program_is_a_target() {
        let targets = targets(&Project::here()).unwrap_or_default();
        assert!(targets.iter().any(|target| target == "script"), "{targets:?}");
    }
}
