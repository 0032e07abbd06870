//! Content that waits until it is asked for (RFC 9110 section 10.1.1).

use wireline::{Connector, Reuse};
use wireline_testkit::Origin;

use super::{Page, Stop, connect};

pub(super) fn refused(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("An upload of 1 GiB that is refused before its content leaves");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let length = 1 << 30;
    let request = connection.request("PUT", "/refuse").content_length(length).expect_continue().build()?;
    let mut content = std::io::Read::take(std::io::repeat(b'x'), length);
    let response = connection.send(&request, wireline::Content::reader(&mut content))?;
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
