//! Making connections, and other streams than a connector's.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use wireline::{
    Connection, Connector, Dropped, ErrorKind, ExchangeId, InvalidRequest, Operation, Origin, Progress, Request, Reuse,
    Scheme, Stage, Tap, Timeouts, TlsSettings, Version,
};
use wireline_testkit::{Authority, FaultyStream, Script, ScriptedPeer, Signal, SplitStream, duplex, pattern};

use common::Over;

#[test]
fn a_name_that_does_not_exist_is_an_error_of_its_own() {
    for bound in [None, Some(Duration::from_secs(60))] {
        let mut timeouts = Timeouts::default();
        timeouts.resolve = bound;
        // A label is no longer than 63 bytes, so this needs nobody to ask (RFC 1035 section 2.3.4).
        let origin = Origin::parse(&format!("http://{}.invalid:1", "a".repeat(64))).unwrap();
        let error = Connector::new().timeouts(timeouts).connect(&origin).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchHost, "{error}");
        assert_eq!(error.stage(), Stage::Resolving);
        assert!(error.io_error().is_some());
    }
}

#[test]
fn a_deadline_that_is_past_bounds_everything() {
    let origin = Origin::parse("http://name.invalid:1").unwrap();
    let connector = Connector::new().deadline(Instant::now());
    assert_eq!(connector.connect(&origin).unwrap_err().kind(), ErrorKind::Timeout(Operation::Deadline));
    let peer = Over::Tcp.peer([Script::new()]);
    let error = connector.connect_at(&origin, &[peer.address()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Deadline));
}

#[test]
fn a_deadline_bounds_an_exchange() {
    let peer = Over::Tcp.peer([Script::new().read_head().hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    connection.set_deadline(Some(Instant::now() + Duration::from_millis(30)));
    let error = connection.get("/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Deadline));
    assert_eq!(error.stage(), Stage::AwaitingResponse);
    assert!(error.elapsed() >= Duration::from_millis(25));
}

#[test]
fn a_peer_that_does_not_take_content_trips_the_write_timeout() {
    let peer = Over::Tcp.peer([Script::new().read_head().hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.write = Some(Duration::from_millis(50));
    connection.set_timeouts(timeouts);
    let request = connection.request("PUT", "/").content_length(50_000_000).build().unwrap();
    let error = connection.send(&request, &pattern(50_000_000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write));
    assert_eq!(error.stage(), Stage::Sending);
}

#[test]
fn a_handshake_that_nobody_answers_trips_its_timeout() {
    let peer = Over::Tcp.peer([Script::new().read(1).hold()]);
    let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
    let mut timeouts = Timeouts::default();
    timeouts.tls = Some(Duration::from_millis(60));
    let error = Connector::new().timeouts(timeouts).tls(common::roots()).connect(&origin).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Tls));
    assert_eq!(error.stage(), Stage::Securing);
}

#[test]
fn nobody_there_is_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Connection::connect(&format!("http://{address}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.is_temporary());
    assert!(!Connection::connect("http://a b").unwrap_err().is_temporary());
}

#[test]
fn a_host_that_does_not_answer_trips_the_connect_timeout() {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&socket, 0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    // It never accepts, so when its queue is full the system does not answer for it any more.
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
    }
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(50));
    let origin = Origin::parse(&format!("http://{address}")).unwrap();
    let error = Connector::new().timeouts(timeouts).connect(&origin).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Connect), Stage::Connecting), "{error}");
}

#[test]
fn the_longest_bounds_are_none() {
    let mut timeouts = Timeouts::default();
    for bound in [
        &mut timeouts.resolve,
        &mut timeouts.connect,
        &mut timeouts.tls,
        &mut timeouts.read,
        &mut timeouts.write,
        &mut timeouts.expect_continue,
        &mut timeouts.exchange,
    ] {
        *bound = Some(Duration::MAX);
    }
    let script =
        Script::new().read_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect("a").send("HTTP/1.1 204 \r\n\r\n");
    let peer = Over::Tls.peer([script]);
    let origin = Origin::new(Scheme::Https, "localhost", peer.address().port()).unwrap();
    let connector = Connector::new().timeouts(timeouts).tls(common::roots());
    let mut connection = connector.connect(&origin).unwrap();
    let request = connection.request("PUT", "/").content_length(1).expect_continue().build().unwrap();
    assert_eq!(connection.send(&request, "a").unwrap().status(), 204);
}

