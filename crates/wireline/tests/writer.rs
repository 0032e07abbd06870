//! Requests sent step by step.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{self, IoSlice, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wireline::{
    CloseReason, Config, Connection, Content, ErrorKind, Fields, Framing, Ready, Request, Reuse, Stream, Transport,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    piece_by_piece_of_a_length
    chunk_by_chunk_with_trailers
    a_request_without_content
    an_early_answer_is_said_and_given
    an_early_answer_and_the_content_all_the_same
    content_waits_until_it_is_asked_for
    an_expectation_that_is_refused
    what_does_not_fit_is_refused
    trailers_need_content_in_chunks
    no_content_waits_for_100_too
    what_is_left_unfinished_closes
    what_is_given_up_is_answered
    a_peer_that_is_gone_is_heard
    nothing_is_lost_without_waiting
}

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const LENGTH: usize = 3_000_000;

fn put(length: u64) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length).build().unwrap()
}

fn put_chunks() -> Request {
    Request::builder("PUT", "/").host("a").chunked().build().unwrap()
}

fn piece_by_piece_of_a_length(over: Over) {
    let content = pattern(LENGTH);
    let peer = over.peer([Script::new().read_head().read(LENGTH).send(EMPTY).read_head().send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(LENGTH as u64)).unwrap();
    for piece in content.chunks(99_999) {
        writer.write_all(piece).unwrap();
    }
    assert_eq!(writer.content_due(), Framing::Length(0));
    let response = writer.finish().unwrap();
    assert!(response.status() == 204 && response.request_sent());
    drop(response);
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    assert_eq!(connection.get("/").unwrap().status(), 204);
    drop(connection);
    let seen = peer.join();
    assert!(seen[0].received()[put(LENGTH as u64).as_bytes().len()..].starts_with(&content));
}

fn chunk_by_chunk_with_trailers(over: Over) {
    let body = b"1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 3\r\n\r\n";
    let peer = over.peer([Script::new().expect([put_chunks().as_bytes(), body].concat()).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put_chunks()).unwrap();
    for piece in ["a", "", "bc"] {
        assert_eq!(writer.write_content(piece.as_bytes()).unwrap(), piece.len());
    }
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "3").unwrap();
    assert_eq!(writer.finish_with(&trailers).unwrap().status(), 204);
    assert_eq!(connection.reuse(), Reuse::Now);
}

fn a_request_without_content(over: Over) {
    let get = Request::get("/", "a").unwrap();
    let script = (0..3).fold(Script::new(), |script, _| script.expect(get.as_bytes()).send(EMPTY));
    let peer = over.peer([script.hold()]);
    let mut connection = over.connect(&peer);
    assert_eq!(connection.start(&get).unwrap().finish().unwrap().status(), 204);
    let mut writer = connection.start(&get).unwrap();
    let error = writer.write_content(b"abc").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "no-content-due"), "{error}");
    // It is whole: its response can still be received.
    drop(writer);
    assert!(matches!(connection.start(&get).unwrap_err().kind(), ErrorKind::InFlight));
    assert!(matches!(connection.send(&get, ()).unwrap_err().kind(), ErrorKind::InFlight));
    assert_eq!(connection.receive().unwrap().status(), 204);
    assert_eq!(connection.start(&get).unwrap().abandon().unwrap().status(), 204);
    assert_eq!(connection.reuse(), Reuse::Now);
}

