//! Waits that are ended from outside, and calls that do not wait.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use wireline::rustls::ServerConnection;
use wireline::{
    Canceller, Connecting, Connection, Connector, Dropped, Error, ErrorKind, Operation, Origin, Proxy, ProxyScheme,
    Reuse, Scheme, Stage, Stream, Timeouts,
};
use wireline_testkit::{Script, Signal};

use common::{Over, over_tcp_and_tls};

const LONG: Duration = Duration::from_secs(20);

over_tcp_and_tls! {
    a_canceled_upload_goes_on
    a_canceled_wait_for_a_response_goes_on
    a_canceled_wait_for_content_goes_on
    a_canceled_wait_for_continue_goes_on
    a_switched_stream_can_be_canceled
    both_halves_can_be_canceled
    busy_polling_keeps_to_every_bound
    connecting_anew_never_waits_when_told_not_to
    connecting_never_waits_when_told_not_to
    what_is_canceled_stays_canceled
}

/// Cancels as soon as `signal` is given, which is when `wait` waits or a moment before.
fn canceled<T: Debug>(canceller: &Canceller, signal: &Signal, wait: impl FnOnce() -> Result<T, Error>) -> Error {
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(signal.wait(LONG));
            canceller.cancel();
        });
        wait().unwrap_err()
    })
}

fn cancellable(connection: &mut Connection<Stream>) -> Canceller {
    let canceller = Canceller::new().unwrap();
    connection.set_canceller(Some(canceller.clone()));
    canceller
}

fn a_canceled_wait_for_a_response_goes_on(over: Over) {
    let (asked, canceled_now) = (Signal::new(), Signal::new());
    let script = Script::new().read_head().give(&asked).wait_for(&canceled_now).send("HTTP/1.1 204 \r\n\r\n").hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    let error = canceled(&canceller, &asked, || connection.get("/").map(drop));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::AwaitingResponse));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.receive().unwrap().status(), 204);
    assert_eq!(connection.look(), Reuse::Now);
}

fn a_canceled_wait_for_content_goes_on(over: Over) {
    let (begun, canceled_now) = (Signal::new(), Signal::new());
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        .wait_for(&canceled_now)
        .send("def")
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    let mut response = connection.get("/").unwrap();
    let mut content = [0; 6];
    response.read_exact(&mut content[..3]).unwrap();
    begun.give();
    let error = canceled(&canceller, &begun, || response.read_content(&mut content[3..]));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Receiving));
    canceled_now.give();
    canceller.reset();
    response.read_exact(&mut content[3..]).unwrap();
    assert!(response.is_complete());
    assert_eq!(&content, b"abcdef");
}

fn a_canceled_upload_goes_on(over: Over) {
    let (asked, canceled_now) = (Signal::new(), Signal::new());
    let content = vec![b'x'; 30_000_000];
    let script = Script::new()
        .read_head()
        .give(&asked)
        .wait_for(&canceled_now)
        .read(content.len())
        .send("HTTP/1.1 204 \r\n\r\n")
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    let request = connection.request("PUT", "/").content_length(content.len() as u64).build().unwrap();
    let error = canceled(&canceller, &asked, || connection.send(&request, &content).map(drop));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Sending));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.resume(&content).unwrap().status(), 204);
    assert_eq!(connection.content_sent(), content.len() as u64);
}

fn a_canceled_wait_for_continue_goes_on(over: Over) {
    let (asked, canceled_now) = (Signal::new(), Signal::new());
    let script = Script::new()
        .read_head()
        .give(&asked)
        .wait_for(&canceled_now)
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .expect("abc")
        .send("HTTP/1.1 204 \r\n\r\n")
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let canceller = cancellable(&mut connection);
    let request = connection.request("PUT", "/").content_length(3).expect_continue().build().unwrap();
    let error = canceled(&canceller, &asked, || connection.send(&request, "abc").map(drop));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::AwaitingContinue));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.resume("abc").unwrap().status(), 204);
}

fn what_is_canceled_stays_canceled(over: Over) {
    let peer = over.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    canceller.cancel();
    canceller.cancel();
    for _ in 0..2 {
        // The request leaves: that needs no waiting.
        let error = match connection.receiving() {
            None => connection.get("/").map(drop),
            Some(_) => connection.receive().map(drop),
        };
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Canceled);
    }
    canceller.reset();
    assert_eq!(connection.receive().unwrap().status(), 204);
}

