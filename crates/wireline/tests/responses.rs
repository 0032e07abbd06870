//! Each way to read a response: what it gives, its bound, and that content which ends early is an error that loses
//! nothing of what came.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};

use wireline::{Connection, Error, ErrorKind, Request, Response, Reuse, Stream};
use wireline_testkit::{Script, ScriptedPeer, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    exactly_so_much
    all_of_it_within_a_bound
    lines_with_any_delimiter
    lines_are_bounded
    pieces_as_they_come
    content_that_ends_early_is_an_error_from_every_method
    fields_and_content_type
    text_in_its_charset
}

/// The framings that content may have.
const LENGTH: &str = "length";
const CHUNKS: &str = "chunks";
const CLOSE: &str = "close";

/// A response with this content; in chunks, each byte of it is one.
fn response(framing: &str, content: &[u8]) -> Vec<u8> {
    let mut message = b"HTTP/1.1 200 OK\r\n".to_vec();
    match framing {
        LENGTH => message.extend_from_slice(format!("Content-Length: {}\r\n\r\n", content.len()).as_bytes()),
        CHUNKS => message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
        _ => message.extend_from_slice(b"\r\n"),
    }
    if framing == CHUNKS {
        for byte in content {
            message.extend_from_slice(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
        }
        message.extend_from_slice(b"0\r\n\r\n");
    } else {
        message.extend_from_slice(content);
    }
    message
}

fn serve(over: Over, answer: impl Into<Vec<u8>>) -> (ScriptedPeer, Connection<Stream>) {
    let peer = over.peer([Script::new().read_head().send(answer)]);
    let connection = over.connect(&peer);
    (peer, connection)
}

/// An answer that is here as a whole, and a peer that takes everything.
struct Here(Vec<u8>);

impl Read for Here {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len().min(self.0.len());
        into[..len].copy_from_slice(&self.0[..len]);
        self.0.drain(..len);
        Ok(len)
    }
}

