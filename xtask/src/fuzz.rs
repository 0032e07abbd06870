//! `cargo xtask fuzz`: the programs in `fuzz`, one after another, on a nightly toolchain with cargo-fuzz.

use std::fs;
use std::io;
use std::path::Path;

use crate::project::Project;
use crate::run::{Findings, command, run};

/// How long each target runs when nobody says.
const MINUTES: u64 = 5;

/// What is found goes to `fuzz/found/TARGET`, which is not committed, and goes on from there and from the corpus. An input
/// that fails stands in `fuzz/artifacts/TARGET`.
///
/// Arguments: `--minutes N` for each target, and the names of targets; without a name all of them. With `--keep` nothing is
/// looked for: what was found goes into the corpora, as little of it as comes to all the places that they do not come to.
pub(crate) fn fuzz(project: &Project, arguments: &[&str]) -> Findings {
    match targets(project).and_then(|all| plan(arguments, &all)) {
        Ok(Plan { minutes, targets }) => {
            let work = |target: &String| match minutes {
                Some(minutes) => go_on(project, target, minutes),
                None => keep(project, target),
            };
            targets.iter().flat_map(work).collect()
        }
        Err(finding) => vec![finding],
    }
}

fn go_on(project: &Project, target: &str, minutes: u64) -> Findings {
    let [corpus, found] = folders(target);
    if let Err(error) = fs::create_dir_all(project.root.join(&found)) {
        return vec![format!("{found}: {error}")];
    }
    let time = format!("-max_total_time={}", minutes.saturating_mul(60));
    // Without control of lengths, since scripts of two or three steps find little.
    run_target(project, target, &[&found, &corpus], &[&time, "-max_len=1500", "-len_control=0", "-print_final_stats=1"])
}

fn keep(project: &Project, target: &str) -> Findings {
    let [corpus, found] = folders(target);
    // A place in the code, not how often it is come to: a corpus is for people too.
    let merge = ["-set_cover_merge=1", "-use_counters=0", "-max_len=1500"];
    let findings = run_target(project, target, &[&corpus, &found], &merge);
    if !findings.is_empty() {
        return findings;
    }
    name_new(&project.root.join(&corpus)).err().map(|error| format!("{corpus}: {error}")).into_iter().collect()
}

/// Where its inputs are: those that are committed, and those that were found.
fn folders(target: &str) -> [String; 2] {
    [format!("fuzz/corpus/{target}"), format!("fuzz/found/{target}")]
}

fn run_target(project: &Project, target: &str, inputs: &[&str], flags: &[&str]) -> Findings {
    // By rustup, since the cargo that runs us is one of another toolchain. Without the address sanitizer, which is what
    // most of the time would be for: nothing here is unsafe, and `cargo xtask sanitize address` has the corpora.
    let start = ["run", "nightly", "cargo", "fuzz", "run", "--sanitizer", "none", target];
    run(command(project, "rustup", &start).args(inputs).arg("--").args(flags))
}

/// Gives names to the inputs that libFuzzer has named by their digests: `found-000` and so on.
fn name_new(corpus: &Path) -> io::Result<()> {
    let mut new = Vec::new();
    for file in fs::read_dir(corpus)? {
        let path = file?.path();
        let is_digest = |name: &str| name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_digest) {
            new.push(path);
        }
    }
    new.sort_unstable();
    let mut names = (0..).map(|number| corpus.join(format!("found-{number:03}"))).filter(|path| !path.exists());
    new.into_iter().zip(&mut names).try_for_each(|(path, name)| fs::rename(path, name))
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

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// How long each target runs; none where what was found is to be kept.
    minutes: Option<u64>,
    targets: Vec<String>,
}

fn plan(arguments: &[&str], all: &[String]) -> Result<Plan, String> {
    let mut minutes = Some(MINUTES);
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        if argument == "--minutes" {
            let number = arguments.next().and_then(|number| number.parse().ok()).filter(|&number| number > 0);
            minutes = Some(number.ok_or("--minutes: a number from 1 on")?);
        } else if argument == "--keep" {
            minutes = None;
        } else if all.iter().any(|name| name == argument) {
            chosen.push(argument.to_owned());
        } else {
            return Err(format!("no target `{argument}`; there are {}", all.join(", ")));
        }
    }
    Ok(Plan { minutes, targets: if chosen.is_empty() { all.to_vec() } else { chosen } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_targets_and_time() {
        let all = ["a", "b"].map(str::to_owned);
        let planned = |minutes, targets: &[&str]| {
            Ok(Plan { minutes, targets: targets.iter().map(|&target| target.to_owned()).collect() })
        };
        assert_eq!(plan(&[], &all), planned(Some(MINUTES), &["a", "b"]));
        assert_eq!(plan(&["--minutes", "30", "b"], &all), planned(Some(30), &["b"]));
        assert_eq!(plan(&["--keep"], &all), planned(None, &["a", "b"]));
        assert!(plan(&["c"], &all).is_err_and(|finding| finding.contains("there are a, b")));
        assert!(plan(&["--minutes"], &all).is_err() && plan(&["--minutes", "0"], &all).is_err());
    }

    #[test]
    fn what_is_kept_gets_a_name_and_nothing_loses_its_own() {
        let corpus = std::env::temp_dir().join(format!("wireline-corpus-{}", std::process::id()));
        fs::create_dir_all(&corpus).unwrap();
        for (name, text) in [("plain", "0"), ("found-001", "1"), (&"a".repeat(40), "2"), (&"b".repeat(40), "3")] {
            fs::write(corpus.join(name), text).unwrap();
        }
        name_new(&corpus).unwrap();
        let read = |name: &str| fs::read_to_string(corpus.join(name)).unwrap();
        assert_eq!(["plain", "found-000", "found-001", "found-002"].map(read), ["0", "2", "1", "3"]);
        assert_eq!(fs::read_dir(&corpus).unwrap().count(), 4);
        fs::remove_dir_all(&corpus).unwrap();
    }

    #[test]
    fn every_program_is_a_target() {
        let targets = targets(&Project::here()).unwrap_or_default();
        assert!(targets.iter().any(|target| target == "script"), "{targets:?}");
    }
}