fn a_switched_stream_can_be_canceled(over: Over) {
    let switched_now = Signal::new();
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .give(&switched_now)
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    let request = connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "x").build().unwrap();
    let mut stream = connection.send(&request, ()).unwrap().into_switched().unwrap();
    let error = canceled(&canceller, &switched_now, || {
        stream.read(&mut [0]).map_err(|error| Error::from_io(error).expect("it is one of ours"))
    });
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert!(stream.write(b"x").is_ok(), "what needs no waiting is done");
}

fn both_halves_can_be_canceled(over: Over) {
    let asked = Signal::new();
    let peer = over.peer([Script::new().read_head().give(&asked).hold()]);
    let mut connection = over.connect(&peer);
    let canceller = cancellable(&mut connection);
    let content = vec![b'x'; 30_000_000];
    let request = connection.request("PUT", "/").content_length(content.len() as u64).build().unwrap();
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&request).unwrap();
    let sender = thread::spawn(move || {
        let mut rest = &content[..];
        let error = loop {
            match send.send_content(rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(error) => break error,
            }
        };
        (error.kind(), send)
    });
    let error = canceled(&canceller, &asked, || receive.receive().map(drop));
    assert_eq!(error.kind(), ErrorKind::Canceled);
    let (kind, send) = sender.join().unwrap();
    assert_eq!(kind, ErrorKind::Canceled);
    assert_eq!(send.unanswered().len(), 1);
}

/// Connects with every timeout zero, and waits in its place.
fn drive(mut connecting: Connecting) -> Result<(Connection<Stream>, usize), Error> {
    let mut waits = 0;
    loop {
        match connecting.finish() {
            Ok(connection) => return Ok((connection, waits)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {}
            Err(error) => return Err(error),
        }
        waits += 1;
        wait_for(&connecting);
    }
}

fn wait_for(connecting: &Connecting) {
    let wanted = connecting.wanted();
    assert!(!wanted.is_empty() || connecting.until().is_some(), "there is something to wait for");
    let flags = |read, write| {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, read);
        flags.set(PollFlags::OUT, write);
        flags
    };
    let mut fds: Vec<_> =
        wanted.iter().map(|(fd, ready)| PollFd::from_borrowed_fd(*fd, flags(ready.read, ready.write))).collect();
    let left = connecting.until().map_or(LONG, |until| until.saturating_duration_since(Instant::now()));
    poll(&mut fds, Some(&Timespec::try_from(left).unwrap())).unwrap();
}

fn never_waiting() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.resolve = Some(Duration::ZERO);
    timeouts.connect = Some(Duration::ZERO);
    timeouts.tls = Some(Duration::ZERO);
    timeouts.read = Some(Duration::ZERO);
    timeouts.write = Some(Duration::ZERO);
    timeouts
}

fn connecting_never_waits_when_told_not_to(over: Over) {
    let peer = over.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let scheme = if matches!(over, Over::Tcp) { Scheme::Http } else { Scheme::Https };
    let origin = Origin::new(scheme, "127.0.0.1", peer.address().port()).unwrap();
    let named = Origin::new(scheme, "localhost", peer.address().port()).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let connector = Connector::new().timeouts(never_waiting()).tls(common::roots()).resolver(move |_: &str, port| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
    });
    let origin = if matches!(over, Over::Tcp) { named } else { origin };
    let (mut connection, waits) = drive(connector.begin(&origin)).unwrap();
    assert!(waits > 0);
    assert!(calls.load(Ordering::Relaxed) <= 1, "a look-up is not begun again");
    let mut done = connection.get("/").map(|response| response.status());
    while let Err(error) = done {
        assert_eq!(error.kind(), ErrorKind::WouldBlock(Operation::Read));
        assert!(connection.interest().read);
        poll(&mut [PollFd::new(&connection, PollFlags::IN)], None).unwrap();
        done = connection.receive().map(|response| response.status());
    }
    assert_eq!(done.unwrap(), 204);
}

