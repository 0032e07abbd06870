//! Random responses, right ones and ones that are nearly right.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use wireline_proto::{Config, Leniency, Request};

const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200",
    "HTTP/1.1 201 ",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 103 Early Hints",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 Not Modified",
    "HTTP/1.1 417 Expectation Failed",
];

const STRANGE_STATUS_LINES: &[&str] = &[
    "HTTP/1.0 200 OK",
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.9 999 \u{e9}",
    "HTTP/1.1  200 OK",
    "HTTP/2.0 200 OK",
    "ICY 200 OK",
    "\r",
];

const FIELDS: &[&str] =
    &["Connection: keep-alive", "X-Folded: a\r\n b", "X-Empty:", "x-empty: ", "X-Bytes: \u{e9}\t\"", "Trailer: X-Sum"];

const STRANGE_FIELDS: &[&str] = &[
    "Connection: close",
    "connection: a, upgrade",
    "Upgrade: test",
    "Content-Length: 3",
    "Content-Length: 3, 3",
    "Content-Length: 18446744073709551616",
    "Transfer-Encoding: chunked",
    "transfer-encoding: ,chunked,",
    "Transfer-Encoding: gzip, chunked",
    "X : space",
    "no colon",
    "X-Control: \u{1}",
];

fn fields() -> impl Strategy<Value = String> {
    let line = prop_oneof![6 => select(FIELDS), 1 => select(STRANGE_FIELDS)];
    vec(line, 0..3).prop_map(|lines| lines.iter().map(|line| format!("{line}\r\n")).collect())
}

/// How the end of a body is found, and the body.
fn body() -> impl Strategy<Value = (String, Vec<u8>)> {
    let bytes = || vec(any::<u8>(), 0..40);
    let chunk = (vec(any::<u8>(), 1..20), select(&["", ";a", ";a=b", " ;a=\"b\\\"\""][..]));
    prop_oneof![
        4 => bytes().prop_map(|bytes| (format!("Content-Length: {}\r\n", bytes.len()), bytes)),
        1 => bytes().prop_map(|bytes| (String::new(), bytes)),
        4 => (vec(chunk, 0..4), fields()).prop_map(|(chunks, trailers)| {
            let mut body = Vec::new();
            for (chunk, extension) in chunks {
                body.extend(format!("{:x}{extension}\r\n", chunk.len()).into_bytes());
                body.extend(chunk);
                body.extend(b"\r\n");
            }
            body.extend(format!("0\r\n{trailers}\r\n").into_bytes());
            ("Transfer-Encoding: chunked\r\n".to_owned(), body)
        }),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![8 => select(STATUS_LINES), 1 => select(STRANGE_STATUS_LINES)];
    (line, fields(), body()).prop_map(|(line, fields, (framing, body))| {
        // These have no body, whatever else they say.
        let bodiless = ["100", "103", "204", "304"].iter().any(|status| line.contains(&format!(" {status} ")));
        let body = if bodiless { &[][..] } else { &body };
        [format!("{line}\r\n{fields}{framing}\r\n").as_bytes(), body].concat()
    })
}

/// One byte more, less, or another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    at: Index,
    kind: u8,
    byte: u8,
}

impl Edit {
    pub(crate) fn make(self, bytes: &mut Vec<u8>) {
        let at = self.at.index(bytes.len().max(1)).min(bytes.len());
        match self.kind {
            0 => bytes.insert(at, self.byte),
            1 if at < bytes.len() => bytes[at] = self.byte,
            _ if at < bytes.len() => drop(bytes.remove(at)),
            _ => {}
        }
    }
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![3 => select(&b"\r\n\t :;,=0f\0\"H"[..]), 1 => any::<u8>()];
    (any::<Index>(), 0..3_u8, byte).prop_map(|(at, kind, byte)| Edit { at, kind, byte })
}

/// What a peer may send: responses with a few bytes of them changed, or any bytes.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (vec(message(), 1..4), prop_oneof![2 => Just(Vec::new()), 1 => vec(edit(), 1..4)]).prop_map(
        |(messages, edits)| {
            let mut stream = messages.concat();
            for edit in edits {
                edit.make(&mut stream);
            }
            stream
        },
    );
    prop_oneof![9 => mutated, 1 => vec(any::<u8>(), 0..100)]
}

pub(crate) fn settings() -> impl Strategy<Value = Config> {
    let leniency = prop_oneof![
        4 => Just(Leniency::STRICT),
        1 => Just(Leniency::BROWSER),
        1 => Just(Leniency::HTTP_CLIENT),
        2 => any::<u32>().prop_map(|bits| {
            let mut leniency = Leniency::STRICT;
            for (place, name) in Leniency::NAMES.iter().enumerate() {
                assert!(leniency.set(name, bits >> place & 1 == 1));
            }
            leniency
        }),
    ];
    // Small limits are passed by small streams.
    let limits = prop_oneof![5 => Just(None), 1 => (16..400_u32, 1..6_u32, 0..3_u32).prop_map(Some)];
    (leniency, limits, any::<bool>(), any::<bool>()).prop_map(
        |(leniency, limits, refuse_obs_fold, pipeline_any_method)| {
            let mut config = Config::default();
            config.leniency = leniency;
            config.refuse_obs_fold = refuse_obs_fold;
            config.pipeline_any_method = pipeline_any_method;
            if let Some((bytes, count, empty_lines)) = limits {
                let limits = &mut config.limits;
                (limits.start_line, limits.field_line, limits.head) = (bytes, bytes, bytes);
                (limits.chunk_line, limits.chunk_extensions, limits.trailers) = (bytes, bytes, bytes);
                (limits.interim_bytes, limits.receive_buffer, limits.transmit_buffer) = (bytes, bytes, bytes);
                (limits.fields, limits.trailer_fields, limits.interim_responses) = (count, count, count);
                limits.leading_empty_lines = empty_lines;
            }
            config
        },
    )
}

/// A request of each kind that is answered or sent in a way of its own.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    let to = |method: &str, target: &str| Request::builder(method, target).host("a:1");
    let plain = vec![to("GET", "/").build().unwrap(), to("HEAD", "/").build().unwrap()];
    let others = vec![
        to("GET", "/").close().build().unwrap(),
        to("POST", "/").content_length(0).build().unwrap(),
        to("POST", "/").idempotent(true).content_length(3).build().unwrap(),
        to("PUT", "/").content_length(5).build().unwrap(),
        to("PUT", "/").chunked().build().unwrap(),
        to("PUT", "/").chunked().expect_continue().build().unwrap(),
        to("PUT", "/").content_length(5).expect_continue().build().unwrap(),
        to("GET", "/").field("Connection", "upgrade").field("Upgrade", "test").build().unwrap(),
        to("PUT", "/").field("Connection", "upgrade").field("Upgrade", "test").chunked().build().unwrap(),
        to("CONNECT", "a:1").build().unwrap(),
        Request::unchecked(&b"GET /\r\n"[..], wireline_proto::Method::GET),
    ];
    prop_oneof![2 => select(plain), 1 => select(others)]
}
