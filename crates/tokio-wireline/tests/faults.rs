//! A fault at every call: a stream whose n-th call fails, for each n and each kind of fault, under each scenario; among them
//! that the future is dropped at that call, and the call made again.
//!
//! The futures are polled here and by nobody else, only when they have been woken: one that waits and has asked nobody to
//! wake it hangs, and fails at once.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_wireline::{Bring, Connection, Content, Error, ErrorKind, Fields, Response, Timeouts};
use wireline_testkit::faults::{By, ENDLESS, Failure, Fault, Outcome, Peer, Scenario, at_every_call, scenarios};

const FAULTS: [Fault; 8] = [
    Fault::Dropped,
    Fault::End,
    Fault::GivenUp,
    Fault::Interrupted,
    Fault::Reset,
    Fault::Short,
    Fault::TimeOut,
    Fault::WouldBlock,
];

#[tokio::test]
async fn a_fault_at_every_call_of_every_scenario() {
    let tally = at_every_call(scenarios(), &FAULTS, run);
    assert!(tally.scenarios >= 30 && tally.runs > 6_000 && tally.failed > 500, "{tally:?}");
}

/// Two halves send as a pipeline does.
#[tokio::test]
async fn a_fault_at_every_call_of_two_halves() {
    let by_queue = scenarios().into_iter().filter(|scenario| scenario.by() == By::Pipeline);
    let tally = at_every_call(by_queue, &FAULTS, run_in_halves);
    assert!(tally.scenarios >= 15 && tally.runs > 1_500 && tally.failed > 400, "{tally:?}");
}

/// A stream to the peer.
struct Wire {
    peer: Peer,
    tasks: Arc<Mutex<Tasks>>,
}

/// Who waits.
#[derive(Default)]
struct Tasks {
    /// For an answer that is not due yet.
    reading: Option<Waker>,
    /// Because of the fault.
    stopped: Option<Waker>,
}

