//! Making connections, and other streams than a connector's.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_wireline::wireline::InvalidRequest;
use tokio_wireline::{
    Connection, Connector, Dropped, ErrorKind, ExchangeId, Method, Origin, Request, Reuse, Scheme, Stage, Tap,
    Timeouts, TlsSettings, Version,
};
use wireline_testkit::{Authority, Script, ScriptedPeer, Signal, pattern};

use common::Over;

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_error_of_its_own() {
    for bound in [None, Some(Duration::from_secs(60))] {
        let mut timeouts = Timeouts::default();
        timeouts.resolve = bound;
        // A label is no longer than 63 bytes, so this needs nobody to ask (RFC 1035 section 2.3.4).
        let origin = Origin::parse(&format!("http://{}.invalid:1", "a".repeat(64))).unwrap();
        let error = Connector::new().timeouts(timeouts).connect(&origin).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchHost, "{error}");
        assert_eq!(error.stage(), Stage::Resolving);
        assert!(error.io_error().is_some());
    }
}

#[tokio::test]
async fn nobody_there_is_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Connection::connect(&format!("http://{address}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.is_temporary());
    assert!(!Connection::connect("http://a b").await.unwrap_err().is_temporary());
}

#[tokio::test]
async fn the_longest_bounds_are_none() {
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
    let mut connection = connector.connect(&origin).await.unwrap();
    let request = connection.request("PUT", "/").content_length(1).expect_continue().build().unwrap();
    assert_eq!(connection.send(&request, "a").await.unwrap().status(), 204);
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let peer = Over::Tcp
        .peer([Script::new().expect("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").send("HTTP/1.1 204 \r\n\r\n")]);
    let origin = Origin::parse("http://a.example").unwrap();
    let connector = Connector::new().timeouts(common::patient());
    let mut connection = connector.connect_at(&origin, &[nobody, peer.address()]).await.unwrap();
    assert_eq!(connection.transport().unwrap().peer_addr(), Some(peer.address()));
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
    assert!(connection.timing().connect.is_some() && connection.timing().resolve.is_none());
}

#[tokio::test]
async fn only_a_believed_certificate_is_believed() {
    let stranger = Authority::new().unwrap();
    let named = |authority: &Authority| authority.server_for(["other.example"], []).unwrap().server_config().unwrap();
    let connect = async |peer: &ScriptedPeer, tls: TlsSettings| {
        let origin = Origin::new(Scheme::Https, "127.0.0.1", peer.address().port()).unwrap();
        Connector::new().timeouts(common::patient()).tls(tls).connect(&origin).await
    };
    let roots = TlsSettings::roots_pem(stranger.root_pem().as_bytes()).unwrap();
    let script = || Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n");

    let peer = ScriptedPeer::start_tls(stranger.server_config().unwrap(), [script(), script(), script()]).unwrap();
    assert_eq!(connect(&peer, common::roots()).await.unwrap_err().kind(), ErrorKind::Certificate);
    assert_eq!(
        connect(&peer, TlsSettings::danger_accept_any_certificate()).await.unwrap().get("/").await.unwrap().status(),
        204
    );
    let mut believed = connect(&peer, roots.clone()).await.unwrap();
    assert_eq!(believed.get("/").await.unwrap().status(), 204);
    assert!(believed.transport().unwrap().tls().unwrap().peer_certificates().is_some());
    assert!(believed.timing().tls.is_some());

    let peer = ScriptedPeer::start_tls(named(&stranger), [script()]).unwrap();
    assert_eq!(connect(&peer, roots).await.unwrap_err().kind(), ErrorKind::Certificate);

    let plain = Over::Tcp.peer([Script::new().read(1).send("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    let error = connect(&plain, common::roots()).await.unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Tls, Stage::Securing), "{error}");

    assert!(TlsSettings::roots_pem(b"nothing").is_err());
}

#[tokio::test]
async fn over_a_unix_socket() {
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
    let mut connection = connector.connect_unix(&origin, &path).await.unwrap();
    assert_eq!(connection.get("/").await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(connection.reuse(), Reuse::Now);
    assert!(server.join().unwrap().starts_with(b"GET / HTTP/1.1\r\nHost: a.example\r\n"));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn over_a_stream_of_any_width() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for width in [1, 7, 1000] {
        let (near, mut far) = tokio::io::duplex(width);
        let mut connection = Connection::over(near);
        let request = Request::builder("PUT", "/").host("a").content_length(10_000).build().unwrap();
        let (head, content) = (request.as_bytes().to_vec(), pattern(10_000));
        let (sent, seen) =
            tokio::join!(async { connection.send(&request, &content).await.unwrap().text().await.unwrap() }, async {
                let mut seen = vec![0; head.len() + content.len()];
                far.read_exact(&mut seen).await.unwrap();
                far.write_all(answer).await.unwrap();
                seen
            });
        assert_eq!((sent, connection.reuse()), ("hello".to_owned(), Reuse::Now));
        assert!(seen.starts_with(&head) && seen[head.len()..] == content);
    }
}

#[tokio::test]
async fn a_response_that_is_dropped_is_not_waited_for() {
    let (near, mut far) = tokio::io::duplex(1000);
    let mut connection = Connection::over(near);
    connection.set_host("a");
    far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    // It came before it was asked for: only what is asked for is answered.
    assert!(connection.get("/").await.is_err());
    let (near, mut far) = tokio::io::duplex(1000);
    let mut connection = Connection::over(near);
    connection.set_host("a");
    let (response, ()) = tokio::join!(connection.get("/"), async {
        far.read_exact(&mut [0; 27]).await.unwrap();
        far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await.unwrap();
    });
    drop(response.unwrap());
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    assert!(connection.transport().is_none());
}

#[tokio::test]
async fn without_a_host_there_is_no_request() {
    let mut connection = Connection::over(tokio::io::duplex(1).0);
    let error = connection.get("/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest(InvalidRequest::HostMissing));
    assert_eq!(connection.receive().await.unwrap_err().kind(), ErrorKind::NothingOwed);
}

#[tokio::test]
async fn with_the_types_of_the_http_crate() {
    let head = "POST /a?b HTTP/1.1\r\nHost: a\r\nx-tag: 1\r\n";
    let answer = "HTTP/1.1 201 Created\r\nX-Tag: 2\r\nContent-Length: 2\r\n\r\nok";
    let peer = Over::Tcp.peer([Script::new().expect(head).read_head().expect("hello").send(answer)]);
    let mut connection = Over::Tcp.connect(&peer).await;
    let request = http::Request::post("http://a/a?b").header("x-tag", "1").body("hello").unwrap();
    let response = connection.send_http(&request).await.unwrap().into_http().await.unwrap();
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

#[tokio::test]
async fn a_tap_sees_every_byte_once() {
    for over in [Over::Tcp, Over::Tls] {
        let content = pattern(100_000);
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
        answer.extend_from_slice(&content);
        let peer = over.peer([Script::new().read_head().read(100_000).send(answer.clone())]);
        let mut connection = over.connect(&peer).await;
        let both = Both::default();
        connection.set_tap(Some(Box::new(both.clone())));
        let request = connection.request("PUT", "/").content_length(100_000).build().unwrap();
        assert!(connection.send(&request, &content).await.unwrap().bytes().await.unwrap() == content);
        drop(connection);
        let seen = peer.join();
        let (sent, received) = &*both.0.lock().unwrap();
        assert!(sent == seen[0].received());
        assert!(*received == answer);
    }
}

#[tokio::test]
async fn timings_add_up() {
    let peer = Over::Tls.peer([Script::new()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
    let mut connection = Over::Tls.connect(&peer).await;
    let first = connection.get("/").await.unwrap().timing();
    let setup = first.resolve.unwrap() + first.connect.unwrap() + first.tls.unwrap();
    assert_eq!(setup + first.send.unwrap() + first.wait.unwrap() + first.receive.unwrap(), first.total);
    let second = connection.get("/").await.unwrap().timing();
    assert_eq!((second.resolve, second.connect, second.tls), (None, None, None));
    assert_eq!(second, connection.timing());
}

#[tokio::test]
async fn bytes_as_they_are_for_testers() {
    let peer =
        Over::Tcp.peer([Script::new().expect("BAD / HTTP/7\n\n").send("HTTP/1.1 505 No\r\nContent-Length: 0\r\n\r\n")]);
    let mut connection = Over::Tcp.connect(&peer).await;
    let request = Request::unchecked(*b"BAD / HTTP/7\n\n", Method::GET);
    assert_eq!(connection.send(&request, ()).await.unwrap().status(), 505);
}

#[tokio::test]
async fn an_address_of_the_other_family_does_not_hide_why_the_others_failed() {
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, refused.port()));
    let connector = Connector::new().local_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let origin = Origin::parse("http://origin.test").unwrap();
    let error = connector.connect_at(&origin, &[refused, other]).await.unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused, "{error}");
    let error = connector.connect_at(&origin, &[other]).await.unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::AddrNotAvailable, "{error}");
}

#[tokio::test]
async fn a_tap_knows_whose_content_leaves_behind_an_early_answer() {
    let answered = Signal::new();
    let script = Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n").give(&answered).read(3).hold();
    let peer = Over::Tcp.peer([script]);
    let mut connection = Over::Tcp.connect(&peer).await;
    let whose = Arc::new(Mutex::new(Vec::new()));
    connection.set_tap(Some(Box::new(Whose(Arc::clone(&whose)))));
    let request = connection.request("PUT", "/").content_length(3).build().unwrap();
    let mut pipeline = connection.pipeline();
    let exchange = pipeline.send(&request).await.unwrap();
    common::given(&answered).await;
    assert!(pipeline.receive().await.unwrap().is_complete());
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 0);
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 3);
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

/// Dropped in the middle, wherever that is, an attempt leaves nothing behind: the peer sees the end, and the next one is
/// made.
#[tokio::test]
async fn an_attempt_can_be_dropped_at_each_point() {
    for over in [Over::Tcp, Over::Tls] {
        let answered = Script::new().read_head().send("HTTP/1.1 204 \r\n\r\n");
        let peer = over.peer(vec![answered; 100]);
        let origin = Origin::new(over.scheme(), "localhost", peer.address().port()).unwrap();
        let connector = Connector::new().timeouts(common::patient()).tls(common::roots());
        let mut points = 0;
        loop {
            let mut attempt = pin!(connector.connect(&origin));
            let mut left = points;
            // Each time that it is woken is a point.
            let done = poll_fn(|cx| match attempt.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            });
            if let Some(connection) = done.await {
                assert_eq!(connection.unwrap().get("/").await.unwrap().status(), 204);
                break;
            }
            points += 1;
            assert!(points < 100, "it comes to an end");
        }
        assert!(points > 1, "there was something to wait for");
        // Whoever was left halfway has gone.
        for seen in peer.join() {
            assert!(seen.received().is_empty() || seen.is_completed(), "{:?}", seen.outcome());
        }
    }
}
