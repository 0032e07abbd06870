//! What kind of content it is.

use std::fmt;

/// A media type, as in `Content-Type` (RFC 9110 section 8.3.1).
///
/// ```
/// use wireline::MediaType;
///
/// let media_type = MediaType::parse(br#"Text/HTML ; Charset="utf-8""#).expect("it is one");
/// assert_eq!(media_type.essence(), "text/html");
/// assert_eq!((media_type.kind(), media_type.subtype()), ("text", "html"));
/// assert_eq!(media_type.charset(), Some("utf-8"));
/// assert_eq!(media_type.to_string(), "text/html;charset=utf-8");
/// assert!(MediaType::parse(b"text").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, in lower case, and where the `/` is.
    essence: String,
    slash: usize,
    /// Names in lower case.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// ```text
    /// media-type = token "/" token *( OWS ";" OWS [ parameter ] )
    /// parameter  = token "=" ( token / quoted-string )
    /// ```
    ///
    /// `None` for what is none, be it only in a parameter. White space around the whole is not looked at.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut rest = Rest(value.trim_ascii());
        let kind = rest.token()?;
        rest.skip(b'/')?;
        let essence = format!("{kind}/{}", rest.token()?).to_ascii_lowercase();
        let mut parameters = Vec::new();
        loop {
            rest.skip_ows();
            if rest.0.is_empty() {
                return Some(Self { slash: kind.len(), essence, parameters });
            }
            rest.skip(b';')?;
            rest.skip_ows();
            // A parameter may be missing.
            if let Some(name) = rest.token() {
                rest.skip(b'=')?;
                let value = match rest.skip(b'"') {
                    Some(()) => rest.quoted()?,
                    None => rest.token()?.to_owned(),
                };
                parameters.push((name.to_ascii_lowercase(), value));
            }
        }
    }

    /// Type and subtype in lower case, without parameters: `text/html`.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The type in lower case: `text`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.essence.split_at(self.slash).0
    }

    /// The subtype in lower case: `html`.
    #[must_use]
    pub fn subtype(&self) -> &str {
        self.essence.split_at(self.slash + 1).1
    }

    /// The value of a parameter, whatever the case of its name; the first, where it is there more than once.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The parameters in order: names in lower case, values without quotes, octets above 0x7F as the code points U+0080 to
    /// U+00FF.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The parameter `charset`, as it was written (RFC 9110 section 8.3.2).
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.parameter("charset")
    }
}

impl fmt::Display for MediaType {
    /// As it may stand in a field, quoted where it has to be; octets above 0x7F become UTF-8, which is not what they were.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in self.parameters() {
            if !value.is_empty() && value.bytes().all(is_token) {
                write!(f, ";{name}={value}")?;
            } else {
                write!(f, ";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

/// What has not been looked at.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn skip_ows(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|&byte| !is_token(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(token).ok().filter(|token| !token.is_empty())
    }

    /// Behind the first quote.
    ///
    /// ```text
    /// qdtext      = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
    /// quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text )
    /// ```
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        loop {
            let (byte, rest) = match self.0 {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return Some(value);
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (*byte, rest),
                [] => return None,
            };
            if !matches!(byte, b'\t' | b' '..=b'~' | 0x80..) {
                return None;
            }
            value.push(char::from(byte));
            self.0 = rest;
        }
    }
}

/// `tchar` (RFC 9110 section 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    // conformance: F14
    #[test]
    fn what_is_a_media_type() {
        for (value, normal) in [
            ("text/plain", "text/plain"),
            (" Text/Plain\t;;; charset=\"UTF-8\" ; ", "text/plain;charset=UTF-8"),
            (r#"a/b; x="q\"\\;"; X=2"#, r#"a/b;x="q\"\\;";x=2"#),
            ("a/b;x=\"\"", "a/b;x=\"\""),
        ] {
            let parsed = MediaType::parse(value.as_bytes()).expect(value);
            assert_eq!(parsed.to_string(), normal);
            assert_eq!(MediaType::parse(normal.as_bytes()), Some(parsed));
        }
        for value in [
            "",
            "text",
            "/b",
            "a/",
            "a/b/c",
            "a /b",
            "a/b c=d",
            "a/b; c",
            "a/b; c=",
            "a/b; c =d",
            "a/b; c=\"d",
            "a/b; c=\"d\"e",
            "a/b; c=\"\x01\"",
        ] {
            assert_eq!(MediaType::parse(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn octets_above_ascii_are_code_points() {
        let parsed = MediaType::parse(b"a/b; c=\"\xE9\"").expect("a quoted string may hold them");
        assert_eq!(parsed.parameter("C"), Some("\u{E9}"));
    }
}