fn an_early_answer_is_said_and_given(over: Over) {
    let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
    let peer = over.peer([Script::new().read_head().read(5).send(answer).read_to_end()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(u64::MAX)).unwrap();
    assert_eq!(writer.write_content(b"hello").unwrap(), 5);
    while writer.write_content(&[b'x'; 1000]).unwrap() > 0 {
        writer.flush().unwrap();
    }
    assert!(writer.is_refused());
    assert_eq!(writer.write_all(b"more").unwrap_err().kind(), io::ErrorKind::WriteZero);
    let response = writer.finish().unwrap();
    assert!(response.status() == 413 && !response.request_sent());
    assert_eq!(response.text().unwrap(), "no");
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
}

fn an_early_answer_and_the_content_all_the_same(over: Over) {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let peer = over.peer([Script::new().read_head().send(answer).read(LENGTH).read_head().send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(LENGTH as u64)).unwrap().keep_sending();
    writer.write_all(&pattern(LENGTH)).unwrap();
    let response = writer.finish().unwrap();
    assert!(response.status() == 403 && response.request_sent());
    assert_eq!(response.text().unwrap(), "no");
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

fn content_waits_until_it_is_asked_for(over: Over) {
    let script = Script::new().read_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect("abc").send(EMPTY).hold();
    let chunked =
        Script::new().read_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect("0\r\n\r\n").send(EMPTY).hold();
    let peer = over.peer([script, chunked]);
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    let mut connection = over.connect(&peer);
    connection.set_timeouts(timeouts);
    let request = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let mut writer = connection.start(&request).unwrap();
    assert!(writer.await_continue().unwrap());
    assert_eq!((writer.interim().len(), writer.content_sent()), (1, 0));
    assert_eq!(writer.write_content(b"abc").unwrap(), 3);
    assert_eq!(writer.finish().unwrap().status(), 204);
    // Also where no content follows.
    let mut connection = over.connect(&peer);
    connection.set_timeouts(timeouts);
    let request = Request::builder("PUT", "/").host("a").chunked().expect_continue().build().unwrap();
    assert_eq!(connection.start(&request).unwrap().finish().unwrap().interim().len(), 1);
}

fn an_expectation_that_is_refused(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer(vec![Script::new().read_head().send(refusal).read_to_end(); 4]);
    let request = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    for keeps_sending in [false, true] {
        for writes in [false, true] {
            let mut connection = over.connect(&peer);
            let mut timeouts = common::patient();
            timeouts.expect_continue = None;
            connection.set_timeouts(timeouts);
            let mut writer = connection.start(&request).unwrap();
            if keeps_sending {
                writer = writer.keep_sending();
            }
            if !writes {
                assert!(!writer.await_continue().unwrap() && writer.is_refused());
            }
            if writes {
                assert_eq!(writer.write_content(b"abc").unwrap(), 0);
            }
            let response = writer.finish().unwrap();
            assert!(response.status() == 417 && !response.request_sent());
            drop(response);
            assert_eq!(connection.content_sent(), 0);
            assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
        }
    }
}

fn what_does_not_fit_is_refused(over: Over) {
    let peer = over.peer(vec![Script::new().read_to_end(); 4]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(5)).unwrap();
    writer.write_content(b"abc").unwrap();
    let error = writer.write_content(b"def").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "content-excess"), "{error}");
    assert_eq!(writer.content_due(), Framing::Length(2), "nothing of it was taken");
    let error = writer.finish().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "content-short"), "{error}");
    assert!(connection.transport().is_none(), "the peer must not wait for the rest");
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "3").unwrap();
    let mut connection = over.connect(&peer);
    let error = connection.start(&put(5)).and_then(|mut writer| {
        writer.write_content(b"abcde")?;
        writer.finish_with(&trailers).map(drop)
    });
    let error = error.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "trailers-without-chunks"), "{error}");
    assert!(connection.transport().is_none());
}

fn trailers_need_content_in_chunks(over: Over) {
    let peer = over.peer(vec![Script::new().read_head().send(EMPTY).hold(); 2]);
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "0").unwrap();
    for request in [Request::get("/", "a").unwrap(), put(0)] {
        let mut connection = over.connect(&peer);
        let error = connection.start(&request).unwrap().finish_with(&trailers).map(drop).unwrap_err();
        let ErrorKind::Misuse(misuse) = error.kind() else { panic!("{error}") };
        assert_eq!(misuse.name(), "trailers-without-chunks");
        assert_eq!(connection.receive().unwrap().status(), 204);
    }
}

