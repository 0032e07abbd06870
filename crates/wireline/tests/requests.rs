//! Each kind of content, how it is framed, and what is told while it is sent.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use wireline::{
    Config, Connection, Content, ErrorKind, Fields, Framing, Ready, Request, Reuse, Socket, Stream, Transcript,
    Transport,
};
use wireline_testkit::{Script, ScriptedPeer, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    a_file_from_its_position_on
    a_file_in_chunks
    a_file_that_grows_is_sent_as_announced
    a_file_that_shrinks_is_an_error
    a_file_without_an_announcement_is_refused
    a_pipe_has_no_length
    buffers_one_after_the_other
    buffers_that_fail
    pieces_and_files_go_on_after_a_wait
    blocks_are_as_large_as_asked_for
    progress_is_told
    the_framing_is_chosen_as_http_client_does
    content_in_chunks_already_leaves_as_it_is
    content_in_chunks_already_goes_on_after_a_wait
    what_is_no_chunked_body_is_refused
}

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// A file of this content without a name.
fn file_of(content: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("wireline-requests-{:?}", std::thread::current().id()));
    let path = path.with_extension(std::process::id().to_string());
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

/// What a peer sees of requests, the bytes of which it knows beforehand.
fn seen(over: Over, bytes: &[u8], send: impl FnOnce(&mut Connection<Stream>)) {
    let peer = over.peer([Script::new().expect(bytes).send(EMPTY)]);
    let mut connection = over.connect(&peer);
    connection.set_host("a");
    send(&mut connection);
    assert_eq!(connection.reuse(), Reuse::Now);
    drop(connection);
    assert!(peer.join()[0].is_completed(), "{}", bytes.escape_ascii());
}

fn sends<'a>(over: Over, method: &str, content: impl Into<Content<'a>>, head: &str, body: &[u8]) {
    let bytes = [format!("{method} / HTTP/1.1\r\nHost: a\r\n{head}\r\n").as_bytes(), body].concat();
    let content = content.into();
    seen(over, &bytes, |connection| {
        let request = connection.request(method, "/").framing_for(content.length().unwrap()).build().unwrap();
        assert_eq!(connection.send(&request, content).unwrap().status(), 204);
    });
}

fn put(length: u64) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length).build().unwrap()
}

fn a_file_from_its_position_on(over: Over) {
    let content = pattern(200_000);
    let mut file = file_of(&content);
    sends(over, "PUT", &file, "Content-Length: 200000\r\n", &content);
    assert_eq!(file.stream_position().unwrap(), 200_000);
    sends(over, "PUT", &file, "Content-Length: 0\r\n", b"");
    file.seek(SeekFrom::Start(199_990)).unwrap();
    sends(over, "PUT", &file, "Content-Length: 10\r\n", &content[199_990..]);
    file.seek(SeekFrom::Start(300_000)).unwrap();
    assert_eq!(Content::file(&file).length().unwrap(), Some(0));
    let directory = File::open(std::env::temp_dir()).unwrap();
    assert_eq!(Content::file(&directory).length().unwrap_err().kind(), io::ErrorKind::IsADirectory);
}

fn a_file_that_grows_is_sent_as_announced(over: Over) {
    let content = pattern(100_000);
    let mut file = file_of(&content);
    let announced = Content::file(&file).length().unwrap().unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"more").unwrap();
    file.rewind().unwrap();
    let bytes = [put(announced).as_bytes(), &content].concat();
    seen(over, &bytes, |connection| {
        assert_eq!(connection.send(&put(announced), &file).unwrap().status(), 204);
    });
    assert_eq!(file.stream_position().unwrap(), 100_000, "what was not sent was not read");
}

