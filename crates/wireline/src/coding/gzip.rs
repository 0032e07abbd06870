//! `gzip` (RFC 9110 section 8.4.1.3, RFC 1952).

use flate2::{Crc, Decompress};

use super::deflate::inflate;
use super::{Coder, Step};

/// One member after the other.
pub(super) struct Gzip {
    part: Part,
    /// Which optional parts the header has.
    flags: u8,
    header: Crc,
    content: Crc,
    decompress: Decompress,
}

/// What comes next, with what has come of it.
enum Part {
    /// ID1 ID2 CM FLG MTIME XFL OS.
    Fixed(usize),
    ExtraLength(Option<u8>),
    Extra(u16),
    Name,
    Comment,
    HeaderCrc(Option<u8>),
    Content,
    /// CRC32 ISIZE.
    Trailer([u8; 8], usize),
    Over,
}

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

const NO_GZIP: &str = "no gzip header";

impl Gzip {
    pub(super) fn new() -> Self {
        let (header, content) = (Crc::new(), Crc::new());
        Self { part: Part::Fixed(0), flags: 0, header, content, decompress: Decompress::new(false) }
    }

    /// The part of the header behind the one of this flag: the next of those that are there.
    fn after(&self, flag: u8) -> Part {
        let has = |part: u8| flag < part && self.flags & part != 0;
        if has(EXTRA) {
            Part::ExtraLength(None)
        } else if has(NAME) {
            Part::Name
        } else if has(COMMENT) {
            Part::Comment
        } else if self.flags & HEADER_CRC != 0 {
            Part::HeaderCrc(None)
        } else {
            Part::Content
        }
    }

    /// One byte of the header or the trailer.
    fn byte(&mut self, byte: u8) -> Result<(), &'static str> {
        if !matches!(self.part, Part::HeaderCrc(_) | Part::Trailer(..)) {
            self.header.update(&[byte]);
        }
        self.part = match self.part {
            Part::Fixed(at) => {
                let is_right = match at {
                    0 => byte == 0x1F,
                    1 => byte == 0x8B,
                    2 => byte == 8,
                    3 => byte & RESERVED == 0,
                    _ => true,
                };
                if !is_right {
                    return Err(NO_GZIP);
                }
                if at == 3 {
                    self.flags = byte;
                }
                if at == 9 { self.after(0) } else { Part::Fixed(at + 1) }
            }
            Part::ExtraLength(None) => Part::ExtraLength(Some(byte)),
            Part::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.after(EXTRA),
                length => Part::Extra(length),
            },
            Part::Extra(1) => self.after(EXTRA),
            Part::Extra(left) => Part::Extra(left - 1),
            Part::Name if byte == 0 => self.after(NAME),
            Part::Name => Part::Name,
            Part::Comment if byte == 0 => self.after(COMMENT),
            Part::Comment => Part::Comment,
            Part::HeaderCrc(None) => Part::HeaderCrc(Some(byte)),
            Part::HeaderCrc(Some(low)) => {
                // The lower half of the CRC32 of all before.
                if self.header.sum() & 0xFFFF != u32::from(u16::from_le_bytes([low, byte])) {
                    return Err("a gzip header that is not what its checksum says");
                }
                Part::Content
            }
            Part::Trailer(mut bytes, at) => {
                bytes[at] = byte;
                if at < 7 { Part::Trailer(bytes, at + 1) } else { self.check(bytes)? }
            }
            Part::Content | Part::Over => return Err(NO_GZIP),
        };
        Ok(())
    }

    /// The checksum and the length, modulo 2^32, of the member's content.
    fn check(&self, [a, b, c, d, e, f, g, h]: [u8; 8]) -> Result<Part, &'static str> {
        let is_right = self.content.sum() == u32::from_le_bytes([a, b, c, d])
            && self.content.amount() == u32::from_le_bytes([e, f, g, h]);
        if is_right { Ok(Part::Over) } else { Err("gzip content that is not what its checksum says") }
    }
}

impl Coder for Gzip {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str> {
        if matches!(self.part, Part::Content) {
            let step = inflate(&mut self.decompress, input, output)?;
            self.content.update(&output[..step.given]);
            if step.is_over {
                self.part = Part::Trailer([0; 8], 0);
            }
            return Ok(Step { is_over: false, ..step });
        }
        let mut taken = 0;
        while let (false, Some(&byte)) = (matches!(self.part, Part::Content | Part::Over), input.get(taken)) {
            self.byte(byte)?;
            taken += 1;
        }
        Ok(Step { taken, given: 0, is_over: matches!(self.part, Part::Over) })
    }

    fn begin_again(&mut self) -> bool {
        *self = Self::new();
        true
    }
}
