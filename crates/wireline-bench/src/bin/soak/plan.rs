//! What one connection is to go through, made from the seed and the number of the connection alone.

use std::time::Duration;

use wireline::Violation;

use crate::random::{LONGEST, Random};

/// A connection: its exchanges, how the client drives them, and how it ends.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) connection: u32,
    /// What its first exchange is called on the connection: others came before it on one that is held.
    pub(crate) first: u64,
    pub(crate) mode: Mode,
    pub(crate) ending: Ending,
    /// The exchange at which the ending happens; the last one when all goes well.
    pub(crate) at: usize,
    pub(crate) exchanges: Vec<Exchange>,
    /// Long requests and small socket buffers: some of what is queued cannot leave.
    pub(crate) is_heavy: bool,
    /// How much of an answer that does not come whole is sent, in thousandths.
    pub(crate) part: usize,
    /// How long content waits for 100 (Continue).
    pub(crate) patience: Option<Duration>,
}

/// How the client drives its exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One after the other, by `Connection::send`.
    Alone,
    /// So many in flight, by `Pipeline`; either all of them are received before the next ones go, or one by one.
    Pipeline { depth: usize, sliding: bool },
    /// By `Pipeline::run`.
    Run { depth: usize },
    /// By two threads.
    Split,
}

impl Mode {
    pub(crate) const NAMES: [&'static str; 4] = ["alone", "pipeline", "run", "split"];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Alone => 0,
            Self::Pipeline { .. } => 1,
            Self::Run { .. } => 2,
            Self::Split => 3,
        }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything is answered, and the client closes.
    Orderly,
    /// An answer says `Connection: close`.
    Close,
    /// An answer is HTTP/1.0.
    Http10,
    /// The content of an answer lasts until the close.
    UntilClose,
    /// An answer is complete, and then the server closes without a word.
    SilentClose,
    /// The server closes its side instead of an answer, and reads on.
    HalfClose,
    /// An answer is cut off, and the server reads on.
    Truncated,
    /// The connection is reset, before, in or behind an answer.
    Reset,
    /// The connection is reset in content that lasts until the close.
    ResetUntilClose,
    /// An answer is not HTTP/1.1.
    Violation,
    /// There are bytes behind the last answer that is owed.
    Surplus,
    /// The answer comes while content is being sent, which the server reads to its end.
    Early,
    /// The answer comes while content is being sent, and then the connection is reset.
    EarlyReset,
    /// The final answer comes instead of 100 (Continue).
    Refused,
}

impl Ending {
    pub(crate) const ALL: [Self; 14] = [
        Self::Orderly,
        Self::Close,
        Self::Http10,
        Self::UntilClose,
        Self::SilentClose,
        Self::HalfClose,
        Self::Truncated,
        Self::Reset,
        Self::ResetUntilClose,
        Self::Violation,
        Self::Surplus,
        Self::Early,
        Self::EarlyReset,
        Self::Refused,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Orderly => "none",
            Self::Close => "close announced",
            Self::Http10 => "HTTP/1.0 answer",
            Self::UntilClose => "until close",
            Self::SilentClose => "close unannounced",
            Self::HalfClose => "half-close",
            Self::Truncated => "truncation",
            Self::Reset => "reset",
            Self::ResetUntilClose => "reset until close",
            Self::Violation => "violation",
            Self::Surplus => "surplus",
            Self::Early => "early answer",
            Self::EarlyReset => "early, reset",
            Self::Refused => "100 refused",
        }
    }

    /// The connection may break before everything that was sent has come.
    pub(crate) const fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::ResetUntilClose | Self::EarlyReset)
    }

    const fn needs_upload(self) -> bool {
        matches!(self, Self::Early | Self::EarlyReset | Self::Refused)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Delete,
    Get,
    Head,
    Post,
    Put,
}

impl Method {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// RFC 9110 section 9.2.2, written down once more.
    pub(crate) const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post)
    }
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// A field of this length makes the request longer.
    pub(crate) padding: usize,
    pub(crate) upload: Option<Upload>,
    pub(crate) answer: Answer,
}

/// The content of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload {
    pub(crate) len: usize,
    pub(crate) chunked: bool,
    pub(crate) expect: Option<Expect>,
    /// How much of it the server reads before it answers.
    pub(crate) read_first: usize,
    /// It is sent to its end whatever comes.
    pub(crate) keep_sending: bool,
}

/// What a server does about content that waits for 100 (Continue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It sends 100.
    Granted,
    /// It waits for the content.
    Ignored,
    /// It answers.
    Refused,
}

/// An answer as it would be if nothing were wrong.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    pub(crate) len: usize,
    pub(crate) interims: usize,
    pub(crate) trailers: bool,
    pub(crate) close: bool,
    pub(crate) delay: Option<Duration>,
    pub(crate) cut: Cut,
}

/// How the end of content is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    Length,
    UntilClose,
}

