//! Through proxies. Real ones are in `servers`; these say what no real one says on demand.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wireline::rustls::{ServerConfig, ServerConnection, StreamOwned};
use wireline::{
    Canceller, Connection, Connector, Error, ErrorKind, Fields, Head, InvalidRequest, Method, NoProxy, Operation,
    Origin, Proxy, ProxyAuth, ProxyRules, Scheme, SocksError, Stage, Stream, Timeouts,
};
use wireline_testkit::{Script, ScriptedPeer, Signal};

use common::{Over, authority, over_tcp_and_tls, roots};

over_tcp_and_tls! {
    a_proxy_over_tls_or_not_makes_a_tunnel
    a_socks_proxy_leads_to_the_origin
    an_origin_is_reached_through_a_tunnel
}

const LONG: Duration = Duration::from_secs(20);
const ANSWER: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Answers one connection with `greet`, which says where it leads, and then carries bytes both ways.
fn relay<S: Read + Write + Send + 'static>(
    accept: impl FnOnce(TcpStream) -> S + Send + 'static,
    greet: impl FnOnce(&mut S) -> SocketAddr + Send + 'static,
    carry: impl FnOnce(S, TcpStream) + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut near = accept(listener.accept().unwrap().0);
        let far = TcpStream::connect(greet(&mut near)).unwrap();
        carry(near, far);
    });
    address
}

fn carry(near: TcpStream, far: TcpStream) {
    let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
    let copy = |(mut from, mut to): (TcpStream, TcpStream)| {
        let _broken = io::copy(&mut from, &mut to);
        let _gone = to.shutdown(Shutdown::Write);
    };
    let other = thread::spawn(move || copy(back));
    copy((near, far));
    other.join().unwrap();
}

/// Reads up to an empty line, byte by byte: nothing behind it.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn scheme(over: Over) -> Scheme {
    if matches!(over, Over::Tcp) { Scheme::Http } else { Scheme::Https }
}

fn connector(proxy: Proxy) -> Connector {
    Connector::new().timeouts(common::patient()).tls(roots()).proxy_tls(roots()).proxy(proxy)
}

fn http_proxy(address: SocketAddr) -> Proxy {
    Proxy::parse(&format!("http://{address}")).unwrap()
}

