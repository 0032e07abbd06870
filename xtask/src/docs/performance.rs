//! docs/performance.md and its charts: all of it from docs/performance/results.json, which `cargo xtask bench` writes.

mod chart;
mod claims;
mod results;

use std::fmt::Write;

use self::chart::{Panel, svg};
use self::results::{Metric, Results};
use crate::project::Project;

/// The crates that are ours, as subjects are called.
const OURS: [&str; 5] = ["wireline", "tokio-wireline", "wireline-proto", "polling wireline", "the command"];

/// What is no client: what a client could be measured by.
const FLOORS: [&str; 4] = ["floor", "floor's command", "polling floor", "httparse"];

/// The rows, as the page tells of them: the name in the results, a heading, and what happens.
const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "get",
        "GET, one after the other",
        "10 fields and 1 KiB of content, on one connection; wireline with a deadline set.",
    ),
    ("get-30", "GET with 30 fields", "The same with 30 fields."),
    (
        "polling",
        "Reads that ask again and again",
        "Reads that do not sleep, for the floor and for wireline (`Connection::set_busy_poll`, 200 µs).",
    ),
    ("pipeline-16", "16 in flight", "The same GETs, 16 requests in one write, then their answers."),
    ("pipeline-64", "64 in flight", "The same with 64."),
    ("length", "Content by length", "16 MiB with Content-Length, read into a buffer of 64 KiB."),
    ("chunked-16k", "Content in chunks", "16 MiB in chunks of 16 KiB."),
    ("chunked-64", "Content in small chunks", "1 MiB in chunks of 64 bytes."),
    ("put", "PUT from memory", "1 MiB."),
    ("put-file", "PUT of a file", "64 MiB; the floor is `sendfile`."),
    ("save-disk", "GET to a file on disk", "64 MiB, the file is written over each time; the floor is `splice`."),
    ("save-tmpfs", "GET to a file on tmpfs", "The same in memory."),
    ("command-start", "The command", "`wireline URL` and `curl URL`: the process, and the GET of the first row."),
    (
        "command-disk",
        "The command to a file on disk",
        "`-o FILE`, 64 MiB, into a file that is emptied first; the floor is a program that does nothing else, with `splice`.",
    ),
    ("command-tmpfs", "The command to a file on tmpfs", "The same in memory."),
    ("command-large", "The command and a large file", "1 GiB to tmpfs."),
    (
        "tls",
        "GET with TLS",
        "16 MiB in records of 16 KiB, TLS 1.3 with AES-256-GCM for all: by rustls with ring, for curl by OpenSSL. \
         The floor opens the records with ring where they were read, and does nothing with them.",
    ),
    ("many", "64 connections in one thread", "GETs as in the first row, each connection in a task of its own."),
    ("fresh", "A new connection for each request", "TCP; the GET of the first row."),
    (
        "fresh-tls",
        "A new connection for each request, with TLS",
        "With a full handshake or resumption, as each does by itself.",
    ),
];

pub(super) fn page(project: &Project) -> Result<String, String> {
    text(&Results::load(project)?)
}

/// What pipelining buys, for the README.
pub(super) fn round_trips(project: &Project) -> Result<String, String> {
    let trips = Results::load(project)?.round_trips();
    let panels = trips.into_iter().map(|(milliseconds, ways)| Panel {
        heading: format!("1,000 GETs, {milliseconds} ms of round trip"),
        bars: ways.into_iter().map(|(way, seconds)| (way.clone(), seconds, way.starts_with("pipelined"))).collect(),
        unit: "s",
    });
    Ok(svg("What pipelining buys", &panels.collect::<Vec<_>>()))
}

/// The first row, the figure that says most.
pub(super) fn instructions(project: &Project) -> Result<String, String> {
    let results = Results::load(project)?;
    let bars = |row| {
        let of = |name: &String| Some((name.clone(), results.figure(row, name, Metric::Instructions)?, is_ours(name)));
        results.subjects(row).iter().filter_map(of).collect()
    };
    let panel = |heading: &str, row| Panel { heading: heading.to_owned(), bars: bars(row), unit: "" };
    Ok(svg(
        "Instructions for one GET",
        &[panel("10 fields and 1 KiB of content", "get"), panel("30 fields and 1 KiB of content", "get-30")],
    ))
}

