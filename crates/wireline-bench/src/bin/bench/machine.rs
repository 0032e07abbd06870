//! On what it is measured, and against which versions.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use wireline_bench::Failure;

/// The packages whose versions are told. curl's is that of its binding; the library that it builds is behind it.
const PEERS: [&str; 12] = [
    "attohttpc",
    "awc",
    "curl",
    "curl-sys",
    "httparse",
    "hyper",
    "isahc",
    "minreq",
    "reqwest",
    "rustls",
    "tokio",
    "ureq",
];

/// The lock file of the peers, as this program was built with it.
const LOCK: &str = include_str!("../../../../../bench/Cargo.lock");

pub(crate) fn machine() -> Result<BTreeMap<String, String>, Failure> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let first = |program: &str, argument: &str| -> Result<String, Failure> {
        let output = Command::new(program).arg(argument).output().map_err(|error| format!("{program}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    };
    let told = [
        ("processor", model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.to_owned())),
        ("processors", cores.to_string()),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("compiler", first("rustc", "--version")?),
        ("valgrind", first("valgrind", "--version")?),
        ("curl", first("curl", "--version")?.split(" (").next().unwrap_or_default().to_owned()),
    ];
    Ok(told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(crate) fn versions() -> Result<BTreeMap<String, String>, Failure> {
    PEERS.iter().map(|name| Ok(((*name).to_owned(), version(name)?))).collect()
}

fn version(name: &str) -> Result<String, Failure> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = LOCK.split_once(&entry).ok_or_else(|| format!("{name} is not in bench/Cargo.lock"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_its_version() {
        let versions = versions().unwrap();
        assert_eq!(versions.len(), PEERS.len());
        assert!(versions["hyper"].starts_with("1."));
    }
}
