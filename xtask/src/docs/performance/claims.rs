//! What was promised, and whether it is kept.

use std::fmt::Write;

use super::results::{Metric, Results};
use super::{FLOORS, amount, is_ours};

/// A figure with its bounds.
struct Claim {
    what: &'static str,
    must: f64,
    aim: f64,
    /// Whether less is better.
    less: bool,
    figure: fn(&Results) -> Option<f64>,
    /// What the floor itself would come to, where that is not 1: no client does better.
    floor: Option<fn(&Results) -> Option<f64>>,
}

const fn at_most(what: &'static str, must: f64, aim: f64, figure: fn(&Results) -> Option<f64>) -> Claim {
    Claim { what, must, aim, less: true, figure, floor: None }
}

const fn at_least(what: &'static str, must: f64, aim: f64, figure: fn(&Results) -> Option<f64>) -> Claim {
    Claim { what, must, aim, less: false, figure, floor: None }
}

const CLAIMS: &[Claim] = &[
    at_most("GET: instructions", 4000.0, 2000.0, |r| r.figure("get", "wireline", Metric::Instructions)),
    at_most("GET: CPU over the floor's", 1.10, 1.05, |r| r.ratio("get", "wireline", "floor", Metric::Cpu)),
    at_most("GET: allocations", 0.0, 0.0, |r| counted("wireline", Metric::Allocations, r)),
    at_most("GET: system calls", 2.0, 2.0, |r| counted("wireline", Metric::SystemCalls, r)),
    at_most("GET with 30 fields: instructions", 10_000.0, 5000.0, |r| {
        r.figure("get-30", "wireline", Metric::Instructions)
    }),
    at_most("GET on tokio: instructions", 10_000.0, 6000.0, |r| {
        r.figure("get", "tokio-wireline", Metric::Instructions)
    }),
    at_most("GET on tokio: allocations", 0.0, 0.0, |r| counted("tokio-wireline", Metric::Allocations, r)),
    at_most("GET on tokio: system calls", 3.0, 3.0, |r| counted("tokio-wireline", Metric::SystemCalls, r)),
    at_least("busy polling: rate over the best that sleeps", 1.8, 2.4, |r| {
        over_best("polling", "polling wireline", Metric::Wall, r)
    }),
    at_least("16 in flight: rate over the pipelined floor's", 0.87, 0.93, |r| {
        r.ratio("pipeline-16", "floor", "wireline", Metric::Wall)
    }),
    at_least("64 in flight: rate over the pipelined floor's", 0.78, 0.90, |r| {
        r.ratio("pipeline-64", "floor", "wireline", Metric::Wall)
    }),
    at_most("64 in flight: CPU over the pipelined floor's", 2.0, 1.4, |r| {
        r.ratio("pipeline-64", "wireline", "floor", Metric::Cpu)
    }),
    at_most("head of 10 fields: instructions over httparse's", 0.65, 0.40, |r| head("head-10", r)),
    at_most("head of 30 fields: instructions over httparse's", 0.65, 0.40, |r| head("head-30", r)),
    at_most("content by length: CPU over the read loop's", 1.10, 1.03, |r| {
        r.ratio("length", "wireline", "floor", Metric::Cpu)
    }),
    at_most("chunks of 16 KiB: CPU over the read loop's", 1.10, 1.03, |r| {
        r.ratio("chunked-16k", "wireline", "floor", Metric::Cpu)
    }),
    at_least("chunks of 64 bytes: over the best peer, by CPU", 2.0, 3.0, |r| {
        over_best("chunked-64", "wireline", Metric::Cpu, r)
    }),
    at_most("chunks of 64 bytes: instructions a chunk", 300.0, 150.0, |r| {
        // 1 MiB is 16,384 of them.
        Some(r.figure("chunked-64", "wireline", Metric::Instructions)? / 16384.0)
    }),
    at_least("PUT of a file: over the best peer, by CPU", 1.8, 2.1, |r| {
        over_best("put-file", "wireline", Metric::Cpu, r)
    })
    .above(|r| over_best("put-file", "floor", Metric::Cpu, r)),
    at_least("PUT of a file: over sendfile, by CPU", 0.90, 0.97, |r| {
        r.ratio("put-file", "floor", "wireline", Metric::Cpu)
    }),
    at_least("GET to a file on disk: over libcurl, by CPU", 2.2, 3.0, |r| {
        r.ratio("save-disk", "curl", "wireline", Metric::Cpu)
    })
    .above(|r| r.ratio("save-disk", "curl", "floor", Metric::Cpu)),
    at_least("GET to a file on tmpfs: over libcurl, by CPU", 2.2, 2.6, |r| {
        r.ratio("save-tmpfs", "curl", "wireline", Metric::Cpu)
    })
    .above(|r| r.ratio("save-tmpfs", "curl", "floor", Metric::Cpu)),
    at_least("the command to a file on disk: over `curl -o`, by CPU", 2.2, 3.0, |r| {
        r.ratio("command-disk", "curl's command", "the command", Metric::Cpu)
    })
    .above(|r| r.ratio("command-disk", "curl's command", "floor's command", Metric::Cpu)),
    at_least("the command to a file on tmpfs: over `curl -o`, by CPU", 2.2, 2.6, |r| {
        r.ratio("command-tmpfs", "curl's command", "the command", Metric::Cpu)
    })
    .above(|r| r.ratio("command-tmpfs", "curl's command", "floor's command", Metric::Cpu)),
    at_most("the command: start-up over curl's, by CPU", 1.0, 0.7, |r| {
        r.ratio("command-start", "the command", "curl's command", Metric::Cpu)
    }),
    at_most("the command: memory with 1 GiB over curl's", 1.0, 0.7, |r| {
        r.ratio("command-large", "the command", "curl's command", Metric::Resident)
    }),
    at_least("TLS: over ureq, by CPU", 1.5, 2.0, |r| r.ratio("tls", "ureq", "wireline", Metric::Cpu))
        .above(|r| r.ratio("tls", "ureq", "floor", Metric::Cpu)),
    at_least("TLS: over curl, by CPU", 1.5, 2.0, |r| r.ratio("tls", "curl", "wireline", Metric::Cpu))
        .above(|r| r.ratio("tls", "curl", "floor", Metric::Cpu)),
    at_least("TLS: over the best peer, by CPU", 1.0, 1.15, |r| over_best("tls", "wireline", Metric::Cpu, r))
        .above(|r| over_best("tls", "floor", Metric::Cpu, r)),
    at_least("64 connections: over hyper, by CPU", 1.10, 1.25, |r| {
        r.ratio("many", "hyper", "tokio-wireline", Metric::Cpu)
    }),
    at_most("active connection: resident, KiB", 12.0, 6.0, |r| kib("active", "tokio-wireline", r)),
    at_most("idle connection: resident, KiB", 2.0, 0.6, |r| kib("idle", "wireline", r)),
    at_most("idle connection: heap, B", 1024.0, 384.0, |r| r.figure("idle", "wireline", Metric::Heap)),
    at_least("a new connection: over the best peer, by CPU", 0.97, 1.0, |r| {
        over_best("fresh", "wireline", Metric::Cpu, r)
    })
    .above(|r| over_best("fresh", "floor", Metric::Cpu, r)),
    at_least("a new connection with TLS: over the best peer, by CPU", 0.97, 1.0, |r| {
        over_best("fresh-tls", "wireline", Metric::Cpu, r)
    }),
    at_most("a program: crates", 10.0, 5.0, |r| program("wireline", r).map(|(crates, _, _)| crates)),
    at_most("a program: KiB over one that does nothing", 300.0, 200.0, |r| {
        program("wireline", r).map(|(_, kib, _)| kib)
    }),
    at_most("a program: clean build, CPU seconds", 8.0, 5.0, |r| program("wireline", r).map(|(_, _, seconds)| seconds))
        .above(|r| program("wireline's dependencies", r).map(|(_, _, seconds)| seconds)),
    at_most("a program with TLS: crates", 22.0, 20.0, |r| program("wireline, TLS", r).map(|(crates, _, _)| crates)),
    at_least("PUT from memory: over the best peer, by CPU", 0.97, 1.0, |r| {
        over_best("put", "wireline", Metric::Cpu, r)
    })
    .above(|r| over_best("put", "floor", Metric::Cpu, r)),
];

