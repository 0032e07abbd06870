//! Two responses, as they come.

use wireline::{Connector, Framing, Reuse};
use wireline_testkit::{Origin, pattern};

use super::{Page, Stop, connect};

pub(super) fn get(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("A GET: what is asked for goes out, and nothing else does");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let request = connection.request("GET", "/bytes/60?a=b|c").field("X-Case", "Kept").build()?;
    let response = connection.send(&request, ())?;
    let (status, framing) = (response.status().as_u16(), response.framing());
    let content = response.bytes()?;
    page.wire(&record);
    page.check(
        connection.bytes_sent() == request.as_bytes().len() as u64,
        "the bytes sent are the request's own, all of them",
    );
    page.check(status == 200 && framing == Framing::Length(60), "200, with 60 bytes announced");
    page.check(content == pattern(60), "and these are the 60 bytes that the origin has");
    page.check(connection.reuse() == Reuse::Now, "the connection can carry the next request");
    Ok(())
}

pub(super) fn chunked(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("Content in chunks, with a trailer section behind it");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let mut response = connection.get("/chunked/60?size=25&trailers=1")?;
    let is_early = response.trailers().is_empty();
    let mut content = [0; 61];
    let mut length = 0;
    while let n @ 1.. = response.read_content(&mut content[length..])? {
        length += n;
    }
    page.wire(&record);
    page.check(
        response.framing() == Framing::Chunked && content[..length] == pattern(60),
        "the content is whole: 60 bytes, the origin's own",
    );
    let trailers: Vec<_> =
        response.trailers().iter().map(|field| format!("{}: {}", field.name(), field.text())).collect();
    page.check(
        is_early && !trailers.is_empty(),
        &format!("its trailer section came after it: {}", trailers.join(", ")),
    );
    drop(response);
    page.check(connection.reuse() == Reuse::Now, "it ended where it said, so the connection can be used again");
    Ok(())
}
