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
    /// Each has a length of its own but two, so that most names are told apart by their length.
    pub(crate) fn of(name: &[u8]) -> Self {
        let (known, lower): (_, &[u8]) = match name.len() {
            7 if name[0] | 0x20 == b'u' => (Self::Upgrade, b"upgrade"),
            7 => (Self::Trailer, b"trailer"),
            10 => (Self::Connection, b"connection"),
            14 => (Self::ContentLength, b"content-length"),
            17 => (Self::TransferEncoding, b"transfer-encoding"),
            _ => return Self::Other,
        };
        if name.eq_ignore_ascii_case(lower) { known } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
