//! `cargo xtask soak`: the soak of `wireline-bench`, built as it is released. Its arguments go through to it.

use crate::project::Project;
use crate::run::{Findings, cargo, run};

/// What the review asks for. The seed is another one each time and is printed: whatever fails can be gone through again.
const REVIEW: [&str; 4] = ["--exchanges", "1000000", "--seconds", "60"];

/// The same for the pool of tokio-wireline.
const POOL: [&str; 5] = ["--pool", "--exchanges", "100000", "--seconds", "30"];

/// The soak as a step of the review.
pub(crate) fn review(project: &Project) -> Findings {
    let mut findings = soak(project, &REVIEW);
    findings.extend(soak(project, &POOL));
    findings
}

/// The soak with other arguments: `--pool`, `--exchanges N`, `--seconds S`, `--seed X`, `--connection C`.
pub(crate) fn soak(project: &Project, arguments: &[&str]) -> Findings {
    let build = ["run", "--quiet", "--locked", "--release", "--package", "wireline-bench", "--bin", "soak", "--"];
    run(cargo(project, &build).args(arguments))
}
