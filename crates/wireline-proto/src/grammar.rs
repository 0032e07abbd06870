//! Which bytes are legal where: byte classes, each under the ABNF that it implements.

mod block;

use block::Block;

/// `token = 1*tchar` (RFC 9110 section 5.6.2): methods, field names, transfer codings.
///
/// ```text
/// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
/// ```
pub(crate) const TOKEN: u8 = 1;

/// What stands in a field value or a reason phrase (RFC 9110 section 5.5, RFC 9112 section 4).
///
/// ```text
/// field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
/// field-vchar   = VCHAR / obs-text
/// reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
/// ```
pub(crate) const TEXT: u8 = 2;

/// What goes into a request target: VCHAR without `#`, since the fragment is never sent (RFC 9112 section 3.2).
///
/// Wider than the URI grammar: servers are sent `|`, `{` and `"` every day, and a request target is sent as given.
pub(crate) const TARGET: u8 = 4;

/// `reg-name` (RFC 3986 section 3.2.2): unreserved, sub-delims, `%`. No `@`: userinfo is never sent (RFC 9110 section
/// 4.2.4).
const REG_NAME: u8 = 8;

/// What stands between the brackets of an IP literal (RFC 3986 section 3.2.2, and RFC 6874 for the `%`).
const IP_LITERAL: u8 = 16;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        let mut class = 0;
        if b.is_ascii_alphanumeric() || is_one_of(b, b"!#$%&'*+-.^_`|~") {
            class |= TOKEN;
        }
        if matches!(b, b'\t' | b' '..=b'~' | 0x80..) {
            class |= TEXT;
        }
        if b.is_ascii_graphic() && b != b'#' {
            class |= TARGET;
        }
        if b.is_ascii_alphanumeric() || is_one_of(b, b"-._~!$&'()*+,;=%") {
            class |= REG_NAME | IP_LITERAL;
        }
        if b == b':' {
            class |= IP_LITERAL;
        }
        classes[byte] = class;
        byte += 1;
    }
    classes
};

const fn is_one_of(byte: u8, set: &[u8]) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == byte {
            return true;
        }
        i += 1;
    }
    false
}

pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// The place of the first byte that is not of this class.
pub(crate) fn first_not(bytes: &[u8], class: u8) -> Option<usize> {
    // Four at a time: one look at the length for all of them.
    let mut at = 0;
    while let Some((four, _)) = bytes[at..].split_first_chunk::<4>() {
        if let Some(wrong) = four.iter().position(|&byte| !is(byte, class)) {
            return Some(at + wrong);
        }
        at += 4;
    }
    bytes[at..].iter().position(|&byte| !is(byte, class)).map(|wrong| at + wrong)
}

/// A plain field line in front, `field-name ":" *TEXT CRLF`, if there is one: how long its name is, and how long it is without
/// its end.
#[inline(always)]
pub(crate) fn plain_line(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.first_chunk().and_then(common_line) {
        None => any_plain_line(bytes),
        line => line,
    }
}

/// The same where the line is short, and of letters, digits and hyphens in its name and ASCII in its value, as nearly all are:
/// with no loop.
#[inline(always)]
fn common_line(bytes: &[u8; 64]) -> Option<(usize, usize)> {
    let name_len = Block::new(bytes.first_chunk()?).name().trailing_ones() as usize;
    let len = block::common_len(bytes, Block::text);
    let is_line = name_len > 0 && bytes.get(name_len) == Some(&b':') && bytes.get(len..len + 2) == Some(b"\r\n");
    is_line.then_some((name_len, len))
}

#[inline(never)]
fn any_plain_line(bytes: &[u8]) -> Option<(usize, usize)> {
    if bytes.first() == Some(&b'\r') {
        return None;
    }
    if bytes.len() < 64 {
        // At the end of what has come. No line has a NUL in it.
        let mut padded = [0; 64];
        padded[..bytes.len()].copy_from_slice(bytes);
        if let Some(line) = common_line(&padded) {
            return Some(line);
        }
    }
    let name_len = first_not(bytes, TOKEN)?;
    if name_len == 0 || bytes[name_len] != b':' {
        return None;
    }
    let len = text_len(bytes);
    (bytes.get(len..len + 2) == Some(b"\r\n")).then_some((name_len, len))
}

/// How many bytes of [`TEXT`] are in front.
pub(crate) fn text_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    while let Some(blocks) = bytes[len..].first_chunk() {
        len += block::common_len(blocks, Block::text);
        match bytes.get(len) {
            Some(&byte) if is(byte, TEXT) => len += 1,
            _ => return len,
        }
    }
    len + first_not(&bytes[len..], TEXT).unwrap_or(bytes.len() - len)
}

/// `OWS = *( SP / HTAB )` (RFC 9110 section 5.6.3) at both ends taken off; the place of the rest in `bytes`.
pub(crate) fn without_ows(bytes: &[u8]) -> std::ops::Range<usize> {
    let mut rest = bytes;
    while let [b' ' | b'\t', behind @ ..] = rest {
        rest = behind;
    }
    let start = bytes.len() - rest.len();
    while let [before @ .., b' ' | b'\t'] = rest {
        rest = before;
    }
    start..start + rest.len()
}