fn an_origin_is_reached_through_a_tunnel(over: Over) {
    let peer = over.peer([Script::new().read_head().send(ANSWER).read_head().send(ANSWER).hold()]);
    let origin = Origin::new(scheme(over), "localhost", peer.address().port()).unwrap();
    let heads = Arc::new(Mutex::new(String::new()));
    let (to, seen) = (peer.address(), Arc::clone(&heads));
    let address = relay(
        |stream| stream,
        move |stream| {
            *seen.lock().unwrap() = read_head(stream);
            stream.write_all(b"HTTP/1.1 200 Yes\r\nVia: test\r\n\r\n").unwrap();
            to
        },
        carry,
    );
    let mut fields = Fields::new();
    fields.append("X-Tag", "1").unwrap();
    let proxy = http_proxy(address).basic_auth("a", "b").unwrap().connect_fields(fields).tunnel_always();
    let mut connection = connector(proxy).connect(&origin).unwrap();
    let port = peer.address().port();
    assert_eq!(
        *heads.lock().unwrap(),
        format!(
            "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\nX-Tag: 1\r\n\
             Proxy-Authorization: Basic YTpi\r\n\r\n"
        )
    );
    assert_eq!(connection.proxy_answer().unwrap().fields().get("via"), Some(&b"test"[..]));
    for _ in 0..2 {
        assert_eq!(connection.get("/a?b").unwrap().status(), 204);
    }
    let timing = connection.timing();
    assert!(timing.tunnel.is_none(), "only in the first exchange");
    drop(connection);
    // The origin sees nothing of the proxy.
    let seen = peer.join();
    let expected = format!("GET /a?b HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    assert_eq!(seen[0].received(), expected.repeat(2).as_bytes());
}

fn a_proxy_over_tls_or_not_makes_a_tunnel(over: Over) {
    // TLS to the proxy, and what the origin has inside of it.
    let peer = over.peer([Script::new().read_head().send(ANSWER).hold()]);
    let origin = Origin::new(scheme(over), "localhost", peer.address().port()).unwrap();
    let to = peer.address();
    let config = authority().server_config().unwrap();
    let address = relay(
        move |stream| {
            let session = rustls_server(config);
            TlsEnd::new(session, stream)
        },
        move |stream| {
            assert!(read_head(stream).starts_with("CONNECT localhost:"));
            stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").unwrap();
            stream.flush().unwrap();
            to
        },
        TlsEnd::carry,
    );
    let proxy = Proxy::parse(&format!("https://localhost:{}", address.port())).unwrap().tunnel_always();
    let resolver = move |_: &str, port| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    let mut connection = connector(proxy).resolver(resolver).connect(&origin).unwrap();
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

fn rustls_server(config: Arc<ServerConfig>) -> ServerConnection {
    ServerConnection::new(config).unwrap()
}

/// The server's end of a TLS session, carried by turns.
struct TlsEnd(StreamOwned<ServerConnection, TcpStream>);

impl TlsEnd {
    fn new(session: ServerConnection, stream: TcpStream) -> Self {
        Self(StreamOwned::new(session, stream))
    }

    fn carry(mut self, mut far: TcpStream) {
        // By turns, each for a moment: a relay for a test needs no more.
        let moment = Some(Duration::from_millis(2));
        self.0.sock.set_read_timeout(moment).unwrap();
        far.set_read_timeout(moment).unwrap();
        let mut piece = vec![0; 16 << 10];
        loop {
            for forth in [true, false] {
                let read = if forth { self.0.read(&mut piece) } else { far.read(&mut piece) };
                let written = match read {
                    Ok(0) => return,
                    Ok(read) if forth => far.write_all(&piece[..read]),
                    Ok(read) => self.0.write_all(&piece[..read]).and_then(|()| self.0.flush()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                    Err(_) => return,
                };
                if written.is_err() {
                    return;
                }
            }
        }
    }
}

impl Read for TlsEnd {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for TlsEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn a_socks_proxy_leads_to_the_origin(over: Over) {
    for by_name in [true, false] {
        let peer = over.peer([Script::new().read_head().send(ANSWER).hold()]);
        let port = peer.address().port();
        let origin = Origin::new(scheme(over), "localhost", port).unwrap();
        let to = peer.address();
        let address = relay(
            |stream| stream,
            move |stream| {
                let mut greeting = [0; 4];
                stream.read_exact(&mut greeting).unwrap();
                assert_eq!(greeting, [5, 2, 0, 2]);
                stream.write_all(&[5, 2]).unwrap();
                let mut credentials = [0; 5];
                stream.read_exact(&mut credentials).unwrap();
                assert_eq!(&credentials, b"\x01\x01a\x01b");
                stream.write_all(&[1, 0]).unwrap();
                let expected = match by_name {
                    true => [&b"\x05\x01\x00\x03\x09localhost"[..], &port.to_be_bytes()].concat(),
                    false => [&b"\x05\x01\x00\x01\x7f\0\0\x01"[..], &port.to_be_bytes()].concat(),
                };
                let mut request = vec![0; expected.len()];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request, expected);
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                to
            },
            carry,
        );
        let kind = if by_name { "socks5h" } else { "socks5" };
        let proxy = Proxy::parse(&format!("{kind}://a:b@{address}")).unwrap();
        let resolver = |_: &str, port| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
        let mut connection = connector(proxy).resolver(resolver).connect(&origin).unwrap();
        let response = connection.get("/").unwrap();
        assert_eq!(response.status(), 204);
        assert!(response.timing().tunnel.is_some());
    }
}

/// A proxy that says what it is told to, once for each connection.
fn scripted(scripts: impl IntoIterator<Item = Script>) -> (ScriptedPeer, Proxy) {
    let peer = ScriptedPeer::start(scripts).unwrap();
    let proxy = http_proxy(peer.address());
    (peer, proxy)
}

fn tunnel(proxy: Proxy) -> Result<Connection<Stream>, Error> {
    connector(proxy.tunnel_always()).connect(&Origin::parse("http://origin.test").unwrap())
}

#[test]
fn a_refusal_is_told_with_its_head() {
    let refusal = "HTTP/1.1 502 Bad Gateway\r\nX-Why: no\r\nContent-Length: 3\r\n\r\nno!";
    let (_peer, proxy) = scripted([Script::new().read_head().send(refusal).hold()]);
    let error = tunnel(proxy).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Proxy, Stage::Tunnelling));
    assert_eq!(error.proxy_answer().unwrap().fields().get("x-why"), Some(&b"no"[..]));
    assert_eq!(error.to_string(), "the proxy refused: 502 Bad Gateway");
}

#[test]
fn credentials_that_are_refused_are_not_sent_again() {
    let refusal = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
    let (peer, proxy) = scripted([Script::new().read_head().send(refusal).read_to_end()]);
    let error = tunnel(proxy.basic_auth("a", "b").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy);
    assert_eq!(error.proxy_answer().unwrap().status(), 407);
    assert_eq!(String::from_utf8_lossy(peer.join()[0].received()).matches("CONNECT").count(), 1);
}

/// Answers each challenge with its number.
struct Rounds;

impl ProxyAuth for Rounds {
    fn authorization(&self, _: &Method, _: &[u8], challenge: Option<&Head>) -> Option<Vec<u8>> {
        let challenge = challenge?.fields().get("Proxy-Authenticate")?;
        Some([b"Test ", challenge].concat())
    }
}

#[test]
fn a_hook_answers_challenges_on_the_same_connection_and_on_another() {
    let challenge = |round: u32, more: &str| {
        format!("HTTP/1.1 407 No\r\nProxy-Authenticate: {round}\r\nContent-Length: 0\r\n{more}\r\n")
    };
    let (peer, proxy) = scripted([
        Script::new()
            .read_head()
            .send(challenge(1, ""))
            .read_head()
            .send(challenge(2, "Connection: close\r\n"))
            .close(),
        Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\n").read_head().send(ANSWER).read_to_end(),
    ]);
    let mut connection = tunnel(proxy.auth(Arc::new(Rounds))).unwrap();
    assert_eq!(connection.get("/").unwrap().status(), 204);
    drop(connection);
    let seen: Vec<_> = peer.join().iter().map(|seen| String::from_utf8_lossy(seen.received()).into_owned()).collect();
    assert!(seen[0].contains("Proxy-Authorization: Test 1") && !seen[0].contains("Test 2"), "{}", seen[0]);
    assert!(seen[1].contains("Proxy-Authorization: Test 2"), "{}", seen[1]);
}

#[test]
fn a_hook_that_never_gives_up_is_given_up() {
    let challenge = "HTTP/1.1 407 No\r\nProxy-Authenticate: x\r\nContent-Length: 0\r\n\r\n";
    let script = (0..9).fold(Script::new(), |script, _| script.read_head().send(challenge));
    let (_peer, proxy) = scripted([script.hold()]);
    let error = tunnel(proxy.auth(Arc::new(Rounds))).unwrap_err();
    assert_eq!(error.proxy_answer().unwrap().status(), 407);
}

#[test]
fn a_proxy_that_breaks_off_is_lost_and_one_that_babbles_breaks_the_protocol() {
    let (_peer, proxy) = scripted([Script::new().read_head().close()]);
    let error = tunnel(proxy).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Lost, Stage::Tunnelling));
    let (_peer, proxy) = scripted([Script::new().read_head().send("SSH-2.0-x\r\n").hold()]);
    let error = tunnel(proxy).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Protocol, Stage::Tunnelling));
}

