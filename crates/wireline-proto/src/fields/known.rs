//! The names of fields that decide framing and persistence. The index of a section knows its lines of these names, so
//! that each question about them does not compare every name.

use crate::fields::{Line, offset};

/// Which of them a field name is, whatever its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Connection,
    ContentLength,
    Trailer,
    TransferEncoding,
    Upgrade,
    /// None of them.
    Other,
}

impl Known {
    /// Of a name that is a token. Most are told apart by their length.
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Self {
        if matches!(name.len(), 7 | 10 | 14 | 17) { Self::of_known_length(name) } else { Self::Other }
    }

    fn of_known_length(name: &[u8]) -> Self {
        let (known, is_same) = match (name.len(), name.first().map_or(0, |letter| letter | 0x20)) {
            (7, b't') => (Self::Trailer, is(name, b"trailer")),
            (7, b'u') => (Self::Upgrade, is(name, b"upgrade")),
            (10, b'c') => (Self::Connection, is(name, b"connection")),
            (14, b'c') => (Self::ContentLength, is(name, b"content-length")),
            (17, b't') => (Self::TransferEncoding, is(name, b"transfer-encoding")),
            _ => return Self::Other,
        };
        if is_same { known } else { Self::Other }
    }
}

/// Where in the index of a section the lines of these names are: of each name the first, and how many there are, so that a
/// question about them looks at no other line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownLines([(u32, u32); Known::Other as usize]);

impl KnownLines {
    pub(crate) const NONE: Self = Self([(0, 0); Known::Other as usize]);

    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut known = Self::NONE;
        for (at, line) in lines.iter().enumerate() {
            known.note(line.known, at);
        }
        known
    }

    /// Notes a line behind all that have been noted.
    #[inline]
    pub(crate) fn note(&mut self, known: Known, at: usize) {
        if let Some((first, count)) = self.0.get_mut(known as usize) {
            if *count == 0 {
                *first = offset(at);
            }
            *count += 1;
        }
    }

    /// Where the first line of this name is, and how many there are.
    pub(crate) fn get(&self, known: Known) -> (usize, usize) {
        let (first, count) = self.0.get(known as usize).copied().unwrap_or_default();
        (first as usize, count as usize)
    }
}

/// Whether a name is this one, of the same length, whatever its case. Of all bytes of a token, the bit that is set here makes
/// a letter of these or a hyphen of that letter and that hyphen only.
fn is(name: &[u8], lower: &[u8]) -> bool {
    const CASE: u64 = u64::from_ne_bytes([0x20; 8]);
    let word = |bytes: &[u8], at: usize| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let same = |at| word(name, at).is_some_and(|name| Some(name | CASE) == word(lower, at));
    match lower.len().checked_sub(8) {
        // Eight at a time, and of the last eight some twice.
        Some(last) => same(last) && (0..last).step_by(8).all(same),
        None => name.eq_ignore_ascii_case(lower),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{self, TOKEN};

    #[test]
    fn no_other_byte_of_a_token_is_taken_for_one_of_theirs() {
        for name in ["connection", "content-length", "trailer", "transfer-encoding", "upgrade"] {
            for (at, &lower) in name.as_bytes().iter().enumerate() {
                for byte in (0..=255).filter(|&byte| grammar::is(byte, TOKEN)) {
                    let mut other = name.as_bytes().to_vec();
                    other[at] = byte;
                    let is_known = Known::of(&other) != Known::Other;
                    assert_eq!(is_known, byte.eq_ignore_ascii_case(&lower), "{byte:#x} at {at} of {name}");
                }
            }
        }
    }

    #[test]
    fn names_are_known_in_any_case() {
        for (name, known) in [
            ("Connection", Known::Connection),
            ("CONTENT-LENGTH", Known::ContentLength),
            ("transfer-encoding", Known::TransferEncoding),
            ("uPGRADE", Known::Upgrade),
            ("Trailer", Known::Trailer),
            ("Content-Lenght", Known::Other),
            ("Trailes", Known::Other),
            ("Upgrades", Known::Other),
            ("", Known::Other),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }
}
