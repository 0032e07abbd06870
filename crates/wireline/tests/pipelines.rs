//! Several exchanges in flight.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{self, ErrorKind as ErrorOfIo, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use wireline::{
    CloseReason, Config, Connection, ErrorKind, Fields, Limits, Phase, Progress, Ready, Request, Reuse, Stream,
    Transport, proto,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    sixteen_leave_together_and_come_back_in_order
    a_close_in_the_middle_leaves_the_rest_unanswered
    a_run_tells_of_what_a_close_left_unanswered
    an_end_in_the_middle_leaves_the_rest_unanswered
    what_is_not_idempotent_waits
    content_can_follow_in_a_pipeline
    content_that_waits_behind_others_says_so
    an_upload_in_a_pipeline_that_is_answered_early_stops
    dropped_with_exchanges_in_flight_it_closes
}

fn a_run_tells_of_what_a_close_left_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0";
    let peer = over.peer([Script::new().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run([get("/0"), get("/1")], 2);
    assert_eq!(run.receive().unwrap().unwrap().text().unwrap(), "0");
    // All requests have been sent, and none is in flight: that is not all there is to say.
    assert_eq!(run.receive().unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
}

/// Takes so many bytes, and then there is no room any more; gives one answer.
struct Narrow {
    room: usize,
    answer: &'static [u8],
}

impl Transport for Narrow {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = self.room.min(parts[0].len());
        self.room -= taken;
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        let is_asked = self.room == 0;
        if is_asked && !self.answer.is_empty() { self.answer.read(into) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Ok(Ready { read: wanted.read && !self.answer.is_empty(), write: false })
    }

    fn close(&mut self) {}
}

#[test]
fn a_request_that_was_taken_back_takes_no_content() {
    let request = get("/");
    let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n0";
    let transport = Narrow { room: request.as_bytes().len(), answer };
    let mut connection = Connection::with_transport(transport, Config::default());
    let mut pipeline = connection.pipeline();
    pipeline.queue(&request).unwrap();
    let put = Request::builder("PUT", "/").host("a").content_length(6).build().unwrap();
    pipeline.queue(&put).unwrap();
    // Of the second request nothing has left, and the peer says that it takes no more.
    pipeline.receive().unwrap().suspend();
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 0);
    pipeline.finish(&Fields::new()).unwrap();
    assert_eq!(pipeline.unanswered().last().unwrap().progress, Progress::NothingSent);
}

fn get(target: &str) -> Request {
    Request::get(target, "a").unwrap()
}

// conformance: C1
fn sixteen_leave_together_and_come_back_in_order(over: Over) {
    let requests: Vec<_> = (0..16).map(|i| get(&format!("/{i}"))).collect();
    let all: Vec<u8> = requests.iter().flat_map(|request| request.as_bytes().to_vec()).collect();
    let answers: String =
        (0..16).map(|i| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{i}", i.to_string().len())).collect();
    let peer = over.peer([Script::new().expect(all).send(answers)]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.queue(request).unwrap();
    }
    assert_eq!(pipeline.in_flight(), 16);
    for i in 0..16 {
        let response = pipeline.receive().unwrap();
        assert_eq!(response.exchange().index(), i);
        assert_eq!(response.text().unwrap(), i.to_string());
        assert!(pipeline.timing().total > Duration::ZERO);
    }
    assert_eq!(pipeline.receive().unwrap_err().kind(), ErrorKind::NothingOwed);
    drop(pipeline);
    assert_eq!(connection.reuse(), Reuse::Now);
}

fn a_close_in_the_middle_leaves_the_rest_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0";
    let peer = over.peer([Script::new().read_head().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    for i in 0..3 {
        pipeline.send(&get(&format!("/{i}"))).unwrap();
    }
    assert_eq!(pipeline.receive().unwrap().text().unwrap(), "0");
    assert_eq!(pipeline.receive().unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
    let unanswered: Vec<_> = pipeline.unanswered().collect();
    assert_eq!(unanswered.len(), 2);
    assert!(unanswered.iter().all(|one| one.progress == Progress::Sent && one.is_safe_to_repeat()));
    assert_eq!(pipeline.send(&get("/3")).unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
}

// conformance: C9 C10 C12
fn an_end_in_the_middle_leaves_the_rest_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1";
    let peer = over.peer([Script::new().read_head().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    for i in 0..3 {
        pipeline.send(&get(&format!("/{i}"))).unwrap();
    }
    assert_eq!(pipeline.receive().unwrap().text().unwrap(), "0");
    let error = pipeline.receive().unwrap().text().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert_eq!(error.exchange().unwrap().index(), 1);
    assert_eq!(error.partial(), b"1");
    let progress: Vec<_> = pipeline.unanswered().map(|one| one.progress).collect();
    assert_eq!(progress, [Progress::ResponseBegun, Progress::Sent]);
}

// conformance: C11
fn what_is_not_idempotent_waits(over: Over) {
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(answer).read_head().send(answer)]);
    let mut connection = over.connect(&peer);
    let post = Request::builder("POST", "/").host("a").build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).unwrap();
    let refused = pipeline.send(&post).unwrap_err().kind();
    assert!(matches!(refused, ErrorKind::Misuse(misuse) if misuse.name() == "not-idempotent"), "{refused}");
    drop(pipeline.receive().unwrap());
    pipeline.send(&post).unwrap();
    assert_eq!(pipeline.receive().unwrap().status(), 204);
}

fn content_can_follow_in_a_pipeline(over: Over) {
    let go = Signal::new();
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let script = Script::new()
        .read_head()
        .expect("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .give(&go)
        .expect("2\r\nde\r\n0\r\nX-T: 1\r\n\r\n")
        .read_head()
        .send(answer.repeat(3));
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let put = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let mut trailers = Fields::new();
    trailers.append("X-T", "1").unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).unwrap();
    pipeline.send(&put).unwrap();
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 3);
    // It left at once: the peer has it before the rest is given.
    assert!(go.wait(Duration::from_secs(10)));
    let early = pipeline.send(&get("/")).unwrap_err().kind();
    assert!(matches!(early, ErrorKind::Misuse(misuse) if misuse.name() == "content-unfinished"), "{early}");
    assert_eq!(pipeline.send_content(b"de").unwrap(), 2);
    pipeline.finish(&trailers).unwrap();
    pipeline.send(&get("/")).unwrap();
    for _ in 0..3 {
        assert_eq!(pipeline.receive().unwrap().status(), 204);
    }
    drop(pipeline);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

fn content_that_waits_behind_others_says_so(over: Over) {
    let script = Script::new()
        .read_head()
        .read_head()
        .send("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        .expect("abc")
        .send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let put = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).unwrap();
    pipeline.send(&put).unwrap();
    assert_eq!(pipeline.send_content(b"abc").unwrap_err().kind(), ErrorKind::ReceiveFirst);
    drop(pipeline.receive().unwrap());
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    let response = pipeline.receive().unwrap();
    assert_eq!(response.interim().len(), 1);
    assert_eq!(response.status(), 204);
}

fn an_upload_in_a_pipeline_that_is_answered_early_stops(over: Over) {
    let answers = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().read_head().send(answers).hold()]);
    let mut connection = over.connect(&peer);
    let put = Request::builder("PUT", "/").host("a").content_length(50_000_000).build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).unwrap();
    pipeline.send(&put).unwrap();
    assert_eq!(pipeline.receive().unwrap().status(), 204);
    let content = pattern(100_000);
    let mut sent = 0;
    loop {
        match pipeline.send_content(&content).unwrap() {
            0 => break,
            taken => sent += taken,
        }
    }
    assert!(sent < 50_000_000);
    let response = pipeline.receive().unwrap();
    assert_eq!(response.status(), 413);
    drop(response);
    pipeline.abandon().unwrap();
    assert_eq!(pipeline.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
}

fn dropped_with_exchanges_in_flight_it_closes(over: Over) {
    let peer = over.peer([Script::new().read_head().read_to_end()]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).unwrap();
    drop(pipeline);
    assert!(connection.transport().is_none());
    assert_eq!(connection.unanswered().count(), 1);
    assert!(matches!(connection.get("/").unwrap_err().kind(), ErrorKind::Closed(_)));
    assert!(peer.join()[0].is_completed());
}

/// Small beside what is in flight, but not so small against a packet on loopback that the system itself trickles.
const SMALL: usize = 24 << 10;

/// Answers each of `count` requests of `length` bytes with `answer` before it reads any of the next; its socket
/// buffers are small.
fn stubborn_server(count: usize, length: usize, answer: Vec<u8>) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Accepted sockets have these from the one that listens.
    set_socket_send_buffer_size(&listener, SMALL).unwrap();
    set_socket_recv_buffer_size(&listener, SMALL).unwrap();
    let serve = move || {
        let (mut socket, _) = listener.accept()?;
        let mut request = vec![0; length];
        for _ in 0..count {
            socket.read_exact(&mut request)?;
            socket.write_all(&answer)?;
        }
        Ok(())
    };
    (address, thread::spawn(serve))
}

