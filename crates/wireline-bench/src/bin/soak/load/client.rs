//! The client: as many tasks as there are connections, all of them on this thread.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_wireline::{Connection, Connector, Origin, Reuse, Scheme, Timeouts};

use super::plan::Exchange;
use super::{Memory, Outcome};
use crate::Settings;
use crate::memory::resident;
use crate::watchdog::Pulse;

/// So many connect at a time: fewer than the system keeps waiting for a server that has not accepted them yet.
const AT_A_TIME: usize = 500;

/// How often memory is looked at while all are busy.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long an exchange may take: far longer than any does. Each has a timer for it, as it would have elsewhere.
const LONG: Duration = Duration::from_secs(60);

/// How far each of them goes before it waits for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Connect,
    /// One exchange.
    Begin,
    /// All the others.
    Work,
    Close,
}

/// What all tasks share.
struct Shared {
    settings: Settings,
    connector: Connector,
    origin: Origin,
    connecting: Semaphore,
    arrived: mpsc::UnboundedSender<io::Result<()>>,
    pulses: Arc<[Pulse; 1]>,
    answered: AtomicU64,
    in_flight: AtomicU64,
    at_once: AtomicU64,
    /// The most memory that was seen.
    busy: AtomicU64,
}

pub(super) fn run(settings: Settings, server: SocketAddr, pulses: &Arc<[Pulse; 1]>) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut timeouts = Timeouts::default();
    timeouts.exchange = Some(LONG);
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        settings,
        connector: Connector::new().timeouts(timeouts),
        origin: Origin::new(Scheme::Http, "127.0.0.1", server.port()).map_err(io::Error::other)?,
        connecting: Semaphore::new(AT_A_TIME),
        arrived,
        pulses: Arc::clone(pulses),
        answered: AtomicU64::new(0),
        in_flight: AtomicU64::new(0),
        at_once: AtomicU64::new(0),
        busy: AtomicU64::new(0),
    });
    let mut outcome = Outcome {
        connections: settings.connections,
        exchanges: 0,
        at_once: 0,
        elapsed: Duration::ZERO,
        memory: Memory { before: resident()?, ..Memory::default() },
        troubles: Vec::new(),
    };
    if let Err(trouble) = runtime.block_on(all(&shared, arrivals, &mut outcome)) {
        outcome.troubles.push(trouble.to_string());
    }
    outcome.exchanges = shared.answered.load(Ordering::Relaxed);
    outcome.at_once = shared.at_once.load(Ordering::Relaxed);
    Ok(outcome)
}

/// Lets them all go from phase to phase, and measures in between.
async fn all(
    shared: &Arc<Shared>,
    mut arrivals: mpsc::UnboundedReceiver<io::Result<()>>,
    outcome: &mut Outcome,
) -> io::Result<()> {
    let (go, phase) = watch::channel(Phase::Connect);
    let mut tasks: JoinSet<()> =
        (0..shared.settings.connections).map(|number| work(number, Arc::clone(shared), phase.clone())).collect();
    drop(phase);
    arrived(&mut arrivals, tasks.len()).await?;
    outcome.memory.connected = resident()?;

    let begun = Instant::now();
    go.send_replace(Phase::Begin);
    arrived(&mut arrivals, tasks.len()).await?;
    outcome.elapsed = begun.elapsed();
    outcome.memory.idle = resident()?;

    let begun = Instant::now();
    go.send_replace(Phase::Work);
    let watching = tokio::spawn(most_resident(Arc::clone(shared)));
    arrived(&mut arrivals, tasks.len()).await?;
    outcome.elapsed += begun.elapsed();
    watching.abort();
    outcome.memory.after = resident()?;
    outcome.memory.busy = shared.busy.load(Ordering::Relaxed).max(outcome.memory.after);

    go.send_replace(Phase::Close);
    while let Some(done) = tasks.join_next().await {
        done?;
    }
    Ok(())
}

/// Waits until each of them has come to the end of its phase, or one has failed.
async fn arrived(arrivals: &mut mpsc::UnboundedReceiver<io::Result<()>>, tasks: usize) -> io::Result<()> {
    for _ in 0..tasks {
        arrivals.recv().await.ok_or(io::ErrorKind::UnexpectedEof)??;
    }
    Ok(())
}

async fn most_resident(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        shared.busy.fetch_max(resident().unwrap_or_default(), Ordering::Relaxed);
    }
}

/// One connection, from its beginning to its end.
async fn work(number: u32, shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) {
    let of_each = shared.settings.exchanges.div_ceil(u64::from(shared.settings.connections));
    let mut connection = match shared.connect().await {
        Ok(connection) => connection,
        Err(error) => return shared.arrive(Err(format!("connection {number}: {error}"))),
    };
    let mut next = 0;
    for (until, end) in [(Phase::Begin, 1), (Phase::Work, of_each)] {
        shared.arrive(Ok(()));
        // Who says when to go on has given up.
        let Ok(_) = phase.wait_for(|phase| *phase >= until).await else { return };
        while next < end {
            let exchange = Exchange::new(shared.settings.seed, number, next);
            if let Err(what) = shared.ask(&mut connection, exchange).await {
                return shared.arrive(Err(format!("connection {number}, exchange {next}: {what}")));
            }
            next += 1;
        }
    }
    shared.arrive(Ok(()));
    let _over = phase.wait_for(|phase| *phase == Phase::Close).await;
}

impl Shared {
    fn arrive(&self, how: Result<(), String>) {
        // Who counts them may have given up.
        let _over = self.arrived.send(how.map_err(io::Error::other));
    }

    async fn connect(&self) -> Result<Connection, String> {
        let _permit = self.connecting.acquire().await.map_err(|error| error.to_string())?;
        let connection = self.connector.connect(&self.origin).await.map_err(|error| error.to_string())?;
        self.pulses[0].progress.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    async fn ask(&self, connection: &mut Connection, exchange: Exchange) -> Result<(), String> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.at_once.fetch_max(now, Ordering::Relaxed);
        exchanged(connection, exchange).await?;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.pulses[0].progress.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// One exchange, all of it compared with the plan; or what was wrong.
async fn exchanged(connection: &mut Connection, exchange: Exchange) -> Result<(), String> {
    let mut response =
        connection.send(&exchange.request(), exchange.sent()).await.map_err(|error| error.to_string())?;
    let id = format!("{}/{}", exchange.connection, exchange.number);
    if response.status() != 200 || response.fields().get("x-exchange") != Some(id.as_bytes()) {
        return Err(format!("the answer is another's: {:?}", response.head()));
    }
    let mut rest = exchange.answered();
    loop {
        let piece = response.fill_content().await.map_err(|error| error.to_string())?;
        if piece.is_empty() {
            break;
        }
        let len = piece.len();
        rest = rest.strip_prefix(piece).ok_or_else(|| format!("other content, {} bytes before its end", rest.len()))?;
        response.consume_content(len);
    }
    if !rest.is_empty() || !response.is_complete() {
        return Err(format!("{} bytes are missing, without an error", rest.len()));
    }
    match response.reuse() {
        Reuse::Now => Ok(()),
        reuse => Err(format!("reuse {reuse}")),
    }
}
