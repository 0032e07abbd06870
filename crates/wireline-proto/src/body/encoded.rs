//! Content that the caller has put into chunks: where it ends, and that it is nothing else (RFC 9112 section 7.1).

use crate::grammar::{self, TOKEN};

/// ```text
/// chunked-body = *chunk last-chunk trailer-section CRLF
/// chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// ```
///
/// What may come next. Strict, since it is ours to send: no white space before an extension, no bare LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoded {
    Size {
        digits: u32,
        size: u64,
    },
    Extension {
        size: u64,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// A trailer field line, or the empty line that ends it all.
    Line,
    Name,
    Value,
    LineLf,
    EndLf,
    Over,
}

impl Encoded {
    pub(crate) const fn new() -> Self {
        Self::Size { digits: 0, size: 0 }
    }

    /// What may come behind these bytes; or how many of them could come.
    pub(crate) fn after(mut self, bytes: &[u8]) -> Result<Self, usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let Self::Data { left } = self {
                let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += skipped;
                let left = left - skipped as u64;
                self = if left == 0 { Self::DataCr } else { Self::Data { left } };
                continue;
            }
            self = self.after_byte(byte).ok_or(at)?;
            at += 1;
        }
        Ok(self)
    }

    fn after_byte(self, byte: u8) -> Option<Self> {
        let is_token = grammar::first_not(&[byte], TOKEN).is_none();
        let is_text = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        match (self, byte) {
            (Self::Size { digits: 1.., size } | Self::Extension { size }, b'\r') => Some(Self::SizeLf { size }),
            (Self::Size { digits: 1.., size }, b';') => Some(Self::Extension { size }),
            (Self::Size { digits: ..16, size }, _) => {
                let digit = char::from(byte).to_digit(16)?;
                let digits = if let Self::Size { digits, .. } = self { digits + 1 } else { 1 };
                Some(Self::Size { digits, size: size << 4 | u64::from(digit) })
            }
            (Self::Extension { .. }, _) if is_text => Some(self),
            (Self::SizeLf { size: 0 }, b'\n') => Some(Self::Line),
            (Self::SizeLf { size }, b'\n') => Some(Self::Data { left: size }),
            (Self::DataCr, b'\r') => Some(Self::DataLf),
            (Self::DataLf, b'\n') => Some(Self::new()),
            (Self::Line, b'\r') => Some(Self::EndLf),
            (Self::Name, b':') => Some(Self::Value),
            (Self::Line | Self::Name, _) if is_token => Some(Self::Name),
            (Self::Value, b'\r') => Some(Self::LineLf),
            (Self::Value, _) if is_text => Some(Self::Value),
            (Self::LineLf, b'\n') => Some(Self::Line),
            (Self::EndLf, b'\n') => Some(Self::Over),
            _ => None,
        }
    }

    /// The fewest bytes that could end it.
    pub(crate) fn missing(self) -> u64 {
        const LAST: u64 = b"0\r\n\r\n".len() as u64;
        let data = |size: u64| if size == 0 { 2 } else { size.saturating_add(2 + LAST) };
        match self {
            Self::Size { digits: 0, .. } => LAST,
            Self::Size { size, .. } | Self::Extension { size } => data(size).saturating_add(2),
            Self::SizeLf { size } => data(size).saturating_add(1),
            Self::Data { left } => left.saturating_add(2 + LAST),
            Self::DataCr => 2 + LAST,
            Self::DataLf => 1 + LAST,
            Self::Line => 2,
            Self::Name => 5,
            Self::Value => 4,
            Self::LineLf => 3,
            Self::EndLf => 1,
            Self::Over => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODIES: &[&str] = &[
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "00A;x=\"y\"\r\n0123456789\r\n1\r\n\r\r\n000;z\r\nX-A: 1\r\nx-b:\r\n\r\n",
        "FFFFFFFFFFFFFFFF\r\n",
    ];

    #[test]
    fn bodies_are_followed_however_they_are_cut() {
        for body in BODIES {
            let body = body.as_bytes();
            let whole = Encoded::new().after(body).expect("it is one");
            for cut in 0..=body.len() {
                let (one, two) = body.split_at(cut);
                let halfway = Encoded::new().after(one).expect("it is the beginning of one");
                assert_eq!(halfway.after(two), Ok(whole));
                assert_eq!(halfway == Encoded::Over, whole == Encoded::Over && cut == body.len());
                // Nothing shorter ends it, and what is missing of a body without anything optional is missing.
                if whole == Encoded::Over {
                    assert!(halfway.missing() <= two.len() as u64, "{cut}: {halfway:?}");
                }
            }
            assert!(whole != Encoded::Over || whole.missing() == 0);
        }
        let body = BODIES[1].as_bytes();
        for cut in 1..=body.len() {
            let halfway = Encoded::new().after(&body[..cut]).expect("it is the beginning of one");
            let rest = (body.len() - cut) as u64;
            // Between two chunks the fewest bytes are those that are there.
            assert_eq!(halfway.missing(), rest, "{cut}: {halfway:?}");
        }
    }

    #[test]
    fn what_is_none_is_found_at_its_byte() {
        for (body, at) in [
            ("\r\n", 0),
            ("g\r\n", 0),
            ("-1\r\n", 0),
            ("3 \r\n", 1),
            ("3\n", 1),
            ("3\rabc", 2),
            ("3\r\nabcd", 6),
            ("3\r\nabc\n", 6),
            ("3\r\nabc\r\n\r\n", 8),
            ("3;\n", 2),
            ("10000000000000000\r\n", 16),
            ("0\r\n\r\nG", 5),
            ("0\r\n X: a\r\n\r\n", 3),
            ("0\r\nX\r\n\r\n", 4),
            ("0\r\nX: a\n\r\n", 7),
            ("0\r\nX: \x01\r\n\r\n", 6),
            ("0\r\n\n", 3),
        ] {
            assert_eq!(Encoded::new().after(body.as_bytes()), Err(at), "{body:?}");
        }
    }
}
