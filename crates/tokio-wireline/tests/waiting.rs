//! Waits that end before anything happens: canceled, too late, or dropped; and what never keeps the runtime waiting.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_wireline::{
    Canceller, Connection, Connector, Content, Error, ErrorKind, Operation, Origin, Progress, Reuse, Scheme, Stage,
    Stream, Timeouts,
};
use wireline_testkit::{Script, Signal};

use common::{LONG, Over, over_tcp_and_tls};

over_tcp_and_tls! {
    a_canceled_upload_goes_on
    a_canceled_wait_for_a_response_goes_on
    a_canceled_wait_for_content_goes_on
    a_canceled_wait_for_continue_goes_on
    a_canceled_wait_for_a_source_closes
    a_deadline_ends_the_wait_for_a_source
    a_dropped_wait_goes_on
    a_peer_that_does_not_take_content_trips_the_write_timeout
    a_switched_stream_can_be_dropped_and_read_again
    a_write_that_is_too_late_goes_on
    connecting_never_keeps_the_runtime_waiting
    each_bound_ends_its_wait
    what_is_canceled_stays_canceled
}

/// Cancels as soon as `signal` is given, which is when `wait` waits or a moment before.
async fn canceled<T: Debug>(
    canceller: &Canceller,
    signal: &Signal,
    wait: impl Future<Output = Result<T, Error>>,
) -> Error {
    let (canceller, signal) = (canceller.clone(), signal.clone());
    let other = thread::spawn(move || {
        assert!(signal.wait(LONG));
        canceller.cancel();
    });
    let error = wait.await.unwrap_err();
    other.join().unwrap();
    error
}

fn cancellable(connection: &mut Connection<Stream>) -> Canceller {
    let canceller = Canceller::new().unwrap();
    connection.set_canceller(Some(canceller.clone())).unwrap();
    canceller
}

async fn a_canceled_wait_for_a_response_goes_on(over: Over) {
    let (asked, canceled_now) = (Signal::new(), Signal::new());
    let script = Script::new().read_head().give(&asked).wait_for(&canceled_now).send("HTTP/1.1 204 \r\n\r\n").hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let canceller = cancellable(&mut connection);
    let error = canceled(&canceller, &asked, async { connection.get("/").await.map(drop) }).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::AwaitingResponse));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.receive().await.unwrap().status(), 204);
    assert_eq!(connection.look(), Reuse::Now);
}

async fn a_canceled_wait_for_content_goes_on(over: Over) {
    let (begun, canceled_now) = (Signal::new(), Signal::new());
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        .wait_for(&canceled_now)
        .send("def")
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let canceller = cancellable(&mut connection);
    let mut response = connection.get("/").await.unwrap();
    let mut content = [0; 6];
    response.read_exact(&mut content[..3]).await.unwrap();
    begun.give();
    let error = canceled(&canceller, &begun, async { response.read_content(&mut content[3..]).await }).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Receiving));
    canceled_now.give();
    canceller.reset();
    response.read_exact(&mut content[3..]).await.unwrap();
    assert!(response.is_complete());
    assert_eq!(&content, b"abcdef");
}

async fn a_canceled_upload_goes_on(over: Over) {
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
    let mut connection = over.connect(&peer).await;
    let canceller = cancellable(&mut connection);
    let request = connection.request("PUT", "/").content_length(content.len() as u64).build().unwrap();
    let error = canceled(&canceller, &asked, async { connection.send(&request, &content).await.map(drop) }).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Sending));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.resume(&content).await.unwrap().status(), 204);
    assert_eq!(connection.content_sent(), content.len() as u64);
}

async fn a_canceled_wait_for_continue_goes_on(over: Over) {
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
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.expect_continue = None;
    connection.set_timeouts(timeouts);
    let canceller = cancellable(&mut connection);
    let request = connection.request("PUT", "/").content_length(3).expect_continue().build().unwrap();
    let error = canceled(&canceller, &asked, async { connection.send(&request, "abc").await.map(drop) }).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::AwaitingContinue));
    canceled_now.give();
    canceller.reset();
    assert_eq!(connection.resume(b"abc").await.unwrap().status(), 204);
}

async fn what_is_canceled_stays_canceled(over: Over) {
    let peer = over.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let mut connection = over.connect(&peer).await;
    let canceller = cancellable(&mut connection);
    canceller.cancel();
    canceller.cancel();
    for _ in 0..2 {
        // The request leaves: that needs no waiting.
        let error = match connection.receiving() {
            None => connection.get("/").await.map(drop),
            Some(_) => connection.receive().await.map(drop),
        };
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Canceled);
    }
    canceller.reset();
    assert_eq!(connection.receive().await.unwrap().status(), 204);
}