fn a_file_in_chunks(over: Over) {
    for length in [0, 10, 65_536, 200_000] {
        let content = pattern(length);
        let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
        let mut bytes = request.as_bytes().to_vec();
        for block in content.chunks(64 << 10) {
            bytes.extend_from_slice(format!("{:X}\r\n", block.len()).as_bytes());
            bytes.extend_from_slice(block);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        let file = file_of(&content);
        seen(over, &bytes, |connection| {
            assert_eq!(connection.send(&request, &file).unwrap().status(), 204);
            assert_eq!(connection.content_sent(), length as u64);
        });
    }
}

/// A socket that takes a file itself so many times, and then no more.
struct Taking {
    socket: Socket,
    times: usize,
    taken: usize,
}

impl Transport for Taking {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }

    fn write_file(&mut self, before: &[u8], file: &File, most: u64) -> io::Result<usize> {
        if self.taken == self.times {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let written = self.socket.write_file(before, file, most)?;
        self.taken += 1;
        Ok(written)
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.socket.read(into, patience)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        self.socket.wait(wanted, patience)
    }

    fn close(&mut self) {
        self.socket.close();
    }
}

#[test]
fn what_a_stream_does_not_take_of_a_file_is_read() {
    let content = pattern(400_000);
    let chunked = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let encoded_body = encoded(&content, 100_000);
    let whole = [format!("{:X}\r\n", content.len()).as_bytes(), &content, b"\r\n0\r\n\r\n"].concat();
    for (request, held, body) in
        [(put(400_000), &content, &content), (chunked, &content, &whole), (put_encoded(), &encoded_body, &encoded_body)]
    {
        for (times, has_tap) in [(0, false), (1, false), (usize::MAX, false), (usize::MAX, true)] {
            let bytes = [request.as_bytes(), body].concat();
            let peer = ScriptedPeer::start([Script::new().expect(bytes).send(EMPTY)]).unwrap();
            let socket = std::net::TcpStream::connect(peer.address()).unwrap().into();
            let mut connection = Connection::with_transport(Taking { socket, times, taken: 0 }, Config::default());
            connection.set_timeouts(common::patient());
            if has_tap {
                connection.set_tap(Some(Box::new(Transcript::new(io::sink()))));
            }
            let file = file_of(held);
            let response = connection.send(&request, Content::file(&file).block_size(400_000)).unwrap();
            assert_eq!(response.status(), 204);
            drop(response);
            assert_eq!(connection.content_sent(), held.len() as u64);
            let taken = connection.transport().map_or(0, |transport| transport.taken);
            // What is in chunks already has to be looked at, and a tap wants to see it all.
            let is_taken = cfg!(target_os = "linux") && times > 0 && !has_tap && request != put_encoded();
            assert!(taken <= times && (taken > 0) == is_taken, "{taken} of {times}");
            drop(connection);
            assert!(peer.join()[0].is_completed(), "{times} {has_tap}");
        }
    }
}

/// Cuts a file short when the first of it has been read.
struct Cutting<'a> {
    file: &'a File,
    is_begun: bool,
}

