//! The charsets that content is text in: those that need no tables.

/// A charset that is known here (RFC 9110 section 8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Ascii,
    Latin1,
    Utf8,
}

/// The names and aliases that IANA has registered for each.
const NAMES: &[(Charset, &[&str])] = &[
    (Charset::Ascii, &["us-ascii", "ascii", "us", "ansi_x3.4-1968", "ansi_x3.4-1986", "iso-ir-6", "iso646-us"]),
    (
        Charset::Latin1,
        &["iso-8859-1", "iso_8859-1", "iso_8859-1:1987", "iso-ir-100", "latin1", "l1", "ibm819", "cp819"],
    ),
    (Charset::Utf8, &["utf-8", "utf8", "csutf8"]),
];

impl Charset {
    /// The charset of this name, whatever its case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is_named = |names: &&[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        NAMES.iter().find(|(_, names)| is_named(names)).map(|(charset, _)| *charset)
    }

    /// The text, or the bytes as they were when they are not text in this charset.
    pub(crate) fn decode(self, bytes: Vec<u8>) -> Result<String, Vec<u8>> {
        match self {
            Self::Ascii if !bytes.is_ascii() => Err(bytes),
            Self::Ascii | Self::Utf8 => String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes),
            Self::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        }
    }
}
