//! What this workspace may depend on: licences, sources, minimum Rust, one version of each, and the arrows of
//! ARCHITECTURE.md.

mod licence;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::project::Project;
use crate::run::{Findings, cargo, output, run, say};

/// The arrows: on which of our crates each may depend, development apart. A crate that is not here has no place yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("wireline-proto", &[]),
    ("wireline-testkit", &["wireline-proto"]),
    ("wireline", &["wireline-proto"]),
    ("tokio-wireline", &["wireline"]),
    ("wireline-bench", &["wireline", "tokio-wireline", "wireline-testkit"]),
    ("wireline-cli", &["wireline", "tokio-wireline", "wireline-proto", "wireline-testkit"]),
    ("xtask", &["wireline-proto", "wireline-testkit"]),
];

/// All that the core is built with: two crates, and what they bring.
const CORE: &str = "wireline-proto";
const CORE_ASKS_FOR: [&str; 2] = ["http", "safe_arch"];
const CORE_GETS: [&str; 4] = ["bytes", "http", "itoa", "safe_arch"];

/// Crates that may be there in several incompatible versions, and why.
const SEVERAL_VERSIONS: &[(&str, &str)] = &[
    ("base64", "0.22 comes with rcgen, for the certificates of tests; the command has the current one"),
    ("getrandom", "0.2 comes with ring, 0.3 with proptest, in tests"),
    ("syn", "2 and 3 belong to different derive macros, and neither is in what is built"),
    ("windows-sys", "declarations of Windows: 0.52 comes with ring, the current one with all others"),
];

/// Crates behind an optional feature that may be newer than our own promise, and why.
const NEWER: [(&str, &str); 1] =
    [("ruzstd", "before 0.9 one block may become 4 GiB; the feature `zstd` says that it wants Rust 1.87")];

/// Workspaces of their own with a lock file each, which no step builds.
const APART: [&str; 2] = ["bench/Cargo.toml", "fuzz/Cargo.toml"];

/// What `cargo metadata` says.
pub(crate) struct Metadata(Value);

/// Looks at all dependencies.
pub(crate) fn check(project: &Project) -> Findings {
    let mut findings = lock_file(project);
    match Metadata::load(project) {
        Ok(metadata) => {
            say(&format!("{} packages", metadata.packages().count()));
            findings.extend(metadata.findings(SEVERAL_VERSIONS));
        }
        Err(finding) => findings.push(finding),
    }
    findings.extend(APART.iter().flat_map(|manifest| is_locked(project, manifest)));
    findings
}

/// A lock file goes stale when one of our crates, which these workspaces use, gets another dependency. Asked in this way cargo
/// changes nothing and needs none of the packages, only what the registry says of them.
fn is_locked(project: &Project, manifest: &str) -> Findings {
    run(&mut cargo(project, &["update", "--locked", "--workspace", "--quiet", "--manifest-path", manifest]))
}

