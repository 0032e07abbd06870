//! The pool of tokio-wireline: many tasks with requests over few connections, to an origin whose connections end when and
//! how the seed says. Each request is answered or reported, and none is seen twice unless that was safe.

mod client;
mod plan;
mod server;
#[cfg(test)]
mod tests;
mod verdict;

use std::fmt::{self, Display};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio_wireline::{Connector, Origin, Pool, PoolLimits, Timeouts};

use crate::watchdog::{PATIENCE, Pulse, watch};
use crate::{Settings, say};
use client::{Account, Client};
use plan::End;
use server::Server;

/// Connections at a time.
pub(crate) const CONNECTIONS: usize = 8;

/// How many tasks have requests: more than can be served at once.
const TASKS: usize = 24;

/// Requests in flight on a connection.
const DEPTH: usize = 4;

/// How long an answer may take: far longer than any that comes.
const READ: Duration = Duration::from_millis(100);

/// What it came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    requests: usize,
    counts: verdict::Counts,
    /// How often each end came, in the order of [`End::ALL`].
    ends: [u64; End::ALL.len()],
    made: u64,
    elapsed: Duration,
    pub(crate) troubles: Vec<String>,
}

/// Sends requests until there were enough, or the time is over.
pub(crate) fn soak(settings: Settings) -> io::Result<Outcome> {
    let requests = usize::try_from(settings.exchanges).map_err(io::Error::other)?;
    let server = Server::start(settings.seed, requests)?;
    let pulse = [Pulse::default()];
    let begun = Instant::now();
    let (client, made) = thread::scope(|scope| {
        let watchdog = scope.spawn(|| {
            if watch(&pulse, PATIENCE).is_some() {
                // A task that hangs cannot be asked to end.
                say(&format!("FAILED with seed {}: nothing happens any more", settings.seed));
                std::process::exit(3);
            }
        });
        let done = ask(settings, requests, &server, &pulse[0]);
        pulse[0].is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        watchdog.thread().unpark();
        done
    })?;
    let elapsed = begun.elapsed();
    let record = server.join();
    let (accounts, mut troubles) = client;
    let counts = verdict::troubles(settings.seed, &accounts, &record, &mut troubles);
    Ok(Outcome { requests: accounts.len(), counts, ends: record.ends, made, elapsed, troubles })
}

type Told = (Vec<Account>, Vec<String>);

/// The client's side: what it was told of each request, what was wrong, and how many connections it took.
fn ask(settings: Settings, requests: usize, server: &Server, pulse: &Pulse) -> io::Result<(Told, u64)> {
    let mut timeouts = Timeouts::default();
    timeouts.read = Some(READ);
    let mut limits = PoolLimits::default();
    (limits.per_origin, limits.in_all, limits.depth) = (CONNECTIONS, CONNECTIONS, DEPTH);
    let pool = Pool::with(Connector::new().timeouts(timeouts), limits);
    let origin = Origin::parse(&server.url()).map_err(io::Error::other)?;
    let client = Client::new(settings, requests, pool.clone(), origin, pulse);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(client.run(TASKS));
    Ok((client.told(), pool.made()))
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict::Counts { answered, reported, repeated, twice } = self.counts;
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "{} requests: {answered} answered, {reported} reported", self.requests)?;
        writeln!(f, "{repeated} sent again, {twice} of them seen again, each of which was safe")?;
        write!(f, "{} connections, never more than {CONNECTIONS} at a time; their ends:", self.made)?;
        for (end, count) in End::ALL.iter().zip(self.ends) {
            write!(f, " {} {count},", end.name())?;
        }
        write!(f, " or by the client\n{seconds:.1} s: {:.0} a second", self.requests as f64 / seconds)
    }
}
