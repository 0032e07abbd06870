//! The soak itself, a short one; and that it notices a lie.

use super::client::{ATTEMPTS, Account};
use super::plan::{Method, asked, fate};
use super::server::{OfRequest, Record};
use super::*;

#[test]
fn a_few_thousand_requests_are_answered_or_reported() {
    let words = ["--pool", "--exchanges", "4000", "--seed", "2026"];
    let settings = crate::settings(lexopt::Parser::from_args(words)).unwrap();
    let outcome = soak(settings).unwrap();
    assert_eq!(outcome.troubles, [""; 0]);
    assert_eq!((outcome.requests as u64, outcome.counts.answered + outcome.counts.reported), (4000, 4000));
    assert!(outcome.made > CONNECTIONS as u64 && outcome.counts.repeated > 0, "{outcome}");
}

#[test]
fn every_end_comes() {
    for end in End::ALL {
        assert!((0..200).any(|connection| fate(1, connection).end == end), "{}", end.name());
    }
    assert_eq!((fate(1, 5), asked(1, 5)), (fate(1, 5), asked(1, 5)));
    assert!((0..20).any(|number| fate(1, number) != fate(2, number)));
}

fn number_of(method: Method) -> usize {
    (0..).find(|number| asked(1, *number).method == method).unwrap()
}

/// What is found of one request with this method, when the others are as they should be.
fn found(method: Method, account: Account, seen: OfRequest) -> Vec<String> {
    let number = number_of(method);
    let answered = Account { is_answered: true, ..Account::default() };
    let mut accounts = vec![answered; number + 1];
    let mut requests = vec![OfRequest { heads: 1, whole: 1, begun: 1, answered: 1 }; number + 1];
    (accounts[number], requests[number]) = (account, seen);
    let mut found = Vec::new();
    verdict::troubles(1, &accounts, &Record { requests, ends: [0; End::ALL.len()], strange: 0 }, &mut found);
    found
}

#[test]
fn the_truth_is_no_lie() {
    let once = OfRequest { heads: 1, whole: 1, begun: 1, answered: 1 };
    let answered = Account { is_answered: true, ..Account::default() };
    let again = Account { sent: 1, nothing_sent: 2, ..answered };
    let reported = Account { sent: 1, unsafe_ones: 1, is_reported: true, ..Account::default() };
    let exhausted = Account { sent: ATTEMPTS, is_reported: true, ..Account::default() };
    for (method, account, seen) in [
        (Method::Get, answered, once),
        (Method::Put, again, OfRequest { heads: 2, whole: 2, ..once }),
        (Method::Put, again, once),
        (Method::Post, Account { nothing_sent: 1, ..answered }, once),
        (Method::Post, reported, OfRequest::default()),
        (Method::Post, reported, once),
        (Method::Get, exhausted, OfRequest::default()),
    ] {
        assert_eq!(found(method, account, seen), [""; 0]);
    }
}

#[test]
fn lies_are_noticed() {
    let once = OfRequest { heads: 1, whole: 1, begun: 1, answered: 1 };
    let twice = OfRequest { heads: 2, whole: 2, ..once };
    let answered = Account { is_answered: true, ..Account::default() };
    let sent = Account { sent: 1, ..answered };
    for (method, account, seen, what) in [
        (Method::Get, Account::default(), once, "neither answered nor reported"),
        (Method::Get, Account { is_reported: true, ..answered }, once, "or both"),
        (Method::Get, answered, OfRequest { answered: 0, ..once }, "the server did not answer"),
        (Method::Get, answered, twice, "seen more often than sent"),
        (Method::Get, Account { nothing_sent: 1, ..answered }, twice, "seen more often than sent"),
        (Method::Put, Account { partly_sent: 1, ..answered }, twice, "all of it seen more often"),
        (Method::Get, Account { begun: 2, unsafe_ones: 2, ..answered }, once, "did not begin"),
        (Method::Post, sent, twice, "seen twice"),
        (Method::Post, sent, once, "sent again, and that was not safe"),
        (Method::Get, Account { unsafe_ones: 1, ..sent }, once, "the verdict was that it is not safe"),
        (Method::Get, Account { begun: 1, ..answered }, once, "a response had begun"),
        (Method::Get, Account { sent: 1, is_reported: true, ..Account::default() }, once, "safe to send it again"),
    ] {
        let found = found(method, account, seen);
        assert!(found.iter().any(|found| found.contains(what)), "{what}: {found:?}");
    }
}