pub(crate) const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether an authority names a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Optional,
    Required,
}

/// The host of `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 sections 3.2.2 and 3.2.3), brackets included;
/// `None` when it is none. It may be empty, where the target has no authority.
pub(crate) fn host(authority: &[u8], port: Port) -> Option<&[u8]> {
    let end = match authority {
        [b'[', literal @ ..] => {
            let end = find(b']', literal)?;
            if end == 0 || first_not(&literal[..end], IP_LITERAL).is_some() {
                return None;
            }
            end + 2
        }
        _ => first_not(authority, REG_NAME).unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let is_port = match (rest, port) {
        ([], Port::Optional) => true,
        ([b':'], _) => port == Port::Optional,
        ([b':', digits @ ..], _) => decimal(digits).is_some_and(|port| port <= u64::from(u16::MAX)),
        _ => false,
    };
    is_port.then_some(host)
}

/// Where a byte is first.
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&other| other == byte)
}

/// How much white space is in front.
pub(crate) fn leading_ows(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_ows(byte)).count()
}

/// `1#element` read as a recipient does: elements between commas, without OWS, empty ones ignored (RFC 9110
/// section 5.6.1.2).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        loop {
            // Elements are short: a call to search for the comma would cost more than the search.
            let (element, behind) = match rest?.iter().position(|&byte| byte == b',') {
                Some(comma) => (&rest?[..comma], rest?.get(comma + 1..)),
                None => (rest?, None),
            };
            rest = behind;
            if let element @ [_, ..] = &element[without_ows(element)] {
                return Some(element);
            }
        }
    })
}

/// Whether this token is an element of a list, whatever its case.
pub(crate) fn lists(value: &[u8], token: &[u8]) -> bool {
    list(value).any(|element| element.eq_ignore_ascii_case(token))
}

/// What an element of a list is called: it ends where parameters begin.
pub(crate) fn without_parameters(element: &[u8]) -> &[u8] {
    let name = element.split(|&byte| byte == b';').next().unwrap_or_default();
    &name[without_ows(name)]
}

/// Whether a name, or a token, is one of these, whatever its case. Not inlined: over a table, that is a comparison of its own
/// for each.
#[inline(never)]
pub(crate) fn is_named(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// `1*DIGIT` as a number: `None` when it is not, or too large for 64 bits; which of the two is told apart by the caller.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is a plain line, byte by byte.
    fn line_by_bytes(bytes: &[u8]) -> Option<(usize, usize)> {
        let name_len = bytes.iter().position(|&byte| !is(byte, TOKEN)).filter(|&at| at > 0 && bytes[at] == b':')?;
        let len = bytes.iter().position(|&byte| !is(byte, TEXT))?;
        bytes[len..].starts_with(b"\r\n").then_some((name_len, len))
    }

    fn check_line(bytes: &[u8]) {
        assert_eq!(plain_line(bytes), line_by_bytes(bytes), "{}", bytes.escape_ascii());
        assert_eq!(text_len(bytes), first_not(bytes, TEXT).unwrap_or(bytes.len()), "{}", bytes.escape_ascii());
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many lines for an hour; the test of a block has every byte")]
    fn a_byte_that_is_wrong_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for (name, value, behind) in
                [(1, 0, 0), (3, 7, 0), (3, 7, 64), (15, 9, 40), (16, 9, 40), (17, 60, 30), (5, 200, 0)]
            {
                let line = [&vec![b'n'; name][..], b":", &vec![b'v'; value], b"\r\n", &vec![b'b'; behind]].concat();
                check_line(&line);
                for at in 0..line.len() {
                    let mut line = line.clone();
                    line[at] = byte;
                    check_line(&line);
                    check_line(&line[..at]);
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many lines for an hour; the test of a block has every byte")]
    fn neighbours_do_not_hide_a_byte_that_is_wrong() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                check_line(&[&[b'n', first, second, b':', b'v'][..], b"\r\n", &[b'b'; 64]].concat());
                check_line(&[&[b'n', b':', first, second, b'v'][..], b"\r\n", &[b'b'; 64]].concat());
            }
        }
    }

    #[test]
    fn numbers_are_digits_and_fit() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "18446744073709551616", "+5", "-1", "0x5", "1 2", "5_0"] {
            assert_eq!(decimal(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (authority, name) in [("a", "a"), ("a:80", "a"), ("[::1]:80", "[::1]"), ("", ""), ("a.b%20c:", "a.b%20c")] {
            assert_eq!(host(authority.as_bytes(), Port::Optional), Some(name.as_bytes()), "{authority}");
        }
        for wrong in ["a:b", "a:80:90", "a:65536", "[::1", "[]", "[::1]80", "a b", "u@a", "a/", "::1"] {
            assert_eq!(host(wrong.as_bytes(), Port::Optional), None, "{wrong}");
        }
        for wrong in ["a", "a:", "[::1]"] {
            assert_eq!(host(wrong.as_bytes(), Port::Required), None, "{wrong}");
        }
    }

    #[test]
    fn lists_may_hold_empty_elements() {
        assert_eq!(list(b" , a ,, b\t, ").collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