fn a_file_that_shrinks_is_an_error(over: Over) {
    // Seen before anything is sent: the connection is none the worse for it.
    let file = file_of(b"hello");
    let peer = over.peer([Script::new().read_head().send(EMPTY).hold(), Script::new().read_to_end()]);
    let mut connection = over.connect(&peer);
    let error = connection.send(&put(7), &file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(error.to_string().ends_with("the file ends 2 bytes before the announced length"), "{error}");
    assert_eq!((connection.bytes_sent(), connection.reuse()), (0, Reuse::Now));
    assert_eq!(connection.get("/").unwrap().status(), 204);
    // Seen while it is sent: the peer must not take it for complete.
    let file = file_of(&pattern(4_000_000));
    let mut connection = over.connect(&peer);
    let mut cutting = Cutting { file: &file, is_begun: false };
    let mut cut = |_| {
        if !cutting.is_begun {
            cutting.is_begun = true;
            cutting.file.set_len(1_200_000).unwrap();
        }
    };
    let error = connection.send(&put(4_000_000), Content::file(&file).progress(&mut cut)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(error.to_string().ends_with("the file ends 2800000 bytes before the announced length"), "{error}");
    assert!(connection.transport().is_none(), "the peer must not wait for the rest");
    drop(connection);
    assert!(peer.join()[1].received().len() < 4_000_000);
}

fn a_pipe_has_no_length(over: Over) {
    let pipe = |content: &[u8]| {
        let (reader, mut writer) = UnixStream::pair().unwrap();
        writer.write_all(content).unwrap();
        File::from(OwnedFd::from(reader))
    };
    assert_eq!(Content::file(&pipe(b"hello")).length().unwrap(), None);
    sends(over, "PUT", &pipe(b"hello"), "Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n");
    // With a length announced, as much is sent and no more is read.
    let file = pipe(b"hello you");
    seen(over, &[put(5).as_bytes(), b"hello"].concat(), |connection| {
        assert_eq!(connection.send(&put(5), &file).unwrap().status(), 204);
    });
    let mut rest = [0; 4];
    (&file).read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b" you");
    let peer = over.peer([Script::new().read_to_end()]);
    let error = over.connect(&peer).send(&put(6), &pipe(b"hello")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    // A file of the system says that it is empty, and is not.
    if let Ok(version) = File::open("/proc/version") {
        assert_eq!(Content::file(&version).length().unwrap(), None);
    }
}

fn a_file_without_an_announcement_is_refused(over: Over) {
    let peer = over.peer([Script::new().read_head().send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let request = Request::builder("PUT", "/").host("a").build().unwrap();
    let (reader, mut writer) = UnixStream::pair().unwrap();
    writer.write_all(b"hello").unwrap();
    drop(writer);
    for file in [file_of(b"hello"), File::from(OwnedFd::from(reader))] {
        let error = connection.send(&request, &file).map(drop).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "no-content-due"), "{error}");
    }
    // Nothing was sent, and nothing is wrong with one that is empty.
    assert_eq!(connection.send(&request, &file_of(b"")).unwrap().status(), 204);
}

fn buffers_one_after_the_other(over: Over) {
    let chunks = b"1\r\na\r\n3\r\nbcd\r\n0\r\n\r\n";
    sends(over, "POST", Content::pieces(["a", "", "bcd"]), "Transfer-Encoding: chunked\r\n", chunks);
    sends(over, "POST", Content::pieces([[0_u8; 0]; 3]), "Transfer-Encoding: chunked\r\n", b"0\r\n\r\n");
    let large = pattern(500_000);
    let pieces: Vec<_> = large.chunks(100_000).map(<[u8]>::to_vec).collect();
    seen(over, &[put(500_000).as_bytes(), &large].concat(), |connection| {
        assert_eq!(connection.send(&put(500_000), Content::pieces(&pieces)).unwrap().status(), 204);
    });
    let peer = over.peer([Script::new().read_to_end(), Script::new().read_to_end(), Script::new().read_to_end()]);
    for (announced, name) in [(0, "content-excess"), (2, "content-excess"), (5, "content-short")] {
        let mut connection = over.connect(&peer);
        let error = connection.send(&put(announced), Content::pieces(["", "abc", "d"])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == name), "{error}");
        assert_eq!(connection.transport().is_some(), announced == 0);
    }
}

fn buffers_that_fail(over: Over) {
    let peer = over.peer([Script::new().read_to_end()]);
    let mut connection = over.connect(&peer);
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let pieces = [Ok("abc"), Err(io::Error::other("no more tape")), Ok("never")];
    let error = connection.send(&request, Content::try_pieces(pieces)).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Source, "cannot read the content to send: no more tape")
    );
    assert!(connection.transport().is_none());
    drop(connection);
    assert!(peer.join()[0].received().ends_with(b"3\r\nabc"));
}