/// How an answer is handed to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Together with the next ones, when nothing more is there to be read.
    Joined,
    /// In one piece.
    Whole,
    /// In random pieces.
    Pieces,
    /// The head, and a little later what is behind it.
    HeadFirst,
}

impl Exchange {
    /// How much content the client is to get.
    pub(crate) fn content_len(&self) -> usize {
        let none = self.method == Method::Head || matches!(self.answer.status, 204 | 304);
        if none { 0 } else { self.answer.len }
    }

    /// How many interim responses come before the answer.
    pub(crate) fn interims(&self) -> usize {
        let granted = self.upload.is_some_and(|upload| upload.expect == Some(Expect::Granted));
        self.answer.interims + usize::from(granted)
    }

    /// Whether trailers come.
    pub(crate) fn has_trailers(&self) -> bool {
        self.answer.trailers && self.answer.framing == Framing::Chunked && self.content_len() > 0
    }
}

/// The violations that the server commits: what it does is in `wire.rs`.
pub(crate) const VIOLATIONS: [Violation; 12] = [
    Violation::BareLf,
    Violation::ChunkDataEnd,
    Violation::ChunkSize,
    Violation::CodingUnsupported,
    Violation::CodingWithLength,
    Violation::ControlByte,
    Violation::FieldWithoutColon,
    Violation::LengthConflict,
    Violation::LengthInvalid,
    Violation::SpaceBeforeColon,
    Violation::StatusLine,
    Violation::Version,
];

impl Plan {
    pub(crate) fn new(seed: u64, connection: u32) -> Self {
        let mut random = Random::new(seed, &[u64::from(connection)]);
        let ending = random.pick(&Ending::ALL);
        let is_heavy = random.percent(8);
        let depth = if is_heavy { 64 } else { 1 + random.below(32) };
        let mode = match random.below(100) {
            0..15 => Mode::Alone,
            15..35 => Mode::Split,
            35..60 if !ending.needs_upload() => Mode::Run { depth },
            _ => Mode::Pipeline { depth, sliding: random.percent(50) },
        };
        let (before, behind) = match (ending, mode) {
            // Nothing is behind it: what would be is tried when all else is answered.
            (Ending::Surplus, Mode::Alone) => (random.below(12), 1),
            (Ending::Surplus, _) => (random.below(60), 1),
            (Ending::Orderly, Mode::Alone) => (random.below(12), 0),
            (Ending::Orderly, _) => (random.below(60), 0),
            (_, Mode::Alone) => (random.below(12), random.below(4)),
            _ => (random.below(60), random.below(if is_heavy { 60 } else { 20 })),
        };
        let mut plan = Self {
            seed,
            connection,
            first: 0,
            mode,
            ending,
            at: before,
            exchanges: (0..=before + behind).map(|_| exchange(&mut random, mode, is_heavy)).collect(),
            is_heavy,
            part: random.below(1001),
            patience: Some(Duration::from_millis(2)),
        };
        plan.prepare_ending(&mut random);
        plan
    }

    /// A part of what a connection that is held goes through: all goes well, and `first` exchanges came before it.
    pub(crate) fn held(seed: u64, part: u32, first: u64) -> Self {
        let mut random = Random::new(seed, &[u64::from(part)]);
        let depth = 1 + random.below(32);
        let mode = match random.below(100) {
            0..40 => Mode::Alone,
            40..50 => Mode::Split,
            50..70 => Mode::Run { depth },
            _ => Mode::Pipeline { depth, sliding: random.percent(50) },
        };
        let last = random.below(60);
        Self {
            seed,
            connection: part,
            first,
            mode,
            ending: Ending::Orderly,
            at: last,
            exchanges: (0..=last).map(|_| exchange(&mut random, mode, false)).collect(),
            is_heavy: false,
            part: 0,
            patience: Some(Duration::from_millis(2)),
        }
    }

    pub(crate) fn is_at(&self, exchange: usize) -> bool {
        self.at == exchange && self.ending != Ending::Orderly
    }

    /// Which violation it is, where it is one.
    pub(crate) fn violation(&self) -> Option<Violation> {
        (self.ending == Ending::Violation).then(|| VIOLATIONS[self.part % VIOLATIONS.len()])
    }

    /// The client sends this many as its mode says; what is behind them it tries when they are answered.
    pub(crate) fn in_mode(&self) -> usize {
        if self.ending == Ending::Surplus { self.at + 1 } else { self.exchanges.len() }
    }

    /// The generator for the details of one exchange, for the side that asks.
    pub(crate) fn details(&self, exchange: usize, side: u64) -> Random {
        Random::new(self.seed, &[u64::from(self.connection), exchange as u64, side])
    }

