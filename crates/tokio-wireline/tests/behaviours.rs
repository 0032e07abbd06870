//! What real servers do, through the public face, in the clear and over TLS: each scripted, none timed.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_wireline::wireline::{Phase, Violation, proto};
use tokio_wireline::{
    CloseReason, Connection, Content, Dropped, Error, ErrorKind, Fields, Framing, Operation, Progress, Request,
    Response, Reuse, Stage, Stream,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    content_waits_until_it_is_asked_for
    content_is_sent_unasked_when_the_wait_is_over
    a_final_response_instead_of_100_stops_the_content_and_is_delivered_at_once
    an_early_answer_followed_by_a_reset_is_heard
    an_early_answer_of_a_peer_that_stops_reading_is_heard
    interim_responses_come_first
    interim_responses_are_kept_where_nothing_follows
    chunks_with_a_trailer_section
    a_deadline_ends_a_trickle
    a_deadline_for_the_whole_ends_a_trickle
    a_read_timeout_loses_nothing
    truncation_by_length_is_an_error
    truncation_in_chunks_is_an_error
    a_lost_connection_is_one_kind
    fields_and_target_leave_as_given
    a_close_while_idle_is_noticed_before_the_next_request
    a_reset_while_idle_is_noticed_before_the_next_request
    lengths_that_differ_are_refused
    surplus_bytes_are_never_the_next_response
    surplus_behind_content_that_was_read_directly_is_never_the_next_response
    a_short_response_that_is_dropped_is_drained
    a_long_response_that_is_dropped_closes
    chunked_content_from_a_reader_with_trailers
    content_that_does_not_fit_is_refused
    a_source_that_does_not_fit_closes
    an_answer_to_all_of_the_content_is_not_early
    an_upgrade_hands_the_stream_over
    a_refused_tunnel_is_a_response
    content_until_the_close_needs_an_orderly_one
    a_closed_connection_says_goodbye
}

/// Waits until there is something to read, which the runtime has heard of, and the connection has been idle for a while.
async fn until_ready(socket: impl AsFd) {
    poll(&mut [PollFd::new(&socket, PollFlags::IN)], None).unwrap();
    sleep(Duration::from_millis(2)).await;
}

fn upload(connection: &Connection<Stream>, length: u64) -> Request {
    connection.request("PUT", "/up").content_length(length).build().unwrap()
}

fn lost_in(phase: Phase) -> impl Fn(&Error) -> bool {
    move |error| {
        let incomplete = error.protocol().map(proto::Error::kind);
        error.kind() == ErrorKind::Lost
            && matches!(incomplete, Some(proto::ErrorKind::Incomplete(incomplete)) if incomplete.phase == phase)
    }
}

