//! What can go wrong, and what is then known.

use wireline::{Config, Connector, ErrorKind, InvalidRequest, Progress, Request};
use wireline_testkit::{Origin, Script, ScriptedPeer};

use super::{Page, Stop, connect};

pub(super) fn lost(page: &mut Page) -> Stop {
    page.stop("A connection lost in the middle: what is safe to send again");
    let peer = ScriptedPeer::start([Script::new()
        .read_head()
        .read_head()
        .read_head()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")])?;
    let mut config = Config::default();
    // Off by default: the tour shows why.
    config.pipeline_any_method = true;
    let (mut connection, record) = connect(&peer.url(""), Connector::new().config(config))?;
    let requests = [("GET", "/0"), ("GET", "/1"), ("PUT", "/2"), ("POST", "/3")];
    let built: Vec<Request> = requests
        .iter()
        .map(|(method, target)| connection.request(*method, target).build())
        .collect::<Result<_, _>>()?;
    let mut pipeline = connection.pipeline();
    for request in &built {
        pipeline.queue(request)?;
    }
    let first = pipeline.receive()?.bytes()?;
    let failure = pipeline.receive()?.bytes().err();
    drop(pipeline);
    page.wire(&record);
    page.check(first == b"ok", "the first is answered");
    let Some(failure) = failure else { return Err("half a response was taken for a whole one".into()) };
    page.check(
        failure.kind() == ErrorKind::Lost && failure.partial() == b"hal",
        &format!("the second is never taken for whole: {failure}"),
    );
    page.text("What has no complete response:");
    let left: Vec<_> = connection.unanswered().collect();
    for unanswered in &left {
        let (method, target) = requests.get(usize::try_from(unanswered.exchange.index())?).copied().unwrap_or_default();
        let advice = if unanswered.is_safe_to_repeat() { "safe to send again" } else { "NOT safe to send again" };
        page.text(&format!("  {method:<4} {target}: {}: {advice}", unanswered.progress.text()));
    }
    let progress: Vec<_> = left.iter().map(|unanswered| unanswered.progress).collect();
    page.check(
        progress == [Progress::ResponseBegun, Progress::Sent, Progress::Sent],
        "the last two were sent: nobody knows whether they ran",
    );
    let safe: Vec<_> = left.iter().map(|unanswered| unanswered.is_safe_to_repeat()).collect();
    page.check(
        safe == [false, true, false],
        "only the PUT is safe: idempotent, and no part of an answer to it has come",
    );
    drop(connection);
    page.check(peer.join().iter().all(|seen| seen.is_completed()), "the server saw all four requests");
    Ok(())
}

pub(super) fn smuggling(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("Requests that could be read as two are refused");
    let (mut connection, _) = connect(&origin.url(""), Connector::new())?;
    let attempts = [
        ("a field value with a line end in it", connection.request("GET", "/").field("X-Name", "a\r\nX-Admin: yes")),
        ("a target with a space in it", connection.request("GET", "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /admin")),
        ("Content-Length and Transfer-Encoding", connection.request("POST", "/").content_length(4).chunked()),
        ("a second Host", connection.request("GET", "/").field("Host", "b")),
    ];
    for (what, builder) in attempts {
        let refused: Option<InvalidRequest> = builder.build().err();
        let why = refused.map_or_else(|| "nothing".to_owned(), |invalid| invalid.to_string());
        page.check(refused.is_some(), &format!("{what}: {why}"));
    }
    page.check(connection.bytes_sent() == 0, "no byte was sent");
    let status = connection.get("/status/204")?.status().as_u16();
    page.check(status == 204, "and the connection is as good as before: the next GET is answered");
    Ok(())
}