    /// Makes the exchange of the ending, and what depends on it, one to which this can happen.
    fn prepare_ending(&mut self, random: &mut Random) {
        let exchange = &mut self.exchanges[self.at];
        let answer = &mut exchange.answer;
        match self.ending {
            Ending::Close => answer.close = true,
            Ending::UntilClose | Ending::ResetUntilClose => {
                (exchange.method, exchange.upload) = (Method::Get, None);
                (answer.status, answer.framing) = (200, Framing::UntilClose);
            }
            Ending::Http10 if answer.framing == Framing::Chunked => answer.framing = Framing::Length,
            Ending::HalfClose | Ending::Reset => {
                if let Some(upload) = &mut exchange.upload {
                    upload.read_first = random.below(upload.len + 1);
                    upload.expect = None;
                }
            }
            Ending::Violation => {
                (exchange.method, exchange.upload) = (Method::Get, None);
                (answer.status, answer.framing, answer.interims) = (200, Framing::Length, 0);
                answer.len = answer.len.max(1);
            }
            Ending::Surplus => {
                answer.len = answer.len.min(1000);
                answer.cut = Cut::Whole;
                // The surplus has to come together with the end of what it stands behind.
                if exchange.content_len() > 0 && random.percent(50) {
                    exchange.answer.cut = Cut::HeadFirst;
                }
                let behind = &mut self.exchanges[self.at + 1];
                (behind.method, behind.upload) = (Method::Get, None);
            }
            Ending::Early | Ending::EarlyReset | Ending::Refused => {
                let bound = if random.percent(50) { LONGEST } else { 3000 };
                let len = 1 + random.below(bound);
                let refused = self.ending == Ending::Refused;
                exchange.method = Method::Put;
                exchange.upload = Some(Upload {
                    len,
                    chunked: random.percent(50),
                    expect: refused.then_some(Expect::Refused),
                    read_first: if refused { 0 } else { random.below(len) },
                    keep_sending: random.percent(50) && self.mode == Mode::Alone,
                });
                answer.close = random.percent(50);
                answer.len = answer.len.min(3000);
                if refused {
                    // No 100 after all, and an answer that comes late must not count as none.
                    answer.interims = 0;
                    self.patience = None;
                    self.exchanges.iter_mut().for_each(|exchange| {
                        let expect = exchange.upload.as_mut().and_then(|upload| upload.expect.as_mut());
                        if let Some(expect) = expect.filter(|expect| **expect == Expect::Ignored) {
                            *expect = Expect::Granted;
                        }
                    });
                }
            }
            _ => {}
        }
    }
}

fn exchange(random: &mut Random, mode: Mode, is_heavy: bool) -> Exchange {
    let method = match random.below(100) {
        0..66 => Method::Get,
        66..76 => Method::Head,
        76..82 => Method::Delete,
        // In two threads nobody knows when nothing is in flight.
        82..86 if mode != Mode::Split => Method::Post,
        _ => Method::Put,
    };
    let sends_content = matches!(method, Method::Post | Method::Put) && !matches!(mode, Mode::Run { .. });
    let upload = sends_content.then(|| {
        let len = random.length(LONGEST);
        let expect = match random.below(100) {
            0..6 if len > 0 => Some(Expect::Granted),
            6..8 if len > 0 => Some(Expect::Ignored),
            _ => None,
        };
        Upload { len, chunked: random.percent(50), expect, read_first: len, keep_sending: false }
    });
    let status = match random.below(100) {
        0..8 => 204,
        8..16 => 304,
        16..24 => 404,
        24..28 => 500,
        _ => 200,
    };
    let cut = match random.below(100) {
        0..8 => Cut::Pieces,
        8..25 => Cut::Whole,
        _ => Cut::Joined,
    };
    Exchange {
        method,
        padding: if is_heavy { 2000 + random.below(4000) } else { random.below(60) },
        upload,
        answer: Answer {
            status,
            framing: if random.percent(50) { Framing::Chunked } else { Framing::Length },
            len: random.length(LONGEST),
            interims: if random.percent(5) { 1 + random.below(3) } else { 0 },
            trailers: random.percent(30),
            close: false,
            delay: random.percent(1).then(|| Duration::from_micros(50 + random.below(700) as u64)),
            cut,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_made_of_its_seed() {
        let shown = |seed, connection| format!("{:?}", Plan::new(seed, connection));
        assert_eq!(shown(1, 5), shown(1, 5));
        assert_ne!(shown(1, 5), shown(2, 5));
        assert_ne!(shown(1, 5), shown(1, 6));
    }

    #[test]
    fn every_ending_comes_in_every_mode_that_can_have_it() {
        let mut seen = std::collections::BTreeSet::new();
        for connection in 0..5000 {
            let plan = Plan::new(3, connection);
            assert!(plan.at < plan.exchanges.len());
            seen.insert((plan.ending.name(), plan.mode.index()));
        }
        for ending in Ending::ALL {
            for mode in 0..Mode::NAMES.len() {
                let can = Mode::NAMES[mode] != "run" || !ending.needs_upload();
                assert_eq!(seen.contains(&(ending.name(), mode)), can, "{} {mode}", ending.name());
            }
        }
    }
}