async fn content_waits_until_it_is_asked_for(over: Over) {
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .expect("hello")
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let request = connection.request("POST", "/").content_length(5).expect_continue().build().unwrap();
    let response = connection.send(&request, "hello").await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.interim().len(), 1);
    assert_eq!(response.interim()[0].status(), 100);
    assert!(response.request_sent());
    assert_eq!(response.text().await.unwrap(), "ok");
    assert_eq!(connection.content_sent(), 5);
    assert_eq!(connection.reuse(), Reuse::Now);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn content_is_sent_unasked_when_the_wait_is_over(over: Over) {
    let script = Script::new().read_head().expect("hello").send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = Some(Duration::from_millis(20));
    connection.set_timeouts(timeouts);
    let request = connection.request("POST", "/").content_length(5).expect_continue().build().unwrap();
    let response = connection.send(&request, "hello").await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(response.is_complete());
    drop(response);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn a_final_response_instead_of_100_stops_the_content_and_is_delivered_at_once(over: Over) {
    let script =
        Script::new().read_head().send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno").hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let request = connection.request("POST", "/").content_length(5).expect_continue().build().unwrap();
    let response = connection.send(&request, "hello").await.unwrap();
    assert_eq!(response.status(), 417);
    assert!(!response.request_sent());
    assert_eq!(response.bytes().await.unwrap(), b"no");
    assert_eq!(connection.content_sent(), 0);
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    assert_eq!(connection.unanswered().count(), 0);
    drop(connection);
    assert!(peer.join()[0].received().ends_with(b"\r\n\r\n"), "no byte of the content was sent");
}

async fn an_early_answer_followed_by_a_reset_is_heard(over: Over) {
    let answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless";
    let script = Script::new().read_head().read(100_000).send(answer).reset();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let content = pattern(20_000_000);
    let response = connection.send(&upload(&connection, 20_000_000), &content).await.unwrap();
    assert_eq!(response.status(), 413);
    assert!(!response.request_sent());
    assert_eq!(response.bytes().await.unwrap(), b"less");
    assert!(connection.content_sent() < 20_000_000);
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
}

async fn an_early_answer_of_a_peer_that_stops_reading_is_heard(over: Over) {
    let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nless";
    let script = Script::new().read_head().send(answer).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let content = tokio::io::repeat(7).take(50_000_000);
    let response = connection.send(&upload(&connection, 50_000_000), Content::reader(content)).await.unwrap();
    assert_eq!(response.status(), 413);
    assert!(!response.request_sent());
    assert_eq!(response.bytes().await.unwrap(), b"less");
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
}

async fn interim_responses_come_first(over: Over) {
    let script = Script::new().read_head().send(
        "HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\nHTTP/1.1 102 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let response = connection.get("/").await.unwrap();
    assert_eq!(response.status(), 200);
    let [hints, processing] = response.interim() else { panic!("{:?}", response.interim()) };
    assert_eq!((hints.status().as_u16(), hints.reason()), (103, &b"Early Hints"[..]));
    assert_eq!(hints.fields().get("link"), Some(&b"</s.css>"[..]));
    assert_eq!(hints.as_bytes(), b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n");
    assert_eq!(processing.status(), 102);
}

async fn interim_responses_are_kept_where_nothing_follows(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 103 Early Hints\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let error = connection.get("/").await.unwrap_err();
    assert!(lost_in(Phase::BeforeResponse)(&error), "{error}");
    assert_eq!(connection.interim().len(), 1);
    let unanswered = connection.unanswered().next().unwrap();
    // It was seen, and perhaps acted on.
    assert_eq!(unanswered.progress, Progress::ResponseBegun);
    assert!(!unanswered.is_safe_to_repeat());
}

async fn chunks_with_a_trailer_section(over: Over) {
    let script = Script::new().read_head().send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n",
    );
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut response = connection.get("/").await.unwrap();
    assert_eq!(response.framing(), Framing::Chunked);
    assert_eq!(response.content_length(), None);
    assert!(response.trailers().is_empty());
    let mut content = String::new();
    response.read_to_string(&mut content).await.unwrap();
    assert_eq!(content, "abcdefg");
    assert!(response.is_complete());
    assert_eq!(response.content_read(), 7);
    assert_eq!(response.trailers().joined("X-Sum").unwrap(), &b"7, 8"[..]);
}

async fn a_deadline_ends_a_trickle(over: Over) {
    let content = vec![b'x'; 1000];
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").send_in_pieces(
        content,
        1,
        Duration::from_millis(20),
    );
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::from_secs(10));
    timeouts.exchange = Some(Duration::from_millis(300));
    connection.set_timeouts(timeouts);
    let error = connection.get("/").await.unwrap().bytes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Exchange));
    assert!((1..1000).contains(&error.partial().len()), "{}", error.partial().len());
    assert_eq!(error.stage(), Stage::Receiving);
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
}

async fn a_deadline_for_the_whole_ends_a_trickle(over: Over) {
    let trickle = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").send_in_pieces(
        pattern(1000),
        1,
        Duration::from_millis(200),
    );
    let peer = over.peer([trickle]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    // Each byte comes in time for this one.
    timeouts.read = Some(Duration::from_secs(5));
    connection.set_timeouts(timeouts);
    let deadline = Instant::now() + Duration::from_secs(1);
    connection.set_deadline(Some(deadline));
    let error = connection.get("/").await.unwrap().bytes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Deadline));
    assert!(Instant::now() >= deadline, "not before");
    assert_eq!(error.stage(), Stage::Receiving);
    let came = error.partial();
    assert!((1..1000).contains(&came.len()) && *came == pattern(came.len()), "{came:?}");
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    assert_eq!(connection.unanswered().next().unwrap().progress, Progress::ResponseBegun);
}

