//! Content that goes on: after an early answer, after a wait that was not to be; and content that is not wanted.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_wireline::{CloseReason, Config, Content, Error, ErrorKind, Fields, Limits, Request, Response, Reuse};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    each_request_has_its_own_patience_for_100
    content_goes_on_after_an_early_answer_if_asked_to
    a_send_that_was_dropped_goes_on_with_the_same_bytes
    a_send_in_chunks_that_was_dropped_goes_on
    a_send_goes_on_when_the_receive_buffer_was_full
    a_wait_for_100_that_was_dropped_goes_on
    a_refused_expectation_is_the_callers_to_repeat
    a_refusal_of_content_that_was_sent_leaves_the_connection
    content_that_was_refused_can_be_sent_all_the_same
    marks_say_what_was_behind_others
}

const LENGTH: usize = 3_000_000;
/// More than all the buffers on the way hold.
const LENGTH_BLOCKED: usize = 30_000_000;
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn put(length: usize) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length as u64).build().unwrap()
}

fn put_on_request(length: u64) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length).expect_continue().build().unwrap()
}

/// Gives a future a moment, and drops it if that was not enough.
async fn for_a_moment<'c>(wait: impl Future<Output = Result<Response<'c>, Error>>) -> Option<Response<'c>> {
    timeout(Duration::from_millis(3), wait).await.ok().map(Result::unwrap)
}

async fn content_goes_on_after_an_early_answer_if_asked_to(over: Over) {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let script = Script::new().read_head().send(answer).read(LENGTH).read_head().send(EMPTY).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let content = pattern(LENGTH);
    let response = connection.send(&put(LENGTH), Content::bytes(&content).keep_sending()).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.request_sent());
    assert_eq!(response.text().await.unwrap(), "no");
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
}

async fn a_send_that_was_dropped_goes_on_with_the_same_bytes(over: Over) {
    let (content, go) = (pattern(LENGTH_BLOCKED), Signal::new());
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(LENGTH_BLOCKED).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut done = for_a_moment(connection.send(&put(LENGTH_BLOCKED), &content)).await.is_some();
    let mut times = 0;
    while !done {
        times += 1;
        go.give();
        done = for_a_moment(connection.resume(&content)).await.is_some();
    }
    assert!(times > 0);
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH_BLOCKED as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

async fn a_send_in_chunks_that_was_dropped_goes_on(over: Over) {
    let (content, go) = (pattern(LENGTH_BLOCKED), Signal::new());
    let mut body = format!("{LENGTH_BLOCKED:X}\r\n").into_bytes();
    body.extend_from_slice(&content);
    body.extend_from_slice(b"\r\n0\r\nX-T: 1\r\n\r\n");
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(body.len()).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let mut trailers = Fields::new();
    trailers.append("X-T", "1").unwrap();
    let all = || Content::bytes(&content).trailers(&trailers);
    let mut done = for_a_moment(connection.send(&request, all())).await.is_some();
    assert!(!done);
    go.give();
    while !done {
        done = for_a_moment(connection.resume(all())).await.is_some();
    }
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH_BLOCKED as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&body));
}

async fn a_send_goes_on_when_the_receive_buffer_was_full(over: Over) {
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
    let mut connection = over.connect_with(&peer, config).await;
    let all = || Content::bytes(&content).keep_sending();
    let mut result = all_of(connection.send(&put(LENGTH_BLOCKED), all()).await).await;
    let mut times = 0;
    while let Err(error) = &result {
        assert_eq!(error.kind(), ErrorKind::ReceiveBufferFull { bound: 64 << 10 }, "{error}");
        times += 1;
        go.give();
        // There is nowhere to put what comes: only room to write is worth waiting for.
        tokio::task::yield_now().await;
        result = all_of(connection.resume(all()).await).await;
    }
    assert!(times > 0, "the bound was reached");
    assert!(result.unwrap() == pattern(80_000), "nothing of it was lost");
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH_BLOCKED as u64, Reuse::Now));
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
}

async fn all_of(response: Result<Response<'_>, Error>) -> Result<Vec<u8>, Error> {
    response?.bytes().await
}