impl Write for Here {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_read_takes_the_chunks_that_are_here() {
    let content = pattern(500);
    let mut connection = Connection::over(Here(response(CHUNKS, &content)));
    connection.set_host("a");
    let mut response = connection.get("/").unwrap();
    let mut into = [0; 400];
    assert_eq!(response.read_content(&mut []).unwrap(), 0);
    assert_eq!(response.read_content(&mut into).unwrap(), 400);
    assert_eq!((&into[..], response.content_read()), (&content[..400], 400));
    assert_eq!(response.read_content(&mut into).unwrap(), 100);
    assert_eq!(into[..100], content[400..]);
    assert!(response.is_complete());
}

fn exactly_so_much(over: Over) {
    for framing in [LENGTH, CHUNKS, CLOSE] {
        let content = pattern(20_000);
        let (_peer, mut connection) = serve(over, response(framing, &content));
        let mut response = connection.get("/").unwrap();
        assert_eq!(response.content_left(), (framing == LENGTH).then_some(20_000), "{framing}");
        assert_eq!(response.read_bytes(0).unwrap(), b"");
        assert_eq!(response.read_bytes(7).unwrap(), &content[..7]);
        let mut into = [0; 9_000];
        assert_eq!(response.read_full(&mut into).unwrap(), 9_000);
        assert_eq!(into, content[7..9_007]);
        assert_eq!((response.content_read(), response.is_complete()), (9_007, false));
        assert_eq!(response.content_left(), (framing == LENGTH).then_some(10_993));
        assert_eq!(response.read_bytes(10_000).unwrap(), &content[9_007..19_007]);
        assert_eq!(response.read_full(&mut into).unwrap(), 993);
        assert_eq!(into[..993], content[19_007..]);
        assert!(response.is_complete());
        assert_eq!((response.read_full(&mut into).unwrap(), response.read_bytes(5).unwrap()), (0, Vec::new()));
    }
}

fn all_of_it_within_a_bound(over: Over) {
    for framing in [LENGTH, CHUNKS, CLOSE] {
        let content = pattern(10_000);
        for bound in [10_000, 10_001, usize::MAX] {
            let (_peer, mut connection) = serve(over, response(framing, &content));
            let mut response = connection.get("/").unwrap();
            assert_eq!(response.bytes_up_to(bound).unwrap(), content, "{framing}");
            assert!(response.is_complete());
        }
        for bound in [0, 1, 9_999] {
            let (_peer, mut connection) = serve(over, response(framing, &content));
            let mut response = connection.get("/").unwrap();
            let error = response.bytes_up_to(bound).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLong { bound: bound as u64 });
            assert_eq!(error.to_string(), format!("longer than {bound} bytes"));
            // What the peer has announced need not be read to be known.
            assert_eq!(error.partial().len(), if framing == LENGTH { 0 } else { bound });
            let all = [error.partial(), &response.bytes().unwrap()].concat();
            assert_eq!(all, content, "{framing} {bound}");
        }
    }
    let (_peer, mut connection) = serve(over, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(connection.get("/").unwrap().bytes_up_to(0).unwrap(), b"");
}

fn lines_of(over: Over, framing: &str, content: &[u8], delimiter: &[u8]) -> Vec<Vec<u8>> {
    let (_peer, mut connection) = serve(over, response(framing, content));
    let mut response = connection.get("/").unwrap();
    let lines = response.content_lines(delimiter).collect::<Result<_, _>>().unwrap();
    assert!(response.is_complete());
    lines
}

fn lines_with_any_delimiter(over: Over) {
    for framing in [LENGTH, CHUNKS, CLOSE] {
        let expected: &[(&str, &str, &[&str])] = &[
            ("", "\n", &[]),
            ("a", "\n", &["a"]),
            ("a\n", "\n", &["a\n"]),
            ("\n\na\r\nb", "\n", &["\n", "\n", "a\r\n", "b"]),
            ("a\n\r\r\nb\r\n", "\r\n", &["a\n\r\r\n", "b\r\n"]),
            ("aaaaa", "aa", &["aa", "aa", "a"]),
            ("xababab", "abab", &["xabab", "ab"]),
            ("a,b,,c", ",", &["a,", "b,", ",", "c"]),
            ("a\nb\n", "", &["a\nb\n"]),
        ];
        for (content, delimiter, lines) in expected {
            let found = lines_of(over, framing, content.as_bytes(), delimiter.as_bytes());
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(found, lines, "{framing} {content:?} {delimiter:?}");
        }
    }
    let long = pattern(300_000);
    let lines = lines_of(over, LENGTH, &long, b"\n");
    assert!(lines.iter().rev().skip(1).all(|line| line.ends_with(b"\n")));
    assert_eq!(lines.concat(), long);
}

fn lines_are_bounded(over: Over) {
    for framing in [LENGTH, CHUNKS] {
        let (_peer, mut connection) = serve(over, response(framing, b"abc\nabcd\nabc"));
        let mut response = connection.get("/").unwrap();
        let mut lines = response.content_lines(b"\n").at_most(4);
        assert_eq!(lines.next().unwrap().unwrap(), b"abc\n");
        let error = lines.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.partial()), (ErrorKind::TooLong { bound: 4 }, &b"abcd"[..]));
        assert_eq!(lines.next().unwrap().unwrap(), b"\n");
        assert_eq!(lines.next().unwrap().unwrap(), b"abc");
        assert!(lines.next().is_none());
        // The bound may cut a delimiter in two.
        let (_peer, mut connection) = serve(over, self::response(framing, b"abc\r\nde\r\n"));
        let mut response = connection.get("/").unwrap();
        let mut lines = response.content_lines(b"\r\n").at_most(4);
        assert_eq!(lines.next().unwrap().unwrap_err().partial(), b"abc\r");
        assert_eq!(lines.next().unwrap().unwrap(), b"\n");
        assert_eq!(lines.next().unwrap().unwrap(), b"de\r\n");
        assert!(lines.next().is_none());
        // The last line may be as long as the bound.
        let (_peer, mut connection) = serve(over, self::response(framing, b"abcd"));
        let mut response = connection.get("/").unwrap();
        let lines: Vec<_> = response.content_lines(b"\n").at_most(4).collect::<Result<_, _>>().unwrap();
        assert_eq!(lines, [b"abcd"]);
    }
    let (_peer, mut connection) = serve(over, response(LENGTH, b"a"));
    let mut response = connection.get("/").unwrap();
    let none: Vec<_> = response.content_lines(b"\n").at_most(0).map(|line| line.unwrap_err().kind()).collect();
    assert_eq!(none, [ErrorKind::TooLong { bound: 0 }]);
    assert_eq!(response.bytes().unwrap(), b"a");
}

