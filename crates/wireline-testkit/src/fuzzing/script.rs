//! Scripts: commands, bytes, cuts and faults in any order.

use wireline_proto::Config;

use super::observe::{receive, take_events};
use super::settings::Choices;
use super::walk::{Step, Walk};
use crate::{Log, Recorder};

/// What a peer may have said, to begin with: a fuzzer does not have to find out what a response is.
const RESPONSES: [&[u8]; 8] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n",
    b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nabc",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
];

/// Steps in any order: what holds behind every step holds, and the events are the same whether bytes come whole or one by
/// one.
///
/// The first line of the input chooses settings. Each letter behind it is a step, followed by the byte that says how many
/// where that is asked.
///
/// # Panics
/// When it does not hold.
pub fn script(input: &[u8]) {
    // Each step compares whole connections, so long scripts are slow.
    let input = &input[..input.len().min(400)];
    let (mut choices, rest) = Choices::split(input);
    let config = choices.config();
    let mut steps = Vec::new();
    let mut choices = Choices(rest);
    while let Some(step) = step(&mut choices) {
        steps.push(step);
    }
    let whole = events(config, &steps, false, false);
    assert_eq!(events(config, &steps, true, false), whole);
    assert_eq!(events(config, &steps, true, true), whole);
    let mut walk = Walk::new(config);
    for step in steps {
        walk.take(step);
    }
}

fn step(choices: &mut Choices<'_>) -> Option<Step> {
    let [letter] = *choices.bytes(1) else { return None };
    Some(match letter {
        b'A' => Step::Abandon,
        b'b' => Step::ByPass(choices.number() as u64),
        b'E' => Step::Close,
        b'c' => Step::Content(choices.number()),
        b'C' => Step::Content(40 * choices.number()),
        b'e' => {
            let len = choices.number();
            Step::ContentBytes(choices.bytes(len).to_vec())
        }
        b'X' => Step::Fail,
        b'f' => Step::Finish(false),
        b'F' => Step::Finish(true),
        b'm' => Step::Frame(choices.number() as u64),
        b'M' => Step::Frame(u64::MAX),
        b'o' => Step::Framed(choices.number() as u64),
        b'q' => Step::Request(choices.request()),
        b'r' => Step::Receive(RESPONSES[choices.number() % RESPONSES.len()].to_vec()),
        b'R' => {
            let len = choices.number();
            Step::Receive(choices.bytes(len).to_vec())
        }
        b't' => Step::Transmit(choices.number()),
        b'T' => Step::Transmit(usize::MAX),
        b'Y' => Step::TransmitClosed,
        b'w' => Step::Waive,
        _ => Step::Advance(1),
    })
}

/// What comes out when events are taken as soon as they are there.
fn events(config: Config, steps: &[Step], cut: bool, by_pass: bool) -> (Log, u64) {
    let mut walk = Walk::new(config);
    let mut recorder = Recorder::new(true);
    for step in steps {
        match step {
            // Taken as soon as they are there, and on a way that is chosen for all.
            Step::Advance(_) | Step::ByPass(_) => continue,
            Step::Receive(bytes) => {
                for piece in bytes.chunks(if cut { 1 } else { bytes.len().max(1) }) {
                    receive(&mut walk.connection, &mut recorder, piece, by_pass);
                    walk.look();
                }
            }
            other => walk.take(other.clone()),
        }
        take_events(&mut walk.connection, &mut recorder);
        // Cut or not, it is the same connection behind a step: one look at copies of it is enough.
        if cut {
            walk.look();
        } else {
            walk.look_closely();
        }
    }
    recorder.verdict(walk.connection.reuse(), walk.connection.unanswered());
    if let Some(error) = walk.connection.error() {
        recorder.error(error);
    }
    (recorder.finish(), walk.connection.bytes_sent())
}