#[test]
fn what_comes_before_the_handshake_is_not_let_into_it() {
    let (_peer, proxy) = scripted([Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\nsurprise").hold()]);
    let error = connector(proxy).connect(&Origin::parse("https://origin.test").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("before the handshake"), "{error}");
}

#[test]
fn what_comes_before_the_first_request_is_no_response_to_it() {
    let (_peer, proxy) = scripted([Script::new().read_head().send(format!("HTTP/1.1 200 OK\r\n\r\n{ANSWER}")).hold()]);
    let mut connection = tunnel(proxy).unwrap();
    let error = connection.get("/").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed(_) | ErrorKind::Protocol), "{error}");
}

#[test]
fn a_proxy_that_says_nothing_is_waited_for_as_long_as_allowed() {
    let (_peer, proxy) = scripted([Script::new().read_head().hold()]);
    let mut timeouts = Timeouts::default();
    timeouts.tunnel = Some(Duration::from_millis(30));
    let origin = Origin::parse("http://origin.test").unwrap();
    let error = connector(proxy.tunnel_always()).timeouts(timeouts).connect(&origin).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout(Operation::Tunnel), Stage::Tunnelling));

    let asked = Signal::new();
    let (_peer, proxy) = scripted([Script::new().read_head().give(&asked).hold()]);
    let canceller = Canceller::new().unwrap();
    let connector = connector(proxy.tunnel_always()).canceller(canceller.clone());
    let waits = thread::spawn(move || connector.connect(&origin).unwrap_err().kind());
    assert!(asked.wait(LONG));
    canceller.cancel();
    assert_eq!(waits.join().unwrap(), ErrorKind::Canceled);
}

