//! Content that goes on: after an early answer, after a wait that was not to be; and content that is not wanted.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wireline::{
    CloseReason, Config, Connection, Content, ErrorKind, Fields, Limits, Misuse, Operation, Ready, Request, Response,
    Reuse, Stage, Stream, Transport,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    each_request_has_its_own_patience_for_100
    content_goes_on_after_an_early_answer_if_asked_to
    content_that_goes_on_also_ends
    a_send_that_would_block_goes_on_with_the_same_bytes
    a_request_in_a_pipeline_goes_on_behind_those_in_front_of_it
    a_send_in_chunks_goes_on
    a_send_from_a_reader_goes_on
    a_send_that_took_too_long_goes_on
    a_send_goes_on_when_the_receive_buffer_was_full
    a_wait_for_100_goes_on
    a_refused_expectation_is_the_callers_to_repeat
    a_refusal_of_content_that_was_sent_leaves_the_connection
    content_that_was_refused_can_be_sent_all_the_same
    marks_say_what_was_behind_others
    a_run_keeps_to_its_depth
}

const LENGTH: usize = 3_000_000;
/// More than all the buffers on the way hold.
const LENGTH_BLOCKED: usize = 30_000_000;
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
/// Far more than any of it takes.
const LONG: Duration = Duration::from_secs(10);

fn put(length: usize) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length as u64).build().unwrap()
}

fn put_on_request(length: u64) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length).expect_continue().build().unwrap()
}

/// Nothing waits: `connection` gives up each time it would, and the test waits in its place.
fn without_waiting(connection: &mut Connection<Stream>) {
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::ZERO);
    timeouts.write = Some(Duration::ZERO);
    connection.set_timeouts(timeouts);
}

/// Whether it would block; then waits until it would not.
fn would_block(connection: &Connection<Stream>, error: Option<wireline::Error>) -> bool {
    let Some(error) = error else { return false };
    let flags = match error.kind() {
        ErrorKind::WouldBlock(Operation::Write) => PollFlags::IN | PollFlags::OUT,
        ErrorKind::WouldBlock(_) => PollFlags::IN,
        kind => panic!("{kind}"),
    };
    let fd = connection.fd().unwrap();
    poll(&mut [PollFd::new(&fd, flags)], None).unwrap();
    true
}

fn error_of(result: Result<Response<'_, Stream>, wireline::Error>) -> Option<wireline::Error> {
    result.map(|response| assert_eq!(response.status(), 204)).err()
}

// conformance: C15
fn content_goes_on_after_an_early_answer_if_asked_to(over: Over) {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let script = Script::new().read_head().send(answer).read(LENGTH).read_head().send(EMPTY).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let content = pattern(LENGTH);
    let response = connection.send(&put(LENGTH), Content::bytes(&content).keep_sending()).unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.request_sent());
    assert_eq!(response.text().unwrap(), "no");
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

fn content_that_goes_on_also_ends(over: Over) {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    for is_step_by_step in [false, true] {
        let (answered, ended) = (Signal::new(), Signal::new());
        let script = Script::new().read_head().send(answer).give(&answered);
        let script = script.expect("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n").give(&ended).hold();
        let peer = over.peer([script]);
        let mut connection = over.connect(&peer);
        let pieces = ["a", "b", "c"].into_iter().inspect(|piece| assert!(*piece == "a" || answered.wait(LONG)));
        let response = if is_step_by_step {
            let mut writer = connection.start(&request).unwrap().keep_sending();
            for piece in pieces {
                writer.write_all(piece.as_bytes()).unwrap();
                writer.flush().unwrap();
            }
            writer.finish()
        } else {
            connection.send(&request, Content::pieces(pieces).keep_sending())
        };
        assert!(response.unwrap().request_sent());
        // The connection does nothing any more that would let it leave.
        assert!(ended.wait(LONG));
        assert_eq!(connection.reuse(), Reuse::Now);
    }
}