async fn a_wait_for_100_that_was_dropped_goes_on(over: Over) {
    let (go, silent) = (Signal::new(), Script::new().read_head());
    let asked = silent.clone().wait_for(&go).send("HTTP/1.1 100 Continue\r\n\r\n").expect("abc").send(EMPTY).hold();
    let peer = over.peer([asked, silent.expect("abc").send(EMPTY).hold()]);
    for patience in [None, Some(Duration::from_millis(30))] {
        let mut connection = over.connect(&peer).await;
        let mut timeouts = common::patient();
        timeouts.expect_continue = patience;
        connection.set_timeouts(timeouts);
        let mut done = for_a_moment(connection.send(&put_on_request(3), "abc")).await.is_some();
        // Without patience that ends, nobody has asked for it yet.
        assert!(patience.is_some() || (!done && connection.content_sent() == 0));
        go.give();
        // The patience goes on counting where it began, however often the call is made.
        while !done {
            done = for_a_moment(connection.resume("abc")).await.is_some();
        }
        assert_eq!((connection.content_sent(), connection.reuse()), (3, Reuse::Now));
    }
}

async fn a_refused_expectation_is_the_callers_to_repeat(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([
        Script::new().read_head().send(refusal).hold(),
        Script::new().read_head().expect("abc").send(EMPTY).hold(),
    ]);
    let mut connection = over.connect(&peer).await;
    let request = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let response = connection.send(&request, "abc").await.unwrap();
    assert_eq!(response.status(), 417);
    assert!(!response.request_sent(), "the content is still to be sent");
    drop(response);
    assert_eq!(connection.content_sent(), 0);
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    // RFC 9110 section 10.1.1: it may be repeated without the expectation, here on a new connection.
    let again = Request::builder("PUT", "/").host("a").content_length(3).build().unwrap();
    let mut connection = over.connect(&peer).await;
    assert_eq!(connection.send(&again, "abc").await.unwrap().status(), 204);
}

/// Servers that do not know expectations read the content, and may refuse it then.
async fn a_refusal_of_content_that_was_sent_leaves_the_connection(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let again = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let peer = over.peer([Script::new().read_head().expect("abc").send(refusal).expect(again).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = Some(Duration::from_millis(20));
    connection.set_timeouts(timeouts);
    let response = connection.send(&put_on_request(3), "abc").await.unwrap();
    assert_eq!((response.status().as_u16(), response.request_sent()), (417, true));
    drop(response);
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.send(&put(3), "abc").await.unwrap().status(), 204);
}

/// Only who sends the content all the same can use the connection again (RFC 9110 section 10.1.1).
async fn content_that_was_refused_can_be_sent_all_the_same(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(refusal).expect("abc").read_head().send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let mut pipeline = connection.pipeline();
    pipeline.send(&put_on_request(3)).await.unwrap();
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 0, "it is told once");
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    assert_eq!(pipeline.receive().await.unwrap().status(), 417);
    assert_eq!(pipeline.reuse(), Reuse::Now);
    drop(pipeline);
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
}

async fn marks_say_what_was_behind_others(over: Over) {
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().read_head().wait_for(&go).send(EMPTY.repeat(2)).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    let get = Request::get("/", "a").unwrap();
    let first = pipeline.send(&get).await.unwrap();
    let second = pipeline.send(&get).await.unwrap();
    let waiting = pipeline.marks(second).unwrap();
    assert!(waiting.sending.is_some() && waiting.sent.is_some() && waiting.turn.is_none());
    assert_eq!(pipeline.marks(first).unwrap().behind(), Some(Duration::ZERO));
    go.give();
    let ended = pipeline.receive().await.unwrap().marks().unwrap().ended.unwrap();
    let response = pipeline.receive().await.unwrap();
    let marks = response.marks().unwrap();
    assert_eq!((marks.exchange, marks.turn), (second, Some(ended)));
    assert_eq!(marks.behind(), Some(ended - marks.sent.unwrap()));
    assert!(marks.started <= marks.sending.unwrap() && marks.sending <= marks.sent);
    assert!(marks.sent < marks.begun && marks.begun <= marks.ended);
    drop(response);
    assert!(pipeline.marks(first).is_none(), "only the last one is remembered");
}

async fn each_request_has_its_own_patience_for_100(over: Over) {
    // Nobody says 100: the patience of the connection, for ever, would never end.
    let script = Script::new().read_head().expect("abc").send(EMPTY).read_head().expect("abc").send(EMPTY);
    let peer = over.peer([script.read_head().expect("abc").send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let soon = Some(Duration::from_millis(20));
    let content = Content::from("abc").continue_within(soon);
    assert_eq!(connection.send(&put_on_request(3), content).await.unwrap().status(), 204);

    let content = Content::reader(&b"abc"[..]).continue_within(soon);
    assert_eq!(connection.send(&put_on_request(3), content).await.unwrap().status(), 204);

    let mut pipeline = connection.pipeline();
    pipeline.queue(&put_on_request(3)).await.unwrap();
    pipeline.continue_within(soon);
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    assert_eq!(pipeline.receive().await.unwrap().status(), 204);
}