/// Each of 10,000 requests is answered with 100 KB before the next is read, the socket buffers are small on both sides,
/// and one thread sends all it can before it receives anything: somebody has to read while it writes.
#[test]
fn it_cannot_deadlock() {
    // Long requests, so that they do not all fit into what the system holds of them.
    let request = Request::builder("GET", "/").host("a").field("X-Long", "x".repeat(1000)).build().unwrap();
    let expected = pattern(100_000);
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    answer.extend_from_slice(&expected);
    let (address, server) = stubborn_server(10_000, request.as_bytes().len(), answer);
    let stream = TcpStream::connect(address).unwrap();
    set_socket_send_buffer_size(&stream, SMALL).unwrap();
    set_socket_recv_buffer_size(&stream, SMALL).unwrap();
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.receive_buffer = 256 << 10;
    config.limits = limits;
    let mut connection = Connection::with_transport(Stream::from(stream), config);
    connection.set_timeouts(common::patient());
    let mut pipeline = connection.pipeline();
    let (mut sent, mut received, mut full) = (0, 0, 0);
    while received < 10_000 {
        if sent < 10_000 {
            match pipeline.send(&request) {
                Ok(id) => {
                    assert_eq!(id.index(), sent);
                    sent += 1;
                    continue;
                }
                Err(error) => {
                    assert_eq!(
                        error.kind(),
                        ErrorKind::ReceiveBufferFull { bound: 256 << 10 },
                        "{error} {sent} {received} {full}"
                    );
                    full += 1;
                }
            }
        }
        let response = pipeline.receive().unwrap();
        assert_eq!(response.exchange().index(), received);
        assert!(response.bytes().unwrap() == expected);
        received += 1;
    }
    assert!(full > 0, "the bound was reached");
    drop(pipeline);
    assert_eq!(connection.reuse(), Reuse::Now);
    server.join().unwrap().unwrap();
}

