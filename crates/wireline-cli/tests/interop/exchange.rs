//! The exchanges that every server is asked for.

use std::fmt::Write;

use wireline::{Method, Request, Version};

use crate::peer::Peer;
use crate::site::{LARGE, MODIFIED};

/// One request, sent once or more often.
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// As it goes out.
    pub(crate) target: String,
    pub(crate) version: Version,
    /// `Host` goes out only with it.
    pub(crate) has_host: bool,
    /// Behind `Host`, in this order.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) course: Course,
    /// The answer comes while content is sent. How much of that has left by then is chance, and with it whether the
    /// connection goes on.
    pub(crate) is_answered_early: bool,
}

/// What happens with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is sent so often, each behind the answer to the one before.
    InTurn(usize),
    /// It is sent so often before an answer is read.
    Pipelined(usize),
    /// The server is asked for a tunnel to the application, and the request goes through that.
    Tunnelled,
}

impl Exchange {
    fn new(name: &'static str, method: &'static str, target: impl Into<String>) -> Self {
        let fields = [("User-Agent", "interop"), ("Accept", "*/*")];
        Self {
            name,
            method,
            target: target.into(),
            version: Version::HTTP_11,
            has_host: true,
            fields: fields.map(|(name, value)| (name, value.to_owned())).to_vec(),
            content: None,
            course: Course::InTurn(1),
            is_answered_early: false,
        }
    }

    fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// With content of a length that is told.
    fn content(self, content: Vec<u8>) -> Self {
        let length = content.len().to_string();
        self.content_in(("Content-Length", &length), content)
    }

    /// With content in chunks.
    fn chunked(self, content: Vec<u8>) -> Self {
        self.content_in(("Transfer-Encoding", "chunked"), content)
    }

    fn content_in(mut self, (name, value): (&'static str, &str), content: Vec<u8>) -> Self {
        self.content = Some(content);
        self.field("Content-Type", "application/octet-stream").field(name, value)
    }

    fn course(mut self, course: Course) -> Self {
        self.course = course;
        self
    }

    fn answered_early(mut self) -> Self {
        self.is_answered_early = true;
        self
    }

    fn http10(mut self) -> Self {
        self.version = Version::HTTP_10;
        self
    }

    fn without_host(mut self) -> Self {
        self.has_host = false;
        self
    }

    /// How many responses it makes.
    pub(crate) fn responses(&self) -> usize {
        match self.course {
            Course::InTurn(times) | Course::Pipelined(times) => times,
            Course::Tunnelled => 1,
        }
    }

    pub(crate) fn expects_continue(&self) -> bool {
        self.fields.iter().any(|(name, _)| *name == "Expect")
    }

    /// The request as the libraries send it.
    pub(crate) fn request(&self, peer: &Peer) -> Request {
        if !self.has_host {
            // The builder knows that this is wrong, and the server is to say so.
            return Request::unchecked(self.wire(), Method::from_bytes(self.method.as_bytes()).unwrap());
        }
        let builder = Request::builder(self.method, &self.target).version(self.version).host(&peer.site);
        self.fields.iter().fold(builder, |builder, (name, value)| builder.field(name, value)).build().unwrap()
    }

    /// The head of a request without `Host`, byte for byte.
    pub(crate) fn wire(&self) -> String {
        let mut wire = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.fields {
            write!(wire, "{name}: {value}\r\n").unwrap();
        }
        wire + "\r\n"
    }
}

/// What shows whether the connection goes on behind an exchange.
pub(crate) fn probe(peer: &Peer) -> Exchange {
    Exchange::new("probe", "GET", peer.target("/small.txt"))
}

/// All of them. The `ETag` is that of `/small.txt`, which each server makes in its own way.
pub(crate) fn all(peer: &Peer, etag: &str) -> Vec<Exchange> {
    let ask = |name, method, path: &str| Exchange::new(name, method, peer.target(path));
    let get = |name, path| ask(name, "GET", path);
    let large = || LARGE[..300_000].to_vec();
    let small = || b"so much".to_vec();
    vec![
        get("a small file", "/small.txt"),
        get("an empty file", "/empty.txt"),
        get("a large file", "/large.bin"),
        ask("HEAD", "HEAD", "/large.bin"),
        get("nothing there", "/none"),
        get("a range", "/large.bin").field("Range", "bytes=100-65000"),
        get("the end", "/large.bin").field("Range", "bytes=-100"),
        get("a range beyond", "/large.bin").field("Range", "bytes=9999999-"),
        get("the same ETag", "/small.txt").field("If-None-Match", etag),
        get("not modified since", "/small.txt").field("If-Modified-Since", MODIFIED),
        Exchange::new("OPTIONS *", "OPTIONS", "*"),
        ask("a small upload", "POST", "/app/echo").content(small()),
        ask("a large upload", "POST", "/app/echo").content(large()),
        ask("an upload in chunks", "POST", "/app/echo").chunked(large()),
        ask("an upload asked for", "PUT", "/app/echo").content(large()).field("Expect", "100-continue"),
        ask("an upload refused", "PUT", "/app/limited").content(large()).field("Expect", "100-continue"),
        ask("an upload not read", "POST", "/app/limited").content(large()).answered_early(),
        ask("a method not allowed", "POST", "/small.txt").content(small()),
        ask("an unknown method", "BREW", "/small.txt"),
        get("a redirect", "/folder"),
        get("content in chunks", "/app/stream"),
        get("trailers", "/app/trailers").field("TE", "trailers").field("Connection", "TE"),
        get("no content", "/app/nothing"),
        get("early hints", "/app/hinted"),
        get("HTTP/1.0", "/small.txt").http10(),
        get("HTTP/1.0 until close", "/app/stream").http10(),
        get("three in turn", "/small.txt").course(Course::InTurn(3)),
        get("two pipelined", "/large.bin").course(Course::Pipelined(2)),
        get("Connection: close", "/small.txt").field("Connection", "close"),
        get("gzip", "/text.txt").field("Accept-Encoding", "gzip"),
        get("a name in percents", "/%61%20b.txt"),
        get("a query", "/small.txt?a=1&b=%20+;c"),
        get("a long target", &format!("/small.txt?{}", "q".repeat(4000))),
        get("a target too long", &format!("/small.txt?{}", "q".repeat(20_000))),
        (0..60).fold(get("sixty fields", "/small.txt"), |exchange, _| exchange.field("X-One-Of-Many", "sixty")),
        get("a large field", "/small.txt").field("X-Large", "v".repeat(6000)),
        get("a field too large", "/small.txt").field("X-Large", "v".repeat(20_000)),
        get("no Host", "/small.txt").without_host(),
        Exchange::new("absolute-form", "GET", format!("http://{}/small.txt", peer.site)),
        Exchange::new("CONNECT", "GET", "/small.txt").course(Course::Tunnelled),
    ]
}
