//! Hiding credentials.

use std::time::Instant;

use wireline_proto::ExchangeId;

use crate::tap::Tap;

/// Fields whose values are hidden, in lower case.
const SECRET: [&[u8]; 4] = [b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"];

/// Shows another tap every byte, but for those of credentials a `*`: the values of `Authorization`, `Cookie`,
/// `Proxy-Authorization` and `Set-Cookie`. White space stays, so that the form of a value can be seen.
///
/// It looks at lines and not at messages, so it hides too much rather than too little: what looks like such a field line
/// is hidden in content too.
pub(crate) struct Redact {
    tap: Box<dyn Tap>,
    sent: Line,
    received: Line,
    shown: Vec<u8>,
}

impl Redact {
    pub(crate) fn new(tap: Box<dyn Tap>) -> Self {
        Self { tap, sent: Line::default(), received: Line::default(), shown: Vec::new() }
    }
}

impl Tap for Redact {
    fn sent(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.sent.hide(bytes, &mut self.shown);
        self.tap.sent(&self.shown, at, exchange);
    }

    fn received(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.received.hide(bytes, &mut self.shown);
        self.tap.received(&self.shown, at, exchange);
    }
}

/// What is known of the line that is passing: by its start, wherever the stream was cut.
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

impl Line {
    fn hide(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        shown.clear();
        shown.extend(bytes.iter().map(|&byte| if self.pass(byte) { b'*' } else { byte }));
    }

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
            State::Secret => !matches!(byte, b' ' | b'\t' | b'\r'),
            State::Name => {
                self.pass_name(byte);
                false
            }
        }
    }

    fn pass_name(&mut self, byte: u8) {
        let is_secret = SECRET.contains(&&self.start[..]);
        match byte {
            b':' => self.state = if is_secret { State::Secret } else { State::Open },
            b' ' | b'\t' if is_secret => {}
            _ => {
                self.start.push(byte.to_ascii_lowercase());
                if !SECRET.iter().any(|name| name.starts_with(&self.start)) {
                    self.state = State::Open;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: Basic abc\r\n abc\r\ncookie : x=y\r\n\
                        Cookies: no\r\n\r\nauthorization: 1\nx";
    const SHOWN: &str = "GET / HTTP/1.1\r\nHost: a\r\nAUTHORIZATION: ***** ***\r\n ***\r\ncookie : ***\r\n\
                         Cookies: no\r\n\r\nauthorization: *\nx";

    fn shown<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> String {
        let mut line = Line::default();
        let mut all = String::new();
        for piece in pieces {
            let mut shown = Vec::new();
            line.hide(piece, &mut shown);
            all.push_str(&String::from_utf8_lossy(&shown));
        }
        all
    }

    #[test]
    fn credentials_are_hidden_wherever_the_stream_is_cut() {
        assert_eq!(shown([HEAD.as_bytes()]), SHOWN);
        for at in 1..HEAD.len() {
            let (first, second) = HEAD.as_bytes().split_at(at);
            assert_eq!(shown([first, second]), SHOWN, "cut at {at}");
        }
        assert_eq!(shown(HEAD.as_bytes().chunks(1)), SHOWN);
    }
}