#[test]
fn the_next_address_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let peer = Over::Tcp
        .peer([Script::new().expect("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").send("HTTP/1.1 204 \r\n\r\n")]);
    let origin = Origin::parse("http://a.example").unwrap();
    let connector = Connector::new().timeouts(common::patient());
    let mut connection = connector.connect_at(&origin, &[nobody, peer.address()]).unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    assert_eq!(connection.get("/").unwrap().status(), 204);
    assert!(connection.timing().connect.is_some() && connection.timing().resolve.is_none());
}

// conformance: I10 I11 I12
#[test]
fn only_a_believed_certificate_is_believed() {
    let stranger = Authority::new().unwrap();
    let named = |authority: &Authority| authority.server_for(["other.example"], []).unwrap().server_config().unwrap();
    let connect = |peer: &ScriptedPeer, tls: TlsSettings| {
        let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
        Connector::new().timeouts(common::patient()).tls(tls).connect(&origin)
    };
    let roots = TlsSettings::roots_pem(stranger.root_pem().as_bytes()).unwrap();
    let script = || Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n");

    let peer = ScriptedPeer::start_tls(stranger.server_config().unwrap(), [script(), script(), script()]).unwrap();
    assert_eq!(connect(&peer, common::roots()).unwrap_err().kind(), ErrorKind::Certificate);
    assert_eq!(connect(&peer, TlsSettings::danger_accept_any_certificate()).unwrap().get("/").unwrap().status(), 204);
    let mut believed = connect(&peer, roots.clone()).unwrap();
    assert_eq!(believed.get("/").unwrap().status(), 204);
    assert!(believed.transport().unwrap().tls().unwrap().peer_certificates().is_some());
    assert!(believed.timing().tls.is_some());

    let peer = ScriptedPeer::start_tls(named(&stranger), [script()]).unwrap();
    assert_eq!(connect(&peer, roots).unwrap_err().kind(), ErrorKind::Certificate);

    let plain = Over::Tcp.peer([Script::new().read(1).send("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    let error = connect(&plain, common::roots()).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Tls, Stage::Securing), "{error}");

    assert!(TlsSettings::roots_pem(b"nothing").is_err());
}

#[test]
fn over_a_unix_socket() {
    let directory = std::env::temp_dir().join(format!("wireline-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 35];
        stream.read_exact(&mut head).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        head
    });
    let origin = Origin::parse("http://a.example").unwrap();
    let connector = Connector::new().timeouts(common::patient());
    let mut connection = connector.connect_unix(&origin, &path).unwrap();
    assert_eq!(connection.get("/").unwrap().text().unwrap(), "ok");
    assert_eq!(connection.reuse(), Reuse::Now);
    assert!(server.join().unwrap().starts_with(b"GET / HTTP/1.1\r\nHost: a.example\r\n"));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn over_any_stream() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for size in [1, 7, answer.len()] {
        let mut connection = Connection::over(SplitStream::every(answer, size));
        connection.set_host("a");
        assert_eq!(connection.get("/").unwrap().text().unwrap(), "hello");
        let stream = connection.transport().unwrap().get_ref();
        assert_eq!(stream.written(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
}

#[test]
fn a_response_that_is_dropped_over_a_stream_that_only_blocks_does_not_wait() {
    let (ours, mut theirs) = duplex(1024);
    let mut connection = Connection::over(ours);
    connection.set_host("a");
    theirs.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
    drop(connection.get("/").unwrap());
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
}

#[test]
fn interruptions_and_short_writes_change_nothing() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let stream = FaultyStream::new(SplitStream::every(answer, 2))
        .fail_reads(0..3, io::ErrorKind::Interrupted)
        .fail_writes(0..3, io::ErrorKind::Interrupted)
        .short_writes(3);
    let mut connection = Connection::over(stream);
    let request = Request::builder("PUT", "/").host("a").content_length(10_000).build().unwrap();
    let content = pattern(10_000);
    assert_eq!(connection.send(&request, &content).unwrap().text().unwrap(), "hello");
    let written = connection.transport().unwrap().get_ref().inner().written();
    assert!(written.starts_with(request.as_bytes()) && written[request.as_bytes().len()..] == content);
}

#[test]
fn an_answer_is_heard_when_nothing_can_be_written_any_more() {
    let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nless";
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted] {
        let stream = FaultyStream::new(SplitStream::every(answer, 7)).short_writes(1000).fail_writes(3.., kind);
        let mut connection = Connection::over(stream);
        let request = Request::builder("PUT", "/").host("a").content_length(100_000).build().unwrap();
        let response = connection.send(&request, &pattern(100_000)).unwrap();
        assert_eq!(response.status(), 413);
        assert!(!response.request_sent());
        assert_eq!(response.text().unwrap(), "less");
        assert!(matches!(connection.reuse(), Reuse::Never(_)));

        let silent = FaultyStream::new(SplitStream::new([""])).short_writes(1000).fail_writes(3.., kind);
        let mut connection = Connection::over(silent);
        let error = connection.send(&request, &pattern(100_000)).unwrap_err();
        assert_eq!((error.kind(), error.io_error().unwrap().kind()), (ErrorKind::Lost, kind));
        let left = request.as_bytes().len() as u64 + 2000;
        assert_eq!(error.bytes_sent(), left);
        let unanswered = connection.unanswered().next().unwrap();
        assert_eq!((unanswered.progress, unanswered.sent), (Progress::PartlySent, left));
    }
}

// conformance: I3
/// A system that has told of a reset tells only of an end from there on.
#[test]
fn the_end_behind_a_reset_ends_no_content() {
    let answer = b"HTTP/1.1 413 Content Too Large\r\n\r\nle";
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted] {
        let stream = FaultyStream::new(SplitStream::every(answer, 7)).short_writes(1000).fail_writes(3.., kind);
        let mut connection = Connection::over(stream);
        let request = Request::builder("PUT", "/").host("a").content_length(100_000).build().unwrap();
        let response = connection.send(&request, &pattern(100_000)).unwrap();
        assert_eq!(response.status(), 413);
        let error = response.bytes().unwrap_err();
        assert_eq!((error.kind(), error.io_error().unwrap().kind()), (ErrorKind::Lost, kind));
        assert_eq!(error.partial(), b"le");
    }
}

#[test]
fn a_stream_with_a_timeout_of_its_own() {
    let (client, mut server) = duplex(1 << 16);
    let mut client = client;
    client.set_patience(Some(Duration::from_millis(20)));
    let mut connection = Connection::over(client);
    connection.set_host("a");
    let error = connection.get("/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock(Operation::Read));
    server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(connection.receive().unwrap().status(), 204);
}

#[test]
fn without_a_host_there_is_no_request() {
    let mut connection = Connection::over(SplitStream::new([""]));
    let error = connection.get("/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest(InvalidRequest::HostMissing));
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::NothingOwed);
}

#[test]
fn with_the_types_of_the_http_crate() {
    let head = "POST /a?b HTTP/1.1\r\nHost: a\r\nx-tag: 1\r\n";
    let answer = "HTTP/1.1 201 Created\r\nX-Tag: 2\r\nContent-Length: 2\r\n\r\nok";
    let peer = Over::Tcp.peer([Script::new().expect(head).read_head().expect("hello").send(answer)]);
    let mut connection = Over::Tcp.connect(&peer);
    let request = http::Request::post("http://a/a?b").header("x-tag", "1").body("hello").unwrap();
    let response = connection.send_http(&request).unwrap().into_http().unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (201, Version::HTTP_11));
    assert_eq!(response.headers()["x-tag"], "2");
    assert_eq!(response.body(), b"ok");
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

#[derive(Clone, Default)]
struct Both(Arc<Mutex<(Vec<u8>, Vec<u8>)>>);

impl Tap for Both {
    fn sent(&mut self, bytes: &[u8], _: Instant, _: Option<ExchangeId>) {
        self.0.lock().unwrap().0.extend_from_slice(bytes);
    }

    fn received(&mut self, bytes: &[u8], _: Instant, _: Option<ExchangeId>) {
        self.0.lock().unwrap().1.extend_from_slice(bytes);
    }
}

#[test]
fn a_tap_sees_every_byte_once() {
    for over in [Over::Tcp, Over::Tls] {
        let content = pattern(100_000);
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
        answer.extend_from_slice(&content);
        let peer = over.peer([Script::new().read_head().read(100_000).send(answer.clone())]);
        let mut connection = over.connect(&peer);
        let both = Both::default();
        connection.set_tap(Some(Box::new(both.clone())));
        let request = connection.request("PUT", "/").content_length(100_000).build().unwrap();
        assert!(connection.send(&request, &content).unwrap().bytes().unwrap() == content);
        drop(connection);
        let seen = peer.join();
        let (sent, received) = &*both.0.lock().unwrap();
        assert!(sent == seen[0].received());
        assert!(*received == answer);
    }
}

#[test]
fn timings_add_up() {
    let peer = Over::Tls.peer([Script::new()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
    let mut connection = Over::Tls.connect(&peer);
    let first = connection.get("/").unwrap().timing();
    let setup = first.resolve.unwrap() + first.connect.unwrap() + first.tls.unwrap();
    assert_eq!(setup + first.send.unwrap() + first.wait.unwrap() + first.receive.unwrap(), first.total);
    let second = connection.get("/").unwrap().timing();
    assert_eq!((second.resolve, second.connect, second.tls), (None, None, None));
    assert_eq!(second, connection.timing());
}

#[test]
fn bytes_as_they_are_for_testers() {
    let peer =
        Over::Tcp.peer([Script::new().expect("BAD / HTTP/7\n\n").send("HTTP/1.1 505 No\r\nContent-Length: 0\r\n\r\n")]);
    let mut connection = Over::Tcp.connect(&peer);
    let request = Request::unchecked(*b"BAD / HTTP/7\n\n", wireline::Method::GET);
    assert_eq!(connection.send(&request, ()).unwrap().status(), 505);
}

#[test]
fn an_attempt_that_failed_is_not_in_the_timing_of_the_next() {
    let peer = Over::Tcp.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n")]);
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let first = AtomicBool::new(true);
    let address = peer.address();
    let connector = Connector::new().resolver(move |_: &str, _| {
        if first.swap(false, Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
            return Ok(vec![refused]);
        }
        Ok(vec![address])
    });
    let mut connecting = connector.begin(&Origin::parse("http://origin.test").unwrap());
    assert_eq!(connecting.finish().unwrap_err().kind(), ErrorKind::Connect);
    let began = Instant::now();
    let mut connection = connecting.finish().unwrap();
    let took = began.elapsed();
    connection.get("/").unwrap();
    assert!(connection.timing().resolve.unwrap() <= took, "{:?}", connection.timing());
}

#[test]
fn an_address_of_the_other_family_does_not_hide_why_the_others_failed() {
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, refused.port()));
    let connector = Connector::new().local_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let origin = Origin::parse("http://origin.test").unwrap();
    let error = connector.connect_at(&origin, &[refused, other]).unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused, "{error}");
    let error = connector.connect_at(&origin, &[other]).unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::AddrNotAvailable, "{error}");
}

#[test]
fn keepalive_takes_any_duration() {
    let peer = Over::Tcp.peer([Script::new().hold(), Script::new().hold()]);
    let origin = Origin::new(Scheme::Http, "127.0.0.1", peer.address().port()).unwrap();
    for every in [Duration::ZERO, Duration::MAX] {
        Connector::new().keepalive(every).connect(&origin).unwrap();
    }
}

#[test]
fn a_tap_knows_whose_content_leaves_behind_an_early_answer() {
    let answered = Signal::new();
    let script = Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").give(&answered).read(3).hold();
    let peer = Over::Tcp.peer([script]);
    let mut connection = Over::Tcp.connect(&peer);
    let whose = Arc::new(Mutex::new(Vec::new()));
    connection.set_tap(Some(Box::new(Whose(Arc::clone(&whose)))));
    let request = connection.request("PUT", "/").content_length(3).build().unwrap();
    let mut pipeline = connection.pipeline();
    let exchange = pipeline.send(&request).unwrap();
    assert!(answered.wait(Duration::from_secs(20)));
    assert!(pipeline.receive().unwrap().is_complete());
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 0);
    assert_eq!(pipeline.send_content(b"abc").unwrap(), 3);
    assert_eq!(*whose.lock().unwrap(), [Some(exchange), Some(exchange)]);
}

/// Keeps whose bytes are sent.
struct Whose(Arc<Mutex<Vec<Option<ExchangeId>>>>);

impl Tap for Whose {
    fn sent(&mut self, _: &[u8], _: Instant, exchange: Option<ExchangeId>) {
        self.0.lock().unwrap().push(exchange);
    }

    fn received(&mut self, _: &[u8], _: Instant, _: Option<ExchangeId>) {}
}
