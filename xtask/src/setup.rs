//! What the review needs besides Rust: real servers and proxies, curl as the judge, h11, and what counts for the bench.
//! Installed where it is missing and can be.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::project::Project;
use crate::run::{Findings, cargo, command, output, run, say};

/// A program that the tests run, and the Debian package that has it: one without a service, where there is such a one.
const NEEDED: [(&str, &str); 13] = [
    ("apache2", "apache2-bin"),
    ("caddy", "caddy"),
    ("curl", "curl"),
    ("haproxy", "haproxy"),
    ("lighttpd", "lighttpd"),
    ("microsocks", "microsocks"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("python3", "python3"),
    ("squid", "squid"),
    ("strace", "strace"),
    ("tinyproxy", "tinyproxy-bin"),
    ("valgrind", "valgrind"),
];

/// A module that the tests import into Python, and the Debian package that has it.
const MODULES: [(&str, &str); 1] = [("h11", "python3-h11")];

/// Debian's packages are for Debian's Python, which need not be the first on the PATH; the tests look at both too.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];

/// Where programs are that are not on the PATH of everyone.
const SYSTEM: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Sees to it that everything is there.
pub(crate) fn install(project: &Project) -> Findings {
    let mut findings = Findings::new();
    for component in ["fmt", "clippy"] {
        findings.extend(run(&mut cargo(project, &[component, "--version"])));
    }
    if !findings.is_empty() {
        // rustup may lack components that the toolchain has; without rustup the failure names what to install.
        findings = run(&mut command(project, "rustup", &["component", "add", "rustfmt", "clippy"]));
    }
    let missing = missing_packages(is_installed, is_importable);
    if missing.is_empty() {
        say("the servers, the proxies, curl and h11 are there");
        return findings;
    }
    let is_root = output(&mut command(project, "id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    if !is_root || !on_path("apt-get") {
        findings.push(format!("the tests need {0}: apt-get install {0}", missing.join(" ")));
        return findings;
    }
    findings.extend(run(&mut command(project, "apt-get", &["update"])));
    let install = ["install", "--yes", "--no-install-recommends"];
    let mut apt = command(project, "apt-get", &install);
    findings.extend(run(apt.args(&missing).env("DEBIAN_FRONTEND", "noninteractive")));
    findings.extend(
        missing_packages(is_installed, is_importable).iter().map(|package| format!("{package} is missing still")),
    );
    findings
}

fn missing_packages(is_installed: impl Fn(&str) -> bool, is_importable: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let programs = NEEDED.iter().filter(|(program, _)| !is_installed(program));
    let modules = MODULES.iter().filter(|(module, _)| !is_importable(module));
    programs.chain(modules).map(|(_, package)| *package).collect()
}

fn is_importable(module: &str) -> bool {
    let import = |python: &str| {
        let mut command = Command::new(python);
        command.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    PYTHONS.into_iter().any(import)
}

fn is_installed(program: &str) -> bool {
    on_path(program) || SYSTEM.iter().any(|folder| Path::new(folder).join(program).is_file())
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing_packages(|_| true, |_| true), Vec::<&str>::new());
        assert_eq!(missing_packages(|program| program != "apache2", |_| true), ["apache2-bin"]);
        assert_eq!(missing_packages(|_| true, |module| module != "h11"), ["python3-h11"]);
        assert_eq!(missing_packages(|_| false, |_| false).len(), NEEDED.len() + MODULES.len());
    }

    #[test]
    fn programs_and_modules_are_found_where_they_are() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
        assert!(is_importable("json"));
        assert!(!is_importable("no_such_module"));
    }
}
