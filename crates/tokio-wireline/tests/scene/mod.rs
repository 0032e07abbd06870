//! The awaited connection as a layer for wire cases: the peer is a stream in memory that gives what the case says, and
//! then has nothing yet. A future that would have to wait is dropped, and the call made again when there is more: so each
//! case also shows that nothing is lost by that, and that somebody would have been woken.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_wireline::wireline::Misuse;
use tokio_wireline::{
    Bring, CloseReason, Connection, Deviations, Error, ErrorKind, Framing, Head, Pipeline, Request, Response, Reuse,
};
use wireline_testkit::case::{Case, Command, Do, Piece, Step};
use wireline_testkit::{Layer, Log, Recorder, Segmentation};

pub(crate) struct Awaited;

impl Layer for Awaited {
    fn name(&self) -> &str {
        "tokio-wireline"
    }

    /// Without offsets, and without the close between messages, which is a reason not to use the connection again and
    /// no event.
    fn expected(&self, case: &Case) -> Option<Log> {
        let playable = case.steps.iter().all(|step| match step {
            Step::Do(commands) => commands.iter().all(|command| is_playable(&command.command)),
            _ => true,
        });
        let waits_here = case.expected.lines().any(|line| line == "misuse awaiting-continue");
        let otherwise = OTHERWISE.contains(&case.title.as_str());
        (playable && !waits_here && !otherwise).then(|| case.expected.without_offsets().only(|line| line != "closed"))
    }

    fn run(&self, case: &Case, segmentation: Segmentation) -> Log {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
        let _guard = runtime.enter();
        let wire = Wire::default();
        let mut connection = Connection::over_with(wire.clone(), case.config);
        let mut timeouts = connection.timeouts();
        timeouts.expect_continue = None;
        connection.set_timeouts(timeouts);
        let mut scene = Scene {
            pipeline: connection.pipeline(),
            wire,
            record: Record {
                recorder: Recorder::new(case.show_fields),
                current: None,
                interim: 0,
                switched: false,
                over: false,
                // Large enough to be read into directly, and small enough to be read into more than once.
                piece: if segmentation == Segmentation::Whole { 1 << 16 } else { 3 },
            },
            segmentation,
            received: 0,
            to_leave: Vec::new(),
            bell: Arc::default(),
            is_waiting: false,
        };
        for step in &case.steps {
            scene.step(step);
        }
        let Scene { pipeline, mut record, .. } = scene;
        record.recorder.verdict(pipeline.reuse(), pipeline.unanswered());
        record.recorder.finish().without_offsets()
    }
}

/// Cases that are played otherwise here, and why.
const OTHERWISE: &[&str] = &[
    // The connection closes as soon as no response can come any more, also when a request is on its way.
    "An answer that closes in the middle of an upload leaves no connection",
    "A request of which a part has left goes on when the peer closes",
];

/// What the core has commands for and a connection does by itself.
fn is_playable(command: &Command) -> bool {
    !matches!(command, Command::Frame(_) | Command::Framed(_) | Command::TransmitClosed | Command::WaiveContinue)
}

/// A stream that has what it was given and room for what it is told to have room for.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    incoming: VecDeque<Vec<u8>>,
    end: Option<End>,
    outgoing: Vec<u8>,
    /// How much may still leave; `None`: everything.
    room: Option<usize>,
    /// Whom to wake when there is more to read.
    reader: Option<Waker>,
}

#[derive(Clone, Copy)]
enum End {
    InOrder,
    Broken,
}

