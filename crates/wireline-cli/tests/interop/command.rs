//! The exchanges by the command `wireline`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use wireline::Version;

use crate::exchange::{Course, Exchange};
use crate::outcome::Outcome;
use crate::peer::Peer;

/// What comes of an exchange. There is no probe behind it, whose request would be another one: what the command says
/// about the connection stands in its place.
pub(crate) fn outcomes(peer: &Peer, exchange: &Exchange, folder: &Path) -> Vec<Outcome> {
    let output = Command::new(env!("CARGO_BIN_EXE_wireline"))
        .args(arguments(peer, exchange, folder))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut heads = heads(&output.stderr).into_iter();
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let outcome = |(number, record): (usize, &Value)| {
        let responses = record["interim"].as_array().map_or(0, Vec::len) + usize::from(record["response"].is_object());
        let trailers = record["response"]["trailers"].as_array().into_iter().flatten();
        let line = |field: &Value| format!("{}: {}\r\n", field[0].as_str().unwrap(), field[1].as_str().unwrap());
        Outcome {
            heads: heads.by_ref().take(responses).collect(),
            content: fs::read(folder.join(format!("command-{number}"))).unwrap_or_default(),
            trailers: trailers.map(line).collect::<String>().into_bytes(),
            is_complete: record["response"].is_object() && record["error"].is_null(),
            persists: match records.get(number + 1) {
                Some(next) => next["connection"] == record["connection"],
                None => record["reuse"]["state"] == "now",
            },
        }
    };
    let mut outcomes: Vec<Outcome> = records.iter().enumerate().map(outcome).collect();
    for number in 0..outcomes.len() {
        let _not_there = fs::remove_file(folder.join(format!("command-{number}")));
    }
    if exchange.course == Course::Tunnelled {
        // What a refusal says, and what comes through the tunnel, is not of CONNECT, whose head is all that counts.
        outcomes.iter_mut().for_each(|outcome| *outcome = outcome.head_alone());
    }
    outcomes
}

/// The heads that `--verbose` shows, byte for byte behind a mark.
fn heads(stderr: &[u8]) -> Vec<Vec<u8>> {
    let lines = stderr.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"< "));
    let lines: Vec<&[u8]> = lines.collect();
    lines.split_inclusive(|line| **line == *b"\r\n").map(<[&[u8]]>::concat).collect()
}

fn arguments(peer: &Peer, exchange: &Exchange, folder: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |new: &[&str]| arguments.extend(new.iter().map(|argument| (*argument).to_owned()));
    add(&["--json", "--verbose", "--max-time", "20"]);
    for number in 0..exchange.responses() {
        add(&["--output", &format!("command-{number}")]);
    }
    if exchange.version == Version::HTTP_10 {
        add(&["--http1.0"]);
    }
    if let Course::Pipelined(times) = exchange.course {
        add(&["--pipeline", &times.to_string()]);
    }
    if exchange.course == Course::Tunnelled {
        add(&["--request-target", &peer.application, "--header", "User-Agent: interop", "--header", "Accept:"]);
        add(&["CONNECT", &peer.url("/")]);
        return arguments;
    }
    if exchange.has_host {
        add(&["--request-target", &exchange.target, "--header", &format!("Host: {}", peer.site)]);
        for (name, value) in &exchange.fields {
            // Two that have a flag.
            if !["Content-Length", "Expect"].contains(name) {
                add(&["--header", &format!("{name}: {value}")]);
            }
        }
    } else {
        fs::write(folder.join("request"), exchange.wire()).unwrap();
        add(&["--raw-request", "request"]);
    }
    if let Some(content) = &exchange.content {
        fs::write(folder.join("request"), content).unwrap();
        add(&["--data", "@request"]);
    }
    if exchange.expects_continue() {
        add(&["--expect"]);
    }
    add(&[exchange.method]);
    add(&vec![&*peer.url("/"); exchange.responses()]);
    arguments
}
