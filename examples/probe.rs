//! For testers of protocols: sends exactly these bytes, right or wrong, and shows what comes back, byte for byte.
//!
//! ```text
//! cargo run --example probe -- http://127.0.0.1:8080
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use wireline::{Connection, Error, ExchangeId, Method, Request, Tap};

/// What a server should refuse, but for the first.
const PROBES: [(&str, &str); 5] = [
    ("as it should be", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no Host", "GET / HTTP/1.1\r\n\r\n"),
    ("a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("two lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
];

/// Keeps the bytes that come. Clones keep them in the same place: one is the connection's, one is ours.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Tap for Heard {
    fn sent(&mut self, _bytes: &[u8], _at: Instant, _exchange: Option<ExchangeId>) {}

    fn received(&mut self, bytes: &[u8], _at: Instant, _exchange: Option<ExchangeId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
}

/// What became of one probe.
pub(crate) struct Outcome {
    pub(crate) probe: &'static str,
    /// The status, or what was wrong with the answer.
    pub(crate) verdict: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn run(origin: &str) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Vec::new();
    for (probe, wire) in PROBES {
        // Each on a connection of its own: nobody knows what a server makes of the bytes behind a wrong one.
        let mut connection = Connection::connect(origin)?;
        let heard = Heard::default();
        connection.show_all(Box::new(heard.clone()));
        // The method decides how the answer is framed, so it is said, whatever the bytes are.
        let request =
            Request::unchecked(wire, wire.split(' ').next().and_then(|m| m.parse().ok()).unwrap_or(Method::GET));
        let answer = connection.send(&request, ()).and_then(|response| Ok((response.status(), response.discard()?)));
        let verdict = match answer {
            Ok((status, length)) => format!("{} with {length} bytes", status.as_u16()),
            Err(error) => error.to_string(),
        };
        let bytes = std::mem::take(&mut *heard.0.lock().unwrap_or_else(PoisonError::into_inner));
        outcomes.push(Outcome { probe, verdict, bytes });
    }
    Ok(outcomes)
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    for Outcome { probe, verdict, bytes } in run(&std::env::args().nth(1).ok_or("usage: probe ORIGIN")?)? {
        println!("{probe}: {verdict}\n    {}", bytes.escape_ascii());
    }
    Ok(())
}
