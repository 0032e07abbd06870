//! The status line: `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 section 4).

use std::ops::Range;

use http::{StatusCode, Version};

use crate::config::{Deviations, Leniency, tolerate};
use crate::error::Violation;
use crate::grammar::{leading_ows, text_len};

/// A status line that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) version: Version,
    pub(crate) status: StatusCode,
    /// Where the reason phrase is; its bytes have not been looked at.
    pub(crate) reason: Range<usize>,
}

/// What is wrong, and at which byte of the line.
type Wrong = (Violation, usize);

/// A whole line in front, as nearly all are: in one pass, and `None` where there is anything to say about it. And how long it
/// is, its end included.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> Option<(StatusLine, usize)> {
    let (start, behind) = bytes.split_first_chunk::<13>()?;
    let [.., minor @ b'0'..=b'9', b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' '] = start else {
        return None;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    let status = StatusCode::from_u16(digit(a) * 100 + digit(b) * 10 + digit(c)).ok()?;
    let len = text_len(behind);
    let reason = start.len()..start.len() + len;
    if !start.starts_with(b"HTTP/1.") || behind.get(len..len + 2)? != b"\r\n" {
        return None;
    }
    Some((StatusLine { version: version(*minor), status, reason }, start.len() + len + 2))
}

/// A higher minor version is treated as the highest one known (RFC 9110 section 2.5).
fn version(minor: u8) -> Version {
    if minor == b'0' { Version::HTTP_10 } else { Version::HTTP_11 }
}

/// `HTTP-version = "HTTP/" DIGIT "." DIGIT`, as much of it as is there: what is no HTTP is known by its first byte,
/// without waiting for a line end that may never come.
pub(crate) fn check_prefix(bytes: &[u8]) -> Result<(), Wrong> {
    for (at, &byte) in bytes.iter().take(8).enumerate() {
        match at {
            0..5 if byte != b"HTTP/"[at] => return Err((Violation::StatusLine, at)),
            5 if byte != b'1' => return Err((Violation::Version, at)),
            6 if byte != b'.' => return Err((Violation::Version, at)),
            7 if !byte.is_ascii_digit() => return Err((Violation::Version, at)),
            _ => {}
        }
    }
    Ok(())
}

/// Reads a whole line, without its end, that begins behind `skip` bytes of white space and whose beginning has been checked. The space before an absent reason phrase may be
/// absent too.
pub(crate) fn parse(
    line: &[u8],
    skip: usize,
    leniency: &Leniency,
    deviations: &mut Deviations,
) -> Result<StatusLine, Wrong> {
    let lenient = leniency.status_line_whitespace;
    if skip > 0 {
        tolerate(&mut deviations.status_line_whitespace);
    }
    let version = match line.get(skip + 7) {
        Some(&minor) => version(minor),
        None => return Err((Violation::Version, line.len())),
    };
    let mut at = skip + 8;
    let space = leading_ows(&line[at..]);
    match (line.get(at), space) {
        (Some(b' '), 1) => {}
        (Some(_), 1..) if lenient => tolerate(&mut deviations.status_line_whitespace),
        (Some(b' '), 2..) => return Err((Violation::StatusCode, at + 1)),
        _ => return Err((Violation::StatusLine, at)),
    }
    at += space;
    let digits = line[at..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if digits < 3 {
        return Err((Violation::StatusCode, at + digits));
    }
    let Ok(status) = StatusCode::from_bytes(&line[at..at + 3]) else {
        return Err((Violation::StatusCode, at));
    };
    at += 3;
    let reason = match line.get(at) {
        None => at..at,
        Some(b' ') => at + 1..line.len(),
        Some(b'\t') if lenient => {
            tolerate(&mut deviations.status_line_whitespace);
            at + 1..line.len()
        }
        Some(_) => return Err((Violation::StatusCode, at)),
    };
    Ok(StatusLine { version, status, reason })
}
