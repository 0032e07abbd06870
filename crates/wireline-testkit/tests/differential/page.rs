//! `docs/differences.md`: a section for each rule, with an example of what it explains.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use wireline_proto::{Config, ErrorKind};

use super::difference::{Difference, Peer};
use super::input::{Ask, Input};
use super::rules::RULES;
use super::wireline::{self, Scope};
use super::{h11, httparse, hyper};

/// A section of the page.
struct Section<'a> {
    name: &'a str,
    /// Those who differ, as the first paragraph names them.
    peers: Vec<&'a str>,
    /// What is read, and by whom with which verdict.
    example: &'a str,
    /// The line of the example, counted from 1.
    line: usize,
}

#[test]
fn the_page_has_a_section_for_each_rule_with_an_example_that_it_explains() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences.md");
    let page = fs::read_to_string(path).unwrap();
    let sections = sections(&page);
    let names: Vec<_> = sections.iter().map(|section| section.name).collect();
    let mut sorted: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    sorted.sort_unstable();
    assert_eq!(
        names, sorted,
        "the sections of docs/differences.md are those of the rules, in the order of the alphabet"
    );
    let inputs: Vec<_> = sections.iter().map(|section| input(first_line(section))).collect();
    // One process for all of them.
    let by_h11 = h11::read(&inputs);
    let mut wrong = String::new();
    for ((section, input), by_h11) in sections.iter().zip(&inputs).zip(by_h11) {
        let place = RULES.iter().position(|rule| rule.name == section.name).unwrap();
        let peers = RULES[place].peers;
        let names: Vec<_> = peers.iter().map(|peer| peer.name()).collect();
        assert_eq!(section.peers, names, "{}: the readers that differ", section.name);
        let mut example = format!("{}\nwireline  {}\n", first_line(section), ours(input));
        for &peer in peers {
            let theirs = match peer {
                Peer::H11 => by_h11.clone(),
                Peer::Httparse => httparse::read(input),
                Peer::Hyper => hyper::read(input),
            };
            let _ = writeln!(example, "{:8}  {theirs}", peer.name());
            let explained = Difference::new(peer, input, theirs).explain();
            let is_of_this = explained.is_some_and(|places| places.contains(&place));
            assert!(is_of_this, "{}: the example is none of it for {}", section.name, peer.name());
        }
        if example != section.example {
            let _ = write!(wrong, "docs/differences.md:{} should be\n{example}", section.line);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn first_line<'a>(section: &Section<'a>) -> &'a str {
    section.example.lines().next().expect("what is read")
}

fn sections(page: &str) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find("\n## `") {
        let start = page.len() - rest.len() + at;
        let body = page.get(start + 5..).unwrap();
        let end = body.find("\n## `").unwrap_or(body.len());
        let body = body.get(..end).unwrap();
        let (name, text) = body.split_once("`\n\n").expect("a name and an empty line");
        let (peers, text) = text.split_once(':').expect("the readers and a colon");
        let (prose, example) = text.split_once("\n```text\n").expect("an example");
        let (example, _) = example.split_once("```").expect("the end of the example");
        let before = page.len() - rest.len() + at + 5 + name.len() + 3 + peers.len() + 1 + prose.len();
        sections.push(Section {
            name,
            peers: peers.split(", ").collect(),
            example,
            line: page.get(..before).unwrap().lines().count() + 2,
        });
        rest = page.get(start + 5..).unwrap();
    }
    sections
}

/// Reads an input as it is [shown](super::verdict::shown), and `\(a*1000)` as a thousand of them.
fn input(line: &str) -> Input {
    let (ask, text) = line.split_once(' ').expect("what is asked, and what is answered");
    let ask = Ask::ALL.into_iter().find(|known| known.name() == ask).expect("one of the four");
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("quotes");
    let mut stream = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let escaped = if char == '\\' { chars.next() } else { None };
        match escaped {
            None => stream.push(u8::try_from(char).unwrap()),
            Some('r') => stream.push(b'\r'),
            Some('n') => stream.push(b'\n'),
            Some('t') => stream.push(b'\t'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                stream.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            Some('(') => {
                let repeated: String = chars.by_ref().take_while(|&char| char != ')').collect();
                let (text, times) = repeated.split_once('*').unwrap();
                stream.extend_from_slice(text.repeat(times.parse().unwrap()).as_bytes());
            }
            Some(other) => stream.push(u8::try_from(other).unwrap()),
        }
    }
    Input { ask, stream }
}

/// With the reason, where there is one.
fn ours(input: &Input) -> String {
    let reading = wireline::read(input, Scope::Message, Config::default());
    match reading.error.map(|error| (error.kind(), error.offset())) {
        Some((ErrorKind::Violation(violation), at)) => format!("refused: {} at byte {at}", violation.name()),
        Some((ErrorKind::Limit(limit), at)) => format!("refused: {} at byte {at}", limit.name()),
        _ => reading.verdict.to_string(),
    }
}