async fn a_canceled_wait_for_a_source_closes(over: Over) {
    let asked = Signal::new();
    let peer = over.peer([Script::new().read_head().expect("3\r\nabc\r\n").give(&asked).read_to_end()]);
    let mut connection = over.connect(&peer).await;
    let canceller = cancellable(&mut connection);
    let (source, mut far) = tokio::io::duplex(64);
    far.write_all(b"abc").await.unwrap();
    let request = connection.request("PUT", "/").chunked().build().unwrap();
    let error = canceled(&canceller, &asked, connection.send(&request, Content::reader(source))).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Sending));
    // The source is gone, and what the peer has is not all.
    assert!(connection.transport().is_none());
    let verdict = connection.unanswered().next().unwrap();
    assert_eq!(verdict.progress, Progress::PartlySent);
}

async fn a_deadline_ends_the_wait_for_a_source(over: Over) {
    let peer = over.peer(vec![Script::new().read_head().read_to_end(); 2]);
    for operation in [Operation::Deadline, Operation::Exchange] {
        let mut connection = over.connect(&peer).await;
        let bound = Duration::from_millis(50);
        if operation == Operation::Deadline {
            connection.set_deadline(Some(Instant::now() + bound));
        } else {
            let mut timeouts = common::patient();
            timeouts.exchange = Some(bound);
            connection.set_timeouts(timeouts);
        }
        let (source, _far) = tokio::io::duplex(64);
        let request = connection.request("PUT", "/").chunked().build().unwrap();
        let sent = timeout(LONG, connection.send(&request, Content::reader(source))).await.expect("it ends");
        assert_eq!(sent.unwrap_err().kind(), ErrorKind::Timeout(operation));
        assert!(connection.transport().is_none());
    }
}

async fn a_dropped_wait_goes_on(over: Over) {
    let (asked, go) = (Signal::new(), Signal::new());
    let script = Script::new()
        .read_head()
        .give(&asked)
        .wait_for(&go)
        .send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        .wait_for(&Signal::clone(&go))
        .send("def")
        .hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    tokio::select! {
        _ = connection.get("/") => panic!("nobody has answered"),
        () = common::given(&asked) => {}
    }
    assert_eq!(connection.unanswered().count(), 1);
    go.give();
    assert_eq!(connection.receive().await.unwrap().text().await.unwrap(), "abcdef");
    assert_eq!(connection.look(), Reuse::Now);
}

async fn a_peer_that_does_not_take_content_trips_the_write_timeout(over: Over) {
    let peer = over.peer([Script::new().read_head().hold()]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.write = Some(Duration::from_millis(50));
    connection.set_timeouts(timeouts);
    let request = connection.request("PUT", "/").content_length(50_000_000).build().unwrap();
    let error = connection.send(&request, &vec![7; 50_000_000]).await.unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Write), Stage::Sending));
}

async fn a_write_that_is_too_late_goes_on(over: Over) {
    let (content, go) = (vec![7; 30_000_000], Signal::new());
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(content.len()).send(ANSWER).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut timeouts = common::patient();
    timeouts.write = Some(Duration::from_millis(50));
    connection.set_timeouts(timeouts);
    let request = connection.request("PUT", "/").content_length(content.len() as u64).build().unwrap();
    let mut result = connection.send(&request, &content).await.map(|response| response.status().as_u16());
    let mut sent = 0;
    while let Err(error) = &result {
        assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write), "{error}");
        assert!(connection.content_sent() >= sent && connection.content_sent() < content.len() as u64);
        sent = connection.content_sent();
        go.give();
        result = connection.resume(&content).await.map(|response| response.status().as_u16());
    }
    assert!(sent > 0, "it had to wait");
    assert_eq!((result.unwrap(), connection.content_sent()), (204, content.len() as u64));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&content));
}

async fn a_switched_stream_can_be_dropped_and_read_again(over: Over) {
    let go = Signal::new();
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .wait_for(&go)
        .send("later")
        .expect("x");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request = connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "x").build().unwrap();
    let mut stream = connection.send(&request, ()).await.unwrap().into_switched().unwrap();
    assert!(timeout(Duration::from_millis(20), stream.read(&mut [0])).await.is_err(), "nothing yet");
    go.give();
    let mut said = [0; 5];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"later");
    stream.write_all(b"x").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut said).await.unwrap(), 0);
    drop(stream);
    assert!(peer.join()[0].is_completed());
}