fn a_send_that_would_block_goes_on_with_the_same_bytes(over: Over) {
    let content = pattern(LENGTH);
    let peer = over.peer([Script::new().read_head().read(LENGTH).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    without_waiting(&mut connection);
    let mut error = error_of(connection.send(&put(LENGTH), &content));
    let mut times = 0;
    while would_block(&connection, error) {
        times += 1;
        error = error_of(connection.resume(&content));
    }
    assert!(times > 0);
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

/// A stream that has room for so many bytes at every other write.
struct Narrow {
    room: usize,
    is_full: bool,
    sent: Vec<u8>,
}

impl Read for Narrow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        EMPTY.as_bytes().read(into)
    }
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_full = !self.is_full;
        if self.is_full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = bytes.len().min(self.room);
        self.sent.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// What is queued and content behind it may leave at once.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.write(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_send_goes_on_wherever_it_had_to_stop() {
    for room in [1, 50, 1_000] {
        for (length, is_chunked) in [(10, false), (1_000, false), (5_000, false), (10, true), (5_000, true)] {
            let content = pattern(length);
            let builder = Request::builder("PUT", "/").host("a");
            let request = if is_chunked { builder.chunked() } else { builder.content_length(length as u64) };
            let request = request.build().unwrap();
            let chunked = [format!("{length:X}\r\n").as_bytes(), &content, b"\r\n0\r\n\r\n"].concat();
            let body = if is_chunked { &chunked } else { &content };
            for is_read in [false, true] {
                let mut reader = &content[..];
                let mut config = Config::default();
                // Content that is small has no room behind the head either.
                config.limits.transmit_buffer = 256;
                let mut connection = Connection::over_with(Narrow { room, is_full: false, sent: Vec::new() }, config);
                let mut is_begun = false;
                loop {
                    let source = if is_read { Content::reader(&mut reader) } else { Content::bytes(&content) };
                    let result = match std::mem::replace(&mut is_begun, true) {
                        false => connection.send(&request, source),
                        true => connection.resume(source),
                    };
                    match result {
                        Ok(response) => break assert_eq!(response.status(), 204),
                        Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{room}: {error}"),
                    }
                }
                let sent = &connection.transport().unwrap().get_ref().sent;
                assert!(*sent == [request.as_bytes(), body].concat(), "{room} {length} {is_chunked} {is_read}");
            }
        }
    }
}

#[test]
fn a_send_that_goes_on_with_other_content_sends_no_more_than_was_announced() {
    let content = pattern(9_000);
    let mut connection = Connection::over(Narrow { room: 1_000, is_full: false, sent: Vec::new() });
    let mut result = connection.send(&put(5_000), &content[..5_000]).map(drop);
    while result.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock(_))) {
        result = connection.resume(&content).map(drop);
    }
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Misuse(Misuse::ContentExcess { room: 0 }));
    assert_eq!(connection.content_sent(), 5_000);
}

