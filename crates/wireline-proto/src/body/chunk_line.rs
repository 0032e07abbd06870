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

/// The line as nearly every peer writes it, where all of it is here: a few digits and a line end. `None` is no verdict:
/// [`ChunkLine::scan`] comes to the same chunk, and knows all other forms and what is wrong with them.
pub(crate) fn plain(bytes: &[u8], config: &Config) -> Option<Chunk> {
    let mut size = 0;
    // No more digits than cannot overflow.
    for (at, &byte) in bytes.iter().take(16).enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if at > 0 && bytes.get(at + 1) == Some(&b'\n') => {
                let line = at + 2;
                let fits = line <= config.limits.in_one_piece(config.limits.chunk_line);
                return fits.then_some(Chunk { line, size });
            }
            _ => return None,
        };
        size = size << 4 | u64::from(digit);
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_comes_to_the_same() {
        let lines: [(&[u8], bool); 14] = [
            (b"5\r\nabcde", true),
            (b"0\r\n", true),
            (b"00ff\r\n", true),
            (b"AbCdEf\r\n", true),
            (b"fffffffffffffff\r\n", true),
            (b"ffffffffffffffff\r\n", false),
            (b"11111111111111111\r\n", false),
            (b"5", false),
            (b"5\r", false),
            (b"5\n", false),
            (b"\r\n", false),
            (b"5 \r\n", false),
            (b"5;x=y\r\n", false),
            (b"g\r\n", false),
        ];
        let mut config = Config::default();
        for (line, is_plain) in lines {
            for limit in [1, 3, 4, 6, 8, 17, 4096] {
                config.limits.chunk_line = limit;
                let (mut allowance, mut deviations) = (4096, Deviations::default());
                let scanned = ChunkLine::default().scan(line, &mut allowance, &config, &mut deviations);
                let short = plain(line, &config);
                assert!(short.is_none() || scanned == Ok(short), "{} {limit}", line.escape_ascii());
                assert_eq!(short.is_some(), is_plain && matches!(scanned, Ok(Some(_))), "{}", line.escape_ascii());
                assert!(short.is_none() || (allowance, deviations) == (4096, Deviations::default()));
            }
        }
    }
}