#[test]
fn a_tunnel_that_may_not_wait_is_made_in_steps() {
    let piecemeal =
        Script::new().read_head().send_in_pieces("HTTP/1.1 200 OK\r\n\r\n", 1, Duration::from_millis(1)).read_head();
    let (_peer, proxy) = scripted([piecemeal.send(ANSWER).hold()]);
    let mut timeouts = Timeouts::default();
    (timeouts.connect, timeouts.tunnel) = (Some(Duration::ZERO), Some(Duration::ZERO));
    let origin = Origin::parse("http://origin.test").unwrap();
    let mut connecting = connector(proxy.tunnel_always()).timeouts(timeouts).begin(&origin);
    let (until, mut tunnelled) = (Instant::now() + LONG, 0);
    let mut connection = loop {
        match connecting.finish() {
            Ok(connection) => break connection,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{error}"),
        }
        tunnelled += u32::from(connecting.stage() == Stage::Tunnelling);
        assert!(!connecting.wanted().is_empty() && Instant::now() < until);
        thread::yield_now();
    };
    assert!(tunnelled > 0);
    connection.set_timeouts(common::patient());
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

#[test]
fn a_socks_proxy_that_refuses_says_why_and_another_address_is_tried() {
    let method = Script::new().read(3).send([5, 0]);
    let refusal = |code: u8| method.clone().read(10).send([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    for (scripts, code) in
        [(vec![refusal(4), refusal(5)], SocksError::ConnectionRefused), (vec![refusal(2)], SocksError::NotAllowed)]
    {
        let peer = ScriptedPeer::start(scripts).unwrap();
        let proxy = Proxy::parse(&format!("socks5://{}", peer.address())).unwrap();
        let resolver = |_: &str, port| Ok([1, 2].map(|last| SocketAddr::from(([127, 0, 0, last], port))).to_vec());
        let origin = Origin::parse("http://origin.test").unwrap();
        let error = connector(proxy).resolver(resolver).connect(&origin).unwrap_err();
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Proxy, Stage::Tunnelling));
        assert_eq!(error.socks(), Some(&code));
    }
}

// conformance: T3 T5 T24
#[test]
fn a_forwarding_proxy_gets_requests_in_absolute_form() {
    let (peer, proxy) = scripted([Script::new().read_head().send(ANSWER).read_head().send(ANSWER).read_to_end()]);
    let origin = Origin::parse("http://origin.test:81").unwrap();
    let mut connection = connector(proxy.basic_auth("a", "b").unwrap()).connect(&origin).unwrap();
    assert_eq!(connection.get("/a/../b?q").unwrap().status(), 204);
    let options = connection.request("OPTIONS", "*").build().unwrap();
    assert_eq!(connection.send(&options, ()).unwrap().status(), 204);
    let elsewhere = wireline::Request::get("/", "elsewhere.test").unwrap();
    assert_eq!(
        connection.send(&elsewhere, ()).unwrap_err().kind(),
        ErrorKind::InvalidRequest(InvalidRequest::HostMismatch)
    );
    drop(connection);
    let credentials = "Proxy-Authorization: Basic YTpi\r\n\r\n";
    assert_eq!(
        String::from_utf8_lossy(peer.join()[0].received()),
        format!(
            "GET http://origin.test:81/a/../b?q HTTP/1.1\r\nHost: origin.test:81\r\n{credentials}\
             OPTIONS * HTTP/1.1\r\nHost: origin.test:81\r\n{credentials}"
        )
    );
}

#[test]
fn rules_say_which_proxy() {
    let (peer, proxy) = scripted([Script::new().read_head().send(ANSWER).read_to_end()]);
    let direct = Over::Tcp.peer([Script::new().read_head().send(ANSWER).read_to_end()]);
    let rules = ProxyRules::new().http(proxy).except(NoProxy::parse("127.0.0.1"));
    let connector = Connector::new().timeouts(common::patient()).proxy_rules(rules);
    let direct_origin = Origin::parse(&format!("http://{}", direct.address())).unwrap();
    for origin in [Origin::parse("http://origin.test").unwrap(), direct_origin] {
        assert_eq!(connector.connect(&origin).unwrap().get("/x").unwrap().status(), 204);
    }
    assert!(peer.join()[0].received().starts_with(b"GET http://origin.test/x "));
    assert!(direct.join()[0].received().starts_with(b"GET /x "));
}

#[test]
fn a_request_connects_anew_after_one_that_timed_out_in_that() {
    let go = || Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\n").read_head();
    let closes = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    let (_peer, proxy) =
        scripted([go().send(closes).close(), Script::new().read_head().hold(), go().send(ANSWER).hold()]);
    let mut timeouts = Timeouts::default();
    timeouts.tunnel = Some(Duration::from_millis(200));
    let connector = connector(proxy.tunnel_always()).timeouts(timeouts).auto_open(true);
    let mut connection = connector.connect(&Origin::parse("http://origin.test").unwrap()).unwrap();
    assert_eq!(connection.get("/").unwrap().status(), 204);
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::Timeout(Operation::Tunnel));
    assert_eq!(connection.get("/").unwrap().status(), 204);
}

