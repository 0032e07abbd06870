//! The page that the tour writes: titles, bytes with their times, and claims that have been checked.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wireline::{ExchangeId, Tap, Transcript};

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Received,
    Sent,
}

/// Where the tour writes.
pub(super) struct Page {
    is_coloured: bool,
    stops: u32,
    claims: u32,
    failed: u32,
    /// The first error of writing: from then on nothing is written.
    fault: Option<io::Error>,
}

/// How much of a run of bytes in one direction is shown: all but long content.
const SHOWN: usize = 512;

/// What a line is, for its colour.
#[derive(Clone, Copy)]
enum Tone {
    Failed,
    Kept,
    Received,
    Sent,
    Title,
}

impl Tone {
    /// The terminal's own colours (ECMA-48), so that they suit its background.
    const fn code(self) -> &'static str {
        match self {
            Self::Failed => "\x1b[31m",
            Self::Kept => "\x1b[32m",
            Self::Received => "\x1b[36m",
            Self::Sent => "\x1b[33m",
            Self::Title => "\x1b[1m",
        }
    }
}

impl Page {
    pub(super) fn new() -> Self {
        Self { is_coloured: io::stdout().is_terminal(), stops: 0, claims: 0, failed: 0, fault: None }
    }

    /// A stop of the tour begins.
    pub(super) fn stop(&mut self, title: &str) {
        self.stops += 1;
        self.line("", None);
        self.line(&format!("{}. {title}", self.stops), Some(Tone::Title));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.line(&format!("   {text}"), None);
    }

    /// What passed on the wire since the last time this was asked: of a long run in one direction only the beginning.
    pub(super) fn wire(&mut self, record: &Record) {
        let pieces = record.take();
        for run in pieces.chunk_by(|one, next| one.direction == next.direction) {
            let direction = run[0].direction;
            let (mark, tone) = match direction {
                Direction::Sent => ('>', Tone::Sent),
                Direction::Received => ('<', Tone::Received),
            };
            let mut room = SHOWN;
            for piece in run {
                let shown = &piece.bytes[..piece.bytes.len().min(room)];
                let mut text = Vec::new();
                let mut transcript = Transcript::since(&mut text, record.begun);
                match direction {
                    Direction::Sent => transcript.sent(shown, piece.at, piece.exchange),
                    Direction::Received => transcript.received(shown, piece.at, piece.exchange),
                }
                for line in String::from_utf8_lossy(&text).lines() {
                    self.line(line, Some(tone));
                }
                room -= shown.len();
            }
            let all: usize = run.iter().map(|piece| piece.bytes.len()).sum();
            if all > SHOWN {
                self.line(&format!("{:>14} {mark} [{} bytes more]", "", all - SHOWN), Some(tone));
            }
        }
    }

    /// Writes down `claim`, and whether it is true.
    pub(super) fn check(&mut self, is_true: bool, claim: &str) {
        self.claims += 1;
        if is_true {
            self.line(&format!("   ✓ {claim}"), Some(Tone::Kept));
        } else {
            self.failed += 1;
            self.line(&format!("   ✗ NOT TRUE: {claim}"), Some(Tone::Failed));
        }
    }

    /// The last line.
    pub(super) fn end(&mut self, took: Duration) {
        let kept = self.claims - self.failed;
        let summary = format!("{kept} of {} claims checked and true, in {} ms.", self.claims, took.as_millis());
        self.line("", None);
        self.line(&summary, Some(if self.failed == 0 { Tone::Kept } else { Tone::Failed }));
    }

    pub(super) fn is_true(&self) -> bool {
        self.failed == 0
    }

    /// Whether everything could be written.
    pub(super) fn is_written(&self) -> bool {
        self.fault.is_none()
    }

    fn line(&mut self, line: &str, tone: Option<Tone>) {
        if self.fault.is_some() {
            return;
        }
        let mut stdout = io::stdout().lock();
        let written = match tone.filter(|_| self.is_coloured) {
            Some(tone) => writeln!(stdout, "{}{line}\x1b[0m", tone.code()),
            None => writeln!(stdout, "{line}"),
        };
        self.fault = written.and_then(|()| stdout.flush()).err();
    }
}

/// Keeps what passes on a connection, with its times.
#[derive(Clone)]
pub(super) struct Record {
    begun: Instant,
    pieces: Arc<Mutex<Vec<Piece>>>,
}

struct Piece {
    direction: Direction,
    bytes: Vec<u8>,
    at: Instant,
    exchange: Option<ExchangeId>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), pieces: Arc::default() }
    }

    /// How many times bytes were sent, and received, since this was last taken.
    pub(super) fn counts(&self) -> (usize, usize) {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        // What one call has moved is shown in one piece for each exchange.
        let calls = |direction| {
            let mut times: Vec<_> =
                pieces.iter().filter(|piece| piece.direction == direction).map(|piece| piece.at).collect();
            times.dedup();
            times.len()
        };
        (calls(Direction::Sent), calls(Direction::Received))
    }

    /// Forgets what passed.
    pub(super) fn clear(&self) {
        self.take();
    }

    fn take(&self) -> Vec<Piece> {
        std::mem::take(&mut *self.pieces.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, direction: Direction, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        let piece = Piece { direction, bytes: bytes.to_vec(), at, exchange };
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
    }
}

impl Tap for Record {
    fn sent(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.keep(Direction::Sent, bytes, at, exchange);
    }

    fn received(&mut self, bytes: &[u8], at: Instant, exchange: Option<ExchangeId>) {
        self.keep(Direction::Received, bytes, at, exchange);
    }
}
