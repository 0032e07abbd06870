use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::*;

const LONG: Duration = Duration::from_secs(10);

fn client(peer: &ScriptedPeer) -> TcpStream {
    let client = TcpStream::connect(peer.address()).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    client
}

fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn each_connection_has_its_script() {
    let peer = ScriptedPeer::start(["one", "two"].map(|word| Script::new().expect("hello").send(word))).unwrap();
    for word in ["one", "two"] {
        let mut client = client(&peer);
        client.write_all(b"hello").unwrap();
        assert_eq!(rest(&mut client), word.as_bytes());
    }
    let seen = peer.join();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.is_completed() && seen.received() == b"hello" && seen.sent() == 3));
}

#[test]
fn what_was_not_expected_ends_the_script() {
    let peer = ScriptedPeer::start([Script::new().read_head().expect("abc").send("never")]).unwrap();
    let mut client = client(&peer);
    client.write_all(b"GET / HTTP/1.1\r\n\r\naXc").unwrap();
    assert_eq!(rest(&mut client), b"");
    let seen = peer.join();
    let unexpected = Outcome::Unexpected { step: 1, expected: b"abc".to_vec(), found: b"aX".to_vec() };
    assert_eq!(seen[0].outcome(), &unexpected);
    assert_eq!(unexpected.to_string(), "step 1: expected \"abc\", found \"aX\"");
    assert_eq!(seen[0].sent(), 0);
}

#[test]
fn a_client_that_closes_or_keeps_silent_is_noticed() {
    let script = Script::new().read(3);
    let peer = ScriptedPeer::start([script.clone(), script.patience(Duration::from_millis(10))]).unwrap();
    let closing = client(&peer);
    closing.shutdown(Shutdown::Both).unwrap();
    let mut silent = client(&peer);
    assert_eq!(rest(&mut silent), b"");
    let seen = peer.join();
    assert_eq!(seen[0].outcome(), &Outcome::Ended { step: 0 });
    assert_eq!(seen[1].outcome(), &Outcome::TimedOut { step: 0 });
}

#[test]
fn signals_put_test_and_peer_in_order() {
    let (begun, go) = (Signal::new(), Signal::new());
    let script = Script::new().send("a").give(&begun).wait_for(&go).send("b");
    let peer = ScriptedPeer::start([script]).unwrap();
    let mut client = client(&peer);
    assert!(begun.wait(LONG));
    assert!(!go.wait(Duration::ZERO));
    go.give();
    assert_eq!(rest(&mut client), b"ab");
    assert!(peer.join()[0].is_completed());
}

#[test]
fn a_reset_is_no_end_of_stream() {
    let peer = ScriptedPeer::start([Script::new().read(1).reset()]).unwrap();
    let mut client = client(&peer);
    client.write_all(b"x").unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(peer.join()[0].is_completed());
}

#[test]
fn a_half_closed_connection_is_still_read() {
    let peer = ScriptedPeer::start([Script::new().send("abc").half_close().read(3).read_to_end()]).unwrap();
    let mut client = client(&peer);
    assert_eq!(rest(&mut client), b"abc");
    client.write_all(b"defg").unwrap();
    drop(client);
    let seen = peer.join();
    assert!(seen[0].is_completed());
    assert_eq!(seen[0].received(), b"defg");
}

#[test]
fn a_held_connection_stays_open_until_the_peer_is_joined() {
    let peer = ScriptedPeer::start([Script::new().send("abc").hold()]).unwrap();
    let mut client = client(&peer);
    client.read_exact(&mut [0; 3]).unwrap();
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(peer.join()[0].is_completed());
    client.set_nonblocking(false).unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_script_that_ends_takes_what_still_comes() {
    let peer = ScriptedPeer::start([Script::new().read(1).send("early")]).unwrap();
    let mut client = client(&peer);
    client.write_all(b"x").unwrap();
    assert_eq!(rest(&mut client), b"early");
    client.write_all(&[b'y'; 100_000]).unwrap();
    drop(client);
    assert_eq!(peer.join()[0].received().len(), 100_001);
}

#[test]
fn joining_waits_for_no_client_that_never_came_nor_for_one_that_stays() {
    let peer = ScriptedPeer::start([Script::new(), Script::new()]).unwrap();
    let staying = client(&peer);
    assert_eq!(peer.join().len(), 1);
    drop(staying);
}

#[test]
fn pieces_are_writes_of_their_own_and_add_up() {
    let script = Script::new().send_in_pieces("HTTP/1.1 200 OK\r\n", 3, Duration::from_millis(1)).close();
    let peer = ScriptedPeer::start([script]).unwrap();
    assert_eq!(rest(&mut client(&peer)), b"HTTP/1.1 200 OK\r\n");
    assert_eq!(peer.join()[0].sent(), 17);
}
