//! Many connections at once, awaited on one thread: none of their exchanges is lost, and what a connection costs is measured.
//!
//! The server is a process of its own, so that the memory of this one is the client's.

mod client;
mod plan;
mod server;

use std::fmt::{self, Display};
use std::io;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::child::{self, Server};
use crate::watchdog::{PATIENCE, Pulse, watch};
use crate::{Settings, say};

/// What it came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    connections: u32,
    exchanges: u64,
    /// How many were in flight at a time, at most.
    at_once: u64,
    elapsed: Duration,
    memory: Memory,
    pub(crate) troubles: Vec<String>,
}

/// What was resident, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    before: u64,
    /// All connected, and nothing sent.
    connected: u64,
    /// All with an exchange behind them, and nothing in flight.
    idle: u64,
    /// While all were busy, at most.
    busy: u64,
    /// All idle again.
    after: u64,
}

/// What an idle connection may cost, its task and what the allocator keeps included. It was 9 KiB when this was written; one
/// that kept its buffer, 4 KiB at least, would be noticed.
const IDLE: u64 = 12 << 10;

impl Memory {
    fn of_one(&self, all: u64, connections: u32) -> u64 {
        all.saturating_sub(self.before) / u64::from(connections.max(1))
    }
}

/// Opens the connections, sends the exchanges over them, and counts what comes back.
pub(crate) fn soak(settings: Settings) -> io::Result<Outcome> {
    descriptors(settings.connections)?;
    let (seed, connections) = (settings.seed.to_string(), settings.connections.to_string());
    let server = Server::start(&["--serve-load", "--seed", &seed, "--connections", &connections])?;
    let pulses = Arc::new([Pulse::default()]);
    let mut outcome = thread::scope(|scope| {
        let watchdog = scope.spawn(|| {
            if watch(&*pulses, PATIENCE).is_some() {
                // A task that hangs cannot be asked to end.
                say(&format!("FAILED with seed {}: nothing happens any more", settings.seed));
                process::exit(3);
            }
        });
        let outcome = client::run(settings, server.address, &pulses);
        pulses[0].is_over.store(true, Ordering::Relaxed);
        watchdog.thread().unpark();
        outcome
    })?;
    let (served, troubles) = server.join()?;
    outcome.troubles.extend(troubles);
    if served != outcome.exchanges {
        outcome.troubles.push(format!("{} exchanges, and the server has served {served}", outcome.exchanges));
    }
    if outcome.exchanges < settings.exchanges {
        outcome.troubles.push(format!("{} exchanges of {}", outcome.exchanges, settings.exchanges));
    }
    let idle = outcome.memory.of_one(outcome.memory.idle, outcome.connections);
    // Few connections do not outweigh what the process itself takes meanwhile.
    if outcome.connections >= 1000 && idle > IDLE {
        outcome.troubles.push(format!("an idle connection costs {idle} bytes: more than {IDLE}"));
    }
    Ok(outcome)
}

/// The server, until the client has closed all that it opened.
pub(crate) fn serve(settings: Settings) -> io::Result<ExitCode> {
    descriptors(settings.connections)?;
    let (exchanges, troubles) = server::run(settings)?;
    Ok(child::served(exchanges, &troubles))
}

/// What a process has open beside its connections: far fewer.
const OTHERS: u64 = 64;

/// Raises the limit on descriptors as far as it goes, and says so when that is not enough.
fn descriptors(connections: u32) -> io::Result<()> {
    let needed = u64::from(connections) + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|most| most < needed) {
        let most = maximum.unwrap_or_default();
        return Err(io::Error::other(format!(
            "{needed} descriptors are needed, and the hard limit is {most} (ulimit -Hn)"
        )));
    }
    if current.is_some_and(|now| now < needed) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })?;
    }
    Ok(())
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, exchanges, at_once, memory, .. } = self;
        let seconds = self.elapsed.as_secs_f64();
        let rate = *exchanges as f64 / seconds;
        writeln!(f, "{exchanges} exchanges on {connections} connections, {at_once} of them at once on one thread")?;
        writeln!(f, "{seconds:.1} s: {rate:.0} a second, each byte compared")?;
        writeln!(f, "resident memory of the client, and of it for each connection, all included:")?;
        write!(f, "  {:<28}{:>9} KiB", "before connecting", memory.before >> 10)?;
        for (when, all) in [
            ("connected, nothing sent", memory.connected),
            ("idle, after an exchange each", memory.idle),
            ("busy, at most", memory.busy),
            ("idle again, at the end", memory.after),
        ] {
            let one = memory.of_one(all, *connections);
            write!(f, "\n  {when:<28}{:>9} KiB {one:>9} bytes", all >> 10)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