fn a_request_in_a_pipeline_goes_on_behind_those_in_front_of_it(over: Over) {
    let script = Script::new().read_head().read_head().send(EMPTY).send("HTTP/1.1 100 Continue\r\n\r\n");
    let peer = over.peer([script.expect("abc").send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let mut pipeline = connection.pipeline();
    pipeline.send(&Request::get("/", "a").unwrap()).unwrap();
    pipeline.send(&put_on_request(3)).unwrap();
    pipeline.suspend();
    assert_eq!(connection.resume("abc").map(drop).unwrap_err().kind(), ErrorKind::ReceiveFirst);
    assert_eq!(connection.receive().unwrap().status(), 204);
    assert_eq!(connection.resume("abc").unwrap().status(), 204);
    assert_eq!((connection.content_sent(), connection.reuse()), (3, Reuse::Now));
}

fn a_send_in_chunks_goes_on(over: Over) {
    let content = pattern(LENGTH);
    let mut body = format!("{LENGTH:X}\r\n").into_bytes();
    body.extend_from_slice(&content);
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    let peer = over.peer([Script::new().read_head().read(body.len()).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    without_waiting(&mut connection);
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let mut error = error_of(connection.send(&request, &content));
    while would_block(&connection, error) {
        error = error_of(connection.resume(&content));
    }
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&body));
}

fn a_send_from_a_reader_goes_on(over: Over) {
    let content = pattern(LENGTH);
    let peer = over.peer([Script::new().read_head().read(LENGTH).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    without_waiting(&mut connection);
    let mut reader = &content[..];
    let mut error = error_of(connection.send(&put(LENGTH), Content::reader(&mut reader)));
    while would_block(&connection, error) {
        error = error_of(connection.resume(Content::reader(&mut reader)));
    }
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

fn a_send_that_took_too_long_goes_on(over: Over) {
    let (content, go) = (pattern(LENGTH_BLOCKED), Signal::new());
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(LENGTH_BLOCKED).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.write = Some(Duration::from_millis(50));
    connection.set_timeouts(timeouts);
    let mut result = connection.send(&put(LENGTH_BLOCKED), &content).map(|response| response.status().as_u16());
    let mut sent = 0;
    while let Err(error) = &result {
        assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write), "{error}");
        assert_eq!(error.stage(), Stage::Sending);
        assert!(connection.content_sent() >= sent && connection.content_sent() < LENGTH_BLOCKED as u64);
        sent = connection.content_sent();
        go.give();
        result = connection.resume(&content).map(|response| response.status().as_u16());
    }
    assert!(sent > 0, "it had to wait");
    assert_eq!(result.unwrap(), 204);
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH_BLOCKED as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

fn a_send_goes_on_when_the_receive_buffer_was_full(over: Over) {
    let (content, go) = (pattern(LENGTH_BLOCKED), Signal::new());
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.receive_buffer = 64 << 10;
    config.limits = limits;
    // Longer than the bound, and not in the system's way: the peer does not have to wait for it to be read.
    let mut answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 80000\r\n\r\n".to_vec();
    answer.extend_from_slice(&pattern(80_000));
    let script = Script::new().read_head().send(answer).wait_for(&go).read(LENGTH_BLOCKED).read_head().send(EMPTY);
    let peer = over.peer([script.hold()]);
    let mut connection = over.connect_with(&peer, config);
    let all = || Content::bytes(&content).keep_sending();
    let mut result = connection.send(&put(LENGTH_BLOCKED), all()).and_then(Response::bytes);
    let mut times = 0;
    while let Err(error) = &result {
        assert_eq!(error.kind(), ErrorKind::ReceiveBufferFull { bound: 64 << 10 }, "{error}");
        times += 1;
        go.give();
        // There is nowhere to put what comes: only room to write is worth waiting for.
        poll(&mut [PollFd::new(&connection.fd().unwrap(), PollFlags::OUT)], None).unwrap();
        result = connection.resume(all()).and_then(Response::bytes);
    }
    assert!(times > 0, "the bound was reached");
    assert!(result.unwrap() == pattern(80_000), "nothing of it was lost");
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH_BLOCKED as u64, Reuse::Now));
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

fn a_wait_for_100_goes_on(over: Over) {
    let (go, silent) = (Signal::new(), Script::new().read_head());
    let asked = silent.clone().wait_for(&go).send("HTTP/1.1 100 Continue\r\n\r\n").expect("abc").send(EMPTY).hold();
    let peer = over.peer([asked, silent.expect("abc").send(EMPTY).hold()]);
    let request = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    for patience in [None, Some(Duration::from_millis(30))] {
        let mut connection = over.connect(&peer);
        without_waiting(&mut connection);
        let mut timeouts = connection.timeouts();
        timeouts.expect_continue = patience;
        connection.set_timeouts(timeouts);
        let mut error = error_of(connection.send(&request, "abc"));
        assert_eq!(connection.content_sent(), 0);
        go.give();
        if patience.is_none() {
            while would_block(&connection, error) {
                error = error_of(connection.resume("abc"));
            }
        } else {
            // The patience goes on counting where it began, however often the call is made.
            while error.is_some() {
                error = error_of(connection.resume("abc"));
            }
        }
        assert_eq!((connection.content_sent(), connection.reuse()), (3, Reuse::Now));
    }
}

// conformance: E7
fn a_refused_expectation_is_the_callers_to_repeat(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([
        Script::new().read_head().send(refusal).hold(),
        Script::new().read_head().expect("abc").send(EMPTY).hold(),
    ]);
    let mut connection = over.connect(&peer);
    let request = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let response = connection.send(&request, "abc").unwrap();
    assert_eq!(response.status(), 417);
    assert!(!response.request_sent(), "the content is still to be sent");
    drop(response);
    assert_eq!(connection.content_sent(), 0);
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    // RFC 9110 section 10.1.1: it may be repeated without the expectation, here on a new connection.
    let again = Request::builder("PUT", "/").host("a").content_length(3).build().unwrap();
    let mut connection = over.connect(&peer);
    assert_eq!(connection.send(&again, "abc").unwrap().status(), 204);
}

/// Servers that do not know expectations read the content, and may refuse it then.
fn a_refusal_of_content_that_was_sent_leaves_the_connection(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let again = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let peer = over.peer([Script::new().read_head().expect("abc").send(refusal).expect(again).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.expect_continue = Some(Duration::from_millis(20));
    connection.set_timeouts(timeouts);
    let response = connection.send(&put_on_request(3), "abc").unwrap();
    assert_eq!((response.status().as_u16(), response.request_sent()), (417, true));
    drop(response);
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.send(&put(3), "abc").unwrap().status(), 204);
}

/// Only who sends the content all the same can use the connection again (RFC 9110 section 10.1.1).
fn content_that_was_refused_can_be_sent_all_the_same(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(refusal).expect("abc").read_head().send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let mut pipeline = connection.pipeline();
    pipeline.send(&put_on_request(3)).unwrap();
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 0, "it is told once");
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    assert_eq!(pipeline.receive().unwrap().status(), 417);
    assert_eq!(pipeline.reuse(), Reuse::Now);
    drop(pipeline);
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

fn marks_say_what_was_behind_others(over: Over) {
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().read_head().wait_for(&go).send(EMPTY.repeat(2)).hold()]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    let get = Request::get("/", "a").unwrap();
    let first = pipeline.send(&get).unwrap();
    let second = pipeline.send(&get).unwrap();
    let waiting = pipeline.marks(second).unwrap();
    assert!(waiting.sending.is_some() && waiting.sent.is_some() && waiting.turn.is_none());
    assert_eq!(pipeline.marks(first).unwrap().behind(), Some(Duration::ZERO));
    go.give();
    let ended = pipeline.receive().unwrap().marks().unwrap().ended.unwrap();
    let response = pipeline.receive().unwrap();
    let marks = response.marks().unwrap();
    assert_eq!((marks.exchange, marks.turn), (second, Some(ended)));
    assert_eq!(marks.behind(), Some(ended - marks.sent.unwrap()));
    assert!(marks.started <= marks.sending.unwrap() && marks.sending <= marks.sent);
    assert!(marks.sent < marks.begun && marks.begun <= marks.ended);
    drop(response);
    assert!(pipeline.marks(first).is_none(), "only the last one is remembered");
}

fn a_run_keeps_to_its_depth(over: Over) {
    let posted = "POST /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let script = Script::new()
        .read_head()
        .read_head()
        .send(EMPTY)
        .read_head()
        .send(EMPTY.repeat(2))
        .expect(posted)
        .send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let requests = ["GET", "GET", "GET", "POST", "GET", "GET"];
    let requests = requests
        .iter()
        .enumerate()
        .map(|(n, method)| Request::builder(*method, format!("/{n}")).host("a").build().unwrap());
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run(requests, 2);
    for n in 0..4 {
        let response = run.receive().unwrap().unwrap();
        assert_eq!(response.exchange().index(), n);
        assert!(response.unanswered().count() <= 2);
    }
    assert_eq!(run.receive().unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
    let rest: Vec<_> = run.rest().map(|request| request.target().to_vec()).collect();
    assert_eq!(rest, [b"/4", b"/5"]);
}

fn each_request_has_its_own_patience_for_100(over: Over) {
    // Nobody says 100: the patience of the connection, for ever, would never end.
    let script = Script::new().read_head().expect("abc").send(EMPTY).read_head().expect("abc").send(EMPTY);
    let peer = over.peer([script.read_head().expect("abc").send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let soon = Some(Duration::from_millis(20));
    let content = Content::from("abc").continue_within(soon);
    assert_eq!(connection.send(&put_on_request(3), content).unwrap().status(), 204);

    let mut writer = connection.start(&put_on_request(3)).unwrap().continue_within(soon);
    assert_eq!(writer.write_content(b"abc").unwrap(), 3);
    assert_eq!(writer.finish().unwrap().status(), 204);

    let mut pipeline = connection.pipeline();
    pipeline.queue(&put_on_request(3)).unwrap();
    pipeline.continue_within(soon);
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    assert_eq!(pipeline.receive().unwrap().status(), 204);
}

/// A stream whose first flush is interrupted by a signal.
struct Disturbed {
    sent: Vec<u8>,
    answer: &'static [u8],
    is_disturbed: bool,
}

impl Read for Disturbed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.answer.read(into)
    }
}

impl Write for Disturbed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_disturbed, true) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }
}

#[test]
fn a_flush_that_is_interrupted_is_made_again() {
    let stream = Disturbed { sent: Vec::new(), answer: EMPTY.as_bytes(), is_disturbed: false };
    let mut connection = Connection::over(stream);
    connection.set_host("a");
    assert_eq!(connection.get("/").unwrap().status(), 204);
    assert_eq!(connection.reuse(), Reuse::Now);
}

/// A stream that keeps what it is given until it is flushed, and whose flush takes too long while it is told to; it gives all
/// its answers at once.
#[derive(Clone, Default)]
struct Keeping {
    kept: Rc<RefCell<Vec<u8>>>,
    sent: Rc<RefCell<Vec<u8>>>,
    answers: Rc<RefCell<Vec<u8>>>,
    is_slow: Rc<Cell<bool>>,
}

impl Read for Keeping {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let answers = self.answers.take();
        if answers.is_empty() { Err(io::ErrorKind::TimedOut.into()) } else { answers.as_slice().read(into) }
    }
}

