//! The exchanges to which it happens.

use std::fmt::{self, Display};

use wireline_proto::Request;

use super::peer::{Enough, Fault, Peer};

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a driver has to know each of them")]
pub enum By {
    /// With its content from memory.
    Bytes,
    /// As one of a pipeline.
    Pipeline,
    /// With its content from a reader.
    Reader,
    /// Step by step.
    Writer,
}

/// One exchange: how the request is sent, and what the peer answers when.
#[derive(Clone, Debug)]
pub struct Scenario {
    name: &'static str,
    by: By,
    method: &'static str,
    /// The length of the content; `chunked` where it goes in chunks.
    content: usize,
    chunked: bool,
    expects: bool,
    answers: Vec<(At, &'static [u8])>,
    closes: bool,
}

/// When an answer is given.
#[derive(Clone, Copy, Debug)]
enum At {
    /// When the head of the request has come.
    Head,
    /// When all of it has.
    All,
}

const CONTENT: [u8; 5000] = [b'c'; 5000];

/// Content is made of the letters from a to j, and behind their heads answers have these nowhere else: so it can be found
/// without a parser.
const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcdefghij";
const CHUNKS: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n6;x=y\r\nefghij\r\n0\r\nT: 1\r\n\r\n";
const TO_CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nabcdefghij";
const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
const NOTHING: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const HEAD_ONLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const TOO_LARGE: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 10\r\n\r\nabcdefghij";

/// All of them.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    let plain = |name, by, method, answers: &[&'static [u8]], closes| Scenario {
        name,
        by,
        method,
        content: 0,
        chunked: false,
        expects: false,
        answers: answers.iter().map(|answer| (At::All, *answer)).collect(),
        closes,
    };
    for by in [By::Bytes, By::Pipeline] {
        all.push(plain("length", by, "GET", &[LENGTH], false));
        all.push(plain("chunks and trailers", by, "GET", &[CHUNKS], false));
        all.push(plain("until close", by, "GET", &[TO_CLOSE], true));
        all.push(plain("103 first", by, "GET", &[HINTS, LENGTH], false));
        all.push(plain("no content", by, "DELETE", &[NOTHING], false));
        all.push(plain("HEAD", by, "HEAD", &[HEAD_ONLY], false));
    }
    for by in [By::Bytes, By::Reader, By::Writer, By::Pipeline] {
        for chunked in [false, true] {
            for content in [1, 5000] {
                let upload = || Scenario { content, chunked, ..plain("upload", by, "PUT", &[LENGTH], false) };
                all.push(upload());
                all.push(Scenario {
                    name: "upload on request",
                    expects: true,
                    answers: vec![(At::Head, GO_ON), (At::All, LENGTH)],
                    ..upload()
                });
            }
        }
        let upload = || Scenario { content: 5000, ..plain("upload", by, "POST", &[LENGTH], false) };
        all.push(Scenario { name: "answered early", answers: vec![(At::Head, TOO_LARGE)], ..upload() });
        all.push(Scenario { name: "refused", expects: true, answers: vec![(At::Head, TOO_LARGE)], ..upload() });
    }
    all
}

impl Scenario {
    /// How its request is sent.
    #[must_use]
    pub fn by(&self) -> By {
        self.by
    }

    /// Its request.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn request(&self) -> Request {
        let builder = Request::builder(self.method, "/").host("a");
        let builder = match (self.content, self.chunked) {
            (0, _) => builder,
            (_, true) => builder.chunked(),
            (length, false) => builder.content_length(length as u64),
        };
        let builder = if self.expects { builder.expect_continue() } else { builder };
        builder.build().expect("the requests of all scenarios are legal")
    }

    /// The content of its request.
    #[must_use]
    pub fn content(&self) -> &'static [u8] {
        &CONTENT[..self.content]
    }

    /// The peer, to whose call of this number this happens.
    #[must_use]
    pub fn peer(&self, fault: Option<(usize, Fault)>) -> Peer {
        let head = self.request().as_bytes().len();
        let answers = self.answers.iter().map(|(at, answer)| match at {
            At::Head => (Enough::Bytes(head), *answer),
            At::All if self.chunked => (Enough::LastChunk, *answer),
            At::All => (Enough::Bytes(head + self.content), *answer),
        });
        Peer::new(answers.collect(), self.closes, fault)
    }

    /// The answer comes before the request is complete.
    pub(super) fn is_answered_early(&self) -> bool {
        matches!(self.answers[..], [(At::Head, _)])
    }

    /// The end of the stream is all that ends the answer.
    pub(super) fn ends_with_the_stream(&self) -> bool {
        self.closes
    }

    /// Whether this is all of the request.
    pub(super) fn is_whole(&self, seen: &[u8]) -> bool {
        let request = self.request();
        let Some(body) = seen.strip_prefix(request.as_bytes()) else { return false };
        if self.chunked { body.ends_with(b"0\r\n\r\n") } else { body.len() == self.content }
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, by, method, content, chunked, .. } = self;
        write!(f, "{name}, by {by:?}: {method} with {content} bytes, chunked: {chunked}")
    }
}
