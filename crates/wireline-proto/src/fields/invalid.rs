//! What no field line can be.

use std::fmt;

/// A field line that cannot be sent. Places count from the start of what was given: of the name, of the value, or of
/// the section for [`Fields::parse`](crate::Fields::parse).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidField {
    /// Not a line: no colon, or no CRLF at its end.
    Line {
        /// The place of the fault.
        at: usize,
    },
    /// The name is empty or has a byte that is no `tchar` (RFC 9110 section 5.6.2).
    Name {
        /// The place of the byte.
        at: usize,
    },
    /// More field lines than a `HeaderMap` can hold.
    TooMany,
    /// The value has a control byte: CR, LF and NUL above all (RFC 9110 section 5.5).
    Value {
        /// The place of the byte.
        at: usize,
    },
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { at } => write!(f, "not a field line at byte {at}"),
            Self::Name { at } => write!(f, "a byte that no field name may hold at byte {at}"),
            Self::TooMany => f.write_str("more field lines than a HeaderMap can hold"),
            Self::Value { at } => write!(f, "a control byte in a field value at byte {at}"),
        }
    }
}

impl std::error::Error for InvalidField {}
