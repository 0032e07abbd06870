//! Several requests in flight (RFC 9112 section 9.3.2).

use std::time::Instant;

use wireline::{Connector, Request};
use wireline_testkit::{Origin, pattern};

use super::{Page, Stop, connect};
use crate::output::human::span;

/// How many exchanges.
const COUNT: usize = 16;

pub(super) fn sixteen(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("Sixteen GETs, pipelined and one by one");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let requests: Vec<Request> = (0..COUNT)
        .map(|n| connection.request("GET", format!("/bytes/{}", 100 + n)).build())
        .collect::<Result<_, _>>()?;

    // The first exchange warms both sides up, so that neither way pays for it.
    connection.send(&requests[0], ())?.discard()?;
    record.clear();
    let begun = Instant::now();
    let mut one_by_one = Vec::new();
    for request in &requests {
        one_by_one.push(connection.send(request, ())?.bytes()?);
    }
    let alone = (begun.elapsed(), record.counts());

    record.clear();
    let begun = Instant::now();
    let mut pipelined = Vec::new();
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.queue(request)?;
    }
    pipeline.flush()?;
    let in_flight = pipeline.in_flight();
    while pipeline.in_flight() > 0 {
        pipelined.push(pipeline.receive()?.bytes()?);
    }
    let together = (begun.elapsed(), record.counts());
    drop(pipeline);

    for (way, (took, (writes, reads))) in [("one by one", alone), ("pipelined ", together)] {
        page.text(&format!("{way}  {:>10}  {writes:>2} x write, {reads:>2} x read", span(took.as_secs_f64())));
    }
    page.check(in_flight == COUNT, "all sixteen were in flight at once");
    page.check(together.1.0 < alone.1.0, "fewer writes carried them");
    let are_right = pipelined.iter().enumerate().all(|(n, content)| *content == pattern(100 + n));
    page.check(
        are_right && one_by_one == pipelined,
        "each answer is the one to its own request, and the same both ways",
    );
    page.check(connection.unanswered().next().is_none(), "nothing is left unanswered");
    Ok(())
}
