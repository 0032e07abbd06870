//! wireline against others who read HTTP/1.1: httparse (heads), hyper's client and h11 (messages).
//!
//! Each reads the same tens of thousands of streams, and their verdicts are compared in one form. What differs is a bug,
//! or it belongs to a class that has a name, a reason and an example in `docs/differences.md`, and a predicate here. A
//! difference that nothing explains fails, and so does a class that explains nothing any more.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod difference;
mod h11;
mod httparse;
mod hyper;
mod input;
mod page;
mod rules;
mod verdict;
mod wireline;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use difference::{Difference, Peer};
use input::Input;
use rules::RULES;
use verdict::Verdict;

static INPUTS: LazyLock<Vec<Input>> = LazyLock::new(input::all);

/// More than this nobody reads.
const SHOWN: usize = 20;

#[test]
fn h11_differs_only_where_it_is_known_to() {
    hold_against(Peer::H11, h11::read(&INPUTS));
}

#[test]
fn httparse_differs_only_where_it_is_known_to() {
    hold_against(Peer::Httparse, INPUTS.iter().map(httparse::read).collect());
}

#[test]
fn hyper_differs_only_where_it_is_known_to() {
    hold_against(Peer::Hyper, INPUTS.iter().map(hyper::read).collect());
}

fn hold_against(peer: Peer, verdicts: Vec<Verdict>) {
    let mut used = BTreeSet::new();
    let mut unexplained = Vec::new();
    for (input, theirs) in INPUTS.iter().zip(verdicts) {
        let mut difference = Difference::new(peer, input, theirs);
        match difference.explain() {
            Some(places) => used.extend(places),
            None => unexplained.push(difference),
        }
    }
    let mut report = String::new();
    for left in unexplained.iter().take(SHOWN) {
        let Difference { input, ours, error, theirs, .. } = left;
        let why = error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
        let _ = write!(report, "\n{input}\n    wireline  {ours}{why}\n    {:8}  {theirs}", peer.name());
    }
    assert!(unexplained.is_empty(), "{} differences that no rule explains:{report}", unexplained.len());
    let rules = RULES.iter().enumerate().filter(|(_, rule)| rule.peers.contains(&peer));
    let stale: Vec<_> = rules.filter(|(place, _)| !used.contains(place)).map(|(_, rule)| rule.name).collect();
    assert!(stale.is_empty(), "{} no longer differs in these ways: {stale:?}", peer.name());
}
