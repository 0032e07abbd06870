//! What neither a caller that passes on what it was given nor a peer can make of a connection.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Duration;

use wireline::{
    CloseReason, Config, Connection, Dropped, ErrorKind, InvalidProxy, InvalidRequest, InvalidUrl, Origin, Phase,
    Proxy, ProxyScheme, Ready, Reuse, Scheme, Socks5, SocksError, Transport, proto,
};
use wireline_testkit::{Script, ScriptedPeer};

/// What has split requests elsewhere, behind whatever it is put.
const ATTACKS: &[&str] = &[
    "\r\nX: injected",
    "\nX: injected",
    "\rX: injected",
    "\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
    "\r\n X: folded",
    "\0",
    "\u{7f}",
    "\u{1}",
];

#[test]
fn what_is_refused_never_leaves() {
    let peer =
        ScriptedPeer::start([Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n").read_to_end()]).unwrap();
    let mut connection = Connection::connect(&peer.url("")).unwrap();
    for attack in ATTACKS {
        let with = |text: &str| format!("{text}{attack}");
        let error = connection.get(&with("/")).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidRequest(InvalidRequest::Target { at: 1 })),
            "{attack:?}: {error}"
        );
        let plain = || connection.request("GET", "/");
        for refused in [
            connection.request(with("GET").as_bytes(), "/"),
            connection.request(with("GET / HTTP/1.1").as_bytes(), "/"),
            connection.request("GET", with("/ HTTP/1.1")),
            connection.request("GET", with("http://a/")),
            connection.request("CONNECT", with("a:1")),
            plain().field(with("X"), "1"),
            plain().field("X", with("1")),
            plain().field("X", with("")),
            plain().field("Cookie", with("a=b")),
        ] {
            assert!(refused.build().is_err(), "{attack:?}");
        }
    }
    assert_eq!(connection.get("/good").unwrap().status(), 204);
    drop(connection);
    let expected = format!("GET /good HTTP/1.1\r\nHost: {}\r\n\r\n", peer.address());
    assert_eq!(String::from_utf8_lossy(peer.join()[0].received()), expected);
}

/// CVE-2019-18348: what is no host is refused before anything is looked up, and a port is digits.
#[test]
fn a_host_is_a_host() {
    for byte in (0..=255_u8).map(char::from).filter(|byte| !byte.is_ascii_alphanumeric()) {
        let is_legal = "-._~%!$&'()*+,;=".contains(byte);
        for host in [format!("a{byte}b.test"), format!("{byte}b.test"), format!("b.test{byte}")] {
            assert_eq!(Origin::new(Scheme::Http, &host, 80).is_ok(), is_legal, "{host:?}");
            assert_eq!(Proxy::new(ProxyScheme::Http, &host, 80).is_ok(), is_legal, "{host:?}");
            let socks = Socks5::connect(&host, 80, None);
            assert_eq!(socks.is_err(), byte.is_ascii_control() || byte == ' ', "{host:?}");
        }
        // What ends an authority begins something else; all others are no digit.
        if !"/?#:".contains(byte) {
            for url in [format!("http://a:8{byte}0"), format!("http://a:80{byte}"), format!("http://a:{byte}80")] {
                assert!(matches!(Origin::parse(&url), Err(InvalidUrl::Port | InvalidUrl::Userinfo)), "{url:?}");
                assert!(
                    matches!(Proxy::parse(&url), Err(InvalidProxy::Port | InvalidProxy::Credentials)) || byte == '@'
                );
            }
        }
    }
    for attack in ATTACKS {
        let url = format!("http://a.test{attack}/");
        assert!(matches!(Connection::connect(&url).unwrap_err().kind(), ErrorKind::InvalidUrl(_)), "{url:?}");
    }
}

/// A name that SOCKS5 cannot carry is neither cut nor looked up here (CVE-2023-38545).
#[test]
fn a_name_is_never_too_long_for_socks() {
    assert!(Socks5::connect(&"a".repeat(255), 80, None).is_ok());
    for length in [256, 257, 511, 512, 65_536 + 5] {
        assert_eq!(Socks5::connect(&"a".repeat(length), 80, None).unwrap_err(), SocksError::Name, "{length}");
    }
}

#[test]
fn credentials_for_a_proxy_inject_nothing() {
    let proxy = || Proxy::parse("http://p.test").unwrap();
    for attack in ATTACKS {
        assert!(proxy().basic_auth(format!("a{attack}"), "b").is_err(), "{attack:?}");
        assert!(proxy().basic_auth("a", format!("b{attack}")).is_err(), "{attack:?}");
        assert!(proxy().authorization(format!("Bearer x{attack}")).is_err(), "{attack:?}");
        let encoded: String = attack.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert!(Proxy::parse(&format!("http://a{encoded}:b@p.test")).is_err(), "{attack:?}");
    }
}

