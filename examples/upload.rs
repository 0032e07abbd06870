//! Uploads a large file to an object store, and knows after a failure what there is to do: wait on, send again, or stop.
//!
//! The content leaves only when the server asks for it, so that a refusal costs nothing. A refusal in the middle of it is
//! heard: other clients report a broken pipe in its place.
//!
//! ```text
//! cargo run --example upload -- http://127.0.0.1:8080/object large.bin
//! ```

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::time::Duration;

use wireline::{Connector, Content, ErrorKind, Origin, Phase, StatusCode, Timeouts};

/// How it went.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) status: StatusCode,
    /// How much of the file had left when the server answered, in bytes.
    pub(crate) sent: u64,
    /// How often the server took nothing for as long as our patience lasted.
    pub(crate) stalls: u32,
    /// How many connections it took.
    pub(crate) attempts: u32,
}

const MOST_STALLS: u32 = 10;

pub(crate) fn run(url: &str, mut file: &File, patience: Duration) -> Result<Upload, Box<dyn std::error::Error>> {
    let (origin, target) = Origin::of_url(url)?;
    let mut timeouts = Timeouts::default();
    timeouts.write = Some(patience);
    let connector = Connector::new().timeouts(timeouts);
    let (mut attempts, mut stalls) = (0, 0);
    loop {
        attempts += 1;
        file.seek(SeekFrom::Start(0))?;
        let mut connection = connector.connect(&origin)?;
        let content = Content::file(file);
        let request = connection.request("PUT", target).framing_for(content.length()?).expect_continue().build()?;
        let mut answer = connection.send(&request, content).map(|response| response.status());
        let error = loop {
            match answer {
                Ok(status) => return Ok(Upload { status, sent: connection.content_sent(), stalls, attempts }),
                Err(error) if matches!(error.kind(), ErrorKind::Timeout(_)) && stalls < MOST_STALLS => {
                    // Nothing is lost, and no byte is sent twice: the file goes on from where it stands.
                    stalls += 1;
                    answer = connection.resume(Content::file(file)).map(|response| response.status());
                }
                Err(error) => break error,
            }
        };
        // The connection says what is safe to send again, and that is nothing of which anything has come back; here 100
        // (Continue) may have. But to store an object twice is to store it once, so that what counts is whether the answer
        // itself had begun: it may have been a refusal. Once more, and not for ever (RFC 9110 section 9.2.2).
        let unanswered = error.protocol().is_some_and(|error| error.phase() == Phase::BeforeResponse);
        let is_safe = connection.unanswered().all(|it| it.is_safe_to_repeat() || it.idempotent && unanswered);
        if attempts == 2 || !is_safe {
            return Err(format!("{error}, with {} bytes of content sent", connection.content_sent()).into());
        }
    }
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, path] = arguments.as_slice() else { return Err("usage: upload URL FILE".into()) };
    let upload = run(url, &File::open(path)?, Duration::from_secs(30))?;
    println!(
        "{}: {} bytes sent, {} stalls, {} connections",
        upload.status, upload.sent, upload.stalls, upload.attempts
    );
    Ok(())
}