#[test]
fn a_look_up_can_be_canceled() {
    let (asked, never) = (Signal::new(), Signal::new());
    let canceller = Canceller::new().unwrap();
    let connector = Connector::new().canceller(canceller.clone()).resolver({
        let (asked, never) = (asked.clone(), never.clone());
        move |_: &str, _| {
            asked.give();
            let _given = never.wait(LONG);
            Err(io::ErrorKind::TimedOut.into())
        }
    });
    let mut connecting = connector.begin(&Origin::parse("http://origin.test").unwrap());
    let error = canceled(&canceller, &asked, || connecting.finish());
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Resolving));
    canceller.reset();
    never.give();
    // The same look-up goes on.
    assert_eq!(connecting.finish().unwrap_err().kind(), ErrorKind::ResolverUnreachable);
}

/// A listener that never accepts, and whose queue is full: the system does not answer for it any more.
fn deaf_listener() -> (TcpListener, Vec<TcpStream>) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&socket, 0).unwrap();
    let listener = TcpListener::from(socket);
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&listener.local_addr().unwrap(), Duration::from_millis(100)) {
        queue.push(stream);
    }
    (listener, queue)
}

#[test]
fn a_connect_can_be_canceled() {
    let (listener, _queue) = deaf_listener();
    let canceller = Canceller::new().unwrap();
    let now = Signal::new();
    now.give();
    let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let error = canceled(&canceller, &now, || Connector::new().canceller(canceller.clone()).connect(&origin));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Connecting));
}

#[test]
fn a_connect_that_took_too_long_goes_on() {
    let (listener, queue) = deaf_listener();
    let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(50));
    let mut connecting = Connector::new().timeouts(timeouts).begin(&origin);
    assert_eq!(connecting.finish().unwrap_err().kind(), ErrorKind::Timeout(Operation::Connect));
    // There is room now, which the system finds when it asks again.
    for _ in queue {
        drop(listener.accept().unwrap());
    }
    let [(fd, _)] = connecting.wanted()[..] else { panic!("one attempt goes on") };
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], Some(&Timespec::try_from(LONG).unwrap())).unwrap();
    let mut connection = connecting.finish().unwrap();
    let answering = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut [0]).unwrap();
        peer.write_all(b"HTTP/1.1 204 \r\n\r\n").unwrap();
    });
    assert_eq!(connection.get("/").unwrap().status(), 204);
    answering.join().unwrap();
}

#[test]
fn a_handshake_can_be_canceled() {
    let said_hello = Signal::new();
    let peer = Over::Tcp.peer([Script::new().read(1).give(&said_hello).hold()]);
    let canceller = Canceller::new().unwrap();
    let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
    let connector = Connector::new().canceller(canceller.clone()).tls(common::roots());
    let error = canceled(&canceller, &said_hello, || connector.connect(&origin));
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Securing));
}

#[test]
fn a_deaf_address_does_not_keep_the_next_one_waiting() {
    let (deaf, _queue) = deaf_listener();
    let peer = Over::Tcp.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let origin = Origin::parse("http://origin.test").unwrap();
    let mut connection = Connector::new().connect_at(&origin, &[deaf.local_addr().unwrap(), peer.address()]).unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

#[test]
fn an_address_that_refuses_hands_over_to_the_next_at_once() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peer = Over::Tcp.peer([Script::new()]);
    let origin = Origin::parse("http://origin.test").unwrap();
    // No time for a quarter of a second: the next attempt is made because the first one failed.
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(200));
    let connector = Connector::new().timeouts(timeouts);
    let connection = connector.connect_at(&origin, &[refusing, refusing, peer.address()]).unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    let error = connector.connect_at(&origin, &[refusing, refusing]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(connector.connect_at(&origin, &[]).unwrap_err().kind(), ErrorKind::Connect);
}

