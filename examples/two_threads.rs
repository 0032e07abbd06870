//! Requests that come up at any time, answers that come back at any time: one thread only sends, the other only receives, and
//! neither waits for the other.
//!
//! ```text
//! seq -f /bytes/%g 100 | cargo run --example two_threads -- http://127.0.0.1:8080
//! ```

use std::io::BufRead;
use std::sync::mpsc;
use std::thread;

use wireline::{Connection, ErrorKind, Request, StatusCode};

/// The answer to each line of `targets`, by the target that it is for.
pub(crate) fn run(
    origin: &str,
    targets: impl BufRead + Send,
    mut answered: impl FnMut(String, StatusCode, usize),
) -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect(origin)?;
    let host = connection.origin().ok_or("it was connected by name")?.host_field();
    let (mut send, mut receive) = connection.split()?;
    // Responses come in the order of their requests, so that a queue says which is which.
    let (asked, asked_for) = mpsc::channel();
    thread::scope(|scope| {
        let sender = scope.spawn(move || {
            for target in targets.lines() {
                let target = target.map_err(|error| error.to_string())?;
                let request = Request::get(&target, &host).map_err(|error| format!("{target}: {error}"))?;
                // First the queue: the answer may be here before this thread is back.
                if asked.send(target).is_err() {
                    break;
                }
                // Where the server does not take it, this waits, and the other half goes on receiving.
                send.send(&request).map_err(|error| error.to_string())?;
            }
            // Dropped here, the sending half says that nothing more comes.
            Ok::<_, String>(())
        });
        loop {
            match receive.receive() {
                Ok(response) => {
                    let status = response.status();
                    let length = response.bytes()?.len();
                    answered(asked_for.recv()?, status, length);
                }
                // All is received, and nobody is there to send any more.
                Err(error) if error.kind() == ErrorKind::NothingOwed => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sender.join().map_err(|_| "the sender panicked")??)
    })
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = std::env::args().nth(1).ok_or("usage: two_threads ORIGIN")?;
    // A lock on standard input belongs to one thread.
    run(&origin, std::io::BufReader::new(std::io::stdin()), |target, status, length| {
        println!("{target}: {status}, {length} bytes")
    })
}
