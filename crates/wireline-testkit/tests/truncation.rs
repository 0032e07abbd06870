//! Streams that end at each of their bytes, in order and broken: what had come is there, and what had not is never taken for
//! an end.
//!
//! Each message is written down part by part, so that what has to come of a cut follows from the part in which it falls, and
//! not from what wireline makes of it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use wireline_proto::{Config, Connection, ErrorKind, Event, Leniency, Phase, Request, Reuse, Violation};

/// A part of what the peer sends.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Content in a chunk.
    Chunk(&'static str),
    /// What stands between the data of two chunks, or before the first: CRLF, a size, extensions.
    ChunkLine(&'static str),
    /// The end of a message.
    End,
    /// A status line and its field section, with the empty line.
    Head(&'static str),
    /// Content of known length.
    Length(&'static str),
    /// The head of an answer that switches protocols.
    Switch(&'static str),
    /// A trailer section, with the empty line.
    Trailers(&'static str),
    /// Content that lasts until the close.
    UntilClose(&'static str),
}

use Part::{Chunk, ChunkLine, End, Head, Length, Switch, Trailers, UntilClose};

impl Part {
    fn bytes(self) -> &'static [u8] {
        match self {
            Chunk(text) | ChunkLine(text) | Head(text) | Length(text) => text.as_bytes(),
            Switch(text) | Trailers(text) | UntilClose(text) => text.as_bytes(),
            End => b"",
        }
    }
}

/// Requests, and what the peer answers: methods, as many as there are exchanges. `UPGRADE` is a GET that offers protocol `a`.
type Message = (&'static [&'static str], &'static [Part]);

const MESSAGES: [Message; 16] = [
    (&["GET"], &[Head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Length("hello"), End]),
    (&["GET"], &[Head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), End]),
    (&["GET"], &[Head("HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"), Length("\r\n"), End]),
    (&["GET"], &[Head("HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\t3\r\nContent-Length: 1\r\n\r\n"), Length("x"), End]),
    (&["GET"], &[Head("HTTP/1.1 204 No Content\r\n\r\n"), End]),
    (&["GET"], &[Head("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), End]),
    (&["HEAD"], &[Head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), End]),
    (
        &["GET"],
        &[
            Head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ChunkLine("5\r\n"),
            Chunk("hello"),
            ChunkLine("\r\n007;a;b=\"c;\\\"\"\r\n"),
            Chunk("\r\n0\r\n\r\n"),
            ChunkLine("\r\n0\r\n"),
            Trailers("\r\n"),
            End,
        ],
    ),
    (
        &["GET"],
        &[
            Head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ChunkLine("1\r\n"),
            Chunk("x"),
            ChunkLine("\r\n0;last\r\n"),
            Trailers("Sum: 1\r\nContent-Length: 9\r\n\r\n"),
            End,
        ],
    ),
    (&["GET"], &[Head("HTTP/1.1 200 OK\r\n\r\n"), UntilClose("some\r\n\r\n")]),
    (&["GET"], &[Head("HTTP/1.0 200 OK\r\nA: b\r\n\r\n"), UntilClose("HTTP/1.1 200 OK\r\n\r\n")]),
    (
        &["GET"],
        &[
            Head("HTTP/1.1 100 Continue\r\n\r\n"),
            Head("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
            Head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"),
            Length("x"),
            End,
        ],
    ),
    (
        &["GET", "HEAD", "GET"],
        &[
            Head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
            Length("abc"),
            End,
            Head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
            End,
            Head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ChunkLine("2\r\n"),
            Chunk("de"),
            ChunkLine("\r\n0\r\n"),
            Trailers("\r\n"),
            End,
        ],
    ),
    (&["CONNECT"], &[Head("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\n"), Length("no"), End]),
    (&["CONNECT"], &[Switch("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")]),
    (&["UPGRADE"], &[Switch("HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n")]),
];

/// What has come of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    heads: usize,
    content: Vec<u8>,
    ends: usize,
    /// Where it is incomplete, how much content had come, and how much is known to be missing.
    incomplete: Option<(Phase, u64, Option<u64>)>,
    /// What is wrong with a head that ends where none should.
    violation: Option<Violation>,
}

/// How the stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Broken,
    InOrder,
}

fn observe(methods: &[&str], stream: &[u8], piece: usize, close: Close, leniency: Leniency) -> Seen {
    let mut config = Config::default();
    config.leniency = leniency;
    let mut connection = Connection::new(config);
    for method in methods {
        let request = match *method {
            "CONNECT" => Request::builder("CONNECT", "a:1").host("a:1"),
            "UPGRADE" => Request::builder("GET", "/").host("a").field("Connection", "upgrade").field("Upgrade", "a"),
            method => Request::builder(method, "/").host("a"),
        };
        connection.send_request(&request.build().unwrap()).unwrap();
    }
    connection.transmitted(connection.transmit().len());
    let mut seen = Seen::default();
    for piece in stream.chunks(piece) {
        connection.receive_space()[..piece.len()].copy_from_slice(piece);
        connection.received(piece.len());
        take(&mut connection, &mut seen);
    }
    if connection.interest().read {
        match close {
            Close::Broken => connection.receive_failed(),
            Close::InOrder => connection.received(0),
        }
        take(&mut connection, &mut seen);
        assert!(matches!(connection.reuse(), Reuse::Never(_)), "nothing follows a stream that has ended");
    }
    assert_eq!(connection.unanswered().count(), methods.len() - seen.ends, "what has not come is still owed");
    seen
}

fn take(connection: &mut Connection, seen: &mut Seen) {
    loop {
        match connection.advance() {
            Ok(false) => return,
            Err(error) => {
                match error.kind() {
                    ErrorKind::Incomplete(incomplete) => {
                        seen.incomplete = Some((incomplete.phase, incomplete.received, incomplete.missing));
                    }
                    ErrorKind::Violation(violation) => seen.violation = Some(violation),
                    other => panic!("an error that this test does not know: {other}"),
                }
                return;
            }
            Ok(true) => match connection.event() {
                Event::Interim(_) | Event::Response(_) => seen.heads += 1,
                Event::Content(bytes) => seen.content.extend_from_slice(bytes),
                Event::End(_) => seen.ends += 1,
                Event::Switched(_) => {
                    seen.heads += 1;
                    seen.ends += 1;
                }
                Event::Closed => {}
                other => panic!("an event that this test does not know: {other:?}"),
            },
        }
    }
}

/// What has to come of the first `cut` bytes.
fn expected(parts: &[Part], cut: usize, close: Close) -> Seen {
    let mut seen = Seen::default();
    let mut received = 0;
    let mut start = 0;
    for part in parts {
        let text = part.bytes();
        let here = text.get(..cut - start).unwrap_or(text);
        let is_whole = here.len() == text.len();
        match part {
            Head(_) if is_whole => seen.heads += 1,
            Switch(_) if is_whole => {
                seen.heads += 1;
                seen.ends += 1;
            }
            Head(_) | Switch(_) if here.is_empty() => seen.incomplete = Some((Phase::BeforeResponse, received, None)),
            Head(_) | Switch(_) => seen.incomplete = Some((Phase::Head, received, None)),
            Chunk(_) | Length(_) | UntilClose(_) => {
                seen.content.extend_from_slice(here);
                received += here.len() as u64;
                let missing = (text.len() - here.len()) as u64;
                let missing = Some(missing).filter(|_| !matches!(part, UntilClose(_)));
                seen.incomplete = Some((Phase::Content, received, missing));
            }
            ChunkLine(_) => seen.incomplete = Some((Phase::ChunkLine, received, None)),
            Trailers(_) => seen.incomplete = Some((Phase::Trailers, received, None)),
            End => {
                seen.ends += 1;
                received = 0;
            }
        }
        match part {
            // Only the close says that it is all, and whether it is.
            UntilClose(_) => {
                seen.ends = usize::from(close == Close::InOrder);
                seen.incomplete = seen.incomplete.filter(|_| close == Close::Broken);
                return seen;
            }
            _ if !is_whole => return seen,
            _ => seen.incomplete = None,
        }
        start += text.len();
    }
    seen
}

fn each_cut(check: impl Fn(&[&str], &[Part], &[u8], Close)) {
    let mut cuts = 0;
    for (methods, parts) in MESSAGES {
        let stream: Vec<u8> = parts.iter().flat_map(|part| part.bytes()).copied().collect();
        for cut in 0..=stream.len() {
            for close in [Close::Broken, Close::InOrder] {
                check(methods, parts, &stream[..cut], close);
                cuts += 1;
            }
        }
    }
    assert!(cuts > 1500, "{cuts} cuts");
}

// conformance: I1 I2 I3 I8 K7 K8 L9 L10
#[test]
fn a_stream_that_ends_at_any_byte_is_told_from_a_message_that_ends() {
    each_cut(|methods, parts, stream, close| {
        let expected = expected(parts, stream.len(), close);
        for piece in [stream.len().max(1), 1] {
            let seen = observe(methods, stream, piece, close, Leniency::STRICT);
            assert_eq!(seen, expected, "{close:?} behind {:?}", stream.escape_ascii().to_string());
        }
    });
}

// conformance: I1 K8
/// The leniencies about cut messages, each with the places in which it takes an orderly close for the end.
#[test]
fn what_is_let_through_is_let_through_at_each_byte_and_nothing_else_is() {
    let lenient: [(&str, &[Phase]); 2] = [
        ("incomplete_as_end", &[Phase::Content, Phase::ChunkLine, Phase::Trailers]),
        ("eof_ends_trailers", &[Phase::Trailers]),
    ];
    for (name, places) in lenient {
        let mut leniency = Leniency::STRICT;
        assert!(leniency.set(name, true));
        each_cut(|methods, parts, stream, close| {
            let mut expected = expected(parts, stream.len(), close);
            if close == Close::InOrder && expected.incomplete.is_some_and(|(phase, ..)| places.contains(&phase)) {
                expected.incomplete = None;
                expected.ends += 1;
            }
            let seen = observe(methods, stream, 1, close, leniency);
            assert_eq!(seen, expected, "{name}: {close:?} behind {:?}", stream.escape_ascii().to_string());
        });
    }
}

// conformance: I2 E10 E13
/// A head that an orderly close cuts behind its status line is what it would be, had it ended there, right or wrong; but it
/// switches nothing.
#[test]
fn a_head_that_is_taken_for_whole_switches_no_protocols() {
    let mut leniency = Leniency::STRICT;
    assert!(leniency.set("eof_ends_head", true));
    each_cut(|methods, parts, stream, close| {
        let mut expected = expected(parts, stream.len(), close);
        if let Some((part, end)) = cut_head(parts, stream.len()).filter(|_| close == Close::InOrder) {
            let whole = [stream, end].concat();
            let whole = observe(methods, &whole, whole.len(), close, Leniency::STRICT);
            // Whether the protocol was asked for is not known before the head is.
            let is_wrong = whole.violation.is_some_and(|violation| violation != Violation::SwitchUnasked);
            if matches!(part, Head(_)) || is_wrong {
                expected = whole;
            }
        }
        for piece in [stream.len().max(1), 1] {
            let seen = observe(methods, stream, piece, close, leniency);
            assert_eq!(seen, expected, "{close:?} behind {:?}", stream.escape_ascii().to_string());
        }
    });
}

/// The head that `cut` divides behind its status line, and what it lacks to be one.
fn cut_head(parts: &[Part], cut: usize) -> Option<(Part, &'static [u8])> {
    let mut start = 0;
    for part in parts {
        let text = part.bytes();
        if cut < start + text.len() {
            let here = &text[..cut - start];
            let is_head = matches!(part, Head(_) | Switch(_)) && here.contains(&b'\n');
            return is_head.then_some(match here {
                [.., b'\n', b'\r'] => (*part, b"\n"),
                [.., b'\n'] => (*part, b"\r\n"),
                [.., b'\r'] => (*part, b"\n\r\n"),
                _ => (*part, b"\r\n\r\n"),
            });
        }
        start += text.len();
    }
    None
}
