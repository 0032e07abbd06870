//! The Rust in the README is the example of the crate's documentation, line by line, and that one runs as a doctest.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::path::Path;

#[test]
fn the_snippet_of_the_readme_is_the_example_that_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let documentation = std::fs::read_to_string(root.join("crates/wireline/src/lib.rs")).unwrap();
    let example = documentation.split("//! ```\n").nth(1).unwrap();
    let shown: Vec<_> =
        example.lines().map(|line| line.trim_start_matches("//! ")).filter(|line| !line.starts_with('#')).collect();
    let snippet = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(snippet.lines().collect::<Vec<_>>(), shown);
    assert_eq!(shown.len(), 5);
}
