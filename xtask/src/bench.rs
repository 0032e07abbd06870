//! `cargo xtask bench`: wireline, the floors that it stands on, and its peers, measured side by side. The peers are a
//! workspace of their own, which is built only for this.

use crate::docs;
use crate::policy::Metadata;
use crate::project::Project;
use crate::run::{Findings, cargo, command, run};

/// Where what was measured is kept; docs/performance.md is made from it.
const RESULTS: &str = "docs/performance/results.json";

/// Both programs of the measurements: the one that measures starts the other.
const BUILD: [&str; 10] =
    ["build", "--quiet", "--locked", "--release", "--package", "wireline-bench", "--bin", "bench", "--bin", "subject"];

/// What can be counted exactly, held against committed bounds: a step of the review.
pub(crate) fn gate(project: &Project) -> Findings {
    match built(project) {
        Ok(program) => run(&mut command(project, &program, &["gate"])),
        Err(findings) => findings,
    }
}

/// Measures the rows named, all when there is none, and writes the page anew. With `--quick` only to see that it works;
/// with `--gate` the step of the review.
pub(crate) fn bench(project: &Project, arguments: &[&str]) -> Findings {
    if arguments == ["--gate"] {
        return gate(project);
    }
    let command_line = ["build", "--quiet", "--locked", "--release", "--package", "wireline-cli"];
    let findings = run(&mut cargo(project, &command_line));
    if !findings.is_empty() {
        return findings;
    }
    let findings = match (built(project), peers(project)) {
        (Ok(program), Ok(peers)) => {
            let start = ["run", "--peers", &peers, "--results", RESULTS];
            run(command(project, &program, &start).args(arguments))
        }
        (program, peers) => [program.err(), peers.err()].into_iter().flatten().flatten().collect(),
    };
    if findings.is_empty() { docs::write(project) } else { findings }
}

/// The program that measures.
fn built(project: &Project) -> Result<String, Findings> {
    let findings = run(&mut cargo(project, &BUILD));
    let target = Metadata::load(project).map_err(|finding| vec![finding])?.target_directory().to_owned();
    if findings.is_empty() { Ok(format!("{target}/release/bench")) } else { Err(findings) }
}

/// The program of the peers. It is built in the target folder of the workspace, so that none comes to lie in `bench`.
fn peers(project: &Project) -> Result<String, Findings> {
    let target = Metadata::load(project).map_err(|finding| vec![finding])?.target_directory().to_owned() + "/peers";
    let build = ["build", "--locked", "--release", "--manifest-path", "bench/Cargo.toml", "--target-dir", &target];
    let findings = run(&mut cargo(project, &build));
    if findings.is_empty() { Ok(format!("{target}/release/wireline-peers")) } else { Err(findings) }
}
