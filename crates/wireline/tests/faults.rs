//! A fault at every call: a transport whose n-th call fails, for each n and each kind of fault, under each scenario.
//!
//! Whatever fails, nothing hangs and nothing panics; what came before is delivered; what only had to wait goes on to the
//! same end as without a fault; and the verdicts agree with what the peer has seen.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fmt::{self, Display};
use std::io::{self, BufRead, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wireline::{
    Config, Connection, Content, Error, ErrorKind, ExchangeId, Fields, Progress, Ready, Request, Response, Reuse,
    Timeouts, Transport,
};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The stream ends, in order.
    End,
    Interrupted,
    /// The connection is reset, for good.
    Reset,
    /// One byte is read or written.
    Short,
    /// It would have to wait, and the time is up.
    TimeOut,
    /// It would have to wait, and is not to.
    WouldBlock,
}

const FAULTS: [Fault; 6] =
    [Fault::End, Fault::Interrupted, Fault::Reset, Fault::Short, Fault::TimeOut, Fault::WouldBlock];

impl Fault {
    /// After it, the exchange cannot go on.
    fn is_final(self) -> bool {
        matches!(self, Self::End | Self::Reset)
    }
}

/// A peer in memory: it answers when it has got enough.
struct Peer {
    /// Each answer, and what has to have come before it is given.
    answers: Vec<(Enough, &'static [u8])>,
    /// The end comes behind the last answer.
    closes: bool,
    /// What has come, also for who asks when the connection has closed it.
    got: Arc<Mutex<Vec<u8>>>,
    given: usize,
    fault: Option<(usize, Fault)>,
    calls: usize,
    broken: Option<io::ErrorKind>,
    has_ended: bool,
}

#[derive(Clone, Copy)]
enum Enough {
    Bytes(usize),
    LastChunk,
}

impl Enough {
    fn is_there(self, got: &[u8]) -> bool {
        match self {
            Self::Bytes(enough) => got.len() >= enough,
            Self::LastChunk => got.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

/// More calls than any scenario needs: who makes them does not come to an end.
const ENDLESS: usize = 2_000;

impl Peer {
    /// Counts a call; the fault that happens to it.
    fn call(&mut self) -> Option<Fault> {
        self.calls += 1;
        assert!(self.calls < ENDLESS, "it does not come to an end");
        let (_, fault) = self.fault.filter(|(at, _)| *at == self.calls)?;
        match fault {
            Fault::Reset => self.broken = Some(io::ErrorKind::ConnectionReset),
            Fault::End => self.has_ended = true,
            _ => {}
        }
        Some(fault)
    }

    fn passing(fault: Option<Fault>) -> io::Result<()> {
        match fault {
            Some(Fault::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
            Some(Fault::TimeOut | Fault::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }

    fn due(&self) -> &[u8] {
        let mut before = 0;
        for (enough, answer) in &self.answers {
            if self.given < before + answer.len() {
                return if enough.is_there(&self.got.lock().unwrap()) { &answer[self.given - before..] } else { &[] };
            }
            before += answer.len();
        }
        &[]
    }

    fn has_given_all(&self) -> bool {
        self.given == self.answers.iter().map(|(_, answer)| answer.len()).sum::<usize>()
    }
}

impl Transport for Peer {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let fault = self.call();
        Self::passing(fault)?;
        match (self.broken, self.has_ended) {
            (Some(kind), _) => return Err(kind.into()),
            (None, true) => return Err(io::ErrorKind::BrokenPipe.into()),
            _ => {}
        }
        let most = if fault == Some(Fault::Short) { 1 } else { 1000 };
        let mut got = self.got.lock().unwrap();
        let mut taken = 0;
        for part in parts {
            let part = &part[..part.len().min(most - taken)];
            got.extend_from_slice(part);
            taken += part.len();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        let fault = self.call();
        Self::passing(fault)?;
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        if self.has_ended {
            return Ok(0);
        }
        let due = self.due();
        if due.is_empty() {
            return if self.closes && self.has_given_all() { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let len = due.len().min(into.len()).min(if fault == Some(Fault::Short) { 1 } else { 50 });
        into[..len].copy_from_slice(&due[..len]);
        self.given += len;
        Ok(len)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        let fault = self.call();
        Self::passing(fault)?;
        Ok(wanted)
    }

    fn close(&mut self) {}
}

/// How the request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Bytes,
    Pipeline,
    Reader,
    Writer,
}

struct Scenario {
    name: &'static str,
    by: By,
    method: &'static str,
    /// The length of the content; `chunked` where it goes in chunks.
    content: usize,
    chunked: bool,
    expects: bool,
    answers: Vec<(At, &'static [u8])>,
    closes: bool,
}

/// When an answer is given.
#[derive(Clone, Copy)]
enum At {
    /// When the head of the request has come.
    Head,
    /// When all of it has.
    All,
}

const CONTENT: [u8; 5000] = [b'c'; 5000];
const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
const CHUNKS: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;x=y\r\n456789\r\n0\r\nT: 1\r\n\r\n";
const TO_CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n0123456789";
const HINTS: &[u8] =
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
const NOTHING: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const HEAD_ONLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const TOO_LARGE: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 10\r\n\r\n0123456789";

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    let plain = |name, by, method, answer: &'static [u8], closes| Scenario {
        name,
        by,
        method,
        content: 0,
        chunked: false,
        expects: false,
        answers: vec![(At::All, answer)],
        closes,
    };
    for by in [By::Bytes, By::Pipeline] {
        all.push(plain("length", by, "GET", LENGTH, false));
        all.push(plain("chunks and trailers", by, "GET", CHUNKS, false));
        all.push(plain("until close", by, "GET", TO_CLOSE, true));
        all.push(plain("103 first", by, "GET", HINTS, false));
        all.push(plain("no content", by, "DELETE", NOTHING, false));
        all.push(plain("HEAD", by, "HEAD", HEAD_ONLY, false));
    }
    for by in [By::Bytes, By::Reader, By::Writer, By::Pipeline] {
        for chunked in [false, true] {
            for content in [1, 5000] {
                let upload = || Scenario { content, chunked, ..plain("upload", by, "PUT", LENGTH, false) };
                all.push(upload());
                all.push(Scenario {
                    name: "upload on request",
                    expects: true,
                    answers: vec![(At::Head, GO_ON), (At::All, LENGTH)],
                    ..upload()
                });
            }
        }
        let upload = || Scenario { content: 5000, ..plain("upload", by, "POST", LENGTH, false) };
        all.push(Scenario { name: "answered early", answers: vec![(At::Head, TOO_LARGE)], ..upload() });
        all.push(Scenario { name: "refused", expects: true, answers: vec![(At::Head, TOO_LARGE)], ..upload() });
    }
    all
}

impl Scenario {
    fn request(&self) -> Request {
        let builder = Request::builder(self.method, "/").host("a");
        let builder = match (self.content, self.chunked) {
            (0, _) => builder,
            (_, true) => builder.chunked(),
            (length, false) => builder.content_length(length as u64),
        };
        if self.expects { builder.expect_continue().build().unwrap() } else { builder.build().unwrap() }
    }

    /// What the peer gets when nothing fails.
    fn whole(&self, seen: &[u8]) -> bool {
        let request = self.request();
        let Some(body) = seen.strip_prefix(request.as_bytes()) else { return false };
        if self.chunked { body.ends_with(b"0\r\n\r\n") } else { body.len() == self.content }
    }

    fn run(&self, fault: Option<(usize, Fault)>) -> Outcome {
        let head = self.request().as_bytes().len();
        let answers = self.answers.iter().map(|(at, answer)| match at {
            At::Head => (Enough::Bytes(head), *answer),
            At::All if self.chunked => (Enough::LastChunk, *answer),
            At::All => (Enough::Bytes(head + self.content), *answer),
        });
        let got = Arc::new(Mutex::new(Vec::new()));
        let peer = Peer {
            answers: answers.collect(),
            closes: self.closes,
            got: Arc::clone(&got),
            given: 0,
            fault,
            calls: 0,
            broken: None,
            has_ended: false,
        };
        let mut connection = Connection::with_transport(peer, Config::default());
        let mut timeouts = Timeouts::default();
        let waits = if fault.is_some_and(|(_, fault)| fault == Fault::WouldBlock) { Duration::ZERO } else { HOUR };
        (timeouts.read, timeouts.write, timeouts.expect_continue) = (Some(waits), Some(waits), None);
        connection.set_timeouts(timeouts);
        let mut content = Vec::new();
        let mut passing = 0;
        let result = self.exchange(&mut connection, &mut content, &mut passing);
        Outcome::of(connection, result, content, passing, &got)
    }

    fn exchange(
        &self,
        connection: &mut Connection<Peer>,
        content: &mut Vec<u8>,
        passing: &mut usize,
    ) -> Result<(), Error> {
        let request = self.request();
        let bytes = &CONTENT[..self.content];
        match self.by {
            By::Bytes => again(connection, passing, |connection, has_begun| {
                let response = if has_begun { connection.resume(bytes) } else { connection.send(&request, bytes) };
                response.map(Response::suspend)
            })?,
            By::Reader => {
                let mut reader = bytes;
                again(connection, passing, |connection, has_begun| {
                    let content = Content::reader(&mut reader).block_size(900);
                    let response =
                        if has_begun { connection.resume(content) } else { connection.send(&request, content) };
                    response.map(Response::suspend)
                })?;
            }
            By::Writer => {
                let mut writer = connection.start(&request)?;
                let mut rest = bytes;
                while !rest.is_empty() {
                    match again(&mut writer, passing, |writer, _| writer.write_content(rest))? {
                        0 => break,
                        taken => rest = &rest[taken..],
                    }
                }
                match writer.finish().map(Response::suspend) {
                    Err(error) if is_passing(&error) => {
                        *passing += 1;
                        again(connection, passing, |connection, _| connection.receive().map(Response::suspend))?;
                    }
                    done => done?,
                }
            }
            By::Pipeline => {
                let mut pipeline = connection.pipeline();
                again(&mut pipeline, passing, |pipeline, _| pipeline.queue(&request))?;
                let mut rest = bytes;
                let mut is_wanted = true;
                while !rest.is_empty() {
                    match again(&mut pipeline, passing, |pipeline, _| pipeline.send_content(rest))? {
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
                again(&mut pipeline, passing, |pipeline, _| pipeline.receive().map(Response::suspend))?;
                // Dropped, it would close what is still to be read.
                let mut response = pipeline.response().unwrap();
                return read(&mut response, content, passing);
            }
        }
        read(&mut connection.response().unwrap(), content, passing)
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn read(response: &mut Response<'_, Peer>, content: &mut Vec<u8>, passing: &mut usize) -> Result<(), Error> {
    loop {
        let len = again(response, passing, |response, _| {
            let piece = response.fill_content()?;
            content.extend_from_slice(piece);
            Ok(piece.len())
        })?;
        if len == 0 {
            return Ok(());
        }
        response.consume(len);
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock(_) | ErrorKind::Timeout(_))
}

/// Makes a call until it does not have to wait; the second time, and from then on, it is told so.
fn again<W, T>(
    what: &mut W,
    passing: &mut usize,
    mut call: impl FnMut(&mut W, bool) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut has_begun = false;
    loop {
        match call(what, has_begun) {
            Err(error) if is_passing(&error) && *passing < ENDLESS => *passing += 1,
            done => return done,
        }
        has_begun = true;
    }
}

/// What came of a run.
struct Outcome {
    result: Result<(), Error>,
    content: Vec<u8>,
    seen: Vec<u8>,
    calls: usize,
    passing: usize,
    progress: Option<(ExchangeId, Progress)>,
    reuse: Reuse,
}

impl Outcome {
    fn of(
        connection: Connection<Peer>,
        result: Result<(), Error>,
        content: Vec<u8>,
        passing: usize,
        got: &Mutex<Vec<u8>>,
    ) -> Self {
        let progress = connection.unanswered().next().map(|one| (one.exchange, one.progress));
        let reuse = connection.reuse();
        let seen = std::mem::take(&mut *got.lock().unwrap());
        assert_eq!(connection.bytes_sent(), seen.len() as u64, "it counts what it has sent");
        let calls = connection.transport().map_or(0, |peer| peer.calls);
        Self { result, content, seen, calls, passing, progress, reuse }
    }
}

struct Named<'s>(&'s Scenario, Option<(usize, Fault)>);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Scenario { name, by, method, content, chunked, .. }, fault) = self;
        write!(f, "{name}, by {by:?}: {method} with {content} bytes, chunked: {chunked}; {fault:?}")
    }
}

#[test]
fn a_fault_at_every_call_of_every_scenario() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 30);
    let (mut runs, mut lost) = (0, 0);
    for scenario in &scenarios {
        let smooth = scenario.run(None);
        let name = Named(scenario, None);
        assert!(smooth.result.is_ok(), "{name}: {:?}", smooth.result);
        // Answers that are early end the request where it is.
        let answered_early = matches!(scenario.answers[..], [(At::Head, _)]);
        assert!(answered_early || scenario.whole(&smooth.seen), "{name}");
        let calls = smooth.calls.max(40);
        for call in 1..=calls {
            for fault in FAULTS {
                let outcome = scenario.run(Some((call, fault)));
                check(scenario, &smooth, &outcome, (call, fault));
                runs += 1;
                lost += u32::from(outcome.result.is_err());
            }
        }
    }
    assert!(runs > 5_000 && lost > 500, "{lost} lost in {runs} runs");
}

fn check(scenario: &Scenario, smooth: &Outcome, outcome: &Outcome, fault: (usize, Fault)) {
    let name = Named(scenario, Some(fault));
    let Outcome { result, content, progress, reuse, passing, .. } = outcome;
    assert!(*passing < ENDLESS, "{name}: it waits for ever");
    assert!(smooth.content.starts_with(content), "{name}: content that was never sent");
    match result {
        Ok(()) => {
            assert_eq!(content, &smooth.content, "{name}: part of the content for all of it");
            assert_eq!(progress, &None, "{name}");
        }
        Err(error) => {
            assert!(fault.1.is_final(), "{name}: {error}");
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Lost | ErrorKind::Closed(_)), "{name}: {error}");
            assert!(matches!(reuse, Reuse::Never(_)), "{name}: {reuse}");
            let agrees = match progress {
                None => true,
                Some((_, Progress::NothingSent)) => outcome.seen.is_empty(),
                Some((_, Progress::PartlySent)) => !outcome.seen.is_empty() && !scenario.whole(&outcome.seen),
                Some((_, Progress::Sent)) => scenario.whole(&outcome.seen),
                Some((_, _)) => error.bytes_received() > 0,
            };
            assert!(agrees, "{name}: {progress:?}, and the peer has {} bytes: {error}", outcome.seen.len());
        }
    }
}
