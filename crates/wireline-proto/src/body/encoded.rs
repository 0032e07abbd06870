//! Content that the caller has put into chunks: where it ends, and that it is nothing else (RFC 9112 section 7.1).

use super::trailer_name::TrailerName;
use crate::error::Misuse;
use crate::grammar::{self, TEXT, TOKEN};

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
        extension: Extension,
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
    Name(TrailerName),
    Value,
    LineLf,
    EndLf,
    Over,
}

impl Encoded {
    pub(crate) const fn new() -> Self {
        Self::Size { digits: 0, size: 0 }
    }

    /// What may come behind these bytes.
    pub(crate) fn after(mut self, bytes: &[u8]) -> Result<Self, Misuse> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let Self::Data { left } = self {
                let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += skipped;
                let left = left - skipped as u64;
                self = if left == 0 { Self::DataCr } else { Self::Data { left } };
                continue;
            }
            if byte == b':' && self.is_forbidden_trailer() {
                return Err(Misuse::ForbiddenTrailer);
            }
            self = self.after_byte(byte).ok_or(Misuse::ContentExcess { room: at as u64 })?;
            at += 1;
        }
        Ok(self)
    }

    fn after_byte(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { digits: 1.., size }, b'\r') => Some(Self::SizeLf { size }),
            (Self::Size { digits: 1.., size }, b';') => Some(Self::Extension { size, extension: Extension::Begun }),
            (Self::Size { digits: ..16, size }, _) => {
                let digit = char::from(byte).to_digit(16)?;
                let digits = if let Self::Size { digits, .. } = self { digits + 1 } else { 1 };
                Some(Self::Size { digits, size: size << 4 | u64::from(digit) })
            }
            (Self::Extension { size, extension }, b'\r') if extension.missing() == 0 => Some(Self::SizeLf { size }),
            (Self::Extension { size, extension }, _) => {
                Some(Self::Extension { size, extension: extension.after_byte(byte)? })
            }
            (Self::SizeLf { size: 0 }, b'\n') => Some(Self::Line),
            (Self::SizeLf { size }, b'\n') => Some(Self::Data { left: size }),
            (Self::DataCr, b'\r') => Some(Self::DataLf),
            (Self::DataLf, b'\n') => Some(Self::new()),
            (Self::Line, b'\r') => Some(Self::EndLf),
            (Self::Name(_), b':') => Some(Self::Value),
            (Self::Line, _) if is_one(byte, TOKEN) => Some(Self::Name(TrailerName::default().after(byte))),
            (Self::Name(name), _) if is_one(byte, TOKEN) => Some(Self::Name(name.after(byte))),
            (Self::Value, b'\r') => Some(Self::LineLf),
            (Self::Value, _) if is_one(byte, TEXT) => Some(Self::Value),
            (Self::LineLf, b'\n') => Some(Self::Line),
            (Self::EndLf, b'\n') => Some(Self::Over),
            _ => None,
        }
    }

    /// Whether the name that has come is that of a field which must not stand here.
    fn is_forbidden_trailer(&self) -> bool {
        matches!(self, Self::Name(name) if name.is_forbidden())
    }

    /// The fewest bytes that could end it.
    pub(crate) fn missing(self) -> u64 {
        const LAST: u64 = b"0\r\n\r\n".len() as u64;
        let data = |size: u64| if size == 0 { 2 } else { size.saturating_add(2 + LAST) };
        match self {
            Self::Size { digits: 0, .. } => LAST,
            Self::Size { size, .. } => data(size).saturating_add(2),
            Self::Extension { size, extension } => data(size).saturating_add(extension.missing() + 2),
            Self::SizeLf { size } => data(size).saturating_add(1),
            Self::Data { left } => left.saturating_add(2 + LAST),
            Self::DataCr => 2 + LAST,
            Self::DataLf => 1 + LAST,
            Self::Line => 2,
            // One byte more makes another name of a forbidden one.
            Self::Name(_) => 5 + u64::from(self.is_forbidden_trailer()),
            Self::Value => 4,
            Self::LineLf => 3,
            Self::EndLf => 1,
            Self::Over => 0,
        }
    }
}

