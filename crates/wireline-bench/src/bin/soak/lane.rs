//! A lane: a client and a server on a thread each, one connection after the other. Several lanes run at a time.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;
use std::{io, thread};

use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::client::{Client, SCRATCH, SMALL_BUFFER};
use crate::plan::Plan;
use crate::report::Report;
use crate::server::{Record, serve};
use crate::verdict;
use crate::watchdog::{PATIENCE, Pulse, watch};
use crate::{Settings, say};

/// What a soak came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    /// What did not agree, with connection and exchange.
    pub(crate) troubles: Vec<String>,
}

/// Two keep two cores busy while one of them waits.
const LANES: usize = 2;

/// Goes through connections until there were exchanges enough, the time is over, or something is wrong.
pub(crate) fn soak(settings: Settings) -> Outcome {
    let lanes = if settings.connection.is_some() { 1 } else { LANES };
    let pulses: Vec<Pulse> = (0..lanes).map(|_| Pulse::default()).collect();
    let stop = AtomicBool::new(false);
    let lane = |lane: usize| {
        let outcome = run(settings, lane, &pulses[lane], &stop).unwrap_or_else(|error| {
            let connection = pulses[lane].connection.load(Ordering::Relaxed);
            Outcome { report: Report::default(), troubles: vec![format!("connection {connection}: {error}")] }
        });
        stop.fetch_or(!outcome.troubles.is_empty(), Ordering::Relaxed);
        pulses[lane].is_over.store(true, Ordering::Relaxed);
        outcome
    };
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let watchdog = scope.spawn(|| {
            if let Some(connection) = watch(&pulses, PATIENCE) {
                // The threads that hang cannot be asked to end.
                say(&format!("FAILED with seed {}: connection {connection} hangs", settings.seed));
                std::process::exit(3);
            }
        });
        let lane = &lane;
        let threads: Vec<_> = (0..lanes).map(|number| scope.spawn(move || lane(number))).collect();
        let panicked = || Outcome { report: Report::default(), troubles: vec!["a lane panicked".to_owned()] };
        let outcomes = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect();
        pulses.iter().for_each(|pulse| pulse.is_over.store(true, Ordering::Relaxed));
        watchdog.thread().unpark();
        outcomes
    });
    let mut whole = Outcome { report: Report::default(), troubles: Vec::new() };
    for outcome in outcomes {
        whole.report.add(&outcome.report);
        whole.troubles.extend(outcome.troubles);
    }
    whole
}

fn run(settings: Settings, lane: usize, pulse: &Pulse, stop: &AtomicBool) -> io::Result<Outcome> {
    // The second is for heavy connections. What is accepted has the buffers of the listener; to make them smaller later
    // would cost bytes that are on their way.
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    set_socket_recv_buffer_size(&listeners[1], SMALL_BUFFER)?;
    let addresses = [listeners[0].local_addr()?, listeners[1].local_addr()?];
    let (orders, ordered) = mpsc::channel();
    let (write, records) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || serve_all(&listeners, &ordered, &write));
        drive(settings, lane, pulse, stop, addresses, orders, &records)
    })
}

/// The server's thread: each connection as it was ordered.
fn serve_all(listeners: &[TcpListener; 2], ordered: &Receiver<Arc<Plan>>, records: &Sender<io::Result<Record>>) {
    for plan in ordered {
        let record = (|| {
            let (stream, _) = listeners[usize::from(plan.is_heavy)].accept()?;
            stream.set_nodelay(true)?;
            Ok(serve(stream, &plan))
        })();
        if records.send(record).is_err() {
            return;
        }
    }
}

/// The client's thread.
fn drive(
    settings: Settings,
    lane: usize,
    pulse: &Pulse,
    stop: &AtomicBool,
    addresses: [SocketAddr; 2],
    orders: Sender<Arc<Plan>>,
    records: &Receiver<io::Result<Record>>,
) -> io::Result<Outcome> {
    let mut outcome = Outcome { report: Report::default(), troubles: Vec::new() };
    let mut client = Client { scratch: vec![0; SCRATCH], progress: &pulse.progress };
    let share = settings.exchanges.div_ceil(LANES as u64);
    let end = settings.time.map(|time| Instant::now() + time);
    let numbers = match settings.connection {
        Some(one) => (one..one + 1).step_by(1),
        None => (lane as u32..u32::MAX).step_by(LANES),
    };
    for connection in numbers {
        let is_late = end.is_some_and(|end| Instant::now() >= end);
        if is_late || stop.load(Ordering::Relaxed) || outcome.report.exchanges >= share {
            break;
        }
        pulse.connection.store(u64::from(connection), Ordering::Relaxed);
        let plan = Arc::new(Plan::new(settings.seed, connection));
        if settings.connection.is_some() {
            say(&format!("{plan:#?}"));
        }
        orders.send(Arc::clone(&plan)).map_err(io::Error::other)?;
        let told = client.run(addresses[usize::from(plan.is_heavy)], &plan)?;
        let record = records.recv().map_err(io::Error::other)??;
        outcome.report.count(&plan, &record, &told);
        let troubles = verdict::troubles(&plan, &record, &told);
        pulse.progress.fetch_add(1, Ordering::Relaxed);
        if !troubles.is_empty() {
            let about =
                format!("connection {connection}, {:?}, {} at exchange {}", plan.mode, plan.ending.name(), plan.at);
            let told = format!("failure {:?}, refused {:?}, {:?}", told.failure, told.refused, record.end);
            outcome.troubles.push(format!("{about}: {told}"));
            outcome.troubles.extend(troubles.into_iter().map(|trouble| format!("  {trouble}")));
            break;
        }
    }
    Ok(outcome)
}