fn no_content_waits_for_100_too(over: Over) {
    let go = Signal::new();
    let script = Script::new().read_head().wait_for(&go).send("HTTP/1.1 100 Continue\r\n\r\n");
    let peer = over.peer([script.expect("0\r\nX-Sum: 0\r\n\r\n").send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    connection.set_nonblocking(true);
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "0").unwrap();
    let request = Request::builder("PUT", "/").host("a").chunked().expect_continue().build().unwrap();
    let writer = connection.start(&request).unwrap().continue_within(None);
    let mut result = writer.finish_with(&trailers).map(|response| response.status());
    while let Err(error) = result {
        go.give();
        blocks(&connection, &error);
        result = connection
            .resume(Content::none().continue_within(None).trailers(&trailers))
            .map(|response| response.status());
    }
    assert_eq!(result.unwrap(), 204);
}

fn what_is_left_unfinished_closes(over: Over) {
    let peer = over.peer(vec![Script::new().read_to_end(); 2]);
    for request in [put(5), put_chunks()] {
        let mut connection = over.connect(&peer);
        let mut writer = connection.start(&request).unwrap();
        writer.write_content(b"abc").unwrap();
        drop(writer);
        assert!(connection.transport().is_none());
        assert!(matches!(connection.get("/").unwrap_err().kind(), ErrorKind::Closed(_)));
    }
    assert!(peer.join().iter().all(|seen| !seen.received().ends_with(b"0\r\n\r\n")));
}

fn what_is_given_up_is_answered(over: Over) {
    let peer = over.peer([Script::new().read_head().read(3).send(EMPTY).read_to_end()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(5)).unwrap();
    writer.write_content(b"abc").unwrap();
    let response = writer.abandon().unwrap();
    assert!(response.status() == 204 && !response.request_sent());
    drop(response);
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
}

fn a_peer_that_is_gone_is_heard(over: Over) {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(answer).close()]);
    let mut connection = over.connect(&peer);
    let mut writer = connection.start(&put(u64::MAX)).unwrap().keep_sending();
    // It goes on until nothing can be written any more.
    while writer.write_content(&[b'x'; 10_000]).unwrap() > 0 {}
    let response = writer.finish().unwrap();
    assert!(response.status() == 503 && !response.request_sent());
}

/// Whether it would block; then waits until it would not.
fn blocks(connection: &Connection<Stream>, error: &wireline::Error) {
    let flags = match error.kind() {
        ErrorKind::WouldBlock(wireline::Operation::Write) => PollFlags::IN | PollFlags::OUT,
        ErrorKind::WouldBlock(_) => PollFlags::IN,
        kind => panic!("{kind}"),
    };
    poll(&mut [PollFd::new(&connection.fd().unwrap(), flags)], None).unwrap();
}

/// More than the system holds for a peer that does not read.
const MUCH: usize = 30_000_000;

fn nothing_is_lost_without_waiting(over: Over) {
    let content = pattern(MUCH);
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(MUCH).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::ZERO);
    timeouts.write = Some(Duration::ZERO);
    connection.set_timeouts(timeouts);
    let mut writer = connection.start(&put(MUCH as u64)).unwrap();
    let mut rest = &content[..];
    let mut times = 0;
    while !rest.is_empty() {
        match writer.write_content(rest) {
            Ok(taken) => rest = &rest[taken..],
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{error}");
                times += 1;
                go.give();
                std::thread::yield_now();
            }
        }
    }
    assert!(times > 0);
    let mut result = writer.finish().map(|response| response.status());
    while let Err(error) = result {
        blocks(&connection, &error);
        result = connection.receive().map(|response| response.status());
    }
    assert_eq!(result.unwrap(), 204);
    assert_eq!((connection.content_sent(), connection.reuse()), (MUCH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

/// A transport that has no room for the first write and breaks at the second, and whose peer says nothing.
#[derive(Debug, Default)]
struct Breaking {
    writes: usize,
}

impl Transport for Breaking {
    fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        let kind = if self.writes == 1 { io::ErrorKind::WouldBlock } else { io::ErrorKind::BrokenPipe };
        Err(kind.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, _: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn wait(&mut self, _: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Ok(Ready { read: false, write: true })
    }

    fn close(&mut self) {}
}

/// Where the request cannot leave, nobody will ask for its content: that is no wait that is over, and no misuse.
#[test]
fn nobody_is_waited_for_who_was_not_asked() {
    for patience in [Some(Duration::ZERO), None, Some(Duration::from_secs(10))] {
        let mut connection = Connection::with_transport(Breaking::default(), Config::default());
        let request = Request::builder("PUT", "/").host("a").content_length(5).expect_continue().build().unwrap();
        let mut writer = connection.start(&request).unwrap().continue_within(patience);
        assert!(!writer.await_continue().unwrap(), "{patience:?}");
        assert_eq!(writer.write_content(b"hello").unwrap(), 0);
        assert!(writer.is_refused());
    }
}
