//! `--wire`: every byte both ways, a line of the wire on a line, with the seconds since the start.

use std::fmt::Write as _;
use std::time::Duration;

/// Fields whose values are hidden, in lower case.
const SECRET: &[&str] = &["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// How many bytes of the wire stand on one line at most: enough for a field line, and content stays readable.
const LINE: usize = 96;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Received,
    Sent,
}

/// Turns what passes into lines. A line of the wire is known by its start, wherever the stream was cut, so that
/// credentials stay hidden in every segmentation.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    show_credentials: bool,
    sent: Line,
    received: Line,
}

/// What is known of the line of the wire that is passing.
#[derive(Debug, Default)]
struct Line {
    /// Its start, in lower case, as long as it may still become the name of a secret field.
    start: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the start of a line: its name is not complete.
    #[default]
    Name,
    /// At the start of the line after a secret one: white space makes it a part of that (RFC 9112 section 5.2).
    Fold,
    /// In a line that may be shown.
    Open,
    /// In the value of a secret field.
    Secret,
}

impl Transcript {
    pub(crate) fn new(show_credentials: bool) -> Self {
        Self { show_credentials, ..Self::default() }
    }

    /// The lines that show `bytes`, which passed `since` after the start.
    pub(crate) fn lines(&mut self, direction: Direction, bytes: &[u8], since: Duration) -> String {
        let (line, mark) = match direction {
            Direction::Received => (&mut self.received, '<'),
            Direction::Sent => (&mut self.sent, '>'),
        };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "{:>11.6} {mark} ", since.as_secs_f64());
        let mut column = 0;
        let mut hidden = 0_usize;
        for (index, &byte) in bytes.iter().enumerate() {
            let is_hidden = line.pass(byte) && !self.show_credentials;
            if is_hidden {
                hidden += 1;
            } else {
                flush_hidden(&mut text, &mut hidden);
                let _ = write!(text, "{}", byte.escape_ascii());
                column += 1;
            }
            if index + 1 < bytes.len() && (byte == b'\n' || column >= LINE) {
                flush_hidden(&mut text, &mut hidden);
                let _ = write!(text, "\n{:>11} {mark} ", "");
                column = 0;
            }
        }
        flush_hidden(&mut text, &mut hidden);
        text.push('\n');
        text
    }
}

fn flush_hidden(text: &mut String, hidden: &mut usize) {
    if *hidden > 0 {
        let _ = write!(text, "[{hidden} bytes hidden]");
        *hidden = 0;
    }
}

impl Line {
    /// Takes in the next byte, and says whether it is part of a secret.
    fn pass(&mut self, byte: u8) -> bool {
        if byte == b'\n' {
            self.start.clear();
            self.state = if self.state == State::Secret { State::Fold } else { State::Name };
            return false;
        }
        if self.state == State::Fold {
            self.state = if matches!(byte, b' ' | b'\t') { State::Secret } else { State::Name };
        }
        match self.state {
            State::Open | State::Fold => false,
            // The line end is no secret, and shows where the value stops.
            State::Secret => byte != b'\r',
            State::Name => {
                self.pass_name(byte);
                false
            }
        }
    }

    fn pass_name(&mut self, byte: u8) {
        let is_secret = SECRET.iter().any(|name| name.as_bytes() == self.start);
        match byte {
            b':' => self.state = if is_secret { State::Secret } else { State::Open },
            b' ' | b'\t' if is_secret => {}
            _ => {
                self.start.push(byte.to_ascii_lowercase());
                if !SECRET.iter().any(|name| name.as_bytes().starts_with(&self.start)) {
                    self.state = State::Open;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: Basic abc\r\n abc\r\ncookie : x=y\r\nCookies: no\r\n\r\nauthorization: 1\n";

    /// Everything but the marks, cut at `at`.
    fn shown(show_credentials: bool, pieces: &[&[u8]]) -> String {
        let mut transcript = Transcript::new(show_credentials);
        let mut all = String::new();
        for piece in pieces {
            let text = transcript.lines(Direction::Sent, piece, Duration::ZERO);
            all.extend(text.lines().map(|line| line.split_once("> ").map_or(line, |(_, rest)| rest)));
        }
        all
    }

    #[test]
    fn every_line_of_the_wire_is_a_line() {
        let mut transcript = Transcript::new(false);
        let text =
            transcript.lines(Direction::Received, b"HTTP/1.1 200 OK\r\nA: \xe4\r\n\r\n", Duration::from_millis(1500));
        assert_eq!(text, "   1.500000 < HTTP/1.1 200 OK\\r\\n\n            < A: \\xe4\\r\\n\n            < \\r\\n\n");
    }

    #[test]
    fn credentials_are_hidden_wherever_the_stream_is_cut() {
        let whole = shown(false, &[HEAD]);
        assert!(whole.contains(r"AUTHORIZATION:[10 bytes hidden]\r\n"), "{whole}");
        assert!(whole.contains(r"cookie :[4 bytes hidden]\r\n"), "{whole}");
        assert!(whole.contains(r"Cookies: no\r\n"), "{whole}");
        for at in 1..HEAD.len() {
            let (first, second) = HEAD.split_at(at);
            let text = shown(false, &[first, second]);
            assert!(!text.contains("abc") && !text.contains("x=y"), "cut at {at}: {text}");
        }
        let bytes: Vec<&[u8]> = HEAD.chunks(1).collect();
        let text = shown(false, &bytes);
        assert!(!text.contains("abc") && text.contains("Cookies: no"), "{text}");
    }

    #[test]
    fn shown_on_request() {
        assert_eq!(shown(true, &[HEAD]), HEAD.escape_ascii().to_string());
    }
}