#[test]
fn a_refusal_that_nobody_answers_is_told_without_another_connection() {
    let refusal = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nConnection: close\r\n\r\n";
    let (peer, proxy) = scripted([Script::new().read_head().send(refusal).close()]);
    let error = tunnel(proxy).unwrap_err();
    assert_eq!(error.proxy_answer().map(|head| head.status().as_u16()), Some(407), "{error}");
    assert_eq!(peer.join().len(), 1);
}

#[test]
fn a_proxy_that_is_gone_before_it_was_asked_is_lost_as_well() {
    for round in 0..50 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = http_proxy(listener.local_addr().unwrap());
        let (gone, is_gone) = mpsc::channel();
        let accepts = thread::spawn(move || {
            listener.accept().unwrap().0.shutdown(Shutdown::Write).unwrap();
            gone.send(()).unwrap();
        });
        let connector = connector(proxy.tunnel_always());
        let mut connecting = connector.begin(&Origin::parse("http://origin.test").unwrap());
        connecting.set_nonblocking(true);
        // Sometimes it is gone before it can be asked, and sometimes not.
        if round % 2 == 0 {
            let _begun = connecting.finish().unwrap_err();
            is_gone.recv().unwrap();
        }
        connecting.set_nonblocking(false);
        assert_eq!(connecting.finish().unwrap_err().kind(), ErrorKind::Lost);
        accepts.join().unwrap();
    }
}

#[test]
fn a_challenge_is_answered_on_the_same_connection_when_its_content_has_come() {
    let challenge = "HTTP/1.1 407 No\r\nProxy-Authenticate: 1\r\nContent-Length: 20\r\n\r\n";
    let script = Script::new()
        .read_head()
        .send(challenge)
        .send_in_pieces("x".repeat(20), 1, Duration::from_millis(5))
        .read_head()
        .send("HTTP/1.1 200 OK\r\n\r\n")
        .hold();
    let (peer, proxy) = scripted([script]);
    drop(tunnel(proxy.auth(Arc::new(Rounds))).unwrap());
    assert_eq!(peer.join().len(), 1);
}
