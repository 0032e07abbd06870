//! The names of fields that decide framing and persistence. The index of a section knows its lines of these names, so
//! that each question about them does not compare every name.

use std::ops::Range;

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

/// Where in the index of a section the lines of these names are: of each name the first, and whether there are more, so that
/// a question about them mostly looks at no other line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownLines {
    /// Counted from 1; 0 where there is none.
    first: [u32; Known::Other as usize],
    more: [bool; Known::Other as usize],
}

impl KnownLines {
    pub(crate) const NONE: Self = Self { first: [0; Known::Other as usize], more: [false; Known::Other as usize] };

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
        match self.first.get_mut(known as usize) {
            Some(first @ 0) => *first = offset(at + 1),
            Some(_) => self.more[known as usize] = true,
            None => {}
        }
    }

    #[inline]
    pub(crate) fn has(&self, known: Known) -> bool {
        self.first.get(known as usize).is_some_and(|&first| first > 0)
    }

    /// Where the line of this name is, if there is just one.
    #[inline]
    pub(crate) fn only(&self, known: Known) -> Option<usize> {
        match (self.first.get(known as usize), self.more.get(known as usize)) {
            (Some(&first @ 1..), Some(false)) => Some(first as usize - 1),
            _ => None,
        }
    }

    /// Where lines of this name are to be looked for.
    pub(crate) fn within(&self, known: Known, lines: usize) -> Range<usize> {
        let at = known as usize;
        match self.first.get(at) {
            None | Some(0) => 0..0,
            Some(&first) => first as usize - 1..if self.more[at] { lines } else { first as usize },
        }
    }
}

impl Default for KnownLines {
    fn default() -> Self {
        Self::NONE
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
