use serde_json::json;

use super::*;

/// A workspace in which all is well: the core with what it brings, and the command.
fn fixture() -> Value {
    let dependency = |name: &str, kind: Option<&str>| json!({ "name": name, "kind": kind });
    let foreign = |name: &str| {
        json!({ "id": name, "name": name, "version": "1.2.3", "license": "MIT", "source": "registry+x", "rust_version": "1.60",
                "dependencies": [], "features": {} })
    };
    let edge = |name: &str| json!({ "pkg": name, "dep_kinds": [{ "kind": null }] });
    json!({
        "packages": [
            { "id": "wireline-proto", "name": "wireline-proto", "version": "0.1.0", "source": null, "rust_version": "1.85",
              "dependencies": [dependency("http", None), dependency("safe_arch", None)], "features": {} },
            { "id": "wireline", "name": "wireline", "version": "0.1.0", "source": null, "rust_version": "1.85",
              "dependencies": [dependency("wireline-proto", None), dependency("wireline-testkit", Some("dev"))],
              "features": { "tls": [] } },
            foreign("http"), foreign("safe_arch"), foreign("bytes"), foreign("itoa"),
        ],
        "workspace_members": ["wireline-proto", "wireline"],
        "target_directory": "/t",
        "resolve": { "nodes": [
            { "id": "wireline-proto", "deps": [edge("http"), edge("safe_arch")] },
            { "id": "http", "deps": [edge("bytes"), edge("itoa")] },
        ] },
    })
}

fn findings(change: impl FnOnce(&mut Value)) -> Findings {
    let mut fixture = fixture();
    change(&mut fixture);
    Metadata(fixture).findings(&[])
}

#[test]
fn a_workspace_in_which_all_is_well_passes() {
    assert_eq!(findings(|_| ()), [""; 0]);
    assert_eq!(Metadata(fixture()).members_with_features(), ["wireline"]);
    assert_eq!(Metadata(fixture()).target_directory(), "/t");
}

#[test]
fn a_foreign_package_has_a_licence_a_registry_and_an_old_enough_rust() {
    let changed = findings(|metadata| {
        metadata["packages"][2]["license"] = json!("GPL-3.0-only");
        metadata["packages"][3]["source"] = json!("git+x");
        metadata["packages"][4]["rust_version"] = json!("1.90.0");
        metadata["packages"][5]["license"] = json!(null);
        metadata["packages"][5]["source"] = json!(null);
    });
    assert_eq!(
        changed,
        [
            "http 1.2.3: licence `GPL-3.0-only` is not on the list",
            "safe_arch 1.2.3 does not come from the registry",
            "bytes 1.2.3 needs Rust 1.90.0",
            "itoa 1.2.3 does not come from the registry",
            "itoa 1.2.3: licence `` is not on the list",
        ]
    );
}

#[test]
fn an_arrow_that_points_up_is_found_and_development_is_free() {
    let up = |kind: Value| {
        findings(|metadata| {
            metadata["packages"][1]["dependencies"] = json!([{ "name": "wireline-cli", "kind": kind }]);
        })
    };
    assert_eq!(up(json!(null)), ["wireline must not depend on wireline-cli"]);
    assert_eq!(up(json!("build")), ["wireline must not depend on wireline-cli"]);
    assert_eq!(up(json!("dev")), [""; 0]);
    assert_eq!(
        findings(|metadata| metadata["packages"][1]["name"] = json!("new")),
        ["new has no place among the arrows"]
    );
}

#[test]
fn what_the_core_is_built_with_is_exact() {
    let asks = findings(|metadata| {
        metadata["packages"][0]["dependencies"] =
            json!([{ "name": "http", "kind": null }, { "name": "rand", "kind": null }]);
    });
    assert_eq!(asks, ["wireline-proto asks for rand", "wireline-proto no longer asks for safe_arch"]);
    let gets = findings(|metadata| metadata["resolve"]["nodes"][1]["deps"][1]["pkg"] = json!("wireline"));
    assert_eq!(gets, ["wireline-proto gets wireline", "wireline-proto no longer gets itoa"]);
    let development = findings(|metadata| {
        metadata["resolve"]["nodes"][0]["deps"][1]["dep_kinds"][0]["kind"] = json!("dev");
    });
    assert_eq!(development, ["wireline-proto no longer gets safe_arch"]);
}

#[test]
fn two_incompatible_versions_need_a_reason() {
    let doubled = |version: &str, several: &[(&str, &str)]| {
        let mut fixture = fixture();
        fixture["packages"][5]["name"] = json!("bytes");
        fixture["packages"][5]["version"] = json!(version);
        Metadata(fixture).versions(several)
    };
    assert_eq!(doubled("2.0.0", &[]), ["bytes in versions 1 and 2: agree on one, or list it with the reason"]);
    assert_eq!(doubled("2.0.0", &[("bytes", "a test")]), [""; 0]);
    assert_eq!(doubled("1.9.0", &[]), [""; 0]);
    assert_eq!(doubled("1.9.0", &[("bytes", "a test")]), ["bytes is listed for several versions, but has not"]);
}

#[test]
fn compatibility_is_the_first_number_that_is_not_zero() {
    assert_eq!(compatible("1.2.3"), "1");
    assert_eq!(compatible("0.14.1+x"), "0.14");
    assert_eq!(compatible("0.0.3"), "0.0.3");
}

#[test]
fn every_workspace_apart_has_its_lock_file_looked_at() {
    let root = Project::here().root;
    let folders = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let mut apart: Vec<_> = folders.filter(|folder| folder.join("Cargo.lock").exists()).collect();
    apart.sort_unstable();
    assert_eq!(apart, APART.map(|manifest| root.join(manifest).with_file_name("")));
}
