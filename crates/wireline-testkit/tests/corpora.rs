//! What fuzzers have found holds: each file of each corpus through the check that it was found by.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use wireline_testkit::fuzzing::TARGETS;

#[test]
fn corpora_hold() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut failed = Vec::new();
    for target in TARGETS {
        let mut files = 0;
        for file in fs::read_dir(corpora.join(target.name)).unwrap() {
            let path = file.unwrap().path();
            let input = fs::read(&path).unwrap();
            files += 1;
            if catch_unwind(|| (target.check)(&input)).is_err() {
                failed.push(path);
            }
        }
        assert!(files > 0, "{} has no corpus", target.name);
    }
    assert!(failed.is_empty(), "these do not hold: {failed:#?}");
}

#[test]
fn every_target_has_a_program_and_every_corpus_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let names = |folder: &str| {
        let files = fs::read_dir(fuzz.join(folder)).unwrap().map(|file| file.unwrap().path());
        let mut names: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    let targets: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