impl Wire {
    fn poll<T>(&self, cx: &Context<'_>, done: io::Result<T>) -> Poll<io::Result<T>> {
        match done {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut tasks = self.tasks.lock().unwrap();
                let task = if self.peer.has_waited() { &mut tasks.stopped } else { &mut tasks.reading };
                *task = Some(cx.waker().clone());
                Poll::Pending
            }
            done => Poll::Ready(done),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.peer.read(into.initialize_unfilled());
        self.poll(cx, read.map(|read| into.advance(read)))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.peer.write(parts);
        // An answer may be due now.
        if let Some(task) = self.tasks.lock().unwrap().reading.take_if(|_| written.is_ok()) {
            task.wake();
        }
        self.poll(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, self.peer.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// A source that has a little each other time that it is asked.
struct Slow {
    rest: &'static [u8],
    has_some: bool,
}

impl AsyncRead for Slow {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.has_some = !self.has_some;
        if !self.has_some {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (now, later) = self.rest.split_at(self.rest.len().min(into.remaining()).min(900));
        into.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}

/// Less than anything takes: what has to wait is too late, and nothing else is.
const NOTHING: Duration = Duration::from_nanos(1);

fn connect(peer: &Peer, tasks: &Arc<Mutex<Tasks>>) -> Wired {
    let mut connection = Connection::over(Wire { peer: peer.clone(), tasks: Arc::clone(tasks) });
    let mut timeouts = Timeouts::default();
    (timeouts.read, timeouts.write, timeouts.expect_continue) = (None, None, None);
    if peer.fault().is_some_and(|(_, fault)| fault == Fault::TimeOut) {
        (timeouts.read, timeouts.write) = (Some(NOTHING), Some(NOTHING));
    }
    connection.set_timeouts(timeouts);
    connection
}

fn failure(error: &Error) -> Failure {
    Failure {
        text: error.to_string(),
        is_end: matches!(error.kind(), ErrorKind::Lost | ErrorKind::Closed(_)),
        bytes_received: error.bytes_received(),
    }
}

fn run(scenario: &Scenario, peer: &Peer) -> Outcome {
    let stops = Stops::new(peer);
    let mut connection = connect(peer, &stops.tasks);
    let name = format!("{scenario}; {:?}", peer.fault());
    let mut run = Run { name, stops, content: Vec::new(), gave_up: false };
    let failure = run.exchange(scenario, &mut connection).err().as_ref().map(failure);
    Outcome {
        failure,
        content: run.content,
        repeated: run.stops.repeated.get(),
        gave_up: run.gave_up,
        bytes_sent: connection.bytes_sent(),
        progress: connection.unanswered().next().map(|one| one.progress),
        reuse: connection.reuse(),
    }
}

struct Run {
    name: String,
    stops: Stops,
    content: Vec<u8>,
    gave_up: bool,
}

type Wired = Connection<Bring<Wire>>;

impl Run {
    fn exchange(&mut self, scenario: &Scenario, connection: &mut Wired) -> Result<(), Error> {
        let request = scenario.request();
        let bytes = scenario.content();
        match scenario.by() {
            By::Bytes => self.again(connection, async |connection, has_begun| {
                let response =
                    if has_begun { connection.resume(bytes).await } else { connection.send(&request, bytes).await };
                response.map(Response::suspend)
            })?,
            By::Reader => {
                let content = Content::reader(Slow { rest: bytes, has_some: false });
                match self.once(async { connection.send(&request, content).await.map(Response::suspend) }) {
                    // Its source is gone with the future.
                    None => self.receive_what_was_given_up(connection)?,
                    Some(done) => done?,
                }
            }
            By::Writer => {
                let mut writer = self.once(connection.start(&request)).expect("it does not wait")?;
                let mut rest = bytes;
                while !rest.is_empty() {
                    match self.again(&mut writer, async |writer, _| writer.write_content(rest).await)? {
                        0 => break,
                        taken => rest = &rest[taken..],
                    }
                }
                match self.once(async { writer.finish().await.map(Response::suspend) }) {
                    None => self.receive_what_was_given_up(connection)?,
                    Some(done) => done?,
                }
            }
            By::Pipeline => {
                let mut pipeline = connection.pipeline();
                self.again(&mut pipeline, async |pipeline, _| pipeline.queue(&request).await)?;
                let mut rest = bytes;
                let mut is_wanted = true;
                while !rest.is_empty() {
                    match self.again(&mut pipeline, async |pipeline, _| pipeline.send_content(rest).await)? {
                        0 => {
                            is_wanted = false;
                            break;
                        }
                        taken => rest = &rest[taken..],
                    }
                }
                if !bytes.is_empty() {
                    // Where the connection is over there is nothing to end, and the response says why.
                    let _over = if is_wanted { pipeline.finish(&Fields::new()) } else { pipeline.abandon() };
                }
                return self
                    .again(&mut pipeline, async |pipeline, _| pipeline.receive().await.map(Response::suspend))
                    .and_then(|()| self.read(&mut pipeline.response().unwrap()));
            }
        }
        self.read(&mut connection.response().unwrap())
    }

    fn receive_what_was_given_up(&mut self, connection: &mut Wired) -> Result<(), Error> {
        self.gave_up = true;
        self.again(connection, async |connection, _| connection.receive().await.map(Response::suspend))
    }

    fn read(&mut self, response: &mut Response<'_, Bring<Wire>>) -> Result<(), Error> {
        loop {
            let piece = self.again(response, async |response, _| Ok(response.fill_content().await?.to_vec()))?;
            if piece.is_empty() {
                return Ok(());
            }
            self.content.extend_from_slice(&piece);
            response.consume_content(piece.len());
        }
    }

    /// As [`Stops::again`].
    fn again<W, T>(&self, what: &mut W, call: impl AsyncFnMut(&mut W, bool) -> Result<T, Error>) -> Result<T, Error> {
        let mut done = None;
        poll_woken(&self.name, [pin!(async { done = Some(self.stops.again(what, call).await) })]);
        done.expect("it is over")
    }

    /// As [`Stops::once`].
    fn once<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
        let mut done = None;
        poll_woken(&self.name, [pin!(async { done = self.stops.once(call).await })]);
        done
    }
}

/// The request by one half while the other receives.
fn run_in_halves(scenario: &Scenario, peer: &Peer) -> Outcome {
    let stops = Stops::new(peer);
    let (mut send, mut receive) = connect(peer, &stops.tasks).split().unwrap();
    let (request, bytes) = (scenario.request(), scenario.content());
    let (mut sent, mut received, mut content) = (Ok(()), Ok(()), Vec::new());
    let sending = async {
        stops.again(&mut send, async |send, _| send.send(&request).await).await?;
        let (mut rest, mut is_wanted) = (bytes, true);
        while is_wanted && !rest.is_empty() {
            let taken = stops.again(&mut send, async |send, _| send.send_content(rest).await).await?;
            (rest, is_wanted) = (&rest[taken..], taken > 0);
        }
        if !bytes.is_empty() {
            // Where the connection is over there is nothing to end, and the response says why.
            let _over = if is_wanted { send.finish(&Fields::new()) } else { send.abandon() };
        }
        Ok(())
    };
    let receiving = async {
        let mut response = loop {
            if let Some(response) = stops.once(receive.receive()).await {
                break response?;
            }
        };
        loop {
            let mut piece = [0; 16];
            match stops.again(&mut response, async |response, _| response.read_content(&mut piece).await).await? {
                0 => return Ok(()),
                read => content.extend_from_slice(&piece[..read]),
            }
        }
    };
    let name = format!("{scenario}; {:?}", peer.fault());
    poll_woken(&name, [pin!(async { sent = sending.await }), pin!(async { received = receiving.await })]);
    let connection = send.unsplit(receive).unwrap();
    if let Err(error) = sent {
        assert!(failure(&error).is_end, "{name}: {error}");
    }
    Outcome {
        failure: received.err().as_ref().map(failure),
        content,
        repeated: stops.repeated.get(),
        gave_up: false,
        bytes_sent: connection.bytes_sent(),
        progress: connection.unanswered().next().map(|one| one.progress),
        reuse: connection.reuse(),
    }
}

/// How a call is made that the fault may stop.
struct Stops {
    tasks: Arc<Mutex<Tasks>>,
    /// Whoever is stopped by the fault is dropped, and not woken.
    is_dropped: bool,
    repeated: Cell<usize>,
}

impl Stops {
    fn new(peer: &Peer) -> Self {
        let is_dropped = peer.fault().is_some_and(|(_, fault)| fault == Fault::Dropped);
        Self { tasks: Arc::default(), is_dropped, repeated: Cell::new(0) }
    }

    /// Makes a call until it is neither dropped nor too late; the second time, and from then on, it is told so.
    async fn again<W, T>(
        &self,
        what: &mut W,
        mut call: impl AsyncFnMut(&mut W, bool) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut has_begun = false;
        loop {
            if let Some(done) = self.once(call(what, has_begun)).await {
                return done;
            }
            has_begun = true;
        }
    }

    /// Makes a call; nothing where it was dropped, or its time was up.
    async fn once<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
        let mut call = pin!(call);
        std::future::poll_fn(|cx| {
            let done = call.as_mut().poll(cx);
            let stopped = self.tasks.lock().unwrap().stopped.take();
            let is_over = match &done {
                Poll::Ready(Err(error)) => matches!(error.kind(), ErrorKind::Timeout(_)),
                Poll::Ready(Ok(_)) => false,
                Poll::Pending => self.is_dropped && stopped.is_some(),
            };
            if is_over && self.repeated.get() < ENDLESS {
                self.repeated.set(self.repeated.get() + 1);
                return Poll::Ready(None);
            }
            if let Some(task) = stopped {
                task.wake();
            }
            done.map(Some)
        })
        .await
    }
}

/// Polls tasks to their end, each when it has been woken and else not.
fn poll_woken<const N: usize>(name: &str, mut tasks: [Pin<&mut dyn Future<Output = ()>>; N]) {
    let bells = [(); N].map(|()| Arc::new(Bell(AtomicBool::new(true))));
    let mut is_over = [false; N];
    for _ in 0..ENDLESS {
        let mut was_woken = false;
        for ((task, bell), is_over) in tasks.iter_mut().zip(&bells).zip(&mut is_over) {
            if !*is_over && bell.0.swap(false, Ordering::Relaxed) {
                was_woken = true;
                let waker = Waker::from(Arc::clone(bell));
                *is_over = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            }
        }
        if is_over == [true; N] {
            return;
        }
        assert!(was_woken, "{name}: it waits, and nobody is to wake it");
    }
    panic!("{name}: it does not come to an end");
}

/// Rung when the task is woken.
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
