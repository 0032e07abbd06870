//! One blocking connection, held for long: whatever goes over it, the memory of its process does not grow.

use std::fmt::{self, Display};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use wireline::{Config, Connection, Reuse, Stream};

use crate::child::{Server, served};
use crate::client::{Client, SCRATCH};
use crate::memory::resident;
use crate::plan::Plan;
use crate::server::serve_held;
use crate::watchdog::{PATIENCE, Pulse, watch};
use crate::{Settings, say};

/// By how much the memory may grow behind the warm-up. What is allowed for is a page here and there in what the system and
/// the allocator keep, not in what a connection does: a byte lost in each exchange would be megabytes in ten minutes.
pub(crate) const GROWTH: u64 = 256 << 10;

/// How much of the time is warm-up, in which buffers and the allocator find their size: a part of it, and this at most.
const WARM_UP: (u32, Duration) = (3, Duration::from_secs(60));

/// How often memory is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// What it came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    exchanges: u64,
    plans: u32,
    bytes_sent: u64,
    elapsed: Duration,
    memory: Memory,
    pub(crate) troubles: Vec<String>,
}

/// How much memory there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Memory {
    samples: u64,
    /// The most in each tenth of the time.
    tenths: [u64; 10],
    /// The most in the warm-up.
    warm: u64,
    /// The most behind it.
    most: u64,
}

impl Memory {
    /// A sample, taken in this tenth of the time.
    fn add(&mut self, resident: u64, tenth: usize, is_warm: bool) {
        self.samples += 1;
        let tenth = &mut self.tenths[tenth.min(9)];
        *tenth = resident.max(*tenth);
        let most = if is_warm { &mut self.most } else { &mut self.warm };
        *most = resident.max(*most);
    }

    fn in_kib(self) -> Self {
        Self { tenths: self.tenths.map(|most| most >> 10), warm: self.warm >> 10, most: self.most >> 10, ..self }
    }

    fn growth(&self) -> u64 {
        self.most.saturating_sub(self.warm)
    }

    /// What is wrong with it.
    fn trouble(&self) -> Option<String> {
        if self.most == 0 || self.warm == 0 {
            return Some("it was too short to see whether memory grows".to_owned());
        }
        (self.growth() > GROWTH).then(|| format!("memory has grown by {} KiB", self.growth() >> 10))
    }
}

/// Holds a connection for the time that is asked for.
pub(crate) fn soak(settings: Settings, time: Duration) -> io::Result<Outcome> {
    let server = Server::start(&["--serve-held", "--seed", &settings.seed.to_string()])?;
    let mut outcome = hold(server.address, settings.seed, time)?;
    let (served, troubles) = server.join()?;
    outcome.troubles.extend(troubles);
    if served != outcome.exchanges {
        outcome.troubles.push(format!("{} exchanges, and the server has seen {served}", outcome.exchanges));
    }
    outcome.troubles.extend(outcome.memory.trouble());
    Ok(outcome)
}

/// The server, until the client closes.
pub(crate) fn serve(seed: u64) -> io::Result<ExitCode> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    say(&listener.local_addr()?.to_string());
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let (exchanges, troubles) = serve_held(stream, seed);
    Ok(served(exchanges, &troubles))
}

fn hold(server: SocketAddr, seed: u64, time: Duration) -> io::Result<Outcome> {
    let pulses = [Pulse::default()];
    thread::scope(|scope| {
        let watchdog = scope.spawn(|| {
            if let Some(part) = watch(&pulses, PATIENCE) {
                // What hangs cannot be asked to end.
                say(&format!("FAILED with seed {seed}: part {part} hangs"));
                process::exit(3);
            }
        });
        let outcome = go(server, seed, time, &pulses[0]);
        pulses[0].is_over.store(true, Ordering::Relaxed);
        watchdog.thread().unpark();
        outcome
    })
}