/// CVE-2025-13836: memory follows what has come, and no number that a peer announces.
#[test]
fn a_length_that_is_announced_takes_no_memory() {
    let long = "a".repeat(300_000);
    for (field, body, content) in [
        ("Content-Length: 9223372036854775807", "abc", "abc"),
        ("Content-Length: 4294967296", &long, &long),
        ("Transfer-Encoding: chunked", "7fffffffffffffff\r\nabc", "abc"),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{body}");
        let peer = ScriptedPeer::start([Script::new().read_head().send(answer).close()]).unwrap();
        let mut connection = Connection::connect(&peer.url("")).unwrap();
        let memory = allocation_counter::measure(|| {
            let error = connection.get("/").unwrap().bytes().unwrap_err();
            let Some(proto::ErrorKind::Incomplete(incomplete)) = error.protocol().map(proto::Error::kind) else {
                panic!("{error:?}");
            };
            assert_eq!((incomplete.phase, error.partial()), (Phase::Content, content.as_bytes()));
        });
        // 64 KiB before any has come, then twice as much as has come, for a moment beside what is moved there; and the
        // buffers of the connection.
        let most = (128 << 10) + 3 * content.len() as u64;
        assert!(memory.bytes_max < most, "{field}: {} bytes", memory.bytes_max);
    }
}

/// A peer that answers with content that goes on and on; it ends all the same, so that a test does.
#[derive(Debug)]
struct Talker {
    head: Option<&'static [u8]>,
    left: usize,
}

impl Transport for Talker {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(parts[0].len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        // Nothing is there before a request is.
        if patience == Some(Duration::ZERO) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes = self.head.take().unwrap_or(&[b'a'; 1000]);
        let len = bytes.len().min(into.len()).min(self.left);
        into[..len].copy_from_slice(&bytes[..len]);
        self.left -= len;
        Ok(len)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Ok(wanted)
    }

    fn close(&mut self) {}
}

/// Whoever drops a response waits for little, and a peer that never stops would make that for ever.
#[test]
fn a_response_that_goes_on_and_on_is_not_read_on_when_it_is_dropped() {
    let peer = Talker { head: Some(b"HTTP/1.1 200 OK\r\n\r\n"), left: 10 << 20 };
    let mut connection = Connection::with_transport(peer, Config::default());
    connection.set_host("a");
    drop(connection.get("/").unwrap());
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    assert!(connection.bytes_received() < 1 << 20, "{} bytes", connection.bytes_received());
}

/// Where the length says that it is not worth it, nothing is read at all.
#[test]
fn a_response_that_is_known_to_be_long_is_not_read_when_it_is_dropped() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let mut connection = Connection::with_transport(Talker { head: Some(head), left: 10 << 20 }, Config::default());
    connection.set_host("a");
    drop(connection.get("/").unwrap());
    assert_eq!(connection.dropped(), Some(Dropped::Closed));
    assert_eq!(connection.bytes_received(), head.len() as u64);
}

/// A peer of which each read gives one piece, and then nothing for now.
#[derive(Debug)]
struct Pieces(VecDeque<io::Result<&'static [u8]>>);

impl Transport for Pieces {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(parts[0].len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        let piece = self.0.pop_front().unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        into[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Ok(wanted)
    }

    fn close(&mut self) {}
}

/// An empty line behind a response is let pass (RFC 9112 section 9.2); what stands behind it is not, and is found by the
/// same look.
#[test]
fn an_end_behind_an_empty_line_is_seen() {
    let end: &[u8] = b"";
    let looks: [(Vec<io::Result<&[u8]>>, Reuse); 5] = [
        (vec![Ok(b"\r\n")], Reuse::Now),
        (vec![Ok(b"\r\n"), Ok(end)], Reuse::Never(CloseReason::PeerClosed)),
        (
            vec![Ok(b"\r"), Ok(b"\n"), Err(io::ErrorKind::ConnectionReset.into())],
            Reuse::Never(CloseReason::StreamBroken),
        ),
        (vec![Ok(b"\r\n"), Ok(b"HTTP/1.1 200 OK\r\n")], Reuse::Never(CloseReason::Unsolicited)),
        (vec![Err(io::ErrorKind::Interrupted.into()), Ok(end)], Reuse::Never(CloseReason::PeerClosed)),
    ];
    for (pieces, reuse) in looks {
        let shown = format!("{pieces:?}");
        let mut peer = VecDeque::from(pieces);
        peer.push_front(Ok(b"HTTP/1.1 204 No Content\r\n\r\n"));
        // A request on a new connection looks as well.
        peer.push_front(Err(io::ErrorKind::WouldBlock.into()));
        let mut connection = Connection::with_transport(Pieces(peer), Config::default());
        connection.set_host("a");
        assert_eq!(connection.get("/").unwrap().status(), 204);
        assert_eq!(connection.look(), reuse, "{shown}");
    }
}
