//! `deflate`: the zlib format (RFC 9110 section 8.4.1.2, RFC 1950), and the bare one (RFC 1951) that some send instead.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Coder, Step};

#[derive(Debug)]
pub(super) enum Deflate {
    /// It takes two bytes to tell the formats apart.
    Start(Option<u8>),
    Begun(Decompress),
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self::Start(None)
    }
}

impl Coder for Deflate {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str> {
        match self {
            Self::Start(first) => match (*first, input) {
                (_, []) => Ok(Step { taken: 0, given: 0, is_over: false }),
                (None, [byte, ..]) => {
                    *first = Some(*byte);
                    Ok(Step { taken: 1, given: 0, is_over: false })
                }
                (Some(first), [second, ..]) => {
                    let mut decompress = Decompress::new(is_zlib(first, *second));
                    let step = inflate(&mut decompress, &[first, *second], output)?;
                    *self = Self::Begun(decompress);
                    // Two bytes hold no block that a block of output has no room for.
                    if step.taken == 2 { Ok(Step { taken: 1, ..step }) } else { Err(BROKEN) }
                }
            },
            Self::Begun(decompress) => inflate(decompress, input, output),
        }
    }

    fn begin_again(&mut self) -> bool {
        false
    }
}

/// RFC 1950 section 2.2: the method is 8, the window at most 32 KiB, and both bytes are a multiple of 31.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0F == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]) % 31 == 0
}

const BROKEN: &str = "broken deflate";

pub(super) fn inflate(decompress: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str> {
    let (taken, given) = (decompress.total_in(), decompress.total_out());
    let status = decompress.decompress(input, output, FlushDecompress::None).map_err(|_| BROKEN)?;
    let step = |before: u64, after: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
    let step = Step {
        taken: step(taken, decompress.total_in()),
        given: step(given, decompress.total_out()),
        is_over: status == Status::StreamEnd,
    };
    if step.taken == 0 && step.given == 0 && !step.is_over && !input.is_empty() { Err(BROKEN) } else { Ok(step) }
}