fn pieces_and_files_go_on_after_a_wait(over: Over) {
    const LENGTH: usize = 3_000_000;
    let content = pattern(LENGTH);
    let script = Script::new().read_head().read(LENGTH).send(EMPTY).hold();
    let peer = over.peer([script.clone(), script]);
    let file = file_of(&content);
    let mut pieces = content.chunks(77_777);
    for kind in ["file", "pieces"] {
        let mut connection = over.connect(&peer);
        let mut timeouts = common::patient();
        timeouts.read = Some(Duration::ZERO);
        timeouts.write = Some(Duration::ZERO);
        connection.set_timeouts(timeouts);
        let mut told = 0;
        let mut begun = false;
        loop {
            let mut progress = |sent| {
                assert!(sent > told);
                told = sent;
            };
            let source = if kind == "file" { Content::file(&file) } else { Content::pieces(&mut pieces) };
            let source = source.progress(&mut progress);
            let result = if begun { connection.resume(source) } else { connection.send(&put(LENGTH as u64), source) };
            begun = true;
            let Err(error) = result.map(|response| assert_eq!(response.status(), 204)) else { break };
            let flags = match error.kind() {
                ErrorKind::WouldBlock(wireline::Operation::Write) => PollFlags::IN | PollFlags::OUT,
                ErrorKind::WouldBlock(_) => PollFlags::IN,
                kind => panic!("{kind}"),
            };
            let fd = connection.fd().unwrap();
            poll(&mut [PollFd::new(&fd, flags)], None).unwrap();
        }
        assert_eq!((connection.content_sent(), told), (LENGTH as u64, LENGTH as u64), "{kind}");
    }
    assert!(peer.join().iter().all(|seen| seen.received().ends_with(&content)));
}