fn pieces_as_they_come(over: Over) {
    let (_peer, mut connection) = serve(over, response(CHUNKS, b"abc"));
    let pieces: Vec<_> = connection.get("/").unwrap().content_pieces().collect::<Result<_, _>>().unwrap();
    assert_eq!(pieces, [b"a", b"b", b"c"]);
    let content = pattern(500_000);
    let (_peer, mut connection) = serve(over, response(LENGTH, &content));
    let pieces: Vec<_> = connection.get("/").unwrap().content_pieces().collect::<Result<_, _>>().unwrap();
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| !piece.is_empty()));
    assert_eq!(pieces.concat(), content);
}

type Reading = fn(Response<'_, Stream>) -> (Vec<u8>, Option<Error>);

/// Reads it all: what came, and what the caller is told.
const READINGS: &[(&str, Reading)] = &[
    ("read_content", |mut response| {
        let mut all = Vec::new();
        let mut into = [0; 3];
        loop {
            match response.read_content(&mut into) {
                Ok(0) => return (all, None),
                Ok(read) => all.extend_from_slice(&into[..read]),
                Err(error) => return (all, Some(error)),
            }
        }
    }),
    ("fill_content", |mut response| {
        let mut all = Vec::new();
        loop {
            let len = match response.fill_content() {
                Ok([]) => return (all, None),
                Ok(content) => {
                    all.extend_from_slice(content);
                    content.len()
                }
                Err(error) => return (all, Some(error)),
            };
            response.consume_content(len);
        }
    }),
    ("bytes", |response| of(response.bytes())),
    ("text", |response| of(response.text().map(String::into_bytes))),
    ("text_in_charset", |response| of(response.text_in_charset().map(String::into_bytes))),
    ("into_http", |response| of(response.into_http().map(http::Response::into_body))),
    ("bytes_up_to", |mut response| of(response.bytes_up_to(1_000))),
    ("read_bytes", |mut response| of(response.read_bytes(1_000))),
    ("read_full", |mut response| {
        let mut into = [0; 1_000];
        match response.read_full(&mut into) {
            Ok(len) => (into[..len].to_vec(), None),
            Err(error) => {
                assert!(into.starts_with(error.partial()));
                (error.partial().to_vec(), Some(error))
            }
        }
    }),
    ("content_lines", |mut response| whole(response.content_lines(b"6"))),
    ("content_pieces", |mut response| whole(response.content_pieces())),
    ("discard", |response| match response.discard() {
        Ok(len) => (pattern(usize::try_from(len).unwrap()), None),
        // What is thrown away is not kept for an error either.
        Err(error) => (pattern(5), Some(error)),
    }),
    ("Read::read_to_end", |mut response| {
        let mut all = Vec::new();
        let failed = response.read_to_end(&mut all).err().map(|error| Error::from_io(error).unwrap());
        (all, failed)
    }),
    ("BufRead::read_until", |mut response| {
        let mut all = Vec::new();
        let failed = response.read_until(b'?', &mut all).err().map(|error| Error::from_io(error).unwrap());
        (all, failed)
    }),
];

fn of(result: Result<Vec<u8>, Error>) -> (Vec<u8>, Option<Error>) {
    match result {
        Ok(all) => (all, None),
        Err(error) => (error.partial().to_vec(), Some(error)),
    }
}

fn whole(items: impl Iterator<Item = Result<Vec<u8>, Error>>) -> (Vec<u8>, Option<Error>) {
    let mut all = (Vec::new(), None);
    for item in items {
        assert!(all.1.is_none(), "nothing comes behind the error");
        let (bytes, error) = of(item);
        all.0.extend_from_slice(&bytes);
        all.1 = error;
    }
    all
}

fn content_that_ends_early_is_an_error_from_every_method(over: Over) {
    let content = pattern(10);
    for (name, read) in READINGS {
        for framing in [LENGTH, CHUNKS, CLOSE] {
            let (_peer, mut connection) = serve(over, response(framing, &content));
            let (all, error) = read(connection.get("/").unwrap());
            assert!(error.is_none() && all == content, "{name} {framing}: {error:?}");
        }
        for framing in [LENGTH, CHUNKS] {
            let mut cut = response(framing, &content);
            // Behind the fifth byte of the content.
            cut.truncate(cut.len() - if framing == LENGTH { 5 } else { 5 + 5 * 6 });
            let (_peer, mut connection) = serve(over, cut);
            let (came, error) = read(connection.get("/").unwrap());
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Lost), "{name} {framing}");
            assert_eq!(came, content[..5], "{name} {framing}");
            assert!(connection.transport().is_none());
            assert!(matches!(connection.reuse(), Reuse::Never(_)));
        }
    }
}

