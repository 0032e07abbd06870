//! The bytes of `send` and `refused` blocks, as requests and their content.

use wireline_proto::{Fields, Framing, InvalidRequest, Request, Version};

use super::Command;

/// Something that is sent in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Content of the request before it: with chunks, one chunk.
    Content {
        /// The content.
        bytes: Vec<u8>,
        /// What of it leaves, framing included.
        wire: Vec<u8>,
    },
    /// The end of the content.
    Finish {
        /// Its trailer section.
        trailers: Fields,
        /// What of it leaves.
        wire: Vec<u8>,
    },
    /// A request, without its content.
    Request {
        /// As it was built.
        request: Request,
        /// What has to leave.
        wire: Vec<u8>,
    },
}

/// Cuts the bytes of `send` blocks into pieces. It keeps in mind what content the last request still owes.
#[derive(Debug)]
pub(super) struct Cutter {
    due: Framing,
}

impl Cutter {
    pub(super) const fn new() -> Self {
        Self { due: Framing::None }
    }

    /// A command has changed what is due.
    pub(super) fn command(&mut self, command: &Command) {
        self.due = match (command, self.due) {
            (Command::Content(bytes), Framing::Length(left)) => {
                Framing::Length(left.saturating_sub(bytes.len() as u64))
            }
            (Command::Frame(len), Framing::Length(left)) => Framing::Length(left.saturating_sub(*len)),
            (Command::Finish(_) | Command::AbandonContent | Command::TransmitClosed, _) => Framing::None,
            (_, due) => due,
        };
    }

    pub(super) fn cut(&mut self, mut wire: &[u8]) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        while !wire.is_empty() {
            let (piece, len) = match self.due {
                // A request may stand where content is due: a case may show how it is refused.
                due if begins_request(wire) && (has_known_method(wire) || !is_content(wire, due)) => {
                    self.request(wire)?
                }
                Framing::Length(left) => self.content(wire, left),
                Framing::Chunked => self.chunk(wire)?,
                _ => return Err("this is neither a request nor content of one".into()),
            };
            wire = &wire[len..];
            pieces.push(piece);
            if self.due == Framing::Length(0) {
                self.due = Framing::None;
                pieces.push(Piece::Finish { trailers: Fields::new(), wire: Vec::new() });
            }
        }
        Ok(pieces)
    }

    fn request(&mut self, wire: &[u8]) -> Result<(Piece, usize), String> {
        let len = find(wire, b"\r\n\r\n").ok_or("this request has no empty line at its end")? + 4;
        let lines: Vec<_> = split_lines(&wire[..len - 4]);
        let request = request(&lines).map_err(|invalid| {
            format!("this request cannot be built: {}; use a `refused` or a `send-raw` block", invalid.name())
        })?;
        if !matches!(request.framing(), Framing::None | Framing::Length(0)) {
            self.due = request.framing();
        }
        Ok((Piece::Request { request, wire: wire[..len].to_vec() }, len))
    }

    fn content(&mut self, wire: &[u8], left: u64) -> (Piece, usize) {
        let fits = usize::try_from(left).unwrap_or(usize::MAX).min(wire.len());
        // What is neither content nor a request is content in excess: a case may show how it is refused.
        let len = if fits == wire.len() || begins_request(&wire[fits..]) { fits } else { wire.len() };
        if len == fits {
            self.due = Framing::Length(left - len as u64);
        }
        (Piece::Content { bytes: wire[..len].to_vec(), wire: wire[..len].to_vec() }, len)
    }

    fn chunk(&mut self, wire: &[u8]) -> Result<(Piece, usize), String> {
        let line = find(wire, b"\r\n").ok_or("a chunk line does not end")?;
        let size = std::str::from_utf8(&wire[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or("a chunk does not begin with its size")?;
        let start = line + 2;
        if size > 0 {
            let len = start + size + 2;
            if wire.get(start + size..len) != Some(b"\r\n") {
                return Err("a chunk does not end where its size says".into());
            }
            return Ok((Piece::Content { bytes: wire[start..start + size].to_vec(), wire: wire[..len].to_vec() }, len));
        }
        let end = find(&wire[line..], b"\r\n\r\n").ok_or("the trailer section does not end")? + line + 4;
        let trailers = Fields::parse(&wire[start..end - 2]).map_err(|invalid| invalid.to_string())?;
        self.due = Framing::None;
        Ok((Piece::Finish { trailers, wire: wire[..end].to_vec() }, end))
    }
}

/// Whether the first line has the three parts of a request line, and ends as one does.
fn begins_request(wire: &[u8]) -> bool {
    let line = &wire[..find(wire, b"\r\n").unwrap_or(0)];
    let Some(at) = line.len().checked_sub(b" HTTP/1.1".len()) else { return false };
    let is_version = matches!(&line[at..], [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit());
    is_version && split_once(&line[..at], b' ').is_some_and(|(method, target)| !method.is_empty() && !target.is_empty())
}

/// Content that ends without CRLF stands in one line with the request behind it: `abcGET / HTTP/1.1` is no request.
fn has_known_method(wire: &[u8]) -> bool {
    let known = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    split_once(wire, b' ').is_some_and(|(method, _)| known.iter().any(|known| known.as_bytes() == method))
}

/// Whether as much as is due stands before a request or before nothing.
fn is_content(wire: &[u8], due: Framing) -> bool {
    let Framing::Length(left) = due else { return false };
    let rest = usize::try_from(left).ok().and_then(|left| wire.get(left..));
    rest.is_some_and(|rest| rest.is_empty() || begins_request(rest))
}

/// Builds a request of its lines, without the empty one at the end.
pub(super) fn request(lines: &[&[u8]]) -> Result<Request, InvalidRequest> {
    let (line, fields) = lines.split_first().map_or((&[][..], &[][..]), |(line, fields)| (*line, fields));
    let (rest, version) = match line.iter().rposition(|&byte| byte == b' ') {
        Some(at) if line[at..].starts_with(b" HTTP/") => (&line[..at], &line[at + 1..]),
        _ => (line, &[][..]),
    };
    let (method, target) = split_once(rest, b' ').unwrap_or((rest, &[]));
    let mut builder = Request::builder(method, target).version(match version {
        b"HTTP/1.1" => Version::HTTP_11,
        b"HTTP/1.0" => Version::HTTP_10,
        _ => Version::HTTP_2,
    });
    for field in fields {
        let (name, value) = split_once(field, b':').unwrap_or((field, &[]));
        builder = builder.field(name, value.strip_prefix(b" ").unwrap_or(value));
    }
    builder.build()
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == at)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn split_lines(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(end) = find(bytes, b"\r\n") {
        lines.push(&bytes[..end]);
        bytes = &bytes[end + 2..];
    }
    lines.push(bytes);
    lines
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
