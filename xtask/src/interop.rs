//! `cargo xtask interop`: servers that others wrote, each tried through each layer, with curl as the judge. Its arguments
//! are names of servers.

use crate::project::Project;
use crate::run::{Findings, cargo, run};

/// All servers, as a step of the review, and a look at the code: what `cargo test` leaves out, `cargo clippy
/// --all-targets` leaves out too.
pub(crate) fn review(project: &Project) -> Findings {
    let clippy = ["clippy", "--locked", "--package", "wireline-cli", "--all-features", "--test", "interop"];
    let mut findings = run(cargo(project, &clippy).args(["--", "-D", "warnings"]));
    findings.extend(interop(project, &[]));
    findings
}

/// These servers, or all.
pub(crate) fn interop(project: &Project, servers: &[&str]) -> Findings {
    let test =
        ["test", "--quiet", "--locked", "--package", "wireline-cli", "--all-features", "--test", "interop", "--"];
    run(cargo(project, &test).args(servers))
}
