//! What users of three Python libraries know, in Rust: docs/from-python.md is made from these tests, so that each line in it
//! compiles and does what it says.
//!
//! A comment that begins with `//#` is a heading of the page and one that begins with `//=` names rows and says what they
//! were there; the lines behind it, up to an empty one, are what does it here.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod connecting;
mod failing;
mod pipelining;
mod receiving;
mod sending;
mod watching;

#[path = "../common/mod.rs"]
mod common;

use wireline::Connection;
use wireline_testkit::{Script, ScriptedPeer};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// A peer that gives each request of one connection its answer.
fn answering<'a>(answers: impl IntoIterator<Item = &'a str>) -> ScriptedPeer {
    let script = answers.into_iter().fold(Script::new(), |script, answer| script.read_head().send(answer));
    ScriptedPeer::start([script]).unwrap()
}

fn connect(peer: &ScriptedPeer) -> Connection {
    Connection::connect(&peer.url("")).unwrap()
}
