//! Content that is not wanted: before it leaves (RFC 9110 section 10.1.1), and while it does (section 7.5).

use std::io::Read;

use wireline::{Connector, Content, Reuse};
use wireline_testkit::{Origin, Script, ScriptedPeer};

use super::{Page, Stop, connect};

pub(super) fn refused(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("An upload of 1 GiB that is refused before its content leaves");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let length = 1 << 30;
    let request = connection.request("PUT", "/refuse").content_length(length).expect_continue().build()?;
    let mut content = std::io::repeat(b'x').take(length);
    let response = connection.send(&request, Content::reader(&mut content))?;
    let status = response.status();
    let was_sent = response.request_sent();
    response.discard()?;
    page.wire(&record);
    page.check(
        status.is_client_error() && !was_sent,
        &format!("the answer is {}, in place of 100 (Continue)", status.as_u16()),
    );
    page.check(
        connection.content_sent() == 0 && content.limit() == length,
        "no byte of the content left, or was even read",
    );
    page.check(connection.bytes_sent() == request.as_bytes().len() as u64, "only the head did");
    let reuse = connection.reuse();
    page.check(matches!(reuse, Reuse::Never(_)), &format!("the connection is used again: {reuse}"));
    Ok(())
}

/// How much content the server takes before it answers.
const TAKEN: usize = 1 << 20;

pub(super) fn answered_in_its_middle(page: &mut Page) -> Stop {
    page.stop("An upload of 64 MiB that is answered in its middle, by a server that then resets the connection");
    let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 15\r\n\r\n1 MiB at most.\n";
    let peer = ScriptedPeer::start([Script::new().read_head().read(TAKEN).send(answer).reset()])?;
    let (mut connection, record) = connect(&peer.url(""), Connector::new())?;
    let length = 64 << 20;
    let request = connection.request("PUT", "/up").content_length(length).build()?;
    let mut content = std::io::repeat(b'x').take(length);
    let response = connection.send(&request, Content::reader(&mut content))?;
    let (status, was_sent) = (response.status().as_u16(), response.request_sent());
    let said = response.bytes()?;
    page.wire(&record);
    page.check(
        status == 413 && said == b"1 MiB at most.\n",
        "the answer is heard, all of it: not a broken pipe, not a reset connection",
    );
    let sent = connection.content_sent();
    page.check(
        !was_sent && sent < length,
        &format!("the upload stopped: {sent} of {length} bytes of content had left"),
    );
    page.check(connection.unanswered().next().is_none(), "nothing is left unanswered");
    let reuse = connection.reuse();
    page.check(matches!(reuse, Reuse::Never(_)), &format!("the connection is used again: {reuse}"));
    drop(connection);
    let read = peer.join().first().map_or(0, |seen| seen.received().len()).saturating_sub(request.as_bytes().len());
    page.check(
        read >= TAKEN && read as u64 <= sent,
        &format!("the server had read {read} of them, no more than had left"),
    );
    Ok(())
}