fn blocks_are_as_large_as_asked_for(over: Over) {
    let file = file_of(b"abcdefg");
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let bytes = [request.as_bytes(), b"3\r\nabc\r\n3\r\ndef\r\n1\r\ng\r\n0\r\n\r\n"].concat();
    seen(over, &bytes, |connection| {
        connection.send(&request, Content::file(&file).block_size(3)).unwrap();
    });
    let bytes = [request.as_bytes(), b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"].concat();
    seen(over, &bytes, |connection| {
        connection.send(&request, Content::reader(&mut &b"ab"[..]).block_size(0)).unwrap();
    });
}

fn progress_is_told(over: Over) {
    let content = pattern(5_000_000);
    for length in [0, 1, 5_000, 5_000_000] {
        let peer = over.peer([Script::new().read_head().read(length).send(EMPTY)]);
        let mut told = Vec::new();
        let mut progress = |sent| told.push(sent);
        let content = Content::bytes(&content[..length]).progress(&mut progress);
        over.connect(&peer).send(&put(length as u64), content).unwrap();
        assert!(told.is_sorted_by(|one, two| one < two && two - one <= 1 << 20), "{told:?}");
        assert_eq!(told.last().copied().unwrap_or_default(), length as u64);
    }
}

fn the_framing_is_chosen_as_http_client_does(over: Over) {
    for method in ["PATCH", "POST", "PUT"] {
        sends(over, method, (), "Content-Length: 0\r\n", b"");
    }
    for method in ["GET", "DELETE", "OPTIONS", "X"] {
        sends(over, method, "", "", b"");
    }
    sends(over, "POST", "abc", "Content-Length: 3\r\n", b"abc");
    sends(over, "GET", "abc", "Content-Length: 3\r\n", b"abc");
    let mut reader = &b"abc"[..];
    sends(over, "POST", Content::reader(&mut reader), "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n");
    // What is given is not chosen.
    let request = Request::builder("POST", "/").host("a").content_length(3).framing_for(None).build().unwrap();
    assert_eq!(request.framing(), Framing::Length(3));
    let request = Request::builder("POST", "/").host("a").chunked().framing_for(Some(3)).build().unwrap();
    assert_eq!(request.framing(), Framing::Chunked);
    let request = Request::builder("GET", "/").accept_identity().host("a").build().unwrap();
    assert_eq!(request.as_bytes(), b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity\r\n\r\n");
}

fn put_encoded() -> Request {
    Request::builder("PUT", "/").host("a").chunked().encoded().build().unwrap()
}

/// Content of this length in chunks of `size` bytes, with an extension each, and a trailer section.
fn encoded(content: &[u8], size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in content.chunks(size) {
        body.extend_from_slice(format!("{:05x};x=y\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\nX-Sum: 3\r\n\r\n");
    body
}

fn content_in_chunks_already_leaves_as_it_is(over: Over) {
    for (len, size) in [(0, 1), (10, 3), (5_000, 5_000), (400_000, 70_000)] {
        let body = encoded(&pattern(len), size);
        let bytes = [put_encoded().as_bytes(), &body].concat();
        seen(over, &bytes, |connection| {
            let response = connection.send(&put_encoded(), &body).unwrap();
            assert!(response.request_sent());
            drop(response);
            assert_eq!(connection.content_sent(), body.len() as u64);
        });
        seen(over, &bytes, |connection| {
            let mut reader = &body[..];
            connection.send(&put_encoded(), Content::reader(&mut reader).block_size(7_001)).unwrap();
        });
        seen(over, &bytes, |connection| {
            connection.send(&put_encoded(), Content::pieces(body.chunks(99))).unwrap();
        });
        seen(over, &bytes, |connection| {
            let mut writer = connection.start(&put_encoded()).unwrap();
            writer.write_all(&body).unwrap();
            writer.finish().unwrap();
        });
    }
}

fn content_in_chunks_already_goes_on_after_a_wait(over: Over) {
    let body = encoded(&pattern(3_000_000), 100_000);
    let peer = over.peer([Script::new().read_head().read(body.len()).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::ZERO);
    timeouts.write = Some(Duration::ZERO);
    connection.set_timeouts(timeouts);
    let mut error = connection.send(&put_encoded(), &body).map(drop).err();
    while let Some(kind) = error.map(|error| error.kind()) {
        assert!(matches!(kind, ErrorKind::WouldBlock(_)), "{kind}");
        let fd = connection.fd().unwrap();
        let flags = match kind {
            ErrorKind::WouldBlock(wireline::Operation::Write) => PollFlags::IN | PollFlags::OUT,
            _ => PollFlags::IN,
        };
        poll(&mut [PollFd::new(&fd, flags)], None).unwrap();
        error = connection.resume(&body).map(drop).err();
    }
    assert_eq!((connection.content_sent(), connection.reuse()), (body.len() as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&body));
}

fn what_is_no_chunked_body_is_refused(over: Over) {
    let long = [&encoded(&pattern(50_000), 1_000)[..], b"GET"].concat();
    for (body, name) in [
        (&b"hello"[..], "content-excess"),
        (b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "content-excess"),
        (b"5\r\nhello\r\n", "content-short"),
        (b"", "content-short"),
        (b"5;\r\nhello\r\n0\r\n\r\n", "content-excess"),
        (b"0\r\nHost: b\r\n\r\n", "forbidden-trailer"),
        (&long, "content-excess"),
    ] {
        for from_reader in [false, true] {
            let peer = over.peer([Script::new().read_to_end()]);
            let mut connection = over.connect(&peer);
            let mut reader = body;
            let content = if from_reader { Content::reader(&mut reader) } else { Content::bytes(body) };
            let error = connection.send(&put_encoded(), content).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == name), "{error}");
            assert!(connection.transport().is_none());
            drop(connection);
            assert!(!peer.join()[0].received().ends_with(b"GET"));
        }
    }
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "3").unwrap();
    let peer = over.peer([Script::new().read_to_end()]);
    let content = Content::bytes(b"0\r\n\r\n").trailers(&trailers);
    let error = over.connect(&peer).send(&put_encoded(), content).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "trailers-without-chunks"), "{error}");
    // Where a length frames it, it is in no chunks.
    let request = Request::builder("PUT", "/").host("a").content_length(5).encoded().build().unwrap();
    assert!(!request.is_encoded());
}

/// On the peer's side: that a request came as one, in as many writes as it takes.
#[test]
fn a_request_with_small_content_is_one_write() {
    let peer = ScriptedPeer::start([Script::new().read_head().read(5).send(EMPTY)]).unwrap();
    let stream = Counting { stream: std::net::TcpStream::connect(peer.address()).unwrap(), writes: 0 };
    let mut connection = Connection::over(stream);
    let file = file_of(b"hello");
    connection.send(&put(5), &file).unwrap();
    assert_eq!(connection.transport().unwrap().get_ref().writes, 1);
}

/// A stream that counts what is written to it.
struct Counting {
    stream: std::net::TcpStream,
    writes: usize,
}

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        self.stream.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
