//! What neither a caller that passes on what it was given nor a peer can make of an awaited connection.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use tokio_wireline::{Connection, ErrorKind};
use wireline_testkit::{Script, ScriptedPeer};

/// What has split requests elsewhere, behind whatever it is put.
const ATTACKS: &[&str] = &[
    "\r\nX: injected",
    "\nX: injected",
    "\rX: injected",
    "\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
    "\0",
    "\u{7f}",
];

#[tokio::test]
async fn what_is_refused_never_leaves() {
    let script = Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n").read_to_end();
    let peer = ScriptedPeer::start([script]).unwrap();
    let mut connection = Connection::connect(&peer.url("")).await.unwrap();
    for attack in ATTACKS {
        let with = |text: &str| format!("{text}{attack}");
        let error = connection.get(&with("/")).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)), "{attack:?}: {error}");
        for refused in [
            connection.request(with("GET").as_bytes(), "/"),
            connection.request("GET", with("/ HTTP/1.1")),
            connection.request("CONNECT", with("a:1")),
            connection.request("GET", "/").field(with("X"), "1"),
            connection.request("GET", "/").field("X", with("1")),
        ] {
            assert!(refused.build().is_err(), "{attack:?}");
        }
        let url = format!("http://a.test{attack}/");
        let error = Connection::connect(&url).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidUrl(_)), "{url:?}: {error}");
    }
    assert_eq!(connection.get("/good").await.unwrap().status(), 204);
    drop(connection);
    let expected = format!("GET /good HTTP/1.1\r\nHost: {}\r\n\r\n", peer.address());
    assert_eq!(String::from_utf8_lossy(peer.join()[0].received()), expected);
}

/// CVE-2025-13836: memory follows what has come, and no number that a peer announces.
#[test]
fn a_length_that_is_announced_takes_no_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (field, body) in
        [("Content-Length: 9223372036854775807", "abc"), ("Transfer-Encoding: chunked", "7fffffffffffffff\r\nabc")]
    {
        let answer = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{body}");
        let peer = ScriptedPeer::start([Script::new().read_head().send(answer).close()]).unwrap();
        let mut connection = runtime.block_on(Connection::connect(&peer.url(""))).unwrap();
        let memory = allocation_counter::measure(|| {
            let error = runtime.block_on(async { connection.get("/").await.unwrap().bytes().await.unwrap_err() });
            assert_eq!((error.kind(), error.partial()), (ErrorKind::Lost, &b"abc"[..]));
        });
        assert!(memory.bytes_max < 128 << 10, "{field}: {} bytes", memory.bytes_max);
    }
}