async fn each_bound_ends_its_wait(over: Over) {
    let soon = Some(Duration::from_millis(40));
    for operation in [Operation::Read, Operation::Exchange, Operation::Deadline] {
        let peer =
            over.peer([Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").hold()]);
        let mut connection = over.connect(&peer).await;
        let mut timeouts = common::patient();
        match operation {
            Operation::Read => timeouts.read = soon,
            Operation::Exchange => timeouts.exchange = soon,
            _ => connection.set_deadline(soon.map(|soon| Instant::now() + soon)),
        }
        connection.set_timeouts(timeouts);
        let error = match connection.get("/").await {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Timeout(operation), "{error}");
        assert_eq!(connection.unanswered().count(), 1);
    }
}

/// The runtime has one thread: whoever blocks it keeps the others from what they do.
async fn connecting_never_keeps_the_runtime_waiting(over: Over) {
    let peer = over.peer([Script::new().read_head().send(ANSWER).hold()]);
    let origin = Origin::new(over.scheme(), "localhost", peer.address().port()).unwrap();
    let go = Signal::new();
    let resolver = {
        let go = go.clone();
        move |_: &str, port| {
            assert!(go.wait(LONG), "the runtime goes on");
            Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
        }
    };
    let connector = Connector::new().timeouts(common::patient()).tls(common::roots()).resolver(resolver);
    let (connection, ()) = tokio::join!(connector.connect(&origin), async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        go.give();
    });
    assert_eq!(connection.unwrap().get("/").await.unwrap().status(), 204);
}

const ANSWER: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn a_look_up_can_be_canceled() {
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
    let origin = Origin::parse("http://origin.test").unwrap();
    let error = canceled(&canceller, &asked, connector.connect(&origin)).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Resolving));
    canceller.reset();
    never.give();
    assert_eq!(connector.connect(&origin).await.unwrap_err().kind(), ErrorKind::ResolverUnreachable);
}

#[tokio::test]
async fn a_look_up_that_takes_too_long_is_left() {
    let never = Signal::new();
    let waits = never.clone();
    let mut timeouts = Timeouts::default();
    timeouts.resolve = Some(Duration::from_millis(30));
    let connector = Connector::new().timeouts(timeouts).resolver(move |_: &str, _| {
        let _given = waits.wait(LONG);
        Ok(Vec::new())
    });
    let origin = Origin::parse("http://origin.test").unwrap();
    let error = connector.connect(&origin).await.unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Resolve), Stage::Resolving));
    // Dropped, it is left as well.
    let waits = never.clone();
    let connector = Connector::new().resolver(move |_: &str, _| {
        let _given = waits.wait(LONG);
        Ok(Vec::new())
    });
    assert!(timeout(Duration::from_millis(10), connector.connect(&origin)).await.is_err());
    never.give();
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

#[tokio::test]
async fn a_connect_can_be_canceled() {
    let (listener, _queue) = deaf_listener();
    let canceller = Canceller::new().unwrap();
    let now = Signal::new();
    now.give();
    let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let error = canceled(&canceller, &now, Connector::new().canceller(canceller.clone()).connect(&origin)).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Connecting));
}

#[tokio::test]
async fn a_handshake_can_be_canceled() {
    let said_hello = Signal::new();
    let peer = Over::Tcp.peer([Script::new().read(1).give(&said_hello).hold()]);
    let canceller = Canceller::new().unwrap();
    let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
    let connector = Connector::new().canceller(canceller.clone()).tls(common::roots());
    let error = canceled(&canceller, &said_hello, connector.connect(&origin)).await;
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Canceled, Stage::Securing));
}

