//! Requests step by step, decoded content, and connections that connect anew.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::future::Future;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio_wireline::{Connection, Connector, ErrorKind, Fields, Origin, Reuse};
use wireline_testkit::{Script, ScriptedPeer};

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn content_goes_piece_by_piece_and_ends_with_trailers() {
    let peer =
        ScriptedPeer::start([Script::new().read_head().expect("3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n").send(EMPTY)]);
    let peer = peer.unwrap();
    run(async {
        let mut connection = Connection::connect(&peer.url("")).await.unwrap();
        let request = connection.request("PUT", "/").chunked().build().unwrap();
        let mut writer = connection.start(&request).await.unwrap();
        assert_eq!(writer.write_content(b"abc").await.unwrap(), 3);
        writer.write_all(b"de").await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(writer.content_sent(), 5);
        let mut trailers = Fields::new();
        trailers.append("T", "1").unwrap();
        assert_eq!(writer.finish_with(&trailers).await.unwrap().status(), 204);
        assert_eq!(connection.reuse(), Reuse::Now);
    });
}

#[test]
fn content_waits_for_100_and_an_answer_instead_is_heard() {
    let wanted = Script::new().read_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect("abc").send(EMPTY);
    let refused = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = ScriptedPeer::start([wanted.read_head().send(refused).hold()]).unwrap();
    run(async {
        let mut connection = Connection::connect(&peer.url("")).await.unwrap();
        let request = connection.request("PUT", "/").content_length(3).expect_continue().build().unwrap();
        for is_wanted in [true, false] {
            let mut writer = connection.start(&request).await.unwrap().continue_within(None);
            assert_eq!(writer.await_continue().await.unwrap(), is_wanted);
            assert_eq!(writer.write_content(b"abc").await.unwrap(), if is_wanted { 3 } else { 0 });
            let status = writer.finish().await.unwrap().status();
            assert_eq!(status, if is_wanted { 204 } else { 417 });
        }
    });
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_that_looks_complete() {
    let peer = ScriptedPeer::start([Script::new().read_head().read_to_end(), Script::new().read_head().send(EMPTY)]);
    let peer = peer.unwrap();
    run(async {
        let origin = Origin::parse(&peer.url("")).unwrap();
        let mut connection = Connector::new().auto_open(true).connect(&origin).await.unwrap();
        let request = connection.request("PUT", "/").content_length(3).build().unwrap();
        let mut writer = connection.start(&request).await.unwrap();
        writer.write_content(b"ab").await.unwrap();
        drop(writer);
        assert!(matches!(connection.reuse(), Reuse::Never(_)));
        // It connects anew, since it was told to.
        assert_eq!(connection.get("/").await.unwrap().status(), 204);
    });
    let seen = peer.join();
    let seen = seen[0].received();
    assert!(seen.ends_with(b"\r\n\r\nab") || seen.ends_with(b"\r\n\r\n"), "less than was announced");
}

#[test]
fn a_connection_that_was_not_told_to_does_not_connect_anew() {
    let closing = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    let peer = ScriptedPeer::start([Script::new().read_head().send(closing)]).unwrap();
    run(async {
        let mut connection = Connection::connect(&peer.url("")).await.unwrap();
        assert_eq!(connection.get("/").await.unwrap().status(), 204);
        assert!(matches!(connection.get("/").await.unwrap_err().kind(), ErrorKind::Closed(_)));
    });
}

/// "hello\n" twelve times, by gzip.
const CODED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 231, 202, 160, 152, 4, 0, 125, 240, 125, 132, 72, 0, 0,
    0,
];

#[test]
fn codings_are_taken_off() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", CODED.len());
    let answer = [head.as_bytes(), CODED].concat();
    let script = || Script::new().read_head().send_in_pieces(answer.clone(), 7, std::time::Duration::from_millis(1));
    let peer = ScriptedPeer::start([script(), script()]).unwrap();
    run(async {
        for by_line in [false, true] {
            let mut connection = Connection::connect(&peer.url("")).await.unwrap();
            let mut response = connection.get("/").await.unwrap();
            let mut decoded = response.decoded().unwrap();
            let mut text = String::new();
            if by_line {
                while decoded.read_line(&mut text).await.unwrap() > 0 {}
            } else {
                decoded.read_to_string(&mut text).await.unwrap();
            }
            assert_eq!(text, "hello\n".repeat(12));
        }
    });
}