/// What the test above would be worth nothing without: who writes to that server and does not read meanwhile is stuck.
#[test]
fn who_only_writes_is_stuck() {
    let answer = pattern(100_000);
    let (address, server) = stubborn_server(10_000, 1000, answer);
    let mut stream = TcpStream::connect(address).unwrap();
    set_socket_send_buffer_size(&stream, SMALL).unwrap();
    set_socket_recv_buffer_size(&stream, SMALL).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let stuck = stream.write_all(&pattern(10_000_000)).unwrap_err();
    assert!(matches!(stuck.kind(), ErrorOfIo::WouldBlock | ErrorOfIo::TimedOut), "{stuck}");
    drop(stream);
    assert!(server.join().unwrap().is_err(), "it was left");
}

#[test]
fn a_lost_pipeline_lists_what_never_left() {
    let over = Over::Tcp;
    let peer = over.peer([Script::new().read_head().reset()]);
    let mut connection = over.connect(&peer);
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/0")).unwrap();
    let error = pipeline.receive().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(matches!(
        error.protocol().map(proto::Error::kind),
        Some(proto::ErrorKind::Incomplete(incomplete)) if incomplete.phase == Phase::BeforeResponse
    ));
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionReset);
    assert!(matches!(pipeline.send(&get("/1")).unwrap_err().kind(), ErrorKind::Closed(_)));
    assert_eq!(pipeline.unanswered().count(), 1);
}