#[tokio::test]
async fn a_deaf_address_does_not_keep_the_next_one_waiting() {
    let (deaf, _queue) = deaf_listener();
    let peer = Over::Tcp.peer([Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").hold()]);
    let origin = Origin::parse("http://origin.test").unwrap();
    let mut connection =
        Connector::new().connect_at(&origin, &[deaf.local_addr().unwrap(), peer.address()]).await.unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
}

#[tokio::test]
async fn an_address_that_refuses_hands_over_to_the_next_at_once() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peer = Over::Tcp.peer([Script::new()]);
    let origin = Origin::parse("http://origin.test").unwrap();
    // No time for a quarter of a second: the next attempt is made because the first one failed.
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(200));
    let connector = Connector::new().timeouts(timeouts);
    let connection = connector.connect_at(&origin, &[refusing, refusing, peer.address()]).await.unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    let error = connector.connect_at(&origin, &[refusing, refusing]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(connector.connect_at(&origin, &[]).await.unwrap_err().kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn a_connect_and_a_handshake_have_bounds() {
    let (deaf, _queue) = deaf_listener();
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_millis(50));
    timeouts.tls = Some(Duration::from_millis(50));
    let connector = Connector::new().timeouts(timeouts).tls(common::roots());
    let origin = Origin::parse(&format!("http://{}", deaf.local_addr().unwrap())).unwrap();
    let error = connector.connect(&origin).await.unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Connect), Stage::Connecting));
    let peer = Over::Tcp.peer([Script::new().read(1).hold()]);
    let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
    let error = connector.connect(&origin).await.unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Tls), Stage::Securing));
    let past = connector.deadline(Instant::now());
    assert_eq!(past.connect(&origin).await.unwrap_err().kind(), ErrorKind::Timeout(Operation::Deadline));
}

#[tokio::test]
async fn a_unix_listener_whose_queue_is_full_is_waited_for() {
    let directory = std::env::temp_dir().join(format!("tokio-wireline-waiting-{}", std::process::id()));
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
    let error = Connector::new().timeouts(timeouts).connect_unix(&origin, &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Connect));

    let canceller = Canceller::new().unwrap();
    let connector = Connector::new().canceller(canceller.clone());
    let now = Signal::new();
    now.give();
    let error = canceled(&canceller, &now, connector.connect_unix(&origin, &path)).await;
    assert_eq!(error.kind(), ErrorKind::Canceled);
    canceller.reset();

    let (connection, ()) = tokio::join!(connector.connect_unix(&origin, &path), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(listener.accept().unwrap());
    });
    drop((first, connection.unwrap()));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_canceller_serves_many_connections() {
    let asked = [Signal::new(), Signal::new()];
    let peer = Over::Tcp.peer(asked.each_ref().map(|asked| Script::new().read_head().give(asked).hold()));
    let canceller = Canceller::new().unwrap();
    let mut connections = [Over::Tcp.connect(&peer).await, Over::Tcp.connect(&peer).await];
    for connection in &mut connections {
        connection.set_canceller(Some(canceller.clone())).unwrap();
    }
    let [one, other] = &mut connections;
    let (one, other, ()) = tokio::join!(one.get("/"), other.get("/"), async {
        for asked in &asked {
            common::given(asked).await;
        }
        canceller.cancel();
    });
    assert_eq!(one.unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Canceled);
}

#[tokio::test]
async fn the_two_failures_of_a_look_up_are_told_apart() {
    let origin = Origin::parse("http://origin.test").unwrap();
    for (kind, expected) in [
        (io::ErrorKind::NotFound, ErrorKind::NoSuchHost),
        (io::ErrorKind::HostUnreachable, ErrorKind::ResolverUnreachable),
        (io::ErrorKind::Other, ErrorKind::Resolve),
    ] {
        let connector = Connector::new().resolver(move |_: &str, _| Err(io::Error::from(kind)));
        assert_eq!(connector.connect(&origin).await.unwrap_err().kind(), expected);
    }
    let connector = Connector::new().resolver(|_: &str, _| Ok(Vec::new()));
    assert_eq!(connector.connect(&origin).await.unwrap_err().kind(), ErrorKind::NoSuchHost);
}

#[tokio::test]
async fn a_connection_leaves_from_the_address_it_was_told_to() {
    let peer = Over::Tcp.peer([Script::new(), Script::new()]);
    let origin = Origin::parse(&format!("http://{}", peer.address())).unwrap();
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
    let connector = Connector::new().local_address(local).keepalive(Duration::from_secs(30)).nodelay(false);
    let connection = connector.connect(&origin).await.unwrap();
    let fd = connection.fd().unwrap();
    assert_eq!(connection.transport().unwrap().local_addr().unwrap().ip(), local.ip());
    assert!(rustix::net::sockopt::socket_keepalive(fd).unwrap());
    assert!(!rustix::net::sockopt::tcp_nodelay(fd).unwrap());

    let elsewhere = Connector::new().local_address("[::1]:0".parse().unwrap());
    let error = elsewhere.connect(&origin).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::AddrNotAvailable);
}