async fn a_read_timeout_loses_nothing(over: Over) {
    let go = Signal::new();
    let script =
        Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-").wait_for(&go).send("Length: 2\r\n\r\nok");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::from_millis(60));
    connection.set_timeouts(timeouts);
    let error = connection.get("/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Read));
    go.give();
    connection.set_timeouts(common::patient());
    assert_eq!(connection.receive().await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn truncation_by_length_is_an_error(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let error = connection.get("/").await.unwrap().bytes().await.unwrap_err();
    assert!(lost_in(Phase::Content)(&error), "{error}");
    assert_eq!(error.partial(), b"abc");
    assert_eq!(error.exchange().unwrap().index(), 0);
    assert_eq!(error.bytes_received(), 41);
    assert!(error.io_error().is_none());
    assert_eq!(connection.unanswered().next().unwrap().progress, Progress::ResponseBegun);
}

async fn truncation_in_chunks_is_an_error(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut response = connection.get("/").await.unwrap();
    let mut lines = Vec::new();
    let error = response.read_until(b'\n', &mut lines).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = Error::from_io(error).unwrap();
    assert!(lost_in(Phase::ChunkLine)(&error), "{error}");
    assert_eq!(lines, b"abc");
    assert!(response.read(&mut [0; 1]).await.is_err(), "an error stays an error");
}

async fn a_lost_connection_is_one_kind(over: Over) {
    let scripts =
        [Script::new().read_head().close(), Script::new().read_head().reset(), Script::new().read_head().truncate()];
    let peer = over.peer(scripts);
    for _ in 0..3 {
        let mut connection = over.connect(&peer).await;
        let error = connection.get("/").await.unwrap_err();
        assert!(lost_in(Phase::BeforeResponse)(&error), "{error}");
        assert_eq!(error.stage(), Stage::AwaitingResponse);
        assert_eq!(connection.unanswered().count(), 1);
        let again = connection.get("/").await.unwrap_err();
        assert!(matches!(again.kind(), ErrorKind::Closed(_)), "{again}");
    }
}

async fn fields_and_target_leave_as_given(over: Over) {
    let head =
        "GET /a/../b/%7E?q=a|b' HTTP/1.1\r\nHost: a\r\nx-lower: 1\r\nX-UPPER: 2\r\nx-lower: 3\r\nAccept: */*\r\n\r\n";
    let script = Script::new().expect(head).send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request = Request::builder("GET", "/a/../b/%7E?q=a|b'")
        .host("a")
        .field("x-lower", "1")
        .field("X-UPPER", "2")
        .field("x-lower", "3")
        .field("Accept", "*/*")
        .build()
        .unwrap();
    assert_eq!(connection.send(&request, ()).await.unwrap().status(), 204);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn a_close_while_idle_is_noticed_before_the_next_request(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").half_close();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    drop(connection.get("/1").await.unwrap());
    until_ready(&connection).await;
    let error = connection.get("/2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed(CloseReason::PeerClosed));
    assert_eq!(connection.unanswered().count(), 0);
    drop(connection);
    let seen = peer.join();
    assert!(seen[0].received().ends_with(b"\r\n\r\n") && !seen[0].received().windows(2).any(|bytes| bytes == b"/2"));
}

async fn a_reset_while_idle_is_noticed_before_the_next_request(over: Over) {
    let answered = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let signals = [Signal::new(), Signal::new()];
    let peer = over.peer(signals.each_ref().map(|go| answered.clone().wait_for(go).reset()));
    for (go, looks) in signals.iter().zip([true, false]) {
        let mut connection = over.connect(&peer).await;
        drop(connection.get("/1").await.unwrap());
        assert_eq!(connection.reuse(), Reuse::Now);
        go.give();
        until_ready(&connection).await;
        if looks {
            assert_eq!(connection.look(), Reuse::Never(CloseReason::StreamBroken));
        }
        let sent = connection.bytes_sent();
        let error = connection.get("/2").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed(CloseReason::StreamBroken));
        assert_eq!((connection.bytes_sent(), connection.unanswered().count()), (sent, 0));
        assert!(connection.transport().is_none());
    }
}

async fn lengths_that_differ_are_refused(over: Over) {
    let script =
        Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let error = connection.get("/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.protocol().unwrap().kind(), proto::ErrorKind::Violation(Violation::LengthConflict));
    assert!(connection.transport().is_none(), "closed (RFC 9112 section 6.3)");
}

async fn surplus_bytes_are_never_the_next_response(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let script = Script::new().read_head().send(answer).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    assert_eq!(connection.get("/1").await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Unsolicited));
    let error = connection.get("/2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed(CloseReason::Unsolicited));
}

async fn surplus_behind_content_that_was_read_directly_is_never_the_next_response(over: Over) {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    answer.extend_from_slice(&pattern(100_000));
    answer.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    let peer = over.peer([Script::new().read_head().send(answer).hold()]);
    let mut connection = over.connect(&peer).await;
    assert_eq!(connection.get("/1").await.unwrap().bytes().await.unwrap().len(), 100_000);
    let error = connection.get("/2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed(CloseReason::Unsolicited));
}

async fn a_short_response_that_is_dropped_is_drained(over: Over) {
    let mut long = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n".to_vec();
    long.extend_from_slice(&pattern(10_000));
    let sent = Signal::new();
    let answers = Script::new()
        .read_head()
        .send(long)
        .give(&sent)
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let peer = over.peer([answers]);
    let mut connection = over.connect(&peer).await;
    let mut response = connection.get("/1").await.unwrap();
    response.read_exact(&mut [0; 100]).await.unwrap();
    // What is here already is read.
    common::given(&sent).await;
    drop(response);
    assert_eq!(connection.dropped(), Some(Dropped::Drained { bytes: 9_900 }));
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.get("/2").await.unwrap().text().await.unwrap(), "ok");
}

async fn a_long_response_that_is_dropped_closes(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc").hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    drop(connection.get("/").await.unwrap());
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    assert!(connection.transport().is_none());
    assert!(matches!(connection.get("/").await.unwrap_err().kind(), ErrorKind::Closed(_)));
}

async fn chunked_content_from_a_reader_with_trailers(over: Over) {
    let wire = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n";
    let script =
        Script::new().read_head().expect("5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n").send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request = connection.request("POST", "/").chunked().build().unwrap();
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "5").unwrap();
    let content = Content::reader(&b"hello"[..]).trailers(&trailers);
    let response = connection.send(&request, content).await.unwrap();
    assert_eq!(response.status(), 204);
    drop(response);
    assert_eq!(connection.content_sent(), 5);
    drop(connection);
    let seen = peer.join();
    assert!(seen[0].is_completed());
    assert!(seen[0].received().ends_with(wire.as_bytes()));
}

async fn content_that_does_not_fit_is_refused(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let misuse = |result: Result<Response<'_>, Error>| match result.unwrap_err().kind() {
        ErrorKind::Misuse(misuse) => misuse.name(),
        kind => panic!("{kind}"),
    };
    let get = connection.request("GET", "/").build().unwrap();
    let put = upload(&connection, 5);
    assert_eq!(misuse(connection.send(&get, "a").await), "no-content-due");
    assert_eq!(misuse(connection.send(&put, "abcdef").await), "content-excess");
    assert_eq!(misuse(connection.send(&put, "abcd").await), "content-short");
    assert_eq!(misuse(connection.send(&get, Content::reader(&b"a"[..])).await), "no-content-due");
    let empty = upload(&connection, 0);
    assert_eq!(misuse(connection.send(&empty, Content::reader(&b"a"[..])).await), "content-excess");
    assert_eq!((connection.bytes_sent(), connection.unanswered().count()), (0, 0));
    assert_eq!(connection.send(&get, Content::reader(&b""[..])).await.unwrap().status(), 204);
}

async fn a_source_that_does_not_fit_closes(over: Over) {
    let peer = over.peer([Script::new().read_to_end(), Script::new().read_to_end()]);
    for (content, name) in [("abcd", "content-short"), ("abcdef", "content-excess")] {
        let mut connection = over.connect(&peer).await;
        let request = upload(&connection, 5);
        let error = connection.send(&request, Content::reader(content.as_bytes())).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == name), "{content} {error}");
        assert!(connection.transport().is_none(), "the peer must not wait for the rest");
        assert_eq!(connection.unanswered().count(), 1);
    }
    for seen in peer.join() {
        assert!(!seen.received().ends_with(b"abcde"));
    }
}

async fn an_answer_to_all_of_the_content_is_not_early(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let script = (0..100).fold(Script::new(), |script, _| script.read_head().expect("hello").send(answer));
    let peer = over.peer([script.hold()]);
    let mut connection = over.connect(&peer).await;
    let request = upload(&connection, 5);
    for _ in 0..100 {
        let content = LateEnd(b"hello", None);
        let response = connection.send(&request, Content::reader(content)).await.unwrap();
        assert!(response.request_sent());
        drop(response);
        assert_eq!(connection.reuse(), Reuse::Now);
    }
}

/// A reader that leaves the peer time to answer before it says that it has ended.
struct LateEnd(&'static [u8], Option<Pin<Box<Sleep>>>);

impl AsyncRead for LateEnd {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            let late = self.1.get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(2))));
            ready!(late.as_mut().poll(cx));
        }
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