fn go(server: SocketAddr, seed: u64, time: Duration, pulse: &Pulse) -> io::Result<Outcome> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let mut connection = Connection::with_transport(Stream::from(stream), Config::default());
    let mut client = Client { scratch: vec![1; SCRATCH], progress: &pulse.progress };
    let (divisor, most) = WARM_UP;
    let warm_up = most.min(time / divisor);
    let begun = Instant::now();
    let mut next = Duration::ZERO;
    let mut outcome = Outcome {
        exchanges: 0,
        plans: 0,
        bytes_sent: 0,
        elapsed: Duration::ZERO,
        memory: Memory::default(),
        troubles: Vec::new(),
    };
    while outcome.elapsed < time && outcome.troubles.is_empty() {
        let plan = Plan::held(seed, outcome.plans, outcome.exchanges);
        pulse.connection.store(u64::from(outcome.plans), Ordering::Relaxed);
        let told;
        (told, connection) = client.go_through(&plan, connection)?;
        outcome.plans += 1;
        outcome.exchanges += told.answered as u64;
        outcome.troubles = told.troubles;
        let is_whole = told.answered == plan.exchanges.len() && told.accepted == told.answered;
        if !is_whole || connection.reuse() != Reuse::Now || connection.unanswered().next().is_some() {
            let (of, reuse) = (plan.exchanges.len(), connection.reuse());
            outcome.troubles.push(format!(
                "part {}, {:?}: {} of {of} answered, {:?}, {:?}, reuse {reuse}",
                plan.connection, plan.mode, told.answered, told.failure, told.refused
            ));
        }
        outcome.elapsed = begun.elapsed();
        if outcome.elapsed >= next {
            let tenth = (10.0 * outcome.elapsed.as_secs_f64() / time.as_secs_f64()) as usize;
            outcome.memory.add(resident()?, tenth, outcome.elapsed >= warm_up);
            next = outcome.elapsed + INTERVAL.min(warm_up / 2);
        }
    }
    outcome.bytes_sent = connection.bytes_sent();
    Ok(outcome)
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.exchanges as f64 / seconds;
        writeln!(f, "{} exchanges on one connection in {seconds:.1} s: {rate:.0} a second", self.exchanges)?;
        writeln!(f, "alone, pipelined or by two threads, in {} turns; {} MiB sent", self.plans, self.bytes_sent >> 20)?;
        let Memory { samples, tenths, warm, most } = self.memory.in_kib();
        write!(f, "resident memory of the client in KiB, in {samples} samples, the most in each tenth of the time:")?;
        for tenth in tenths {
            write!(f, " {tenth}")?;
        }
        write!(f, "\n{warm} in the warm-up, {most} behind it: {} more", most.saturating_sub(warm))?;
        write!(f, ", and {} are allowed", GROWTH >> 10)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn a_connection_that_is_held_answers_for_each_exchange() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve_held(listener.accept().unwrap().0, 2026));
        let outcome = hold(address, 2026, Duration::from_millis(300)).unwrap();
        assert_eq!(outcome.troubles, [""; 0]);
        assert!(outcome.exchanges > 0);
        assert_eq!(server.join().unwrap(), (outcome.exchanges, vec![]));
    }

    #[test]
    fn a_server_that_leaves_is_noticed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || drop(listener.accept().unwrap()));
        let outcome = hold(address, 2, Duration::from_millis(300)).unwrap();
        assert!(outcome.troubles[0].contains(": 0 of"), "{:?}", outcome.troubles);
        server.join().unwrap();
    }

    #[test]
    fn another_request_than_is_planned_is_noticed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"GET /other HTTP/1.1\r\nHost: soak\r\n\r\n").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (_, troubles) = serve_held(listener.accept().unwrap().0, 1);
        assert!(troubles.iter().any(|trouble| trouble.contains("instead of")), "{troubles:?}");
    }

    #[test]
    fn memory_that_grows_is_noticed_and_the_warm_up_is_not() {
        let memory = |samples: &[(u64, bool)]| {
            let mut memory = Memory::default();
            samples.iter().for_each(|&(resident, is_warm)| memory.add(resident, 0, is_warm));
            memory.trouble()
        };
        assert_eq!(memory(&[(1, false), (5 << 20, false), (5 << 20, true)]), None);
        assert_eq!(memory(&[(5 << 20, false), ((5 << 20) + GROWTH, true)]), None);
        assert!(memory(&[(5 << 20, false), ((5 << 20) + GROWTH + 1, true), (5 << 20, true)]).is_some());
        assert!(memory(&[(5 << 20, false)]).is_some() && memory(&[(5 << 20, true)]).is_some());
    }
}
