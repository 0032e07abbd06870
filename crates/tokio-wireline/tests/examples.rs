//! Each example is run, and says what it should.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

#[path = "../../../examples/duplex.rs"]
mod duplex;
#[path = "../../../examples/simulation.rs"]
mod simulation;
#[path = "../../../examples/tower_service.rs"]
mod tower_service;
#[path = "../../../examples/twin.rs"]
mod twin;
#[path = "../../../examples/twin_async.rs"]
mod twin_async;

use std::future::poll_fn;
use std::path::Path;
use std::task::{Context, Poll, Waker};

use ::tower_service::Service;
use bytes::Bytes;
use http::Request;
use tokio_wireline::Connection;
use wireline_testkit::{Origin, Script, ScriptedPeer, Signal, pattern};

#[tokio::test]
async fn the_twins_do_the_same() {
    let expected = [
        "200 OK after 1 interim response",
        "16 bytes",
        "7 bytes",
        "piece by piece",
        "1 bytes",
        "22 bytes",
        "333 bytes, and then: connection lost",
        "/reset-after/333: safe to send again: false",
        "/bytes/4444: safe to send again: true",
        "again: 4444 bytes",
    ];
    let origin = Origin::start().unwrap();
    let mut said = Vec::new();
    twin::run(&origin.url(""), &mut |line| said.push(line)).unwrap();
    assert_eq!(said, expected);
    assert_eq!(origin.connections(), 2);
    said.clear();
    twin_async::run(&origin.url(""), &mut |line| said.push(line)).await.unwrap();
    assert_eq!(said, expected);
    assert_eq!(origin.connections(), 4);
}

/// docs/porting.md says that this is all.
#[test]
fn the_twins_differ_in_nothing_but_await_async_and_the_import() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (blocking, awaited) = (read("examples/twin.rs"), read("examples/twin_async.rs"));
    assert!(awaited.matches(".await").count() >= 10);
    assert!(!blocking.contains("async ") && !blocking.contains(".await"));
    let ported = awaited
        .replace(".await", "")
        .replace("async fn", "fn")
        .replace("use tokio_wireline::", "use wireline::")
        .replace("#[tokio::main]\n", "");
    assert!(ported == blocking, "examples/twin.rs and examples/twin_async.rs differ in something else");
    // The page holds each line that differs, as it stands.
    let page = read("docs/porting.md");
    let awaited: Vec<_> = awaited.lines().filter(|line| !blocking.lines().any(|other| other == *line)).collect();
    assert!(awaited.iter().all(|line| page.contains(&format!("\n+{line}\n"))), "docs/porting.md is not up to date");
    assert_eq!(page.lines().filter(|line| line.starts_with('+')).count(), awaited.len());
}

#[tokio::test]
async fn the_service_takes_one_request_at_a_time() {
    let origin = Origin::start().unwrap();
    let responses = tower_service::run(&origin.url(""), &["/bytes/1000", "/headers", "/status/404"]).await.unwrap();
    assert_eq!(responses[0].body(), &pattern(1000));
    assert!(responses[1].body().starts_with(b"GET /headers HTTP/1.1\r\n"));
    assert_eq!((responses[2].status().as_u16(), origin.connections()), (404, 1));

    let get = || Request::get("/").body(Bytes::new()).unwrap();
    let go = Signal::new();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let peer =
        ScriptedPeer::start([Script::new().read_head().wait_for(&go).send(answer).read_head().send(last)]).unwrap();
    let mut client = tower_service::Client::Here(Box::new(Connection::connect(&peer.url("")).await.unwrap()));
    poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    let response = client.call(get());
    assert!(client.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending(), "its turn has not come");
    go.give();
    assert_eq!(response.await.unwrap().body(), "ok");
    poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    assert_eq!(client.call(get()).await.unwrap().body(), "ok");
    let over = poll_fn(|cx| client.poll_ready(cx)).await.unwrap_err();
    assert!(over.to_string().starts_with("the connection is over: "), "{over}");
}

#[tokio::test]
async fn the_service_is_over_when_an_exchange_was_given_up() {
    let peer = ScriptedPeer::start([Script::new().hold()]).unwrap();
    let mut client = tower_service::Client::Here(Box::new(Connection::connect(&peer.url("")).await.unwrap()));
    poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    drop(client.call(Request::get("/").body(Bytes::new()).unwrap()));
    match client.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert_eq!(error.to_string(), "an exchange was given up"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_pipe_carries_requests_answers_and_trailers() {
    let (answers, served) = duplex::run(&["/one", "/two", "/three"]).await.unwrap();
    let texts: Vec<_> = answers.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!((texts.as_slice(), served), (["/one", "/two", "/three"].as_slice(), 3));
    assert_eq!(answers[2].1.as_ref().get("x-served"), Some(&b"2"[..]));
}

#[test]
fn the_simulation_is_the_same_for_the_same_seed() {
    let runs: Vec<_> = [1, 1, 2].map(|seed| simulation::run(seed).unwrap()).into();
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2], "the latencies are others");
    for run in &runs {
        let said: Vec<_> = run.iter().map(|line| line.split_once(" ms: ").unwrap().1).collect();
        let count = |what: &str| said.iter().filter(|line| line.contains(what)).count();
        assert_eq!((count("connected"), count("goes on"), count("given up")), (2, 1, 1), "{run:#?}");
        // Each is answered once, and in order, whatever happened on the way.
        let answers: Vec<_> = said.iter().filter_map(|line| line.strip_prefix("answer ")).collect();
        assert_eq!(answers, (0..16).map(|n| format!("/{n}")).collect::<Vec<_>>(), "{run:#?}");
        // Those that were on their way, and those that were not yet.
        let before = said.iter().take_while(|line| !line.contains("given up"));
        let left = 16 - before.filter(|line| line.starts_with("answer")).count();
        assert_eq!(count(": Sent, safe to repeat: true"), 4, "{run:#?}");
        assert!(left > 4 && count(&format!("connected, {left} requests left")) == 1, "{run:#?}");
    }
}
