//! What a wire case is put through, and how its bytes are cut.

use std::fmt;

use crate::case::Case;
use crate::log::Log;

/// Something that cases can be put through: the core, or a connection on top of it.
pub trait Layer {
    /// What to call it when a case fails.
    fn name(&self) -> &str;

    /// What should come out of this case here: what stands in it, unless the layer knows less (no offsets, say).
    /// `None` when the case asks for something that this layer cannot do.
    fn expected(&self, case: &Case) -> Option<Log> {
        Some(case.expected.clone())
    }

    /// Runs the case with its bytes cut like this.
    fn run(&self, case: &Case, segmentation: Segmentation) -> Log;
}

/// How the peer's bytes are cut. Where a peer sends, waits and sends again, there is a cut anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segmentation {
    /// Not at all.
    Whole,
    /// In two, behind so many bytes of all that the peer sends.
    At(usize),
    /// Behind every byte.
    EveryByte,
}

/// Up to this length a stream is cut at every position.
const SHORT: usize = 2000;

/// So many cuts a longer stream gets that are spread over it, and as many again near line ends.
const SPREAD: usize = 200;

impl Segmentation {
    /// All that a case with this stream is put through: whole, byte by byte, and in two at each position. A stream of
    /// more than 2,000 bytes is cut in two at 200 positions that are spread over it and around the first and the last
    /// 50 line ends.
    #[must_use]
    pub fn all(stream: &[u8]) -> Vec<Self> {
        let mut cuts: Vec<usize> = (1..stream.len()).collect();
        if stream.len() > SHORT {
            cuts.retain(|cut| cut % (stream.len() / SPREAD) == 0);
            let ends: Vec<usize> = (0..stream.len()).filter(|&at| stream[at] == b'\n').collect();
            let ends = if ends.len() <= SPREAD / 2 {
                ends
            } else {
                [&ends[..SPREAD / 4], &ends[ends.len() - SPREAD / 4..]].concat()
            };
            cuts.extend(ends.into_iter().flat_map(|end| end.saturating_sub(1)..=end + 2));
            cuts.retain(|cut| (1..stream.len()).contains(cut));
            cuts.sort_unstable();
            cuts.dedup();
        }
        let mut all = vec![Self::Whole];
        all.extend(cuts.into_iter().map(Self::At));
        if stream.len() > 1 {
            all.push(Self::EveryByte);
        }
        all
    }

    /// The pieces of `bytes`, which begin at `start` in all that the peer sends.
    pub fn pieces(self, bytes: &[u8], start: usize) -> impl Iterator<Item = &[u8]> {
        let size = if self == Self::EveryByte { 1 } else { usize::MAX };
        let cut = match self {
            Self::At(at) => at.saturating_sub(start).min(bytes.len()),
            Self::Whole | Self::EveryByte => 0,
        };
        let (first, second) = bytes.split_at(cut);
        first.chunks(size).chain(second.chunks(size))
    }
}

impl fmt::Display for Segmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::At(at) => write!(f, "cut behind byte {at}"),
            Self::EveryByte => f.write_str("byte by byte"),
        }
    }
}