pub(super) fn table(results: &Results) -> String {
    let mut table =
        String::from("| what | must | aim | measured | | the floor |\n| --- | ---: | ---: | ---: | --- | ---: |\n");
    for claim in CLAIMS {
        let floor = claim.floor.and_then(|floor| floor(results));
        let (measured, verdict) = match (claim.figure)(results) {
            Some(figure) => (amount(figure), claim.verdict(figure, floor)),
            None => (String::new(), "not measured"),
        };
        let floor = floor.map_or_else(String::new, amount);
        let sign = if claim.less { "≤" } else { "≥" };
        let _ = writeln!(
            table,
            "| {} | {sign} {} | {sign} {} | {measured} | {verdict} | {floor} |",
            claim.what,
            amount(claim.must),
            amount(claim.aim)
        );
    }
    table
}

impl Claim {
    /// With what the floor comes to.
    const fn above(self, floor: fn(&Results) -> Option<f64>) -> Self {
        Self { floor: Some(floor), ..self }
    }

    fn verdict(&self, figure: f64, floor: Option<f64>) -> &'static str {
        let keeps = |figure: f64, bound: f64| if self.less { figure <= bound } else { figure >= bound };
        match (keeps(figure, self.must), keeps(figure, self.aim)) {
            (_, true) => "aim",
            (true, false) => "kept",
            (false, false) if floor.is_some_and(|floor| !keeps(floor, self.must)) => "**missed**, as by the floor",
            (false, false) => "**missed**",
        }
    }
}

