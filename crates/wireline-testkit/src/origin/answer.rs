//! Responses of the origin.

use std::io::{self, Read};

use wireline_proto::StatusCode;

use super::Next;
use super::incoming::Incoming;
use super::pattern::Pattern;
use super::request::Request;

/// A final response.
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) content: Content<'a>,
    /// The connection ends behind it, whatever the request says.
    pub(super) last: bool,
}

/// What it holds, and how its end is found.
pub(super) enum Content<'a> {
    Bytes(&'a [u8]),
    Chunked {
        len: u64,
        size: u64,
        trailers: bool,
    },
    /// More is announced than comes.
    Cut(u64),
    Pattern(u64),
    UntilClose(u64),
}

impl Answer<'_> {
    pub(super) fn send(&self, request: &Request, incoming: &mut Incoming) -> io::Result<Next> {
        let unframed = matches!(self.content, Content::UntilClose(_))
            || matches!(self.content, Content::Chunked { .. } if !request.is_http11);
        let persists = request.persists && !self.last && !unframed;
        let mut head = status_line(self.status);
        let bodiless = self.status.is_informational() || matches!(self.status.as_u16(), 204 | 304);
        if !bodiless {
            head.push_str("Content-Type: text/plain\r\n");
            match self.content {
                Content::Bytes(bytes) => head.push_str(&format!("Content-Length: {}\r\n", bytes.len())),
                Content::Pattern(len) => head.push_str(&format!("Content-Length: {len}\r\n")),
                Content::Cut(len) => head.push_str(&format!("Content-Length: {}\r\n", len.saturating_mul(2).max(1))),
                Content::Chunked { .. } if unframed => {}
                Content::Chunked { trailers, .. } => {
                    head.push_str("Transfer-Encoding: chunked\r\n");
                    head.push_str(if trailers { "Trailer: X-Length, X-Chunks\r\n" } else { "" });
                }
                Content::UntilClose(_) => {}
            }
        }
        match (persists, request.is_http11) {
            (false, _) => head.push_str("Connection: close\r\n"),
            (true, false) => head.push_str("Connection: keep-alive\r\n"),
            (true, true) => {}
        }
        head.push_str("\r\n");
        incoming.send(head.as_bytes())?;
        if !bodiless && request.method != "HEAD" {
            self.send_content(unframed, incoming)?;
        }
        Ok(match self.content {
            Content::Cut(_) => Next::Reset,
            _ if persists => Next::KeepAlive,
            _ => Next::Close,
        })
    }

    fn send_content(&self, unframed: bool, incoming: &mut Incoming) -> io::Result<()> {
        match self.content {
            Content::Bytes(bytes) => incoming.send(bytes),
            Content::Chunked { len, size, trailers } if !unframed => {
                let chunks = send_chunks(len, size, incoming)?;
                incoming.send(b"0\r\n")?;
                if trailers {
                    incoming.send(format!("X-Length: {len}\r\nX-Chunks: {chunks}\r\n").as_bytes())?;
                }
                incoming.send(b"\r\n")
            }
            Content::Chunked { len, .. } | Content::Cut(len) | Content::Pattern(len) | Content::UntilClose(len) => {
                pieces(Pattern::new(len), u64::MAX, |piece| incoming.send(piece)).map(drop)
            }
        }
    }
}

fn send_chunks(len: u64, size: u64, incoming: &mut Incoming) -> io::Result<u64> {
    let mut pattern = Pattern::new(len);
    let mut left = len;
    let mut chunks = 0;
    while left > 0 {
        let chunk = left.min(size);
        incoming.send(format!("{chunk:x}\r\n").as_bytes())?;
        pieces(&mut pattern, chunk, |piece| incoming.send(piece))?;
        incoming.send(b"\r\n")?;
        left -= chunk;
        chunks += 1;
    }
    Ok(chunks)
}

/// Gives the next `len` bytes of the pattern to `send`, in pieces.
fn pieces(pattern: impl Read, len: u64, mut send: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut pattern = pattern.take(len);
    loop {
        match pattern.read(&mut buffer)? {
            0 => return Ok(()),
            n => send(&buffer[..n])?,
        }
    }
}

/// An interim response.
pub(super) fn interim(status: StatusCode, incoming: &mut Incoming) -> io::Result<()> {
    incoming.send(format!("{}\r\n", status_line(status)).as_bytes())?;
    incoming.flush()
}

/// 400, to what is no request.
pub(super) fn refuse(incoming: &mut Incoming, reason: &str) -> io::Result<()> {
    let head = status_line(StatusCode::BAD_REQUEST);
    let length = reason.len();
    incoming.send(format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{reason}").as_bytes())
}

fn status_line(status: StatusCode) -> String {
    let reason = match status {
        CONTENT_TOO_LARGE => "Content Too Large",
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        status => status.canonical_reason().unwrap_or_default(),
    };
    format!("HTTP/1.1 {} {reason}\r\n", status.as_str())
}

/// RFC 9110 section 15.5.14; the `http` crate has the old name.
pub(super) const CONTENT_TOO_LARGE: StatusCode = StatusCode::PAYLOAD_TOO_LARGE;
