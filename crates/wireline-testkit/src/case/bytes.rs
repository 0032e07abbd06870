//! The notation for bytes.

/// A line of the notation, or several that `\` joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// It ends in CRLF on the wire.
    pub(super) ends: bool,
}

/// More than this is surely not meant.
const MOST: usize = 64 << 20;

/// Reads the lines of a block; an error names the line, counted from 0.
pub(super) fn lines(block: &[&str], comments: bool) -> Result<Vec<Line>, (usize, String)> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, text) in block.iter().enumerate() {
        let text = if comments { without_comment(text) } else { text };
        // An even number of backslashes are that many escaped ones.
        let backslashes = text.len() - text.trim_end_matches('\\').len();
        let ends = backslashes % 2 == 0;
        let text = if ends { text } else { text.strip_suffix('\\').unwrap_or(text) };
        let bytes = unescape(text).map_err(|message| (index, message))?;
        match lines.last_mut().filter(|line| !line.ends) {
            Some(line) => {
                line.bytes.extend(bytes);
                line.ends = ends;
            }
            None => lines.push(Line { bytes, ends }),
        }
    }
    Ok(lines)
}

/// What the lines stand for on the wire.
pub(super) fn wire(lines: &[Line]) -> Vec<u8> {
    let mut wire = Vec::new();
    for line in lines {
        wire.extend_from_slice(&line.bytes);
        wire.extend_from_slice(if line.ends { b"\r\n" } else { b"" });
    }
    wire
}

fn without_comment(text: &str) -> &str {
    match text.find("  ; ") {
        Some(at) => text.get(..at).unwrap_or(text).trim_end_matches(' '),
        None => text,
    }
}

/// Replaces the escapes of one line.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::new();
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        bytes.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let len = match rest {
            [_, b'n', ..] => literal(&mut bytes, b'\n'),
            [_, b'r', ..] => literal(&mut bytes, b'\r'),
            [_, b't', ..] => literal(&mut bytes, b'\t'),
            [_, b'0', ..] => literal(&mut bytes, 0),
            [_, same @ (b'\\' | b'"' | b')'), ..] => literal(&mut bytes, *same),
            [_, b'x', high, low, ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                    return Err("\\x is followed by two hexadecimal digits".into());
                };
                bytes.push((high * 16 + low) as u8);
                4
            }
            [_, b'(', ..] => repeat(rest, &mut bytes)?,
            _ => return Err("a backslash begins none of \\n \\r \\t \\0 \\xHH \\\\ \\\" \\) \\(text*N)".into()),
        };
        rest = &rest[len..];
    }
    bytes.extend_from_slice(rest);
    Ok(bytes)
}

fn literal(bytes: &mut Vec<u8>, byte: u8) -> usize {
    bytes.push(byte);
    2
}

/// `\(text*N)` at the start of `rest`: adds what it stands for, and says how long it is.
fn repeat(rest: &[u8], bytes: &mut Vec<u8>) -> Result<usize, String> {
    let mut depth = 0;
    let mut at = 0;
    let end = loop {
        match rest.get(at) {
            Some(b'\\') => {
                depth += usize::from(rest.get(at + 1) == Some(&b'('));
                at += 1;
            }
            Some(b')') => {
                depth -= 1;
                if depth == 0 {
                    break at;
                }
            }
            Some(_) => {}
            None => return Err("\\( has no closing parenthesis".into()),
        }
        at += 1;
    };
    let inside = std::str::from_utf8(&rest[2..end]).map_err(|error| error.to_string())?;
    let (text, count) = inside.rsplit_once('*').ok_or("\\( ) holds no *N")?;
    let count: usize = count.parse().map_err(|_| format!("{count} is no number"))?;
    let text = unescape(text)?;
    if text.len().saturating_mul(count) > MOST {
        return Err("that is too much".into());
    }
    bytes.extend(text.repeat(count));
    Ok(end + 1)
}
