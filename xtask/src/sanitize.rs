//! `cargo xtask sanitize`: the tests under Miri, under the address sanitizer, and with cargo-careful, on a nightly toolchain.
//!
//! There is no unsafe in this workspace; what these would find is in what it is built on, or in how we use that.

use std::process::Command;

use crate::project::Project;
use crate::run::{Findings, command, output, run};

/// A way to run tests, by its name.
type Way = fn(&Project) -> Findings;

const WAYS: [(&str, Way); 3] = [("miri", miri), ("address", address), ("careful", careful)];

/// Runs the tests in the ways that are named, in all of them when none is.
pub(crate) fn sanitize(project: &Project, names: &[&str]) -> Findings {
    match chosen(names) {
        Ok(ways) => ways.into_iter().flat_map(|way| way(project)).collect(),
        Err(finding) => vec![finding],
    }
}

fn chosen(names: &[&str]) -> Result<Vec<Way>, String> {
    if let Some(unknown) = names.iter().find(|name| !WAYS.iter().any(|(way, _)| way == *name)) {
        return Err(format!("no way is called `{unknown}`; there are {}", WAYS.map(|(way, _)| way).join(", ")));
    }
    Ok(WAYS.iter().filter(|(way, _)| names.is_empty() || names.contains(way)).map(|(_, way)| *way).collect())
}

/// The core alone: Miri knows no sockets. It knows the instructions of SSE2 that the core compares bytes with. It needs the
/// components `miri` and `rust-src`.
fn miri(project: &Project) -> Findings {
    let core = ["miri", "test", "--locked", "--package", "wireline-proto", "--lib", "--test", "states"];
    run(nightly(project, &core).env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

/// All tests with every access to memory checked, and leaks looked for at the end of each program.
fn address(project: &Project) -> Findings {
    let host = match output(&mut command(project, "rustup", &["run", "nightly", "rustc", "--print", "host-tuple"])) {
        Ok(host) => host,
        Err(finding) => return vec![finding],
    };
    // With a target, so that build scripts and macros are built as ever.
    let mut tests = nightly(project, &ALL);
    tests.args(["--target", host.trim(), "--"]);
    // The sanitizer keeps what was freed, to see who uses it: that is growth.
    tests.args(["--skip", "memory_does_not_grow_with_the_list"]);
    run(tests.env("RUSTFLAGS", "-Zsanitizer=address").env("RUSTDOCFLAGS", "-Zsanitizer=address"))
}

/// All tests with a standard library that checks what it is asked for. It needs `cargo install cargo-careful`.
fn careful(project: &Project) -> Findings {
    run(&mut nightly(project, &[&["careful"], &ALL[..]].concat()))
}

const ALL: [&str; 5] = ["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"];

/// By rustup, since the cargo that runs us is one of another toolchain.
fn nightly(project: &Project, arguments: &[&str]) -> Command {
    command(project, "rustup", &[&["run", "nightly", "cargo"], arguments].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_chosen_by_name_and_all_without_one() {
        assert_eq!(chosen(&[]).map(|ways| ways.len()), Ok(WAYS.len()));
        assert_eq!(chosen(&["careful", "miri"]).map(|ways| ways.len()), Ok(2));
        assert!(chosen(&["miri", "mirth"]).is_err_and(|finding| finding.contains("there are miri, address, careful")));
    }
}