async fn an_upgrade_hands_the_stream_over(over: Over) {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst";
    let script = Script::new().read_head().send(answer).expect("ping").send("pong");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request =
        connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "echo").build().unwrap();
    let response = connection.send(&request, ()).await.unwrap();
    assert_eq!(response.status(), 101);
    assert!(response.is_switched());
    let mut switched = response.into_switched().unwrap();
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Switched));
    assert_eq!(switched.unread(), b"first");
    switched.write_all(b"ping").await.unwrap();
    let mut said = String::new();
    switched.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "firstpong");
    drop(switched);
    assert!(peer.join()[0].is_completed());
}

async fn a_refused_tunnel_is_a_response(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request = Request::builder("CONNECT", "a:443").host("a:443").build().unwrap();
    let response = connection.send(&request, ()).await.unwrap();
    assert!(!response.is_switched());
    let response = response.into_switched().unwrap_err();
    assert_eq!(response.text().await.unwrap(), "no");
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn content_until_the_close_needs_an_orderly_one(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\n\r\nsome";
    let peer = over.peer([Script::new().read_head().send(answer), Script::new().read_head().send(answer).truncate()]);
    let mut connection = over.connect(&peer).await;
    assert_eq!(connection.get("/").await.unwrap().text().await.unwrap(), "some");
    let mut connection = over.connect(&peer).await;
    let result = connection.get("/").await.unwrap().text().await;
    match over {
        // The system cannot tell the difference.
        Over::Tcp => assert_eq!(result.unwrap(), "some"),
        Over::Tls => {
            let error = result.unwrap_err();
            assert!(lost_in(Phase::Content)(&error), "{error}");
            assert_eq!(error.partial(), b"some");
            assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

async fn a_closed_connection_says_goodbye(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").read_to_end();
    let peer = over.peer([script.clone(), script]);
    let mut connection = over.connect(&peer).await;
    drop(connection.get("/").await.unwrap());
    connection.close();
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
    let mut connection = over.connect(&peer).await;
    drop(connection.get("/").await.unwrap());
    drop(connection);
    for seen in peer.join() {
        assert!(seen.is_completed(), "{:?}", seen.outcome());
    }
}
