//! What `tracing` is told.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wireline::Connection;
use wireline_testkit::{Script, ScriptedPeer};

/// Writes down each event, but for what takes time.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "wireline"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !field.name().ends_with("_us") {
            write!(self.0, "{}={value:?} ", field.name()).unwrap();
        }
    }
}

#[test]
fn each_step_is_told_and_no_secret() {
    let answer = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    let peer = ScriptedPeer::start([Script::new().read_head().send(answer).read_head().close()]).unwrap();
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let mut connection = Connection::connect(&peer.url("")).unwrap();
        let secret = connection.request("GET", "/secret").field("Authorization", "secret").build().unwrap();
        connection.send(&secret, ()).unwrap().bytes().unwrap();
        connection.get("/secret").map(drop).unwrap_err();
    });
    let lines = lines.0.lock().unwrap();
    let expected = [
        r#"message=step done step="resolve" host="127.0.0.1" "#,
        r#"message=step done step="connect" host="127.0.0.1" "#,
        r#"message=request exchange=0 method="GET" "#,
        "message=response head exchange=0 status=103 is_final=false ",
        "message=response head exchange=0 status=200 is_final=true ",
        "message=response end exchange=0 content=3 ",
        r#"message=request exchange=1 method="GET" "#,
    ];
    assert_eq!(lines[..expected.len()], expected);
    assert!(lines[expected.len()].starts_with("message=failure exchange=1 kind=\"lost\""), "{lines:?}");
    assert!(!lines.concat().contains("secret"));
}
