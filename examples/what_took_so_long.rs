//! For support engineers: how long each phase of an exchange took, and the transcript of what passed.
//!
//! ```text
//! cargo run --example what_took_so_long -- https://example.org/
//! ```

use std::io::{self, Write};
use std::time::Duration;

use wireline::{Connector, Error, Origin, Transcript};

/// The phases that took place, in order. What passed is written to `transcript`, without credentials.
pub(crate) fn run(
    url: &str,
    transcript: impl Write + Send + 'static,
) -> Result<Vec<(&'static str, Duration)>, Box<dyn std::error::Error>> {
    let (origin, target) = Origin::of_url(url)?;
    let mut connection = Connector::new().connect(&origin).map_err(explained)?;
    connection.set_tap(Some(Box::new(Transcript::new(transcript))));
    connection.get(target).and_then(|response| response.discard()).map_err(explained)?;
    let timing = connection.timing();
    let phases = [
        ("name", timing.resolve),
        ("connect", timing.connect),
        ("proxy", timing.tunnel),
        ("tls", timing.tls),
        ("send", timing.send),
        ("wait", timing.wait),
        ("receive", timing.receive),
        ("total", Some(timing.total)),
    ];
    Ok(phases.into_iter().filter_map(|(name, took)| Some((name, took?))).collect())
}

/// All that is asked of somebody who reports an error.
fn explained(error: Error) -> String {
    let (sent, received) = (error.bytes_sent(), error.bytes_received());
    format!("{error}\n  while {}, after {:?}: {sent} bytes sent, {received} received", error.stage(), error.elapsed())
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: what_took_so_long URL")?;
    for (name, took) in run(&url, io::stderr())? {
        println!("{name:8} {:>10.6} s", took.as_secs_f64());
    }
    Ok(())
}