fn text(results: &Results) -> Result<String, String> {
    let mut page = String::from(
        "# Performance\n\n\
         Made by `cargo xtask bench`, which measures wireline, its peers and the floors that no client can pass, in one run\n\
         on one machine, and writes this page. `cargo xtask bench get tls` measures those rows alone anew.\n\n",
    );
    page += &on_what(results);
    page += "\n## Where a peer is faster\n\n";
    page += &faster_peers(results);
    page += "\n## What was promised\n\n";
    page += &claims::table(results);
    page += HOW;
    page += "\n## What pipelining buys\n\n\
        ![1,000 GETs over 1, 20 and 80 ms of round trip](performance/round-trips.svg)\n\n\
        1,000 of the first row's GETs over a relay on loopback that delays each direction by half a round trip.\n\n";
    page += &trips_table(results);
    page += "\n## Row by row\n\n![Instructions for one GET](performance/instructions.svg)\n";
    for (row, heading, what) in SECTIONS {
        if results.subjects(row).is_empty() {
            continue;
        }
        let _ = write!(page, "\n### {heading}\n\n{what} `cargo xtask bench {row}`\n\n{}", row_table(results, row));
    }
    page += &held(results);
    page += &programs(results);
    Ok(page)
}

const HOW: &str = "
## How each number is made

- Each subject runs in a process of its own, pinned to one processor; the origin, ours and no more than canned answers,
  is pinned to another. What comes over is checked for its length. Without TLS the origin copies no large content: what is
  over 64 KiB it sends from a file in memory, and what it is sent it drops unread.
- **CPU** is the time of the process on a processor, user and system, all its threads, for one exchange; **rate** is
  exchanges in a second of the clock. Each is the median of seven rounds; in a round every subject runs once, one after
  the other, for 0.2 s. A ratio is the median of the seven ratios within a round, so that what else the machine did met both.
- One exchange after the other sleeps in the kernel, and the rate tells of the kernel and of the other process; there
  CPU and instructions are the figures to compare.
- **Instructions** are those in user space, counted by callgrind, **allocations** the calls of `malloc` and its kin in
  the same run, in Rust and in C alike, **system calls** those that strace counts. Each is the difference of a run with
  N and one with 2 N exchanges, so that no start is in it. valgrind shows a processor with AVX2 and without AVX-512,
  and so `memcpy` and `memchr` are the same everywhere.
- **Resident** and **heap** for a connection are the difference between 200 and 900 connections, and between 20 and 120
  under memcheck. curl is not there: with 900 handles open it ended with its error 43; why was not looked into.
- The peers have only the features that the exchange needs (no HTTP/2, no content codings, no cookies). minreq and
  attohttpc keep no connection, and are only where each request has a new one. A peer is missing where it cannot do what
  a row asks. A subject looks at content where its client lends it without a copy, and otherwise
  reads into 64 KiB where it can choose.
- **The floor** beside a promise that is over a peer is what the bare socket, `sendfile`, `splice` or, with TLS, ring alone
  comes to in its place, in the same rounds: no client on this system keeps a promise that the floor misses. Of the least
  program that saves to an emptied file on tmpfs, nearly all goes into memory for the file: to take it, to fill it, to give
  the old back.
- `cargo xtask bench --gate`, a step of the review, holds the counts of wireline against committed bounds
  (`crates/wireline-bench/gate.json`), and also says when one has become too wide.
";

fn on_what(results: &Results) -> String {
    let machine = |name: &str| results.text("machine", name);
    let versions: Vec<_> = results.versions().iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "Measured on {} ({} processors), {}, {}, {}; {}.\n",
        machine("processor"),
        machine("processors"),
        machine("kernel"),
        machine("compiler"),
        machine("valgrind"),
        versions.join(", ")
    )
}

/// Each row in which a peer needs less than the best of ours, said first.
fn faster_peers(results: &Results) -> String {
    let mut lines = String::new();
    for (row, heading, _) in SECTIONS {
        let metric = if *row == "many" { Metric::Wall } else { Metric::Cpu };
        let subjects = results.subjects(row);
        let best = |ours: bool| {
            let figure = |name: &&String| results.figure(row, name, metric).unwrap_or(f64::INFINITY);
            let of_us = subjects.iter().filter(|name| is_ours(name) == ours && !FLOORS.contains(&name.as_str()));
            of_us.min_by(|a, b| figure(a).total_cmp(&figure(b)))
        };
        let (Some(ours), Some(peer)) = (best(true), best(false)) else { continue };
        if let Some(ratio) = results.ratio(row, peer, ours, metric).filter(|ratio| *ratio < 1.0) {
            let _ = writeln!(lines, "- {heading}: {peer} takes {ratio:.2} of the {} of {ours}.", metric.name());
        }
    }
    if lines.is_empty() { "In no row of this run.\n".to_owned() } else { lines }
}

