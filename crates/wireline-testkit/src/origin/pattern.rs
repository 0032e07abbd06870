//! Content that says at each place where that is.

use std::io::{self, Read};

/// The first `len` bytes of the content that [`Origin`](super::Origin) serves: lines of 64 bytes, each of which begins
/// with its own offset in hexadecimal digits, so that bytes which are lost, doubled or moved are noticed.
///
/// ```
/// use wireline_testkit::pattern;
///
/// assert_eq!(&pattern(1000)[64..85], b"0000000000000040 the ");
/// ```
#[must_use]
pub fn pattern(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(0, &mut bytes);
    bytes
}

/// The same as a stream, for content of any length.
#[derive(Clone, Debug)]
pub struct Pattern {
    at: u64,
    len: u64,
}

impl Pattern {
    /// The first `len` bytes.
    #[must_use]
    pub const fn new(len: u64) -> Self {
        Self { at: 0, len }
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = usize::try_from(self.len - self.at).unwrap_or(usize::MAX).min(buffer.len());
        fill(self.at, &mut buffer[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

const LINE: &[u8; 64] = b"0000000000000000 the quick brown fox jumps over the lazy dogs !\n";

/// Fills `bytes` with what stands at `offset`.
fn fill(mut offset: u64, mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        let column = (offset % LINE.len() as u64) as usize;
        let mut line = *LINE;
        let mut rest = offset - column as u64;
        for digit in line[..16].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        let n = bytes.len().min(LINE.len() - column);
        bytes[..n].copy_from_slice(&line[column..column + n]);
        bytes = &mut bytes[n..];
        offset += n as u64;
    }
}