/// How much more the best peer needs than ours does.
fn over_best(row: &str, ours: &str, metric: Metric, results: &Results) -> Option<f64> {
    let subjects = results.subjects(row);
    let peers = subjects.iter().filter(|name| !is_ours(name) && !FLOORS.contains(&name.as_str()));
    peers.filter_map(|peer| results.ratio(row, peer, ours, metric)).min_by(f64::total_cmp)
}

/// What a head costs beyond an empty one: that of the request and of the status line is in both.
fn head(row: &str, results: &Results) -> Option<f64> {
    let of = |subject| {
        let with = results.figure(row, subject, Metric::Instructions)?;
        Some(with - results.figure("head-none", subject, Metric::Instructions)?)
    };
    Some(of("wireline-proto")? / of("httparse")?)
}

/// Of a GET. A count is the difference of two runs of some hundred exchanges, in which one call too many is noise.
fn counted(subject: &str, metric: Metric, results: &Results) -> Option<f64> {
    Some((results.figure("get", subject, metric)? * 10.0).round() / 10.0)
}

fn program(name: &str, results: &Results) -> Option<(f64, f64, f64)> {
    let found = results.programs().into_iter().find(|(program, ..)| program == name);
    found.map(|(_, crates, kib, seconds)| (crates as f64, kib, seconds))
}

fn kib(row: &str, subject: &str, results: &Results) -> Option<f64> {
    Some(results.figure(row, subject, Metric::Resident)? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_kept_missed_or_more_than_kept() {
        let claim = at_most("", 4000.0, 2000.0, |_| None);
        assert_eq!([1999.0, 3000.0, 4001.0].map(|figure| claim.verdict(figure, None)), ["aim", "kept", "**missed**"]);
        let claim = at_least("", 1.8, 2.1, |_| None);
        assert_eq!([2.2, 1.9, 1.7].map(|figure| claim.verdict(figure, Some(1.8))), ["aim", "kept", "**missed**"]);
    }

    #[test]
    fn the_best_peer_is_neither_ours_nor_a_floor() {
        let text = r#"{"rows": {"put": {"wireline": {"cpu": [2]}, "tokio-wireline": {"cpu": [1]}, "floor": {"cpu": [1]},
                       "curl": {"cpu": [5]}, "hyper": {"cpu": [4]}}}}"#;
        assert_eq!(over_best("put", "wireline", Metric::Cpu, &Results::parse(text).unwrap()), Some(2.0));
    }

    #[test]
    fn what_was_not_measured_is_said() {
        assert!(
            table(&Results::parse("{}").unwrap()).lines().skip(2).all(|line| line.ends_with("| not measured |  |"))
        );
    }

    #[test]
    fn the_floor_stands_beside_what_it_bounds() {
        let text = r#"{"rows": {"command-tmpfs": {"the command": {"cpu": [40]}, "floor's command": {"cpu": [30]},
                       "curl's command": {"cpu": [60]}}}}"#;
        let table = table(&Results::parse(text).unwrap());
        let line = "tmpfs: over `curl -o`, by CPU | ≥ 2.2 | ≥ 2.6 | 1.5 | **missed**, as by the floor | 2 |";
        assert!(table.contains(line), "{table}");
    }
}
