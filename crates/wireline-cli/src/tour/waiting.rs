//! A wait, and the way out of it.

use std::thread;
use std::time::{Duration, Instant};

use wireline::{Canceller, Connector, Reuse};
use wireline_testkit::{Script, ScriptedPeer, Signal};

use super::{Page, Stop, connect};
use crate::output::human::span;

/// Longer than anything here takes: only what has gone wrong waits for it.
const LONG: Duration = Duration::from_secs(5);

pub(super) fn canceled(page: &mut Page) -> Stop {
    page.stop("A wait that another thread ends");
    let (asked, go) = (Signal::new(), Signal::new());
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhere, at last";
    let script = Script::new().read_head().give(&asked).wait_for(&go).send(answer).hold();
    let peer = ScriptedPeer::start([script])?;
    let (mut connection, record) = connect(&peer.url(""), Connector::new())?;
    let canceller = Canceller::new()?;
    connection.set_canceller(Some(canceller.clone()));

    let other = {
        let canceller = canceller.clone();
        thread::spawn(move || {
            // The server has the request, and will not answer it.
            let has_come = asked.wait(LONG);
            let at = Instant::now();
            canceller.cancel();
            (has_come, at)
        })
    };
    let failure = connection.get("/").err();
    let ended = Instant::now();
    let Ok((has_come, at)) = other.join() else { return Err("the other thread panicked".into()) };
    let took = ended.saturating_duration_since(at);
    let Some(failure) = failure else { return Err("an answer came that nobody had sent".into()) };
    page.check(
        has_come && failure.kind().name() == "canceled" && took < LONG,
        &format!("no timeout was set, and the wait ended {} after it was told to: {failure}", span(took.as_secs_f64())),
    );
    page.check(connection.unanswered().count() == 1, "the request is not forgotten");

    canceller.reset();
    go.give();
    let content = connection.receive()?.bytes()?;
    page.wire(&record);
    page.check(content == b"here, at last", "nor is anything lost: the same wait goes on, and the answer comes");
    page.check(connection.reuse() == Reuse::Now, "the connection can carry the next request");
    Ok(())
}