/// ```text
/// chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
/// chunk-ext-name = token
/// chunk-ext-val  = token / quoted-string
/// ```
///
/// What of an extension has come. BWS is what no sender may send (RFC 9110 section 5.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    Begun,
    Name,
    Equals,
    Token,
    Quoted,
    /// Behind the backslash of a quoted pair.
    Escape,
    Unquoted,
}

impl Extension {
    fn after_byte(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Name | Self::Token | Self::Unquoted, b';') => Some(Self::Begun),
            (Self::Name, b'=') => Some(Self::Equals),
            (Self::Begun | Self::Name, _) if is_one(byte, TOKEN) => Some(Self::Name),
            (Self::Equals, b'"') => Some(Self::Quoted),
            (Self::Equals | Self::Token, _) if is_one(byte, TOKEN) => Some(Self::Token),
            (Self::Quoted, b'"') => Some(Self::Unquoted),
            (Self::Quoted, b'\\') => Some(Self::Escape),
            (Self::Quoted | Self::Escape, _) if is_one(byte, TEXT) => Some(Self::Quoted),
            _ => None,
        }
    }

    /// The fewest bytes that make it whole.
    const fn missing(self) -> u64 {
        match self {
            Self::Name | Self::Token | Self::Unquoted => 0,
            Self::Begun | Self::Equals | Self::Quoted => 1,
            Self::Escape => 2,
        }
    }
}

fn is_one(byte: u8, class: u8) -> bool {
    grammar::first_not(&[byte], class).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODIES: &[&str] = &[
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "00A;x=\"y\"\r\n0123456789\r\n1\r\n\r\r\n000;z\r\nX-A: 1\r\nx-b:\r\n\r\n",
        "1;a;b=c;d=\"\";e=\"; \\\"\\\\\"\r\na\r\n0\r\n\r\n",
        "0\r\nContent-Lengths: 1\r\nX-Trailer: a\r\nTEA: 1\r\n\r\n",
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
            ("3;\r\n", 2),
            ("3; a\r\n", 2),
            ("3;a =b\r\n", 3),
            ("3;a;;b\r\n", 4),
            ("3;=b\r\n", 2),
            ("3;a=\r\n", 4),
            ("3;a=b=c\r\n", 5),
            ("3;a=\"b\r\n", 6),
            ("3;a=\"\\\r\n", 6),
            ("3;a=\"b\"c\r\n", 7),
            ("10000000000000000\r\n", 16),
            ("0\r\n\r\nG", 5),
            ("0\r\n X: a\r\n\r\n", 3),
            ("0\r\nX\r\n\r\n", 4),
            ("0\r\nX: a\n\r\n", 7),
            ("0\r\nX: \x01\r\n\r\n", 6),
            ("0\r\n\n", 3),
        ] {
            assert_eq!(Encoded::new().after(body.as_bytes()), Err(Misuse::ContentExcess { room: at }), "{body:?}");
        }
    }
    #[test]
    fn a_field_that_may_be_no_trailer_is_refused_however_it_is_cut() {
        for name in ["content-length", "Content-Length", "TRANSFER-ENCODING", "Te", "Host"] {
            let body = format!("0\r\nX: 1\r\n{name}: 1\r\n\r\n").into_bytes();
            let colon = body.len() - ": 1\r\n\r\n".len();
            for cut in 0..=colon {
                let halfway = Encoded::new().after(&body[..cut]).expect("no name is forbidden before its colon");
                assert_eq!(halfway.after(&body[cut..]), Err(Misuse::ForbiddenTrailer), "{name}, cut at {cut}");
            }
        }
    }
}
