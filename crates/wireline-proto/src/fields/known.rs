//! The names of fields that decide framing and persistence. The index of a section knows its lines of these names, so
//! that each question about them does not compare every name.

/// Which of them a field name is, whatever its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Connection,
    ContentLength,
    /// None of them.
    Other,
    Trailer,
    TransferEncoding,
    Upgrade,
}

impl Known {
    /// Of a name that is a token. Each has a length of its own but two, so that most names are told apart by their length.
    pub(crate) fn of(name: &[u8]) -> Self {
        let (known, lower): (_, &[u8]) = match name.len() {
            7 if name[0] | 0x20 == b'u' => (Self::Upgrade, b"upgrade"),
            7 => (Self::Trailer, b"trailer"),
            10 => (Self::Connection, b"connection"),
            14 => (Self::ContentLength, b"content-length"),
            17 => (Self::TransferEncoding, b"transfer-encoding"),
            _ => return Self::Other,
        };
        // Of all bytes of a token, this bit makes a letter of these or a hyphen of that letter and that hyphen only.
        let is_same = name.iter().zip(lower).all(|(&byte, &lower)| byte | 0x20 == lower);
        if is_same { known } else { Self::Other }
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
