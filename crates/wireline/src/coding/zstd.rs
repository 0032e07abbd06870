//! `zstd` (RFC 8878), with the window that RFC 9659 allows for content.

use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Coder, Step};

/// One frame after the other, of which those that are to be skipped are.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    part: Part,
    /// What has come of the part, up to all of it.
    held: Vec<u8>,
    /// How much content the frame has given, and how much it says that it has.
    given: u64,
    announced: Option<u64>,
    has_checksum: bool,
}

/// What comes next, and how long it is where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Four bytes that say what it is, and the one behind them.
    Magic,
    FrameHeader(usize),
    BlockHeader,
    Block(usize),
    Skippable,
    Skip(u32),
    Over,
}

/// RFC 9659 section 3: no encoder may ask for more.
const MOST_WINDOW: u64 = 8 << 20;

/// RFC 8878 section 3.1.1.2.4.
const MOST_BLOCK: usize = 128 << 10;

const MAGIC: u32 = 0xFD2F_B528;
const BROKEN: &str = "broken zstd";

impl Zstd {
    pub(super) fn new() -> Self {
        Self {
            decoder: FrameDecoder::new(),
            part: Part::Magic,
            held: Vec::new(),
            given: 0,
            announced: None,
            has_checksum: false,
        }
    }

    /// How much of the part there has to be before it is looked at.
    fn wanted(&self) -> usize {
        match self.part {
            Part::Magic => 5,
            Part::FrameHeader(length) | Part::Block(length) => length,
            Part::BlockHeader => 3,
            Part::Skippable => 8,
            Part::Skip(_) | Part::Over => 0,
        }
    }

    /// All of the part is there.
    fn take(&mut self) -> Result<(), &'static str> {
        self.part = match self.part {
            Part::Magic => {
                let magic = self.held.first_chunk().map_or(0, |magic| u32::from_le_bytes(*magic));
                match magic {
                    MAGIC => Part::FrameHeader(header_length(self.held[4])?),
                    0x184D_2A50..=0x184D_2A5F => Part::Skippable,
                    _ => return Err("no zstd frame"),
                }
            }
            Part::FrameHeader(_) => {
                self.read_header()?;
                self.held.clear();
                Part::BlockHeader
            }
            Part::BlockHeader => {
                let header = u32::from_le_bytes([self.held[0], self.held[1], self.held[2], 0]);
                let size = usize::try_from(header >> 3).unwrap_or(usize::MAX);
                if size > MOST_BLOCK {
                    return Err(BROKEN);
                }
                let size = match header >> 1 & 3 {
                    // One byte, which stands for so many.
                    1 => 1,
                    _ => size,
                };
                let checksum = if header & 1 != 0 && self.has_checksum { 4 } else { 0 };
                Part::Block(3 + size + checksum)
            }
            Part::Block(_) => {
                // One at a time: what comes out of it is given before the next.
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&self.held[..], one).map_err(|_| BROKEN)?;
                self.held.clear();
                if self.decoder.is_finished() { Part::Over } else { Part::BlockHeader }
            }
            Part::Skippable => {
                let length = self.held.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
                self.held.clear();
                Part::Skip(length)
            }
            part => part,
        };
        Ok(())
    }

    /// RFC 8878 section 3.1.1.1.
    fn read_header(&mut self) -> Result<(), &'static str> {
        let (&descriptor, rest) = self.held[4..].split_first().ok_or(BROKEN)?;
        let is_single = descriptor & 1 << 5 != 0;
        self.has_checksum = descriptor & 1 << 2 != 0;
        let (window, rest) = rest.split_at(usize::from(!is_single));
        let (dictionary, size) = rest.split_at(DICTIONARY[usize::from(descriptor & 3)]);
        if dictionary.iter().any(|&byte| byte != 0) {
            return Err("zstd that needs a dictionary");
        }
        let number = size.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        self.announced = match size.len() {
            0 => None,
            2 => Some(number + 256),
            _ => Some(number),
        };
        let window = match window {
            [window] => (1 << (10 + (window >> 3))) / 8 * (8 + u64::from(window & 7)),
            _ => self.announced.unwrap_or_default(),
        };
        if window > MOST_WINDOW {
            return Err("zstd with a window of more than 8 MiB");
        }
        self.given = 0;
        self.decoder.reset(&self.held[..]).map_err(|_| BROKEN)
    }

    /// The frame has been given, all of it.
    fn check(&self) -> Result<(), &'static str> {
        let checksums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if self.has_checksum && checksums.0 != checksums.1 {
            return Err("zstd content that is not what its checksum says");
        }
        if self.announced.is_some_and(|announced| announced != self.given) {
            return Err("zstd content that is not as long as it says");
        }
        Ok(())
    }
}

/// The length of the dictionary's number, by the flag that says it.
const DICTIONARY: [usize; 4] = [0, 1, 2, 4];

/// The whole length of a frame header, the magic number included, by its descriptor.
fn header_length(descriptor: u8) -> Result<usize, &'static str> {
    let is_single = descriptor & 1 << 5 != 0;
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        flag => 1 << flag,
    };
    let is_reserved = descriptor & 1 << 3 != 0;
    if is_reserved {
        Err(BROKEN)
    } else {
        Ok(5 + usize::from(!is_single) + DICTIONARY[usize::from(descriptor & 3)] + size)
    }
}

impl Coder for Zstd {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str> {
        let mut taken = 0;
        loop {
            if self.decoder.can_collect() > 0 {
                let given = self.decoder.read(output).map_err(|_| BROKEN)?;
                self.given += given as u64;
                let is_over = self.part == Part::Over && self.decoder.can_collect() == 0;
                if is_over {
                    self.check()?;
                }
                return Ok(Step { taken, given, is_over });
            }
            if self.part == Part::Over {
                self.check()?;
                return Ok(Step { taken, given: 0, is_over: true });
            }
            let rest = &input[taken..];
            if let Part::Skip(left) = self.part {
                let skipped = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                taken += skipped;
                let left = left - u32::try_from(skipped).unwrap_or(left);
                if left == 0 {
                    // Nothing has been given since: the same as at the end of a frame without content.
                    *self = Self::new();
                    return Ok(Step { taken, given: 0, is_over: true });
                }
                self.part = Part::Skip(left);
                return Ok(Step { taken, given: 0, is_over: false });
            }
            let moved = rest.len().min(self.wanted().saturating_sub(self.held.len()));
            self.held.extend_from_slice(&rest[..moved]);
            taken += moved;
            if self.held.len() < self.wanted() {
                return Ok(Step { taken, given: 0, is_over: false });
            }
            self.take()?;
        }
    }

    fn begin_again(&mut self) -> bool {
        let Self { decoder, held, .. } = std::mem::replace(self, Self::new());
        // Its memory serves the next frame too.
        (self.decoder, self.held) = (decoder, held);
        true
    }
}