#[test]
fn a_unix_listener_whose_queue_is_full_is_waited_for() {
    let directory = std::env::temp_dir().join(format!("wireline-waiting-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("origin");
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&socket, 0).unwrap();
    let listener = UnixListener::from(socket);
    let first = UnixStream::connect(&path).unwrap();
    let origin = Origin::parse("http://origin.test").unwrap();

    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(30));
    let error = Connector::new().timeouts(timeouts).connect_unix(&origin, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Connect));

    let canceller = Canceller::new().unwrap();
    let connector = Connector::new().canceller(canceller.clone());
    let now = Signal::new();
    now.give();
    let mut connecting = connector.begin_unix(&origin, &path);
    let error = canceled(&canceller, &now, || connecting.finish());
    assert_eq!(error.kind(), ErrorKind::Canceled);

    let error = Connector::new().timeouts(never_waiting()).connect_unix(&origin, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock(Operation::Connect));

    canceller.reset();
    drop(listener.accept().unwrap());
    let connection = connecting.finish().unwrap();
    drop((first, connection));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_stream_that_does_not_wait_is_never_waited_for() {
    let (asked, go_on) = (Signal::new(), Signal::new());
    let script = Script::new().read_head().give(&asked).wait_for(&go_on).send("HTTP/1.1 204 \r\n\r\n").hold();
    let peer = Over::Tcp.peer([script]);
    let stream = TcpStream::connect(peer.address()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut connection = Connection::from(stream);
    connection.set_host("a");
    let mut timeouts = Timeouts::default();
    timeouts.read = Some(LONG);
    connection.set_timeouts(timeouts);
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    assert!(asked.wait(LONG));
    go_on.give();
    poll(&mut [PollFd::new(&connection.as_fd(), PollFlags::IN)], None).unwrap();
    assert_eq!(connection.receive().unwrap().status(), 204);
}

fn busy_polling_keeps_to_every_bound(over: Over) {
    let answer = "HTTP/1.1 204 \r\n\r\n";
    let asked = Signal::new();
    let script = Script::new().read_head().send(answer).read_head().read_head().give(&asked).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    connection.set_busy_poll(LONG);
    assert_eq!(connection.get("/").unwrap().status(), 204);
    let mut timeouts = connection.timeouts();
    timeouts.read = Some(Duration::from_millis(20));
    connection.set_timeouts(timeouts);
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::Timeout(Operation::Read));
    timeouts.read = Some(Duration::ZERO);
    connection.set_timeouts(timeouts);
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    connection.set_timeouts(Timeouts::default());
    let canceller = cancellable(&mut connection);
    let request = connection.request("GET", "/").build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&request).unwrap();
    pipeline.suspend();
    let error = canceled(&canceller, &asked, || connection.receive().map(drop));
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

#[test]
fn a_deadline_ends_calls_that_do_not_wait() {
    let peer = Over::Tcp.peer([Script::new().read_head().hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    connection.set_timeouts(never_waiting());
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    connection.set_deadline(Some(Instant::now()));
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::Timeout(Operation::Deadline));
}

#[test]
fn a_canceller_serves_many_connections() {
    let peer = Over::Tcp.peer([Script::new().read_head().hold(), Script::new().read_head().hold()]);
    let canceller = Canceller::new().unwrap();
    let mut connections = [Over::Tcp.connect(&peer), Over::Tcp.connect(&peer)];
    for connection in &mut connections {
        connection.set_canceller(Some(canceller.clone()));
    }
    thread::scope(|scope| {
        let waits = connections.each_mut().map(|connection| scope.spawn(|| connection.get("/").unwrap_err().kind()));
        canceller.cancel();
        for wait in waits {
            assert_eq!(wait.join().unwrap(), ErrorKind::Canceled);
        }
    });
}

#[test]
fn the_two_failures_of_a_look_up_are_told_apart() {
    let origin = Origin::parse("http://origin.test").unwrap();
    for (kind, expected) in [
        (io::ErrorKind::NotFound, ErrorKind::NoSuchHost),
        (io::ErrorKind::HostUnreachable, ErrorKind::ResolverUnreachable),
        (io::ErrorKind::Other, ErrorKind::Resolve),
    ] {
        let connector = Connector::new().resolver(move |_: &str, _| Err(io::Error::from(kind)));
        assert_eq!(connector.connect(&origin).unwrap_err().kind(), expected);
    }
    let connector = Connector::new().resolver(|_: &str, _| Ok(Vec::new()));
    assert_eq!(connector.connect(&origin).unwrap_err().kind(), ErrorKind::NoSuchHost);
}

#[test]
fn a_connection_leaves_from_the_address_it_was_told_to() {
    let peer = Over::Tcp.peer([Script::new(), Script::new()]);
    let origin = Origin::parse(&format!("http://{}", peer.address())).unwrap();
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
    let connector = Connector::new().local_address(local).keepalive(Duration::from_secs(30)).nodelay(false);
    let connection = connector.connect(&origin).unwrap();
    let fd = connection.fd().unwrap();
    assert_eq!(connection.transport().unwrap().local_addr().unwrap().ip(), local.ip());
    assert!(rustix::net::sockopt::socket_keepalive(fd).unwrap());
    assert!(!rustix::net::sockopt::tcp_nodelay(fd).unwrap());

    let elsewhere = Connector::new().local_address("[::1]:0".parse().unwrap());
    let error = elsewhere.connect(&origin).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::AddrNotAvailable);
}

