//! Fetches thousands of small objects from one origin, many in flight on one connection, and goes on behind a connection
//! that was lost: what is safe to ask for again is the connection's verdict, not a guess.
//!
//! ```text
//! cargo run --example fetch_many -- http://127.0.0.1:8080 /1 /2 /3
//! ```

use wireline::{Connector, Error, ErrorKind, Origin, Request};

const DEPTH: usize = 32;

/// The content of each target, in their order.
pub(crate) fn run(origin: &str, targets: &[String]) -> Result<Vec<Vec<u8>>, Error> {
    let origin = Origin::parse(origin)?;
    let host = origin.host_field();
    let requests = targets.iter().map(|target| Request::get(target, &host)).collect::<Result<Vec<_>, _>>()?;
    let mut contents = Vec::with_capacity(targets.len());
    let mut depth = DEPTH;
    while contents.len() < requests.len() {
        let had = contents.len();
        let mut connection = Connector::new().connect(&origin)?;
        let mut pipeline = connection.pipeline();
        if depth == 1 {
            // What is sent again goes alone, until it is known that it was not what broke the connection (RFC 9112
            // section 9.3.2).
            pipeline.send(&requests[had])?;
            contents.push(pipeline.receive()?.bytes()?);
            depth = DEPTH;
        }
        let mut run = pipeline.run(&requests[contents.len()..], depth);
        let lost = loop {
            // The answer and its content may both fail: either way the connection is over.
            match run.receive().and_then(|response| response.map(|response| response.bytes()).transpose()) {
                Ok(Some(content)) => contents.push(content),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = lost {
            // An answer that had begun is not asked for again, and what the server broke it may break again.
            let is_over = !matches!(error.kind(), ErrorKind::Closed(_) | ErrorKind::Lost);
            if is_over || !pipeline.unanswered().all(|exchange| exchange.is_safe_to_repeat()) {
                return Err(error);
            }
            depth = 1;
        }
    }
    Ok(contents)
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let origin = arguments.next().ok_or("usage: fetch_many ORIGIN TARGET...")?;
    let targets: Vec<_> = arguments.collect();
    for (target, content) in targets.iter().zip(run(&origin, &targets)?) {
        println!("{target}: {} bytes", content.len());
    }
    Ok(())
}
