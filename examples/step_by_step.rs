//! Sends content that is made while it is sent: it waits for 100 (Continue), leaves in chunks, and its check sum follows in
//! a trailer section, since only then it is known.
//!
//! ```text
//! seq 1000000 | cargo run --example step_by_step -- http://127.0.0.1:8080/log
//! ```

use std::io::BufRead;

use wireline::{Connector, Fields, Origin, StatusCode};

/// The status, and how many lines were sent.
pub(crate) fn run(url: &str, lines: impl BufRead) -> Result<(StatusCode, usize), Box<dyn std::error::Error>> {
    let (origin, target) = Origin::of_url(url)?;
    let mut connection = Connector::new().connect(&origin)?;
    let request = connection.request("PUT", target).chunked().field("Trailer", "X-Sum").expect_continue().build()?;
    let mut writer = connection.start(&request)?;
    let (mut sent, mut sum) = (0, 0_u32);
    // Only for a server that wants it is anything made at all: one that does not care to answer is waited for no longer
    // than `Timeouts::expect_continue`.
    if writer.await_continue()? {
        for line in lines.split(b'\n') {
            let mut line = line?;
            line.push(b'\n');
            let mut rest = line.as_slice();
            while !rest.is_empty() && !writer.is_refused() {
                let taken = writer.write_content(rest)?;
                rest = &rest[taken..];
            }
            if writer.is_refused() {
                // It has been answered: the rest is not wanted, and `finish` gives the answer.
                break;
            }
            sum = line.iter().fold(sum, |sum, byte| sum.rotate_left(1) ^ u32::from(*byte));
            sent += 1;
        }
    }
    let mut trailers = Fields::new();
    trailers.append("X-Sum", format!("{sum:08x}"))?;
    let response = writer.finish_with(&trailers)?;
    let status = response.status();
    response.discard()?;
    Ok((status, sent))
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (status, sent) = run(&std::env::args().nth(1).ok_or("usage: step_by_step URL")?, std::io::stdin().lock())?;
    println!("{status}, {sent} lines sent");
    Ok(())
}
