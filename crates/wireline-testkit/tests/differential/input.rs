//! What is read by everybody: the wire cases, the corpora of the fuzzer, and what becomes of some messages when they are
//! changed, byte by byte and at random.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wireline_proto::Request;
use wireline_testkit::case::{Case, Piece, Step};

use super::verdict::shown;

/// What was asked, as far as it matters to whoever reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Connect,
    Get,
    Head,
    /// A GET that offers to switch to the protocol `test`.
    Upgrade,
}

impl Ask {
    pub(crate) const ALL: [Self; 4] = [Self::Connect, Self::Get, Self::Head, Self::Upgrade];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Upgrade => "Upgrade",
        }
    }

    pub(crate) fn method(self) -> &'static str {
        if self == Self::Upgrade { "GET" } else { self.name() }
    }

    pub(crate) fn target(self) -> &'static str {
        if self == Self::Connect { "a:1" } else { "/" }
    }
}

/// A request, and all that comes before the peer closes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Input {
    pub(crate) ask: Ask,
    pub(crate) stream: Vec<u8>,
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.ask.name(), shown(&self.stream))
    }
}

/// Longer streams show nothing new, and are what limits are about.
const LONGEST: usize = 100_000;

/// All of them, none twice.
pub(crate) fn all() -> Vec<Input> {
    let mut inputs: BTreeSet<Input> = cases().into_iter().chain(corpora()).collect();
    let bases: Vec<Input> = BASES.iter().map(|&(ask, stream)| Input { ask, stream: stream.to_vec() }).collect();
    inputs.extend(bases.iter().flat_map(changed));
    inputs.extend(random(&bases));
    inputs.retain(|input| input.stream.len() <= LONGEST);
    assert!(inputs.len() > 40_000, "{} inputs", inputs.len());
    inputs.into_iter().collect()
}

/// What the peer sends in each wire case, as the answer to its first request.
fn cases() -> Vec<Input> {
    let cases = Case::read_all(&root().join("cases")).unwrap();
    let input = |case: &Case| {
        let ask = case.steps.iter().find_map(first_request).map_or(Ask::Get, ask);
        Input { ask, stream: case.received() }
    };
    cases.iter().map(input).collect()
}

fn first_request(step: &Step) -> Option<&Request> {
    match step {
        Step::Send(pieces) => pieces.iter().find_map(|piece| match piece {
            Piece::Request { request, .. } => Some(request),
            _ => None,
        }),
        Step::SendRaw(request) => Some(request),
        _ => None,
    }
}

fn ask(request: &Request) -> Ask {
    match request.method().as_str() {
        "CONNECT" => Ask::Connect,
        "HEAD" => Ask::Head,
        _ if request.fields().contains("Upgrade") => Ask::Upgrade,
        _ => Ask::Get,
    }
}

/// The corpora whose inputs are a stream or a part of one.
fn corpora() -> Vec<Input> {
    let get = |stream: Vec<u8>| Input { ask: Ask::Get, stream };
    let mut inputs = Vec::new();
    for input in corpus("response") {
        // The first line holds settings.
        let stream = input.iter().position(|&byte| byte == b'\n').map_or(&[][..], |end| &input[end + 1..]);
        inputs.extend(Ask::ALL.map(|ask| Input { ask, stream: stream.to_vec() }));
    }
    for input in corpus("chunked") {
        inputs.push(get([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &input[..]].concat()));
    }
    for input in corpus("fields") {
        inputs.push(get([b"HTTP/1.1 200 OK\r\n", &input[..], b"\r\n"].concat()));
    }
    inputs
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(root().join("fuzz/corpus").join(target)).unwrap();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Messages of each kind.
const BASES: &[(Ask, &[u8])] = &[
    (Ask::Get, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\n\r\n0123456789HTTP/1.1 204 \r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 404 Not Found\r\nServer: a/1.0\r\ncontent-length:2\r\n\r\nno"),
    (Ask::Get, b"HTTP/1.1 200\r\nA: 1\r\na: 2\r\nB:\r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na"),
    (Ask::Get, b"HTTP/1.1 404  no such \r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.0 200 OK\r\nDate: x\r\n\r\nto the end"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nX: a\tb \x80\xff\r\n\r\nto the end"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nConnection: a, Close\r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na;x=\"y\"\r\n0123456789\r\n00\r\nSum: 1\r\n\r\nrest"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc"),
    (Ask::Get, b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (Ask::Get, b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde"),
    (Ask::Get, b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (Ask::Head, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    (Ask::Connect, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntunnel"),
    (Ask::Connect, b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"),
    (Ask::Upgrade, b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\nraw"),
    (Ask::Upgrade, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
    (Ask::Get, b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\nraw"),
];

/// Bytes that mean something somewhere, and one of each kind that does not. Those at the front end or part something.
const BYTES: &[u8] = b"\r\n\t ,:;0\0\x01\x0b!\"-19=AHaf\x7f\x80\xff";
const PARTING: &[u8] = BYTES.split_at(8).0;

/// The message itself, cut off at each byte, and each byte left out, twice, replaced by others, and parted from those
/// before it.
fn changed(base: &Input) -> Vec<Input> {
    let stream = &base.stream[..];
    let mut streams = vec![stream.to_vec()];
    for at in 0..stream.len() {
        let (before, behind) = stream.split_at(at);
        let (byte, rest) = behind.split_at(1);
        streams.push(before.to_vec());
        streams.push([before, rest].concat());
        streams.push([before, byte, behind].concat());
        streams.extend(BYTES.chunks(1).map(|other| [before, other, rest].concat()));
        streams.extend(PARTING.chunks(1).map(|other| [before, other, behind].concat()));
    }
    streams.into_iter().map(|stream| Input { stream, ..*base }).collect()
}

/// Pieces of several messages, joined, with a few bytes changed: the same in each run.
fn random(bases: &[Input]) -> Vec<Input> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut inputs = Vec::new();
    for _ in 0..10_000 {
        let (first, second) = (&bases[random.below(bases.len())], &bases[random.below(bases.len())]);
        let mut stream = first.stream[..random.below(first.stream.len() + 1)].to_vec();
        stream.extend_from_slice(&second.stream[random.below(second.stream.len())..]);
        for _ in 0..random.below(4) {
            let (at, byte) = (random.below(stream.len()), BYTES[random.below(BYTES.len())]);
            match random.below(3) {
                0 => stream.insert(at, byte),
                1 => stream[at] = byte,
                _ => drop(stream.remove(at)),
            }
            if stream.is_empty() {
                break;
            }
        }
        let ask = if random.below(4) == 0 { Ask::ALL[random.below(Ask::ALL.len())] } else { first.ask };
        inputs.push(Input { ask, stream });
    }
    inputs
}

/// Numbers without any order that matters here (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}
