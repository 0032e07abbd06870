//! The same exchanges with each of nine servers that others wrote, through each layer: what comes of them is, byte for
//! byte, what comes of them with curl. `cargo xtask interop` runs it; with names, only those servers.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]
#![allow(clippy::print_stdout, reason = "the table is for people")]

mod awaited;
mod blocking;
mod command;
mod curl;
mod exchange;
mod outcome;
mod peer;
mod servers;
mod site;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, thread};

use exchange::{Course, Exchange};
use outcome::{Outcome, Verdict};
use peer::Peer;
use servers::{SERVERS, Start};

/// The layers, in the order of their marks in the table.
const LAYERS: [&str; 3] = ["wireline", "tokio-wireline", "the command"];

/// What came of one exchange with one server.
struct Cell {
    exchange: &'static str,
    /// Of the last response that curl had.
    status: String,
    /// By layer.
    verdicts: [Verdict; 3],
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);
    if let Some(unknown) = names.iter().find(|name| !SERVERS.iter().any(|(server, _)| server == name)) {
        println!("no server is called `{unknown}`: {}", SERVERS.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    let servers: Vec<(&str, Start)> = SERVERS.into_iter().filter(|(name, _)| chosen(name)).collect();
    let columns: Vec<Vec<Cell>> = thread::scope(|scope| {
        let running: Vec<_> = servers.iter().map(|(_, start)| scope.spawn(|| column(&start()))).collect();
        running.into_iter().map(|column| column.join().expect("the server is tried")).collect()
    });
    print_table(&servers, &columns);
    let mut counts = [0; 3];
    for ((server, _), column) in servers.iter().zip(&columns) {
        for cell in column {
            for (layer, verdict) in LAYERS.iter().zip(&cell.verdicts) {
                counts[verdict.rank()] += 1;
                if let Verdict::Differs(difference) = verdict {
                    println!("\n{server}: {}: {layer} differs:{difference}", cell.exchange);
                }
            }
        }
    }
    let [same, refused, differing] = counts;
    println!("\n{same} exchanges are what curl has, {refused} are refused, {differing} differ");
    if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All exchanges with one server.
fn column(peer: &Peer) -> Vec<Cell> {
    let folder = std::env::temp_dir().join(format!("wireline-interop-{}-{}", std::process::id(), peer.name));
    fs::create_dir_all(&folder).unwrap();
    let small = curl::judge(peer, &exchange::probe(peer), &folder);
    let etag = small[0].field("etag").unwrap_or_else(|| "\"none\"".to_owned());
    let cells = exchange::all(peer, &etag).iter().map(|exchange| cell(peer, exchange, &folder)).collect();
    fs::remove_dir_all(folder).unwrap();
    cells
}

fn cell(peer: &Peer, exchange: &Exchange, folder: &Path) -> Cell {
    let certain = |mut outcomes: Vec<Outcome>| {
        if exchange.is_answered_early {
            outcomes.iter_mut().for_each(|outcome| outcome.persists = false);
        }
        outcomes
    };
    let judged = certain(curl::judge(peer, exchange, folder));
    assert!(judged.iter().all(Outcome::notices_every_change), "{}: {}", peer.name, exchange.name);
    let mut of_command = judged.clone();
    of_command.truncate(exchange.responses());
    if exchange.course == Course::Tunnelled {
        of_command = vec![judged[0].head_alone()];
    }
    Cell {
        exchange: exchange.name,
        status: judged[exchange.responses() - 1].status(),
        verdicts: [
            verdict(&certain(blocking::outcomes(peer, exchange)), &judged),
            verdict(&certain(awaited::outcomes(peer, exchange)), &judged),
            verdict(&certain(command::outcomes(peer, exchange, folder)), &of_command),
        ],
    }
}

/// The worst of all.
fn verdict(ours: &[Outcome], judged: &[Outcome]) -> Verdict {
    if ours.len() != judged.len() {
        return Verdict::Differs(format!("\n  {} outcomes, {} with curl", ours.len(), judged.len()));
    }
    let each = ours.iter().zip(judged).map(|(ours, judged)| ours.verdict(judged));
    each.max_by_key(Verdict::rank).expect("there is one of each request")
}

/// A row for each exchange, a column for each server.
fn print_table(servers: &[(&str, Start)], columns: &[Vec<Cell>]) {
    print!("{:24}", "");
    servers.iter().for_each(|(name, _)| print!("{name:>10}"));
    println!();
    for row in 0..columns[0].len() {
        print!("{:24}", columns[0][row].exchange);
        for column in columns {
            let marks = column[row].verdicts.each_ref().map(|verdict| ['=', 'x', '!'][verdict.rank()]);
            print!("{:>10}", format!("{} {}", column[row].status, String::from_iter(marks)));
        }
        println!();
    }
    println!("\nThe status that curl has. Behind it, for {}:", LAYERS.join(", "));
    println!("= the same, byte for byte; x refused: a CR alone in a head (RFC 9112 section 2.2); ! another");
}
