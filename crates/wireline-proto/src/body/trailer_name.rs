//! Which fields no sender may put into a trailer section (RFC 9110 section 6.5.1).

use crate::grammar;

/// Fields for framing, routing, authentication, request modifiers and content format.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

const LONGEST: usize = {
    let (mut longest, mut at) = (0, 0);
    while at < FORBIDDEN.len() {
        if FORBIDDEN[at].len() > longest {
            longest = FORBIDDEN[at].len();
        }
        at += 1;
    }
    longest
};

/// Whether this field, its name in any case, must not stand in a trailer section.
pub(crate) fn is_forbidden(name: &[u8]) -> bool {
    grammar::is_named(name, FORBIDDEN)
}

/// A field name of which the bytes come one by one: no more of it is kept than a forbidden one has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrailerName {
    bytes: [u8; LONGEST],
    /// Its length; past that of `bytes` it does not matter which, and it stays.
    len: usize,
}

impl TrailerName {
    pub(crate) fn after(mut self, byte: u8) -> Self {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len = (self.len + 1).min(LONGEST + 1);
        self
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        self.bytes.get(..self.len).is_some_and(is_forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_forbidden_byte_by_byte_as_it_is_in_one_piece() {
        for forbidden in FORBIDDEN {
            for name in
                [(*forbidden).to_owned(), forbidden.to_uppercase(), format!("x{forbidden}"), format!("{forbidden}s")]
            {
                let whole = name.bytes().fold(TrailerName::default(), TrailerName::after);
                assert_eq!(whole.is_forbidden(), name.eq_ignore_ascii_case(forbidden), "{name}");
                assert_eq!(whole.is_forbidden(), is_forbidden(name.as_bytes()), "{name}");
            }
        }
        let longer = "authorization".repeat(1000);
        assert!(!longer.bytes().fold(TrailerName::default(), TrailerName::after).is_forbidden());
    }
}