#[test]
fn a_bound_that_is_over_is_still_told() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = Origin::new(Scheme::Https, "127.0.0.1", silent.local_addr().unwrap().port()).unwrap();
    let mut timeouts = Timeouts::default();
    timeouts.tls = Some(Duration::from_millis(20));
    let mut connecting = Connector::new().timeouts(timeouts).tls(common::roots()).begin(&origin);
    connecting.set_nonblocking(true);
    while connecting.stage() != Stage::Securing {
        assert!(matches!(connecting.finish().unwrap_err().kind(), ErrorKind::WouldBlock(_)));
    }
    while connecting.until().expect("it has a bound") > Instant::now() {}
    // Whoever asks only now must not be told that there is none.
    assert!(connecting.until().is_some());
    assert_eq!(connecting.finish().unwrap_err().kind(), ErrorKind::Timeout(Operation::Tls));
}

#[test]
fn the_shortest_bounds_end_too() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::new(ProxyScheme::Http, "127.0.0.1", silent.local_addr().unwrap().port()).unwrap();
    let (rounds, round) = mpsc::channel();
    thread::spawn(move || {
        for nanos in 0..2_000 {
            let mut timeouts = Timeouts::default();
            timeouts.tunnel = Some(Duration::from_nanos(10_000 + nanos * 30));
            let connector = Connector::new().timeouts(timeouts).proxy(proxy.clone().tunnel_always());
            let error = connector.connect(&Origin::parse("http://origin.test").unwrap()).unwrap_err();
            drop(silent.accept().unwrap());
            rounds.send(error.kind()).unwrap();
        }
    });
    for _ in 0..2_000 {
        assert_eq!(round.recv_timeout(LONG).expect("it ends"), ErrorKind::Timeout(Operation::Tunnel));
    }
}

#[test]
fn what_is_reset_at_once_is_not_canceled() {
    // It never answers and never loses its patience, however long a machine that does other things takes for this.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = Origin::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let mut connection = Connector::new().connect(&origin).unwrap();
    let canceller = cancellable(&mut connection);
    let is_over = AtomicBool::new(false);
    let mut stuck = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::Canceled);
            while !is_over.load(Ordering::SeqCst) {
                assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::Canceled);
            }
        });
        for spins in 0..2_000 {
            canceller.cancel();
            (0..spins % 64).for_each(|_| std::hint::spin_loop());
            canceller.reset();
            // Perhaps the wait was about to end.
            thread::yield_now();
            stuck += u32::from(canceller.is_canceled());
        }
        is_over.store(true, Ordering::SeqCst);
        canceller.cancel();
    });
    assert_eq!(stuck, 0);
}

#[test]
fn there_is_no_time_to_wait_for_when_nothing_waits() {
    let go_on = Signal::new();
    let script = Script::new().read_head().wait_for(&go_on).send("HTTP/1.1 204 \r\n\r\n").read_head().hold();
    let peer = Over::Tcp.peer([script]);
    let mut connection = Over::Tcp.connect(&peer);
    let mut timeouts = Timeouts::default();
    timeouts.read = Some(LONG);
    connection.set_timeouts(timeouts);
    connection.set_nonblocking(true);
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    let until = connection.until();
    assert!(until.is_some());
    // A call that is made again goes on with the same wait.
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    assert_eq!(connection.until(), until);
    go_on.give();
    poll(&mut [PollFd::new(&connection.as_fd(), PollFlags::IN)], None).unwrap();
    assert_eq!(connection.receive().unwrap().status(), 204);
    assert_eq!(connection.until(), None);

    // Zero is not to wait, and no time at which it would be over.
    timeouts = Timeouts::default();
    timeouts.exchange = Some(Duration::ZERO);
    connection.set_timeouts(timeouts);
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
    assert_eq!(connection.until(), None);
}

