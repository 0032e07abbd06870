//! What is asked and answered under load: made from its number, byte for byte, and never kept.

use wireline::Request;

use crate::random::{Random, Side, content};

/// One exchange of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) connection: u32,
    pub(super) number: u64,
    /// The length of the content that is sent, where there is any.
    upload: Option<usize>,
    answer: usize,
    is_chunked: bool,
    /// The server hands the system the head and the rest one after the other.
    pub(super) is_cut: bool,
}

/// Most contents are far shorter.
const LONGEST: usize = 20_000;

impl Exchange {
    pub(super) fn new(seed: u64, connection: u32, number: u64) -> Self {
        let mut random = Random::new(seed, &[u64::from(connection), number]);
        Self {
            connection,
            number,
            upload: random.percent(20).then(|| 1 + random.length(LONGEST - 1)),
            answer: random.length(LONGEST),
            is_chunked: random.percent(50),
            is_cut: random.percent(25),
        }
    }

    fn method(&self) -> &'static str {
        if self.upload.is_some() { "PUT" } else { "GET" }
    }

    fn target(&self) -> String {
        format!("/{}/{}", self.connection, self.number)
    }

    pub(super) fn request(&self) -> Request {
        let builder = Request::builder(self.method(), self.target()).host("soak");
        let builder = match self.upload {
            Some(len) => builder.content_length(len as u64),
            None => builder,
        };
        builder.build().expect("a request of the plan is legal")
    }

    /// The content of the request.
    pub(super) fn sent(&self) -> &'static [u8] {
        self.content(Side::Request, self.upload.unwrap_or_default())
    }

    /// The content of the answer.
    pub(super) fn answered(&self) -> &'static [u8] {
        self.content(Side::Response, self.answer)
    }

    /// Other bytes than those of its neighbours; that exchanges far apart share some does no harm.
    fn content(&self, side: Side, len: usize) -> &'static [u8] {
        content(self.connection, usize::try_from(self.number).unwrap_or_default(), side, len)
    }

    /// What the head of the request has to be: written down here once more, and not asked of what is tested.
    pub(super) fn request_head(&self) -> String {
        let length = self.upload.map_or_else(String::new, |len| format!("Content-Length: {len}\r\n"));
        format!("{} {} HTTP/1.1\r\nHost: soak\r\n{length}\r\n", self.method(), self.target())
    }

    /// The answer in wire form, and the length of its head.
    pub(super) fn answer(&self) -> (Vec<u8>, usize) {
        let content = self.answered();
        let framing = if self.is_chunked {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {}", content.len())
        };
        let id = format!("{}/{}", self.connection, self.number);
        let mut bytes = format!("HTTP/1.1 200 OK\r\nX-Exchange: {id}\r\n{framing}\r\n\r\n").into_bytes();
        let head = bytes.len();
        if !self.is_chunked {
            bytes.extend_from_slice(content);
            return (bytes, head);
        }
        for chunk in content.chunks(3000) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        (bytes, head)
    }
}
