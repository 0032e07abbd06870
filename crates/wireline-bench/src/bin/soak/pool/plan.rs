//! What is asked, what is answered, and how each connection ends: all made from the seed.

use crate::random::Random;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Bytes of its content.
    pub(super) upload: usize,
    /// Bytes of the content of its answer.
    pub(super) answer: usize,
    /// The answer comes in chunks.
    pub(super) chunked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// The request with this number.
pub(super) fn asked(seed: u64, number: usize) -> Asked {
    let mut random = Random::new(seed, &[1, number as u64]);
    let method = match random.below(10) {
        0..7 => Method::Get,
        7..9 => Method::Put,
        _ => Method::Post,
    };
    let upload = if method == Method::Get { 0 } else { random.length(20_000) };
    Asked { method, upload, answer: random.length(20_000), chunked: random.percent(50) }
}

/// How a connection ends, at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// An answer says so, and the server closes behind it.
    Announced,
    /// In the middle of an answer.
    Cut,
    /// In the middle of an answer, by a reset.
    CutReset,
    /// A request is read, and its connection reset.
    Reset,
    /// Behind an answer, without a word.
    Silent,
    /// A request is read, and nothing follows.
    Stall,
    /// In the middle of an answer nothing follows.
    StallInAnswer,
    /// A request is read, and its connection closed.
    Unanswered,
    /// Reset with requests in it that nobody has read.
    Unread,
}

impl End {
    pub(super) const ALL: [Self; 9] = [
        Self::Announced,
        Self::Cut,
        Self::CutReset,
        Self::Reset,
        Self::Silent,
        Self::Stall,
        Self::StallInAnswer,
        Self::Unanswered,
        Self::Unread,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Cut => "cut",
            Self::CutReset => "cut by a reset",
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::Stall => "stalled",
            Self::StallInAnswer => "stalled in an answer",
            Self::Unanswered => "unanswered",
            Self::Unread => "unread",
        }
    }
}

/// What becomes of a connection: so many answers, and then this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) answers: usize,
    pub(super) end: End,
    /// How much of the last answer is written, in thousandths.
    pub(super) part: usize,
}

/// The connection with this number.
pub(super) fn fate(seed: u64, connection: u64) -> Fate {
    let mut random = Random::new(seed, &[2, connection]);
    let end = match random.percent(80) {
        // What stalls costs its time, and is as good when it is rare.
        true => random.pick(&[
            End::Announced,
            End::Cut,
            End::CutReset,
            End::Reset,
            End::Silent,
            End::Silent,
            End::Unanswered,
            End::Unread,
        ]),
        false => random.pick(&End::ALL),
    };
    Fate { answers: random.below(60), end, part: random.below(1000) }
}