#[test]
fn a_response_that_is_dropped_by_a_connection_that_does_not_wait_is_not_waited_for() {
    let asked = Signal::new();
    let begin = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab";
    let peer = Over::Tcp.peer([Script::new().read_head().send(begin).wait_for(&asked).send("cde").hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    connection.get("/").unwrap().suspend();
    connection.set_nonblocking(true);
    drop(connection.response().unwrap());
    asked.give();
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    // What is lost is not taken for a response without content.
    assert!(connection.response().is_none());
}

#[test]
fn halves_of_a_connection_that_does_not_wait_do_not_wait() {
    let peer = Over::Tcp.peer([Script::new().read_head().hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    connection.set_nonblocking(true);
    let request = connection.request("GET", "/").build().unwrap();
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&request).unwrap();
    assert_eq!(receive.receive().unwrap_err().kind(), ErrorKind::WouldBlock(Operation::Read));
}

#[test]
fn a_switched_stream_waits_neither_when_told_not_to_nor_beyond_its_deadline() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let peer = Over::Tcp.peer([Script::new().read_head().send(switch).hold()]);
    let mut connection = Over::Tcp.connect(&peer);
    let request = connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "x").build().unwrap();
    connection.send(&request, ()).unwrap().suspend();
    connection.set_nonblocking(true);
    let mut switched = connection.response().unwrap().into_switched().unwrap();
    assert_eq!(switched.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    switched.set_deadline(Some(Instant::now()));
    assert_eq!(switched.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    switched.set_nonblocking(false);
    assert_eq!(switched.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
}

fn connecting_anew_never_waits_when_told_not_to(over: Over) {
    let closes = Script::new().read_head().send("HTTP/1.1 204 \r\nConnection: close\r\n\r\n").close();
    let peer = over.peer([closes, Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let scheme = if matches!(over, Over::Tcp) { Scheme::Http } else { Scheme::Https };
    let origin = Origin::new(scheme, "127.0.0.1", peer.address().port()).unwrap();
    let mut connection = Connector::new().auto_open(true).tls(common::roots()).connect(&origin).unwrap();
    assert_eq!(connection.get("/").unwrap().status(), 204);
    connection.set_nonblocking(true);
    let mut done = connection.get("/").map(|response| response.status());
    while let Err(error) = done {
        assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{error}");
        if let Some(connecting) = connection.reopening() {
            wait_for(connecting);
            done = connection.get("/").map(|response| response.status());
        } else {
            poll(&mut [PollFd::new(&connection.as_fd(), PollFlags::IN)], None).unwrap();
            done = connection.receive().map(|response| response.status());
        }
    }
    assert_eq!(done.unwrap(), 204);
    assert!(connection.reopening().is_none());
}

#[test]
fn a_peer_that_takes_content_slowly_over_tls_does_not_trip_the_write_timeout() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    set_socket_recv_buffer_size(&listener, 4096).unwrap();
    let origin = Origin::new(Scheme::Https, "127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let config = common::authority().server_config().unwrap();
        ServerConnection::new(config).unwrap().complete_io(&mut stream).unwrap();
        // All that is taken for one call takes longer to leave than the bound on a wait.
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut timeouts = Timeouts::default();
    timeouts.write = Some(Duration::from_millis(400));
    let mut connection = Connector::new().tls(common::roots()).timeouts(timeouts).connect(&origin).unwrap();
    set_socket_send_buffer_size(connection.fd().unwrap(), 4096).unwrap();
    connection.set_nonblocking(true);
    let content = vec![b'x'; 200_000];
    let request = connection.request("PUT", "/").content_length(200_000).build().unwrap();
    let mut error = connection.send(&request, &content).unwrap_err();
    while connection.content_sent() < 100_000 {
        assert_eq!(error.kind(), ErrorKind::WouldBlock(Operation::Write), "{}", connection.content_sent());
        let left = connection.until().unwrap().saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&connection, PollFlags::IN | PollFlags::OUT)];
        poll(&mut fds, Some(&Timespec::try_from(left).unwrap())).unwrap();
        error = connection.resume(&content).unwrap_err();
    }
}