impl Write for Keeping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_slow.get() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.sent.borrow_mut().append(&mut self.kept.borrow_mut());
        Ok(())
    }
}

/// What is queued is offered before it is looked at what is here already, also where the stream has it already.
#[test]
fn what_a_stream_has_kept_leaves_before_an_answer_is_taken() {
    let stream = Keeping::default();
    stream.answers.borrow_mut().extend(EMPTY.repeat(2).bytes());
    let mut connection = Connection::over(stream.clone());
    let [first, second, third] = ["/1", "/2", "/3"].map(|target| Request::get(target, "a").unwrap());
    let mut pipeline = connection.pipeline();
    pipeline.queue(&first).unwrap();
    pipeline.send(&second).unwrap();
    drop(pipeline.receive().unwrap());
    stream.is_slow.set(true);
    pipeline.send(&third).unwrap();
    stream.is_slow.set(false);
    assert!(!stream.sent.borrow().ends_with(third.as_bytes()));
    drop(pipeline.receive().unwrap());
    assert!(stream.sent.borrow().ends_with(third.as_bytes()));
    pipeline.suspend();
    assert!(!connection.interest().write);
}

/// A transport that has no room for every other write, and whose peer answers and then ends its side.
#[derive(Debug)]
struct HalfClosed {
    answer: &'static [u8],
    writes: usize,
    has_ended: bool,
    /// What was waited for since the end.
    waited: Rc<RefCell<Vec<Ready>>>,
}

