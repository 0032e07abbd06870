//! Takes the content out of a message body.

use crate::body::chunk_line::{self, ChunkLine};
use crate::body::length::Framing;
use crate::config::{Config, tolerate};
use crate::error::{Phase, Violation};
use crate::fault::Fault;
use crate::head::{Rules, Scan, Scanner};

/// What is left of a message body.
///
/// ```text
/// chunked-body = *chunk last-chunk trailer-section CRLF
/// chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoder {
    Length(u64),
    UntilClose,
    /// A chunk line comes; `allowance` bytes of extensions are tolerated yet.
    ChunkLine {
        line: ChunkLine,
        allowance: u64,
    },
    ChunkData {
        left: u64,
        allowance: u64,
    },
    ChunkDataEnd {
        allowance: u64,
    },
    Trailers,
}

/// What the next bytes of a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// So many bytes of content; never none.
    Content(usize),
    /// So many bytes of framing.
    Framing(usize),
    /// The end of the message, and so many bytes of trailer section before it.
    End(usize),
    /// Not enough to tell. If nothing more comes, this is where the message is cut off, and so much is known to be
    /// missing.
    NeedMore(Phase, Option<u64>),
}

impl Decoder {
    /// `allowance`: how many bytes of chunk extensions are tolerated besides one for each byte of content.
    pub(crate) fn new(framing: Framing, allowance: u32) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::UntilClose => Self::UntilClose,
            Framing::Chunked => Self::ChunkLine { line: ChunkLine::default(), allowance: u64::from(allowance) },
            Framing::None | Framing::Tunnel => Self::Length(0),
        }
    }

    /// Where in the body it is.
    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::Length(_) | Self::UntilClose | Self::ChunkData { .. } => Phase::Content,
            Self::ChunkLine { .. } | Self::ChunkDataEnd { .. } => Phase::ChunkLine,
            Self::Trailers => Phase::Trailers,
        }
    }

    /// Whether the end of the stream is the end of the message.
    pub(crate) fn ends_with_stream(&self) -> bool {
        *self == Self::UntilClose
    }

    /// How much of what comes next is content and nothing else.
    pub(crate) fn content_ahead(&self) -> Option<u64> {
        match *self {
            Self::Length(left) | Self::ChunkData { left, .. } => Some(left).filter(|&left| left > 0),
            Self::UntilClose => Some(u64::MAX),
            Self::ChunkLine { .. } | Self::ChunkDataEnd { .. } | Self::Trailers => None,
        }
    }

    /// Behind a chunk, as nearly every peer goes on: another one of which some content is here. How much framing goes before
    /// that, and how much content it is, not yet [taken](Self::take). `None` is no verdict: [`find`](Self::find) comes to
    /// the same in steps.
    pub(crate) fn next_chunk(&mut self, bytes: &[u8], config: &Config) -> Option<(usize, usize)> {
        let Self::ChunkDataEnd { allowance } = *self else { return None };
        let chunk = chunk_line::plain(bytes.strip_prefix(b"\r\n")?, config)?;
        let framing = 2 + chunk.line;
        let here = (bytes.len() - framing).min(usize::try_from(chunk.size).unwrap_or(usize::MAX));
        if here > 0 {
            *self = Self::ChunkData { left: chunk.size, allowance };
        }
        (here > 0).then_some((framing, here))
    }

    /// Looks at the next bytes. What it finds of content counts only once it is [taken](Self::take).
    pub(crate) fn find(&mut self, bytes: &[u8], scanner: &mut Scanner, rules: &mut Rules<'_>) -> Result<Found, Fault> {
        Ok(match self {
            Self::Length(0) => Found::End(0),
            Self::Length(left) | Self::ChunkData { left, .. } if bytes.is_empty() => {
                Found::NeedMore(Phase::Content, Some(*left))
            }
            Self::Length(left) | Self::ChunkData { left, .. } => {
                Found::Content(bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX)))
            }
            Self::UntilClose if bytes.is_empty() => Found::NeedMore(Phase::Content, None),
            Self::UntilClose => Found::Content(bytes.len()),
            Self::ChunkLine { line, allowance } => {
                let found = line.scan(bytes, allowance, rules.config, rules.deviations);
                let Some(chunk) = found.map_err(|(kind, at)| Fault::up_to(kind, 0, at))? else {
                    return Ok(Found::NeedMore(Phase::ChunkLine, None));
                };
                *self = if chunk.size == 0 {
                    scanner.reset();
                    Self::Trailers
                } else {
                    Self::ChunkData { left: chunk.size, allowance: *allowance }
                };
                Found::Framing(chunk.line)
            }
            Self::ChunkDataEnd { allowance } => {
                let end = match bytes {
                    [b'\r', b'\n', ..] => 2,
                    [b'\n', ..] if rules.config.leniency.bare_lf_in_chunked => {
                        tolerate(&mut rules.deviations.bare_lf_in_chunked);
                        1
                    }
                    [] | [b'\r'] => return Ok(Found::NeedMore(Phase::ChunkLine, None)),
                    [b'\r', ..] => return Err(Fault::up_to(Violation::ChunkDataEnd, 0, 1)),
                    [..] => return Err(Fault::up_to(Violation::ChunkDataEnd, 0, 0)),
                };
                *self = Self::ChunkLine { line: ChunkLine::default(), allowance: *allowance };
                Found::Framing(end)
            }
            Self::Trailers => match scanner.scan_trailers(bytes, rules)? {
                Scan::Complete(len) => Found::End(len),
                Scan::NeedMore => Found::NeedMore(Phase::Trailers, None),
            },
        })
    }

    /// So many bytes of content have been taken.
    pub(crate) fn take(&mut self, n: u64) {
        match self {
            Self::Length(left) => *left -= n,
            Self::ChunkData { left, allowance } => {
                *left -= n;
                let allowance = allowance.saturating_add(n);
                *self = match *left {
                    0 => Self::ChunkDataEnd { allowance },
                    left => Self::ChunkData { left, allowance },
                };
            }
            Self::UntilClose | Self::ChunkLine { .. } | Self::ChunkDataEnd { .. } | Self::Trailers => {}
        }
    }
}
