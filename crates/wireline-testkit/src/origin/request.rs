//! Reads requests, strictly: what is not plainly a request is refused.

use std::io;

use super::incoming::Incoming;

/// A request without its content.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    /// HTTP/1.0 otherwise.
    pub(super) is_http11: bool,
    /// Request line and field section as they came, the empty line included.
    pub(super) head: Vec<u8>,
    pub(super) content: Content,
    pub(super) expects_continue: bool,
    pub(super) persists: bool,
}

/// How the end of the content is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Chunked,
    Length(u64),
}

/// Why there is no request.
pub(super) enum BadRequest {
    Invalid(&'static str),
    Lost(io::Error),
}

impl From<io::Error> for BadRequest {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// A larger head is refused.
const HEAD: usize = 64 << 10;

impl Request {
    /// The next request; `None` when the client has closed.
    pub(super) fn read(incoming: &mut Incoming) -> Result<Option<Self>, BadRequest> {
        let mut searched = 0;
        let len = loop {
            let buffered = incoming.buffered();
            if let Some(at) = buffered[searched..].windows(4).position(|end| end == b"\r\n\r\n") {
                break searched + at + 4;
            }
            if buffered.len() > HEAD {
                return Err(BadRequest::Invalid("the head is too large"));
            }
            searched = buffered.len().saturating_sub(3);
            if !incoming.fill()? {
                let nothing = incoming.buffered().is_empty();
                return if nothing { Ok(None) } else { Err(BadRequest::Invalid("the head is cut off")) };
            }
        };
        let head = incoming.take(len);
        Self::parse(head).map(Some).map_err(BadRequest::Invalid)
    }

    fn parse(head: Vec<u8>) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(&head).map_err(|_| "the head is not UTF-8")?;
        let text = text.strip_suffix("\r\n\r\n").ok_or("the head does not end")?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("the request line is not three words");
        };
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err("the method is no token");
        }
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the target holds a byte that it must not");
        }
        let is_http11 = match version {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return Err("the version is not HTTP/1.1 or HTTP/1.0"),
        };
        let fields = lines.map(field).collect::<Result<Vec<_>, _>>()?;
        let all = |name: &str| -> Vec<&str> {
            fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
        };
        if all("host").len() != 1 && (is_http11 || all("host").len() > 1) {
            return Err("there is not one Host");
        }
        let content = match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
            ([], []) => Content::Length(0),
            ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                Content::Length(length.parse().map_err(|_| "Content-Length is no number of 64 bits")?)
            }
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") && is_http11 => Content::Chunked,
            _ => return Err("the framing is not plain"),
        };
        let connection = all("connection");
        let asks = |option: &str| {
            connection.iter().flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(option))
        };
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            is_http11,
            content,
            expects_continue: is_http11 && all("expect").iter().any(|value| value.eq_ignore_ascii_case("100-continue")),
            persists: !asks("close") && (is_http11 || asks("keep-alive")),
            head,
        })
    }
}

fn field(line: &str) -> Result<(&str, &str), &'static str> {
    let (name, value) = line.split_once(':').ok_or("a field line has no colon")?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("a field name is no token");
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err("a field value holds a control byte");
    }
    Ok((name, value.trim_matches([' ', '\t'])))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Reads the content of a request up to `most` bytes; `None` when there is more.
pub(super) fn read_content(
    content: Content,
    most: usize,
    incoming: &mut Incoming,
) -> Result<Option<Vec<u8>>, BadRequest> {
    let mut bytes = Vec::new();
    if let Content::Length(length) = content {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most {
            return Ok(None);
        }
        read_exactly(length, &mut bytes, incoming)?;
        return Ok(Some(bytes));
    }
    loop {
        let line = read_line(incoming)?;
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().filter(|size| size.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or(BadRequest::Invalid("a chunk size is no number"))?;
        if size == 0 {
            break;
        }
        if size > most - bytes.len() {
            return Ok(None);
        }
        read_exactly(size, &mut bytes, incoming)?;
        if !read_line(incoming)?.is_empty() {
            return Err(BadRequest::Invalid("a chunk is longer than its size"));
        }
    }
    // Trailer fields are read over: no route asks for them.
    while !read_line(incoming)?.is_empty() {}
    Ok(Some(bytes))
}

fn read_exactly(mut len: usize, bytes: &mut Vec<u8>, incoming: &mut Incoming) -> Result<(), BadRequest> {
    while len > 0 {
        if incoming.buffered().is_empty() && !incoming.fill()? {
            return Err(BadRequest::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        let n = len.min(incoming.buffered().len());
        bytes.extend(incoming.take(n));
        len -= n;
    }
    Ok(())
}

/// A line without its CRLF; at most as long as a head.
fn read_line(incoming: &mut Incoming) -> Result<Vec<u8>, BadRequest> {
    loop {
        if let Some(end) = incoming.buffered().windows(2).position(|end| end == b"\r\n") {
            let mut line = incoming.take(end + 2);
            line.truncate(end);
            return Ok(line);
        }
        if incoming.buffered().len() > HEAD {
            return Err(BadRequest::Invalid("a line is too long"));
        }
        if !incoming.fill()? {
            return Err(BadRequest::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}