/// Cargo.lock is part of the tree: with `--locked`, which every step says, the tests run with what was reviewed.
fn lock_file(project: &Project) -> Findings {
    let ignored = project.read(".gitignore").is_ok_and(|text| text.lines().any(|line| line.contains("Cargo.lock")));
    match project.read("Cargo.lock") {
        Ok(_) if !ignored => Findings::new(),
        Ok(_) => vec!["Cargo.lock is ignored: it belongs to the tree".to_owned()],
        Err(finding) => vec![finding],
    }
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn load(project: &Project) -> Result<Self, String> {
        let text = output(&mut cargo(project, &["metadata", "--locked", "--all-features", "--format-version", "1"]))?;
        serde_json::from_str(&text).map(Self).map_err(|error| format!("cargo metadata: {error}"))
    }

    /// Where cargo builds.
    pub(crate) fn target_directory(&self) -> &str {
        text(&self.0["target_directory"])
    }

    /// The crates of the workspace that have features to be without.
    pub(crate) fn members_with_features(&self) -> Vec<&str> {
        let has_features = |package: &&Value| package["features"].as_object().is_some_and(|all| !all.is_empty());
        self.members().filter(has_features).map(|package| text(&package["name"])).collect()
    }

    fn findings(&self, several: &[(&str, &str)]) -> Findings {
        let mut findings = Findings::new();
        for package in self.packages().filter(|package| !self.is_member(package)) {
            findings.extend(of_others(package, self.minimum_rust()));
        }
        for package in self.members() {
            findings.extend(arrows(package));
        }
        findings.extend(self.core());
        findings.extend(self.versions(several));
        findings
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        list(&self.0["packages"])
    }

    fn is_member(&self, package: &Value) -> bool {
        list(&self.0["workspace_members"]).any(|id| *id == package["id"])
    }

    fn members(&self) -> impl Iterator<Item = &Value> {
        self.packages().filter(|package| self.is_member(package))
    }

    /// The oldest Rust that all of our crates promise to build with.
    fn minimum_rust(&self) -> Option<(u32, u32)> {
        self.members().filter_map(|package| rust_version(&package["rust_version"])).min()
    }

    /// What the core asks for, and what it gets, is exactly what is listed.
    fn core(&self) -> Findings {
        let Some(core) = self.members().find(|package| package["name"] == CORE) else {
            return vec![format!("{CORE} is missing")];
        };
        let asks: BTreeSet<&str> = normal(core).map(|dependency| text(&dependency["name"])).collect();
        let mut findings = differences(CORE, "asks for", &asks, &CORE_ASKS_FOR);
        findings.extend(differences(CORE, "gets", &self.behind(&core["id"]), &CORE_GETS));
        findings
    }

    /// The names of all packages that are built for a package, development apart.
    fn behind(&self, id: &Value) -> BTreeSet<&str> {
        let mut seen = vec![id];
        let mut next = 0;
        while let Some(id) = seen.get(next) {
            let node = list(&self.0["resolve"]["nodes"]).find(|node| node["id"] == **id);
            for dependency in node.into_iter().flat_map(|node| list(&node["deps"])) {
                let is_normal = list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev");
                if is_normal && !seen.contains(&&dependency["pkg"]) {
                    seen.push(&dependency["pkg"]);
                }
            }
            next += 1;
        }
        let behind = &seen[1..];
        self.packages()
            .filter(|package| behind.contains(&&package["id"]))
            .map(|package| text(&package["name"]))
            .collect()
    }

    /// Two incompatible versions of a crate are built twice and are two types of the same name.
    fn versions(&self, several: &[(&str, &str)]) -> Findings {
        let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for package in self.packages() {
            versions.entry(text(&package["name"])).or_default().insert(compatible(text(&package["version"])));
        }
        let has_several = |name: &str| versions.get(name).is_some_and(|all| all.len() > 1);
        let is_listed = |name: &str| several.iter().any(|(listed, _)| *listed == name);
        let unlisted = versions.iter().filter(|(name, _)| has_several(name) && !is_listed(name)).map(|(name, all)| {
            format!(
                "{name} in versions {}: agree on one, or list it with the reason",
                Vec::from_iter(all.iter().cloned()).join(" and ")
            )
        });
        let stale = several.iter().filter(|(name, _)| !has_several(name));
        unlisted.chain(stale.map(|(name, _)| format!("{name} is listed for several versions, but has not"))).collect()
    }
}

/// A package from outside: from the registry, under a licence of the list, and no newer than our own promise.
fn of_others(package: &Value, minimum_rust: Option<(u32, u32)>) -> Findings {
    let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
    let mut findings = Findings::new();
    if !text(&package["source"]).starts_with("registry+") {
        findings.push(format!("{name} does not come from the registry"));
    }
    let licence = text(&package["license"]);
    if !licence::is_allowed(licence) {
        findings.push(format!("{name}: licence `{licence}` is not on the list"));
    }
    let is_newer =
        rust_version(&package["rust_version"]).is_some_and(|needed| minimum_rust.is_some_and(|ours| needed > ours));
    if is_newer && !NEWER.iter().any(|(listed, _)| *listed == text(&package["name"])) {
        findings.push(format!("{name} needs Rust {}", text(&package["rust_version"])));
    }
    findings
}

/// An arrow only ever points down.
fn arrows(package: &Value) -> Findings {
    let name = text(&package["name"]);
    let Some((_, down)) = ARROWS.iter().find(|(listed, _)| *listed == name) else {
        return vec![format!("{name} has no place among the arrows")];
    };
    let ours = normal(package).map(|dependency| text(&dependency["name"]));
    let ours = ours.filter(|dependency| ARROWS.iter().any(|(listed, _)| listed == dependency));
    ours.filter(|dependency| !down.contains(dependency)).map(|up| format!("{name} must not depend on {up}")).collect()
}

/// The dependencies that a package is built with: not those of its tests.
fn normal(package: &Value) -> impl Iterator<Item = &Value> {
    list(&package["dependencies"]).filter(|dependency| dependency["kind"] != "dev")
}

fn differences(name: &str, verb: &str, have: &BTreeSet<&str>, want: &[&str]) -> Findings {
    let more = have.iter().filter(|have| !want.contains(have)).map(|more| format!("{name} {verb} {more}"));
    let less = want.iter().filter(|want| !have.contains(*want)).map(|less| format!("{name} no longer {verb} {less}"));
    more.chain(less).collect()
}

/// The part of a version that says what it is compatible with: `1`, `0.4`, `0.0.3`.
fn compatible(version: &str) -> String {
    let parts: Vec<&str> = version.split(['.', '+', '-']).collect();
    let zeros = parts.iter().take_while(|part| **part == "0").count().min(2);
    parts.iter().take(zeros + 1).copied().collect::<Vec<_>>().join(".")
}

fn rust_version(version: &Value) -> Option<(u32, u32)> {
    let mut parts = version.as_str()?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests;