fn row_table(results: &Results, row: &str) -> String {
    let subjects = results.subjects(row);
    let base = subjects.iter().map(String::as_str).find(|name| ["floor", "floor's command"].contains(name));
    let base = base.unwrap_or("hyper");
    let mut table = format!("| | CPU, µs | over {base} | rate, 1/s | instructions | allocations | system calls |\n");
    table += "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for name in &subjects {
        let cell = |number: Option<f64>| number.map_or_else(String::new, amount);
        let figure = |metric| results.figure(row, name, metric);
        let shown = if is_ours(name) { format!("**{name}**") } else { name.clone() };
        let _ = writeln!(
            table,
            "| {shown} | {} | {} | {} | {} | {} | {} |",
            cell(figure(Metric::Cpu).map(|nanoseconds| nanoseconds / 1000.0)),
            results.ratio(row, name, base, Metric::Cpu).map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            cell(figure(Metric::Wall).map(|nanoseconds| 1e9 / nanoseconds)),
            cell(figure(Metric::Instructions)),
            cell(figure(Metric::Allocations)),
            cell(figure(Metric::SystemCalls)),
        );
    }
    table
}

fn trips_table(results: &Results) -> String {
    let mut table = String::from("| round trip | how | seconds |\n| ---: | --- | ---: |\n");
    for (milliseconds, ways) in results.round_trips() {
        for (way, seconds) in ways {
            let _ = writeln!(table, "| {milliseconds} ms | {way} | {seconds:.2} |");
        }
    }
    table
}

/// Memory of connections.
fn held(results: &Results) -> String {
    let mut text = String::from(
        "\n### Memory of a connection\n\n| | state | resident, B | heap, B |\n| --- | --- | ---: | ---: |\n",
    );
    for row in ["idle", "active"] {
        for name in results.subjects(row) {
            let cell = |metric| results.figure(row, &name, metric).map_or_else(String::new, amount);
            let _ = writeln!(text, "| {name} | {row} | {} | {} |", cell(Metric::Resident), cell(Metric::Heap));
        }
    }
    text
}

/// What a dependency costs.
fn programs(results: &Results) -> String {
    let mut text = String::from(
        "\n### A program that does one GET\n\nBuilt by `cargo build --release` from nothing, with `strip = true` and nothing else; KiB are those beyond a program\n\
         that does nothing. The dependencies of wireline without TLS are built for a program that does nothing with them.\n\
         `cargo xtask bench programs`\n\n| | crates | KiB | build, CPU s |\n| --- | ---: | ---: | ---: |\n",
    );
    for (name, crates, kib, seconds) in results.programs() {
        let _ = writeln!(text, "| {name} | {crates} | {} | {} |", amount(kib), amount(seconds));
    }
    text
}

fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

/// A number as people read it: no more digits than mean something.
fn amount(number: f64) -> String {
    let digits = match number.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_with_the_digits_that_mean_something() {
        assert_eq!(
            [1_234_567.8, 136.0, 12.34, 2.0, 0.126, 0.0].map(amount),
            ["1,234,568", "136", "12.3", "2", "0.13", "0"]
        );
    }

    #[test]
    fn a_peer_that_is_faster_is_told_of_first() {
        let results = |theirs: &str| {
            let text = r#"{"rows": {"get": {"wireline": {"cpu": [2, 2, 2]}, "curl": {"cpu": [THEIRS]}, "floor": {"cpu": [1]}}}}"#;
            Results::parse(&text.replace("THEIRS", theirs)).unwrap()
        };
        let page = text(&results("1, 1, 9")).unwrap();
        assert!(page.contains("- GET, one after the other: curl takes 0.50 of the CPU of wireline."), "{page}");
        assert!(text(&results("3, 3, 3")).unwrap().contains("In no row of this run."));
    }
}
