//! The line in front of a chunk (RFC 9112 section 7.1).

use crate::config::{Config, Deviations, tolerate};
use crate::error::{ErrorKind, Limit, Violation};

/// ```text
/// chunk     = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
/// ```
///
/// A chunk line that has come in part. Every byte moves it on by one step; there is no state in which bytes are
/// skipped without being looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkLine {
    step: Step,
    /// How many bytes of the line have been looked at.
    seen: usize,
    size: u64,
    /// Digits behind leading zeros, and all digits.
    significant: u32,
    digits: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Size,
    /// White space behind the size: `;` has to follow, unless a leniency says otherwise.
    Padding,
    Extension,
    Lf,
}

/// A complete chunk line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// How long the line is, its end included.
    pub(crate) line: usize,
    pub(crate) size: u64,
}

impl ChunkLine {
    /// Reads on; `bytes` begin with the line's first byte. `allowance` is how many bytes of extensions may still come.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        allowance: &mut u64,
        config: &Config,
        deviations: &mut Deviations,
    ) -> Result<Option<Chunk>, (ErrorKind, usize)> {
        let limit = config.limits.in_one_piece(config.limits.chunk_line);
        let leniency = &config.leniency;
        while let Some(&byte) = bytes.get(self.seen) {
            let at = self.seen;
            if at >= limit {
                return Err((Limit::ChunkLine.into(), at));
            }
            match (self.step, byte) {
                (Step::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte, at, allowance)?,
                (Step::Size, _) if self.digits == 0 => return Err((Violation::ChunkSize.into(), at)),
                (Step::Size | Step::Padding, b' ' | b'\t') => {
                    self.step = Step::Padding;
                    spend(allowance, at)?;
                }
                (Step::Size | Step::Padding, b';') => {
                    self.step = Step::Extension;
                    spend(allowance, at)?;
                }
                (Step::Padding, b'\r' | b'\n') if !leniency.chunk_size_trailing_ws => {
                    return Err((Violation::ChunkSize.into(), at));
                }
                (Step::Padding, b'\r') => {
                    tolerate(&mut deviations.chunk_size_trailing_ws);
                    self.step = Step::Lf;
                }
                (Step::Size | Step::Extension, b'\r') => self.step = Step::Lf,
                (_, b'\n') => {
                    if self.step != Step::Lf {
                        if !leniency.bare_lf_in_chunked {
                            return Err((Violation::BareLf.into(), at));
                        }
                        tolerate(&mut deviations.bare_lf_in_chunked);
                        if self.step == Step::Padding {
                            tolerate(&mut deviations.chunk_size_trailing_ws);
                        }
                    }
                    return Ok(Some(Chunk { line: at + 1, size: self.size }));
                }
                (Step::Extension, b'\t' | b' '..=b'~' | 0x80..) => spend(allowance, at)?,
                (Step::Extension, _) => return Err((Violation::ChunkExtension.into(), at)),
                (Step::Size | Step::Padding, _) => return Err((Violation::ChunkSize.into(), at)),
                // CR has to be followed by LF.
                (Step::Lf, _) => return Err((Violation::BareCr.into(), at - 1)),
            }
            self.seen += 1;
        }
        Ok(None)
    }

    fn digit(&mut self, byte: u8, at: usize, allowance: &mut u64) -> Result<(), (ErrorKind, usize)> {
        let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
        self.digits += 1;
        if self.significant > 0 || digit > 0 {
            self.significant += 1;
        }
        if self.significant > 16 {
            return Err((Violation::ChunkSizeOverflow.into(), at));
        }
        self.size = self.size << 4 | digit;
        // Leading zeros say nothing: like an extension, they are only let through in proportion to content.
        if self.digits > 16 { spend(allowance, at) } else { Ok(()) }
    }
}

fn spend(allowance: &mut u64, at: usize) -> Result<(), (ErrorKind, usize)> {
    match allowance.checked_sub(1) {
        Some(left) => *allowance = left,
        None => return Err((Limit::ChunkExtensions.into(), at)),
    }
    Ok(())
}
