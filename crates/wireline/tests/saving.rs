//! Content that goes into a file.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use wireline::{Canceller, Config, Connection, ErrorKind, ExchangeId, Operation, Ready, Reuse, Socket, Tap, Transport};
use wireline_testkit::{Script, ScriptedPeer, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    content_is_saved_however_it_is_framed
    content_is_saved_behind_what_was_read
    a_file_that_is_only_added_to
    content_that_ends_early_says_how_much_was_saved
    saving_goes_on_after_a_wait
    a_save_that_takes_too_long_goes_on
    a_save_can_be_canceled
    a_file_that_takes_nothing_is_an_error
    a_tap_sees_what_is_saved
}

const LENGTH: usize = 700_000;

/// A file of this test's own, without a name.
fn file_with(options: &mut OpenOptions) -> File {
    let path = std::env::temp_dir().join(format!("wireline-saving-{:?}", std::thread::current().id()));
    let path = path.with_extension(std::process::id().to_string());
    File::create(&path).unwrap();
    let file = options.read(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

fn empty_file() -> File {
    file_with(OpenOptions::new().write(true))
}

/// What is in a file, and that its position is behind it.
fn saved(mut file: &File) -> Vec<u8> {
    let end = file.stream_position().unwrap();
    let mut content = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut content).unwrap();
    assert_eq!(end, content.len() as u64);
    content
}

/// A response with this content: by length, in chunks of some sizes, or until the close.
fn response(content: &[u8], framing: &str) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    match framing {
        "length" => bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", content.len()).as_bytes()),
        "close" => bytes.extend_from_slice(b"\r\n"),
        size => {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in content.chunks(size.parse().unwrap()) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\nX-Sum: 1\r\n\r\n");
            return bytes;
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

fn answers(over: Over, bytes: Vec<u8>) -> ScriptedPeer {
    over.peer([Script::new().read_head().send(bytes).hold()])
}

fn content_is_saved_however_it_is_framed(over: Over) {
    for length in [0, 1, 70_000, LENGTH] {
        let content = pattern(length);
        for framing in ["length", "1000", "100000", "1000000"] {
            let peer = over.peer([Script::new().read_head().send(response(&content, framing)).read_head().hold()]);
            let mut connection = over.connect(&peer);
            let file = empty_file();
            let mut response = connection.get("/").unwrap();
            assert_eq!(response.save_to(&file).unwrap(), length as u64);
            assert!(response.is_complete() && response.content_read() == length as u64);
            assert_eq!(response.trailers().is_empty(), framing == "length");
            assert_eq!(response.save_to(&file).unwrap(), 0);
            assert!(saved(&file) == content, "{length} {framing}");
            drop(response);
            assert_eq!(connection.reuse(), Reuse::Now);
        }
        let peer = over.peer([Script::new().read_head().send(response(&content, "close")).close()]);
        let file = empty_file();
        assert_eq!(over.connect(&peer).get("/").unwrap().save_to(&file).unwrap(), length as u64);
        assert!(saved(&file) == content, "{length} until the close");
    }
}

fn content_is_saved_behind_what_was_read(over: Over) {
    let content = pattern(LENGTH);
    let peer = answers(over, response(&content, "length"));
    let mut connection = over.connect(&peer);
    let mut response = connection.get("/").unwrap();
    let mut file = empty_file();
    file.write_all(b"begun: ").unwrap();
    assert_eq!(response.read_bytes(10).unwrap(), content[..10]);
    let mut steps = Vec::new();
    while steps.iter().sum::<u64>() < 300_000 {
        steps.push(response.save_content(&file).unwrap());
    }
    let here = 10 + usize::try_from(steps.iter().sum::<u64>()).unwrap();
    assert!(steps.iter().all(|step| (1..=1 << 20).contains(step)));
    assert_eq!(saved(&file), [b"begun: ", &content[10..here]].concat());
    assert_eq!(response.bytes().unwrap(), content[here..]);
}

fn a_file_that_is_only_added_to(over: Over) {
    let content = pattern(LENGTH);
    let peer = answers(over, response(&content, "length"));
    let mut file = file_with(OpenOptions::new().append(true));
    file.write_all(b"here").unwrap();
    over.connect(&peer).get("/").unwrap().save_to(&file).unwrap();
    assert!(saved(&file) == [b"here", &content[..]].concat());
}

fn content_that_ends_early_says_how_much_was_saved(over: Over) {
    let content = pattern(LENGTH);
    for framing in ["length", "1000000"] {
        let mut bytes = response(&content, framing);
        bytes.truncate(400_000);
        let came = 400_000 - bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() - 4;
        let came = if framing == "length" { came } else { came - b"aae60\r\n".len() };
        let peer = over.peer([Script::new().read_head().send(bytes).close()]);
        let mut connection = over.connect(&peer);
        let file = empty_file();
        let mut response = connection.get("/").unwrap();
        let error = response.save_to(&file).unwrap_err();
        assert_eq!((error.kind(), response.content_read()), (ErrorKind::Lost, came as u64));
        assert!(error.to_string().contains(&came.to_string()), "{error}");
        assert!(!response.is_complete());
        assert_eq!(response.save_to(&file).unwrap_err().kind(), ErrorKind::Lost, "it never passes for complete");
        assert!(saved(&file) == content[..came]);
    }
}

fn saving_goes_on_after_a_wait(over: Over) {
    let content = pattern(LENGTH);
    for framing in ["length", "300000"] {
        let (go, bytes) = (Signal::new(), response(&content, framing));
        let (early, late) = bytes.split_at(200_000);
        let peer = over.peer([Script::new().read_head().send(early).wait_for(&go).send(late).hold()]);
        let mut connection = over.connect(&peer);
        let file = empty_file();
        connection.get("/").unwrap().suspend();
        connection.set_nonblocking(true);
        let mut times = 0;
        loop {
            let mut response = connection.receive().unwrap();
            let Err(error) = response.save_to(&file) else { break };
            response.suspend();
            assert_eq!(error.kind(), ErrorKind::WouldBlock(Operation::Read), "{error}");
            times += 1;
            // Only when it has had to wait for the rest does that come.
            go.give();
            let fd = connection.fd().unwrap();
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
        }
        assert!(times > 0 && saved(&file) == content, "{framing}");
    }
}

fn a_save_that_takes_too_long_goes_on(over: Over) {
    let content = pattern(LENGTH);
    let (go, bytes) = (Signal::new(), response(&content, "length"));
    let (early, late) = bytes.split_at(300_000);
    let peer = over.peer([Script::new().read_head().send(early).wait_for(&go).send(late).hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.read = Some(Duration::from_millis(60));
    connection.set_timeouts(timeouts);
    let file = empty_file();
    let mut response = connection.get("/").unwrap();
    while let Err(error) = response.save_to(&file) {
        assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Read), "{error}");
        go.give();
    }
    assert!(saved(&file) == content);
}

fn a_save_can_be_canceled(over: Over) {
    let content = pattern(LENGTH);
    let (sent, go, bytes) = (Signal::new(), Signal::new(), response(&content, "length"));
    let (early, late) = bytes.split_at(300_000);
    let peer = over.peer([Script::new().read_head().send(early).give(&sent).wait_for(&go).send(late).hold()]);
    let mut connection = over.connect(&peer);
    let canceller = Canceller::new().unwrap();
    connection.set_canceller(Some(canceller.clone()));
    let file = empty_file();
    let mut response = connection.get("/").unwrap();
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(sent.wait(Duration::from_secs(20)));
            canceller.cancel();
        });
        response.save_to(&file).unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Canceled);
    canceller.reset();
    go.give();
    response.save_to(&file).unwrap();
    assert!(saved(&file) == content);
}

