//! The bytes for people to read.

use std::fmt;
use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant};

use wireline_proto::ExchangeId;

use crate::tap::Tap;

/// How many bytes stand on one line at most: enough for a field line, and content stays readable.
const LINE: usize = 96;

/// Writes down what passes: a line of the wire on a line, escaped, with the seconds since its making, and the number of
/// the exchange.
///
/// ```
/// use wireline::{Connection, Transcript};
///
/// # let server = wireline_testkit::Origin::start()?;
/// # let mut connection = Connection::connect(&server.url(""))?;
/// connection.set_tap(Some(Box::new(Transcript::new(std::io::stderr()))));
/// connection.get("/bytes/3")?.bytes()?;
/// //    0.000213 #0 > GET /bytes/3 HTTP/1.1\r\n
/// //             #0 > Host: 127.0.0.1:8080\r\n
/// //             #0 > \r\n
/// //    0.000408 #0 < HTTP/1.1 200 OK\r\n
/// //    ...
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What cannot be written is lost: the connection is not disturbed.
pub struct Transcript<W> {
    to: W,
    since: Instant,
    line: String,
}

impl<W: Write + Send> Transcript<W> {
    /// Begins one; the seconds count from now.
    pub fn new(to: W) -> Self {
        Self::since(to, Instant::now())
    }

    /// The same, with the seconds counted from then.
    pub fn since(to: W, since: Instant) -> Self {
        Self { to, since, line: String::new() }
    }

    fn write(&mut self, mark: char, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        let Self { to, since, line } = self;
        let mut time = Some(at.saturating_duration_since(*since));
        line.clear();
        for part in bytes.split_inclusive(|&byte| byte == b'\n').flat_map(|part| part.chunks(LINE)) {
            // Writing to a string cannot fail.
            let _ = match time.take() {
                Some(time) => write!(line, "{:>11.6} ", Duration::as_secs_f64(&time)),
                None => write!(line, "{:>11} ", ""),
            };
            let _ = match exchange {
                Some(exchange) => writeln!(line, "#{} {mark} {}", exchange.index(), part.escape_ascii()),
                None => writeln!(line, "-- {mark} {}", part.escape_ascii()),
            };
        }
        let _lost = to.write_all(line.as_bytes());
    }
}

impl<W: Write + Send> Tap for Transcript<W> {
    fn sent(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.write('>', bytes, at, exchange);
    }

    fn received(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.write('<', bytes, at, exchange);
    }
}

impl<W> fmt::Debug for Transcript<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_wire_is_a_line() {
        let mut text = Vec::new();
        let start = Instant::now();
        let at = start + Duration::from_millis(1500);
        Transcript::since(&mut text, start).received(b"HTTP/1.1 200 OK\r\nA: \xe4\r\n\r\n", at, None);
        let text = String::from_utf8(text).expect("it is ASCII");
        assert_eq!(
            text,
            "   1.500000 -- < HTTP/1.1 200 OK\\r\\n\n            -- < A: \\xe4\\r\\n\n            -- < \\r\\n\n"
        );
        let mut long = Vec::new();
        Transcript::since(&mut long, start).sent(&[b'x'; 200], start, None);
        assert_eq!(String::from_utf8(long).expect("it is ASCII").lines().count(), 3);
    }
}
