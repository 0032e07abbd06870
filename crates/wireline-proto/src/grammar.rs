//! Which bytes are legal where: byte classes, each under the ABNF that it implements.

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

/// How long the field name is that stands in front of a colon, if there is one.
#[inline(always)]
pub(crate) fn name_len(line: &[u8]) -> Option<usize> {
    let is_rare = |byte: u8| !((byte | 0x20).is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-'));
    let len = line.first_chunk().and_then(|block| first_of(block, is_rare)).unwrap_or(0);
    if len > 0 && line.get(len) == Some(&b':') { Some(len) } else { rare_name_len(line) }
}

/// The same for a name that is long, or not only of letters, digits and hyphens.
#[inline(never)]
fn rare_name_len(line: &[u8]) -> Option<usize> {
    first_not(line, TOKEN).filter(|&len| len > 0 && line[len] == b':')
}

/// How many bytes of [`TEXT`] are in front.
#[inline(always)]
pub(crate) fn text_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, behind)) = rest.split_first_chunk() {
        if let Some(len) = first_of(block, |byte| ((byte < b' ') & (byte != b'\t')) | (byte == 0x7F)) {
            return bytes.len() - rest.len() + len;
        }
        rest = behind;
    }
    bytes.len() - rest.len() + len_by_class(rest, TEXT)
}

/// Which of sixteen bytes is the first for which this is true. The hot loop of a head: where `is` has no branch, the compiler
/// makes one comparison of all sixteen.
#[inline(always)]
fn first_of(block: &[u8; 16], is: impl Fn(u8) -> bool) -> Option<usize> {
    let mut marks = [0; 16];
    for (mark, &byte) in marks.iter_mut().zip(block) {
        *mark = if is(byte) { 0xFF } else { 0 };
    }
    // The marks go through memory: to look at them in two halves costs less than what is made of them otherwise.
    let marks = std::hint::black_box(marks);
    let half = |at: usize| marks[at..].first_chunk().map_or(0, |half| u64::from_le_bytes(*half));
    match (half(0), half(8)) {
        (0, 0) => None,
        (0, marks) => Some(8 + marks.trailing_zeros() as usize / 8),
        (marks, _) => Some(marks.trailing_zeros() as usize / 8),
    }
}

/// How many bytes of a class are in front, where they are few.
#[inline(never)]
fn len_by_class(bytes: &[u8], class: u8) -> usize {
    first_not(bytes, class).unwrap_or(bytes.len())
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
            let end = memchr::memchr(b']', literal)?;
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

    /// Which name stands in front of a colon, byte by byte.
    fn named(bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|&byte| !is(byte, TOKEN)).filter(|&at| at > 0 && bytes[at] == b':')
    }

    #[test]
    fn a_byte_that_is_wrong_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for len in 1..36 {
                for at in 0..len {
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = byte;
                    assert_eq!(text_len(&bytes), first_not(&bytes, TEXT).unwrap_or(len), "{byte:#x} at {at} of {len}");
                    assert_eq!(name_len(&bytes), named(&bytes), "{byte:#x} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn neighbours_do_not_hide_a_byte_that_is_wrong() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let bytes = [&[b'a', b'b', first, second][..], &[b'c'; 12]].concat();
                assert_eq!(text_len(&bytes), first_not(&bytes, TEXT).unwrap_or(16), "{first:#x} {second:#x}");
                assert_eq!(name_len(&bytes), named(&bytes), "{first:#x} {second:#x}");
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