/// A stream of its own, whose every other read has nothing yet.
struct Reluctant {
    pieces: VecDeque<&'static str>,
    is_asked: bool,
}

impl Read for Reluctant {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_asked = !self.is_asked;
        match self.pieces.front() {
            Some(_) if self.is_asked => Err(io::ErrorKind::WouldBlock.into()),
            Some(piece) => {
                let len = piece.as_bytes().read(into)?;
                self.pieces.pop_front();
                Ok(len)
            }
            None => Ok(0),
        }
    }
}

impl Write for Reluctant {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_cut_anywhere() {
    let content = b"abab--\r\n-\r\n--\r\n--\r\n";
    for delimiter in ["\n", "\r\n", "--\r\n", "ab"] {
        for bound in 1..=content.len() {
            let pieces = ["HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n", "abab--\r\n-\r\n--\r\n--\r\n"];
            let mut connection = Connection::over(Reluctant { pieces: pieces.into(), is_asked: true });
            let mut response = connection.send(&Request::get("/", "a").unwrap(), ()).unwrap();
            let (mut line, mut lines) = (Vec::new(), Vec::new());
            for part in response.content_lines(delimiter).at_most(bound) {
                match part {
                    Ok(end) => {
                        line.extend(end);
                        lines.push(String::from_utf8(std::mem::take(&mut line)).unwrap());
                    }
                    Err(error) => line.extend_from_slice(error.partial()),
                }
            }
            let whole = std::str::from_utf8(content).unwrap().split_inclusive(delimiter);
            assert!(lines.iter().map(String::as_str).eq(whole), "{delimiter:?} {bound}: {lines:?}");
        }
    }
}

#[test]
fn a_bound_may_come_late() {
    let pieces = ["HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", "abcde", "fg"];
    let mut connection = Connection::over(Reluctant { pieces: pieces.into(), is_asked: true });
    let mut response = connection.send(&Request::get("/", "a").unwrap(), ()).unwrap();
    let mut lines = response.content_lines(b"\n");
    while lines.begun().is_empty() {
        lines.next().unwrap().unwrap_err();
    }
    let error = lines.at_most(3).find_map(|line| line.err().filter(|error| !error.partial().is_empty())).unwrap();
    assert_eq!((error.kind(), error.partial()), (ErrorKind::TooLong { bound: 3 }, &b"abcde"[..]));
}

#[test]
fn a_wait_that_was_not_to_be_loses_nothing() {
    let pieces = ["HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", "ab\nc", "d\n", "e", "f\n", "ghi"];
    let stream = Reluctant { pieces: pieces.into(), is_asked: true };
    let mut connection = Connection::over(stream);
    let request = Request::get("/", "a").unwrap();
    let mut response = connection.send(&request, ()).unwrap();
    let would_block = |error: &Error| assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{error}");
    let mut found = Vec::new();
    let mut lines = response.content_lines(b"\n");
    let mut begun = Vec::new();
    while found.len() < 2 {
        match lines.next().unwrap() {
            Ok(line) => found.push(line),
            Err(error) => {
                would_block(&error);
                begun.push(lines.begun().to_vec());
            }
        }
    }
    assert_eq!(found, [b"ab\n", b"cd\n"]);
    assert_eq!(begun, [&b""[..], b"c"]);
    let mut pieces = response.content_pieces();
    would_block(&pieces.next().unwrap().unwrap_err());
    assert_eq!(pieces.next().unwrap().unwrap(), b"e");
    // What was taken before the wait is in the error, and the content goes on behind it.
    let mut came = Vec::new();
    let mut into = [0; 100];
    loop {
        match response.read_full(&mut into) {
            Ok(len) => break came.extend_from_slice(&into[..len]),
            Err(error) => {
                would_block(&error);
                came.extend_from_slice(error.partial());
            }
        }
    }
    assert_eq!(came, b"f\nghi");
}

fn fields_and_content_type(over: Over) {
    let head = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Type: Text/Plain; charset=\"UTF-8\"\r\nx-a: \u{E9}\r\n\
        Content-Length: 0\r\n\r\n";
    let head: Vec<u8> = head.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
    let (_peer, mut connection) = serve(over, head.clone());
    let response = connection.get("/").unwrap();
    assert_eq!(response.field("x-A").as_deref(), Some("1, \u{E9}"));
    assert_eq!(response.field("content-length").as_deref(), Some("0"));
    assert_eq!(response.field("Age"), None);
    let content_type = response.content_type().unwrap();
    assert_eq!((content_type.essence(), content_type.charset()), ("text/plain", Some("UTF-8")));
    assert_eq!(response.head().as_bytes(), head);
    drop(response);
    for lines in ["", "Content-Type: text\r\n", "Content-Type: a/b\r\nContent-Type: a/c\r\n"] {
        let (_peer, mut connection) = serve(over, format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n"));
        assert_eq!(connection.get("/").unwrap().content_type(), None);
    }
}

fn text_in_its_charset(over: Over) {
    let read = |charset: &str, content: &[u8]| {
        let head = match charset {
            "" => String::new(),
            charset => format!("Content-Type: text/plain;charset={charset}\r\n"),
        };
        let length = content.len();
        let mut message = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\n\r\n").into_bytes();
        message.extend_from_slice(content);
        let (_peer, mut connection) = serve(over, message);
        connection.get("/").unwrap().text_in_charset()
    };
    for (charset, content, text) in [
        ("", "\u{E9}".as_bytes(), "\u{E9}"),
        ("UTF-8", "\u{20AC}".as_bytes(), "\u{20AC}"),
        ("\"latin1\"", b"\xE9\x80", "\u{E9}\u{80}"),
        ("ISO-8859-1", b"abc", "abc"),
        ("us-ascii", b"abc", "abc"),
    ] {
        assert_eq!(read(charset, content).unwrap(), text);
    }
    for (charset, content) in [("", &b"a\xFF"[..]), ("utf8", b"\xC3"), ("ascii", "\u{E9}".as_bytes())] {
        let error = read(charset, content).unwrap_err();
        assert_eq!((error.kind(), error.partial()), (ErrorKind::NotText, content));
    }
    let error = read("KOI8-R", b"\xC1").unwrap_err();
    assert_eq!((error.kind(), error.partial()), (ErrorKind::Charset, &b"\xC1"[..]));
    assert_eq!(error.to_string(), "a charset that is not known here: KOI8-R");
}