impl Transport for HalfClosed {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        if self.writes % 2 == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(parts[0].len().min(1000))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        if self.writes == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.answer.read(into)?;
        self.has_ended |= read == 0;
        Ok(read)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        if self.has_ended {
            self.waited.borrow_mut().push(wanted);
        }
        Ok(wanted)
    }

    fn close(&mut self) {}
}

/// After its end a stream is readable for ever: whoever waited for that as well would not wait at all.
#[test]
fn nothing_is_waited_for_from_a_peer_that_has_ended() {
    let waited = Rc::default();
    let answer = b"HTTP/1.1 403 Forbidden\r\n\r\nno";
    let stream = HalfClosed { answer, writes: 0, has_ended: false, waited: Rc::clone(&waited) };
    let mut connection = Connection::with_transport(stream, Config::default());
    let content = pattern(20_000);
    let response = connection.send(&put(20_000), Content::bytes(&content).keep_sending()).unwrap();
    assert_eq!((response.status().as_u16(), response.request_sent()), (403, true));
    let waited = waited.borrow();
    assert!(waited.len() > 5 && waited.iter().all(|wanted| wanted.write && !wanted.read), "{waited:?}");
}

/// A transport whose peer sends a head when a request has begun, and content when all of it has come: the rest of it can
/// leave only behind the head.
#[derive(Debug)]
struct Held {
    /// The rest is with the transport, and not with the connection.
    is_taken: bool,
    has_begun: bool,
    head: &'static [u8],
    /// How often it was tried to send the rest behind the head.
    tries: usize,
}

impl Held {
    fn is_over(&self) -> bool {
        self.tries > 1
    }

    fn try_rest(&mut self) -> io::Result<()> {
        self.tries += usize::from(self.head.is_empty());
        if self.is_over() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }
}

impl Transport for Held {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if std::mem::replace(&mut self.has_begun, true) {
            self.try_rest()?;
        }
        Ok(if self.is_taken { parts[0].len() } else { parts[0].len().min(10) })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_taken { self.try_rest() } else { Ok(()) }
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        match self {
            Self { has_begun: true, head: [_, ..], .. } => self.head.read(into),
            _ if self.is_over() => io::repeat(b'a').read(into),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Ok(wanted)
    }

    fn is_flushing(&self) -> bool {
        self.is_taken && !self.is_over()
    }

    fn close(&mut self) {}
}

/// Content is read straight into the caller's memory only when nothing is left to be sent: its peer may wait for that.
#[test]
fn what_was_queued_leaves_while_content_is_read() {
    for is_taken in [false, true] {
        let stream = Held { is_taken, has_begun: false, head: b"HTTP/1.1 200 OK\r\n\r\n", tries: 0 };
        let mut connection = Connection::with_transport(stream, Config::default());
        connection.set_host("a");
        let read = connection.get("/").unwrap().read_content(&mut [0; 20_000]);
        assert!(read.as_ref().is_ok_and(|&read| read > 0), "{is_taken}: {read:?}");
    }
}