fn a_file_that_takes_nothing_is_an_error(over: Over) {
    let full = match File::options().write(true).open("/dev/full") {
        Ok(full) => full,
        // Any file that cannot be written to will do where there is no such device.
        Err(_) => File::open(std::env::current_exe().unwrap()).unwrap(),
    };
    for length in [10, LENGTH] {
        let content = pattern(length);
        let peer = answers(over, response(&content, "length"));
        let mut connection = over.connect(&peer);
        let mut response = connection.get("/").unwrap();
        let error = response.save_to(&full).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sink);
        assert!(error.io_error().is_some());
        assert_eq!(response.content_read(), error.partial().len() as u64);
        let rest = response.bytes().unwrap();
        assert!([error.partial(), &rest].concat() == content, "nothing is lost");
        assert_eq!(connection.reuse(), Reuse::Now);
    }
}

/// Counts the bytes that come.
struct Count(Arc<AtomicU64>);

impl Tap for Count {
    fn sent(&mut self, _: &[u8], _: Instant, _: Option<ExchangeId>) {}

    fn received(&mut self, bytes: &[u8], _: Instant, _: Option<ExchangeId>) {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

fn a_tap_sees_what_is_saved(over: Over) {
    let bytes = response(&pattern(LENGTH), "length");
    let peer = answers(over, bytes.clone());
    let mut connection = over.connect(&peer);
    let seen = Arc::new(AtomicU64::new(0));
    connection.set_tap(Some(Box::new(Count(seen.clone()))));
    let file = empty_file();
    connection.get("/").unwrap().save_to(&file).unwrap();
    assert!(bytes.ends_with(&saved(&file)));
    assert_eq!(seen.load(Ordering::Relaxed), bytes.len() as u64);
}

/// A socket that fills a pipe itself so many times, and then no more.
struct Filling {
    socket: Socket,
    times: usize,
    filled: usize,
}

impl Transport for Filling {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.socket.read(into, patience)
    }

    fn read_into_pipe(&mut self, pipe: BorrowedFd<'_>, most: u64, patience: Option<Duration>) -> io::Result<usize> {
        if self.filled == self.times {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let read = self.socket.read_into_pipe(pipe, most, patience)?;
        self.filled += 1;
        Ok(read)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        self.socket.wait(wanted, patience)
    }

    fn close(&mut self) {
        self.socket.close();
    }
}

#[test]
fn what_a_stream_does_not_move_is_copied() {
    let content = pattern(LENGTH);
    for (framing, times) in [("length", 0), ("length", 1), ("length", usize::MAX), ("300000", usize::MAX), ("900", 9)] {
        let peer = answers(Over::Tcp, response(&content, framing));
        let socket = std::net::TcpStream::connect(peer.address()).unwrap().into();
        let transport = Filling { socket, times, filled: 0 };
        let mut connection = Connection::with_transport(transport, Config::default());
        connection.set_timeouts(common::patient());
        connection.set_host("a");
        let file = empty_file();
        connection.get("/").unwrap().save_to(&file).unwrap();
        assert!(saved(&file) == content);
        let filled = connection.transport().unwrap().filled;
        // Chunks of 900 bytes are not worth a pipe.
        let is_filled = cfg!(target_os = "linux") && times > 0 && framing != "900";
        assert!(filled <= times && (filled > 0) == is_filled, "{framing}: {filled} of {times}");
    }
}
