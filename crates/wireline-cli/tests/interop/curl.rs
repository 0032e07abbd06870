//! curl, the judge of the same exchanges.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use wireline::Version;

use crate::exchange::{self, Course, Exchange};
use crate::outcome::Outcome;
use crate::peer::Peer;

/// What curl makes of an exchange, and of the probe behind it.
pub(crate) fn judge(peer: &Peer, exchange: &Exchange, folder: &Path) -> Vec<Outcome> {
    let probe = exchange::probe(peer);
    let mut transfers = vec![exchange; exchange.responses()];
    if exchange.course != Course::Tunnelled {
        transfers.push(&probe);
    }
    let mut command = Command::new("curl");
    command.arg("-q").current_dir(folder).stdin(Stdio::null());
    for (number, transfer) in transfers.iter().enumerate() {
        if number > 0 {
            command.arg("--next");
        }
        command.args(arguments(peer, transfer, number, folder));
    }
    for variable in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(variable).env_remove(variable.to_ascii_uppercase());
    }
    let output =
        command.output().unwrap_or_else(|error| panic!("curl does not start ({error}): run cargo xtask setup"));
    // Of each transfer: its exit status, and how many connections it made.
    let told: Vec<Vec<u32>> = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("told "))
        .map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect())
        .collect();
    assert_eq!(told.len(), transfers.len(), "{}: {}: curl did not make every transfer", peer.name, exchange.name);
    let outcome = |number: usize| {
        let (heads, content) = (taken(folder, &format!("head-{number}")), taken(folder, &format!("content-{number}")));
        let mut outcome = parse(&heads);
        // Where it asks for a head, curl writes that in the place of content, too.
        let is_head = transfers[number].method == "HEAD";
        outcome.content = content.strip_prefix(&heads[..]).filter(|_| is_head).unwrap_or(&content).to_vec();
        outcome.is_complete = told[number][0] == 0;
        outcome.persists = told.get(number + 1).is_some_and(|next| next[1] == 0);
        outcome
    };
    (0..transfers.len()).map(outcome).collect()
}

/// What a transfer wrote, which is not there where nothing came.
fn taken(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    let content = fs::read(&path).unwrap_or_default();
    let _not_there = fs::remove_file(path);
    content
}

fn arguments(peer: &Peer, exchange: &Exchange, number: usize, folder: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |new: &[&str]| arguments.extend(new.iter().map(|argument| (*argument).to_owned()));
    add(&["--silent", "--max-time", "20", "--write-out", "%{stderr}\ntold %{exitcode} %{num_connects}\n"]);
    add(&["--dump-header", &format!("head-{number}"), "--output", &format!("content-{number}")]);
    add(&[if exchange.version == Version::HTTP_10 { "--http1.0" } else { "--http1.1" }]);
    if exchange.course == Course::Tunnelled {
        add(&["--proxytunnel", "--proxy", &peer.url("/"), "--proxy-header", "Proxy-Connection:"]);
        add(&["--user-agent", "interop", &format!("http://{}{}", peer.application, exchange.target)]);
        return arguments;
    }
    if exchange.method == "HEAD" {
        add(&["--head"]);
    } else {
        add(&["--request", exchange.method]);
    }
    // A line of its own is taken away without a value.
    let host = if exchange.has_host { format!("Host: {}", peer.site) } else { "Host:".to_owned() };
    add(&["--request-target", &exchange.target, "--header", &host]);
    for (name, value) in &exchange.fields {
        add(&["--header", &format!("{name}: {value}")]);
    }
    if let Some(content) = &exchange.content {
        fs::write(folder.join("request"), content).unwrap();
        add(&["--data-binary", "@request"]);
    }
    if exchange.content.is_some() && !exchange.expects_continue() {
        add(&["--header", "Expect:"]);
    }
    add(&[&peer.url("/")]);
    arguments
}

/// Takes apart what curl dumps: each head, and behind the last the trailers.
fn parse(mut dumped: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    while dumped.starts_with(b"HTTP/") {
        let end = dumped.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(dumped.len(), |at| at + 4);
        outcome.heads.push(dumped[..end].to_vec());
        dumped = &dumped[end..];
    }
    outcome.trailers = dumped.to_vec();
    outcome
}
