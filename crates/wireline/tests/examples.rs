//! Each example does what it says.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

#[path = "../../../examples/poll.rs"]
mod poll;

use wireline_testkit::Origin;

#[test]
fn poll_drives_a_hundred_connections_in_one_thread() {
    let origin = Origin::start().unwrap();
    let lengths = poll::run(&origin.url(""), "/bytes/100000").unwrap();
    assert_eq!(lengths, vec![100_000; 500]);
    assert_eq!(origin.connections(), 100);
}
