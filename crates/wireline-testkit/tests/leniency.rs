//! Each leniency lets through what it says, alone, and nothing that is another one's to let through.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use wireline_proto::Leniency;
use wireline_testkit::case::Case;
use wireline_testkit::{CoreLayer, Layer, Log, Segmentation};

/// A switch, and another one that lets some of the same through.
const OVERLAPS: &[(&str, &str)] = &[
    // What does not begin with `HTTP/` is an answer in HTTP/0.9, an empty line before the status line included.
    ("bare_lf_in_head", "http09"),
    // What was content all along is complete where content need not be: its trailer section is a part of what is missing.
    ("eof_ends_trailers", "incomplete_as_end"),
    // A name with a space in it is no name.
    ("space_before_colon", "skip_bad_fields"),
    // As with an empty line.
    ("status_line_whitespace", "http09"),
];

fn cases() -> Vec<Case> {
    Case::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")).unwrap()
}

fn leniency(names: impl IntoIterator<Item = &'static str>) -> Leniency {
    let mut leniency = Leniency::STRICT;
    assert!(names.into_iter().all(|name| leniency.set(name, true)));
    leniency
}

fn run(case: &Case, leniency: Leniency, segmentation: Segmentation) -> Log {
    let mut case = case.clone();
    case.config.leniency = leniency;
    CoreLayer::default().run(&case, segmentation)
}

fn is_refused(log: &Log) -> bool {
    log.fault().is_some()
}

/// The cases that this switch alone, and none of the others, makes acceptable.
fn of_switch<'a>(cases: &'a [Case], name: &'static str) -> Vec<&'a Case> {
    let tolerates = |case: &&Case| {
        let mut lines = case.expected.lines().filter_map(|line| line.strip_prefix("tolerated: "));
        case.config.leniency == leniency([name])
            && !is_refused(&case.expected)
            && lines.any(|counted| counted.split(' ').next() == Some(name))
    };
    cases.iter().filter(tolerates).collect()
}

#[test]
fn what_a_switch_lets_through_is_refused_without_it() {
    let cases = cases();
    for &name in Leniency::NAMES {
        let own = of_switch(&cases, name);
        assert!(!own.is_empty(), "{name} has no case of its own");
        for case in own {
            assert!(is_refused(&run(case, Leniency::STRICT, Segmentation::Whole)), "{}", case.name());
        }
    }
}

#[test]
fn no_switch_does_the_work_of_another() {
    let cases = cases();
    let mut overlaps = BTreeSet::new();
    for &name in Leniency::NAMES {
        let others = || Leniency::NAMES.iter().copied().filter(move |other| *other != name);
        let own = of_switch(&cases, name);
        for case in &own {
            let lets_through = |other: &&'static str| !is_refused(&run(case, leniency([*other]), Segmentation::Whole));
            overlaps.extend(others().filter(lets_through).map(|other| (name, other)));
        }
        // All others together let no more through than each of them does, and something is this one's alone.
        let foreign = others().filter(|other| !OVERLAPS.contains(&(name, *other)));
        let foreign = leniency(foreign);
        assert!(own.iter().all(|case| is_refused(&run(case, foreign, Segmentation::Whole))), "{name}");
        let is_contained = name == "eof_ends_trailers";
        let all = leniency(others());
        let has_its_own = own.iter().any(|case| is_refused(&run(case, all, Segmentation::Whole)));
        assert_eq!(has_its_own, !is_contained, "{name}");
    }
    assert_eq!(overlaps, OVERLAPS.iter().copied().collect());
}

/// What is refused comes out the same under each switch, or otherwise, however it is cut; docs/under-leniencies.md says how.
#[test]
fn under_each_switch_the_cut_does_not_matter() {
    let cases = cases();
    let strict = cases.iter().filter(|case| case.config.leniency == Leniency::STRICT && is_refused(&case.expected));
    let mut changed = 0;
    for case in strict {
        for &name in Leniency::NAMES {
            let whole = run(case, leniency([name]), Segmentation::Whole);
            if whole == case.expected {
                continue;
            }
            changed += 1;
            for segmentation in Segmentation::all(&case.received()) {
                assert_eq!(run(case, leniency([name]), segmentation), whole, "{}, {name}, {segmentation}", case.name());
            }
        }
    }
    assert!(changed > 100, "{changed}");
}
