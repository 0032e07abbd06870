//! Content that goes on: after an early answer, after a wait that was not to be; and content that is not wanted.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wireline::{CloseReason, Connection, Content, ErrorKind, Request, Response, Reuse, Stream};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    content_goes_on_after_an_early_answer_if_asked_to
    a_send_that_would_block_goes_on_with_the_same_bytes
    a_send_in_chunks_goes_on
    a_send_from_a_reader_goes_on
    a_wait_for_100_goes_on
    a_refused_expectation_is_the_callers_to_repeat
    marks_say_what_was_behind_others
    a_run_keeps_to_its_depth
}

const LENGTH: usize = 3_000_000;
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn put(length: usize) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length as u64).build().unwrap()
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
        ErrorKind::WouldBlock(wireline::Operation::Write) => PollFlags::IN | PollFlags::OUT,
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