impl Wire {
    fn has_more(&self) -> bool {
        let state = self.0.borrow();
        !state.incoming.is_empty() || state.end.is_some()
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.borrow_mut();
        let Some(mut piece) = state.incoming.pop_front() else {
            return match state.end {
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(End::InOrder) => Poll::Ready(Ok(())),
                Some(End::Broken) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        };
        let len = piece.len().min(into.remaining());
        into.put_slice(&piece[..len]);
        if len < piece.len() {
            state.incoming.push_front(piece.split_off(len));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.borrow_mut();
        let len = bytes.len().min(state.room.unwrap_or(usize::MAX));
        state.outgoing.extend_from_slice(&bytes[..len]);
        state.room = state.room.map(|room| room - len);
        // Room is made by commands, between the calls.
        if len > 0 { Poll::Ready(Ok(len)) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether somebody was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a future comes to without waiting; it is dropped.
fn at_once<T>(bell: &Arc<Bell>, future: impl Future<Output = T>) -> Option<T> {
    let waker = Waker::from(Arc::clone(bell));
    match pin!(future).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

struct Scene<'c> {
    pipeline: Pipeline<'c, Bring<Wire>>,
    wire: Wire,
    record: Record,
    segmentation: Segmentation,
    /// How many bytes the peer has sent.
    received: usize,
    /// What is to leave and has not.
    to_leave: Vec<u8>,
    bell: Arc<Bell>,
    /// What was awaited last did not come.
    is_waiting: bool,
}

/// What came out so far.
struct Record {
    recorder: Recorder,
    /// The exchange whose head was recorded and whose end was not.
    current: Option<u64>,
    /// How many interim responses of the next response were recorded.
    interim: usize,
    switched: bool,
    /// Nothing more is to be received: an error, or a switch.
    over: bool,
    /// How much content is read at a time.
    piece: usize,
}

impl Scene<'_> {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Close => self.end(End::InOrder),
            Step::Do(commands) => commands.iter().for_each(|command| self.obey(command)),
            Step::Receive(bytes) => {
                let pieces = self.segmentation.pieces(bytes, self.received).map(<[u8]>::to_vec);
                self.wire.0.borrow_mut().incoming.extend(pieces.filter(|piece| !piece.is_empty()));
                self.received += bytes.len();
                self.wake();
                self.receive();
            }
            Step::Reset => self.end(End::Broken),
            Step::Send(pieces) => self.send(pieces),
            Step::SendRaw(request) => {
                self.send_request(request, request.as_bytes());
                self.compare_sent();
            }
            other => self.record.recorder.note(&format!("a step that this layer does not know: {other:?}")),
        }
    }

    fn end(&mut self, end: End) {
        self.wire.0.borrow_mut().end = Some(end);
        self.wake();
        self.receive();
    }

    // Bytes in

    /// There is something: whoever waits for it has to hear of it.
    fn wake(&mut self) {
        let waker = self.wire.0.borrow_mut().reader.take();
        waker.into_iter().for_each(Waker::wake);
        if std::mem::take(&mut self.is_waiting) && !self.bell.0.swap(false, Ordering::Relaxed) {
            self.record.recorder.note("nobody was woken");
        }
    }

    /// Receives all that is here.
    fn receive(&mut self) {
        while !self.record.over {
            if self.pipeline.in_flight() == 0 && !self.look() {
                return;
            }
            let error = match at_once(&self.bell, self.pipeline.receive()) {
                None => None,
                Some(Ok(response)) => match self.record.take(&self.bell, response) {
                    Taken::All => continue,
                    Taken::Part => None,
                    Taken::Last => return,
                },
                Some(Err(error)) => Some(error),
            };
            self.is_waiting = error.is_none();
            let kept = self.pipeline.interim().len().min(self.record.interim);
            self.record.add_interim(&self.pipeline.interim()[kept..]);
            self.record.interim = self.pipeline.interim().len();
            if let Some(error) = error {
                self.record.fail(&error, self.pipeline.deviations());
            }
            return;
        }
    }

    /// Looks at what came although nothing is owed. Whether there is anything to say about it.
    fn look(&mut self) -> bool {
        let mut looked = false;
        while matches!(self.pipeline.reuse(), Reuse::Now) && self.wire.has_more() {
            self.pipeline.look();
            looked = true;
        }
        looked || matches!(self.pipeline.reuse(), Reuse::Never(CloseReason::Unsolicited))
    }

    // Bytes out

    fn send(&mut self, pieces: &[Piece]) {
        // The content of a request that was refused is not sent either.
        let mut refused = false;
        for piece in pieces {
            match piece {
                Piece::Request { request, wire } => refused = !self.send_request(request, wire),
                _ if refused => {}
                Piece::Content { bytes, wire } => self.send_content(bytes, wire),
                Piece::Finish { trailers, wire } => {
                    self.to_leave.extend_from_slice(wire);
                    let result = self.pipeline.finish(trailers);
                    self.refusal(Some(result));
                }
                other => self.record.recorder.note(&format!("a piece that this layer does not know: {other:?}")),
            }
            self.compare_sent();
        }
    }

    fn send_request(&mut self, request: &Request, wire: &[u8]) -> bool {
        let result = at_once(&self.bell, self.pipeline.send(request));
        let sent = self.refusal(result).is_none();
        if sent {
            self.to_leave.extend_from_slice(wire);
        }
        sent
    }

    fn send_content(&mut self, bytes: &[u8], wire: &[u8]) {
        self.to_leave.extend_from_slice(wire);
        let mut rest = bytes;
        let mut answered = false;
        while !rest.is_empty() {
            match at_once(&self.bell, self.pipeline.send_content(rest)) {
                // It says so once, and the case goes on all the same.
                Some(Ok(0)) if !answered => answered = true,
                Some(Ok(0)) => return self.record.recorder.note("no more content is taken"),
                Some(Ok(taken)) => rest = &rest[taken..],
                other => {
                    self.refusal(other);
                    return;
                }
            }
        }
    }

    /// What has left is what was to leave.
    fn compare_sent(&mut self) {
        let sent = std::mem::take(&mut self.wire.0.borrow_mut().outgoing);
        if self.to_leave.starts_with(&sent) {
            self.to_leave.drain(..sent.len());
        } else {
            self.record.recorder.note(&format!("sent differs: \"{}\"", sent.escape_ascii()));
        }
        let all_due = self.pipeline.content_due() == Framing::None && self.wire.0.borrow().room.is_none();
        let taken_back = matches!(self.pipeline.reuse(), Reuse::Never(_));
        if all_due && !taken_back && !self.to_leave.is_empty() {
            self.record.recorder.note(&format!("not sent: \"{}\"", self.to_leave.escape_ascii()));
        }
    }

    // Commands

    fn obey(&mut self, command: &Do) {
        let refusal = match &command.command {
            Command::AbandonContent => {
                let result = self.pipeline.abandon();
                self.refusal(Some(result))
            }
            Command::Content(bytes) => {
                let result = at_once(&self.bell, self.pipeline.send_content(bytes));
                self.refusal(result)
            }
            Command::Finish(trailers) => {
                let result = self.pipeline.finish(trailers);
                self.refusal(Some(result))
            }
            Command::Hold => {
                self.wire.0.borrow_mut().room = Some(0);
                None
            }
            Command::IntoSwitched => self.take_switched(),
            Command::Transmit(most) => {
                self.wire.0.borrow_mut().room = *most;
                let result = at_once(&self.bell, self.pipeline.flush());
                self.wire.0.borrow_mut().room = most.map(|_| 0);
                self.compare_sent();
                // There was room for so much and no more.
                if result.is_none() && most.is_none() {
                    self.record.recorder.note("not all has left");
                }
                None
            }
            other => {
                self.record.recorder.note(&format!("a command that this layer does not know: {other:?}"));
                None
            }
        };
        if refusal != command.refusal {
            self.record.recorder.note(&format!("refused: {refusal:?}, and the case says {:?}", command.refusal));
        }
        // What these commands send stands in no block.
        self.wire.0.borrow_mut().outgoing.clear();
        self.receive();
    }

    fn take_switched(&mut self) -> Option<String> {
        if self.record.switched {
            if let Some(Ok(response)) = at_once(&self.bell, self.pipeline.receive()) {
                match response.into_switched() {
                    Ok(mut switched) => {
                        let mut bytes = Vec::new();
                        let read = at_once(&self.bell, switched.read_to_end(&mut bytes));
                        assert!(matches!(read, None | Some(Ok(_))), "{read:?}");
                        self.record.recorder.switched_bytes(&bytes);
                        return None;
                    }
                    Err(response) => response.suspend(),
                }
            }
        }
        self.record.recorder.note("refused into-switched");
        Some(String::new())
    }

    /// The name of the misuse, if that is what was refused.
    fn refusal<T>(&mut self, result: Option<Result<T, Error>>) -> Option<String> {
        let Some(result) = result else {
            self.record.recorder.note("it waits");
            return Some(String::new());
        };
        let misuse = match result.err()?.kind() {
            ErrorKind::Closed(reason) => Misuse::Closed(reason),
            ErrorKind::Misuse(misuse) => misuse,
            other => {
                self.record.recorder.note(&format!("refused for another reason: {other}"));
                return Some(other.name().to_owned());
            }
        };
        self.record.recorder.misuse(misuse);
        Some(misuse.name().to_owned())
    }
}

/// How much there was of a response.
enum Taken {
    All,
    Part,
    /// Nothing more is to be received behind it.
    Last,
}

impl Record {
    /// Takes what there is of a response.
    fn take(&mut self, bell: &Arc<Bell>, mut response: Response<'_, Bring<Wire>>) -> Taken {
        let id = response.exchange().index();
        if self.current != Some(id) {
            let new = self.interim.min(response.interim().len());
            self.add_interim(&response.interim()[new..]);
            self.interim = 0;
            self.current = Some(id);
            if response.is_switched() {
                self.recorder.switched(None, id, response.status(), response.fields());
                self.recorder.tolerated(response.deviations());
                (self.switched, self.over) = (true, true);
                return Taken::Last;
            }
            let line = (response.version(), response.status());
            self.recorder.response(None, id, line, response.fields(), response.framing());
        }
        let mut piece = vec![0; self.piece];
        loop {
            match at_once(bell, response.read_content(&mut piece)) {
                None => {
                    response.suspend();
                    return Taken::Part;
                }
                Some(Ok(0)) => {
                    self.recorder.end(None, response.trailers());
                    self.recorder.tolerated(response.deviations());
                    self.current = None;
                    return Taken::All;
                }
                Some(Ok(len)) => self.recorder.content(None, &piece[..len]),
                Some(Err(error)) => {
                    self.fail(&error, response.deviations());
                    response.suspend();
                    return Taken::Last;
                }
            }
        }
    }

    fn add_interim(&mut self, heads: &[Head]) {
        for head in heads {
            self.recorder.interim(None, head.exchange().index(), head.status(), head.fields());
        }
    }

    fn fail(&mut self, error: &Error, deviations: Deviations) {
        match (error.kind(), error.protocol()) {
            (ErrorKind::Lost | ErrorKind::Protocol, Some(error)) => {
                self.recorder.error(error);
                self.recorder.tolerated(deviations);
                self.over = true;
            }
            (ErrorKind::Closed(_) | ErrorKind::NothingOwed, None) => {}
            _ => self.recorder.note(&format!("another error: {error}")),
        }
    }
}
