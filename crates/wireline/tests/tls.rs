//! TLS as it is asked for.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wireline::rustls::{CipherSuite, CommonState, HandshakeKind, KeyLog, ServerConnection, crypto};
use wireline::{
    Config, Connection, Connector, ErrorKind, Origin, Ready, Scheme, Socket, Stage, Stream, Tls, TlsSettings, Transport,
};
use wireline_testkit::{Script, ScriptedPeer};

use common::{authority, roots};

const ANSWER: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn answering() -> Script {
    Script::new().read_head().send(ANSWER)
}

fn peer(scripts: impl IntoIterator<Item = Script>) -> ScriptedPeer {
    ScriptedPeer::start_tls(authority().server_config().unwrap(), scripts).unwrap()
}

fn connect(host: &str, peer: &ScriptedPeer, tls: TlsSettings) -> Result<Connection<Stream>, wireline::Error> {
    let origin = Origin::new(Scheme::Https, host, peer.address().port()).unwrap();
    Connector::new().timeouts(common::patient()).tls(tls).connect_at(&origin, &[peer.address()])
}

fn session(connection: &Connection<Stream>) -> &CommonState {
    connection.transport().unwrap().tls().unwrap()
}

#[test]
fn the_peers_certificate_and_the_cipher_can_be_read() {
    let peer = peer([answering()]);
    let connection = connect("localhost", &peer, roots()).unwrap();
    let session = session(&connection);
    assert_eq!(session.peer_certificates().unwrap().len(), 1);
    assert!(session.negotiated_cipher_suite().is_some());
    assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
}

#[test]
fn sessions_are_resumed_unless_told_otherwise() {
    for (tls, expected) in [(roots(), HandshakeKind::Resumed), (roots().without_resumption(), HandshakeKind::Full)] {
        let peer = peer([answering(), answering()]);
        let mut first = connect("localhost", &peer, tls.clone()).unwrap();
        // The ticket comes behind the handshake.
        assert_eq!(first.get("/").unwrap().status(), 204);
        let second = connect("localhost", &peer, tls).unwrap();
        assert_eq!(session(&second).handshake_kind(), Some(expected));
    }
}

#[test]
fn a_server_may_ask_who_we_are() {
    let identity = authority().client().unwrap();
    let shows =
        roots().client_certificate_pem(identity.certificate_pem().as_bytes(), identity.key_pem().as_bytes()).unwrap();
    let start =
        || ScriptedPeer::start_tls(authority().server_config_with_client_auth().unwrap(), [answering()]).unwrap();
    let peer = start();
    assert_eq!(connect("localhost", &peer, shows).unwrap().get("/").unwrap().status(), 204);

    let peer = start();
    // TLS 1.3: the server's refusal comes behind a handshake that our side takes for complete.
    let error = match connect("localhost", &peer, roots()) {
        Ok(mut connection) => connection.get("/").map(drop).unwrap_err(),
        Err(error) => error,
    };
    // Or it is here before the request is sent.
    assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Closed(_)), "{error}");
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[test]
fn a_key_that_is_none_is_refused_at_once() {
    let identity = authority().client().unwrap();
    let certificate = identity.certificate_pem().as_bytes();
    for (chain, key) in [(&b"nothing"[..], identity.key_pem()), (certificate, "nothing".to_owned())] {
        let error = roots().client_certificate_pem(chain, key.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
    // A key of another certificate shows when it is used.
    let other = authority().client().unwrap();
    let mixed = roots().client_certificate_pem(certificate, other.key_pem().as_bytes()).unwrap();
    let error = connect("localhost", &peer([Script::new()]), mixed).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Tls, Stage::Securing), "{error}");
}

// conformance: I11
#[test]
fn another_host_can_be_expected() {
    let peer = peer([answering(), answering(), answering()]);
    let error = connect("elsewhere.test", &peer, roots()).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Certificate, Stage::Securing));
    let tls = roots().server_name("localhost").unwrap();
    assert_eq!(connect("elsewhere.test", &peer, tls).unwrap().get("/").unwrap().status(), 204);
    assert_eq!(roots().server_name("not a host").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(connect("localhost", &peer, roots().without_sni()).is_ok());
}

// conformance: I14
#[test]
fn http_1_1_is_asked_for_unless_told_otherwise() {
    let mut config = Arc::unwrap_or_clone(authority().server_config().unwrap());
    config.alpn_protocols = vec![b"x".to_vec(), b"http/1.1".to_vec()];
    let peer = ScriptedPeer::start_tls(Arc::new(config), [answering(), answering(), answering()]).unwrap();
    for (tls, expected) in
        [(roots(), Some(&b"http/1.1"[..])), (roots().alpn(&["http/1.1", "x"]), Some(b"x")), (roots().alpn(&[]), None)]
    {
        assert_eq!(session(&connect("localhost", &peer, tls).unwrap()).alpn_protocol(), expected);
    }
}

#[derive(Default)]
struct Labels(Mutex<Vec<String>>);

impl KeyLog for Labels {
    fn log(&self, label: &str, _: &[u8], _: &[u8]) {
        self.0.lock().unwrap().push(label.to_owned());
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Labels")
    }
}

#[test]
fn secrets_are_told_to_who_asks() {
    let labels = Arc::new(Labels::default());
    let peer = peer([answering()]);
    connect("localhost", &peer, roots().key_log(labels.clone())).unwrap();
    assert!(labels.0.lock().unwrap().contains(&"CLIENT_TRAFFIC_SECRET_0".to_owned()));
}

#[test]
fn the_crypto_provider_is_the_callers_choice() {
    let mut provider = crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_AES_256_GCM_SHA384);
    let only = provider.cipher_suites.len();
    assert_eq!(only, 1);
    let suite = provider.cipher_suites[0].suite();
    let peer = peer([answering()]);
    let connection = connect("localhost", &peer, roots().provider(Arc::new(provider))).unwrap();
    assert_eq!(session(&connection).negotiated_cipher_suite().unwrap().suite(), suite);
    assert!(crypto::CryptoProvider::get_default().is_none(), "the process has no default from us");
}

#[test]
fn the_handshake_may_come_with_a_long_request() {
    let length = 300_000;
    let peer = peer([Script::new().read_head().read(length).send(ANSWER)]);
    let socket = Socket::from(TcpStream::connect(peer.address()).unwrap());
    let tls = Tls::new(socket, authority().client_config().unwrap(), "127.0.0.1".try_into().unwrap()).unwrap();
    let mut connection = Connection::with_transport(tls, Config::default());
    connection.set_timeouts(common::patient());
    connection.set_host("a");
    let request = connection.request("PUT", "/").content_length(length as u64).build().unwrap();
    let content = vec![b'x'; length];
    let response = connection.send(&request, &content).unwrap();
    assert!(response.request_sent());
    assert_eq!(response.status(), 204);
}

#[test]
fn a_peer_is_told_why_a_handshake_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = Origin::new(Scheme::Https, "elsewhere.test", 443).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut session = ServerConnection::new(authority().server_config().unwrap()).unwrap();
        session.complete_io(&mut listener.accept().unwrap().0).unwrap_err()
    });
    let connector = Connector::new().timeouts(common::patient()).tls(roots());
    assert_eq!(connector.connect_at(&origin, &[address]).unwrap_err().kind(), ErrorKind::Certificate);
    let told = server.join().unwrap();
    assert!(told.to_string().contains("BadCertificate"), "{told}");
}

/// A server in memory that says what it hears, and what it is carried by.
struct Echo {
    session: ServerConnection,
    carrier: Rc<RefCell<Carrier>>,
}

#[derive(Default)]
struct Carrier {
    has_no_room: bool,
    cannot_flush: bool,
    is_silent: bool,
    has_ended: bool,
    waited_for: Option<Ready>,
}

fn echo() -> (Tls<Echo>, Rc<RefCell<Carrier>>) {
    let carrier = Rc::new(RefCell::new(Carrier::default()));
    let session = ServerConnection::new(authority().server_config().unwrap()).unwrap();
    let echo = Echo { session, carrier: Rc::clone(&carrier) };
    (Tls::new(echo, authority().client_config().unwrap(), "localhost".try_into().unwrap()).unwrap(), carrier)
}

fn unless(it_blocks: bool) -> io::Result<()> {
    if it_blocks { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
}

impl Transport for Echo {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        unless(self.carrier.borrow().has_no_room)?;
        let taken = self.session.read_tls(&mut &parts[0][..])?;
        self.session.process_new_packets().map_err(io::Error::other)?;
        let mut heard = Vec::new();
        let _nothing_more = self.session.reader().read_to_end(&mut heard);
        self.session.writer().write_all(&heard)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        unless(self.carrier.borrow().cannot_flush)
    }

    fn read(&mut self, mut into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        unless(self.carrier.borrow().is_silent || !self.session.wants_write())?;
        self.session.write_tls(&mut into)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        self.carrier.borrow_mut().waited_for = Some(wanted);
        Ok(wanted)
    }

    fn end_write(&mut self) {
        self.carrier.borrow_mut().has_ended = true;
    }

    fn close(&mut self) {}
}

#[test]
fn what_had_no_room_leaves_when_something_is_read() {
    let (mut tls, carrier) = echo();
    tls.handshake(None).unwrap();
    carrier.borrow_mut().has_no_room = true;
    assert_eq!(tls.write(&[IoSlice::new(b"question")]).unwrap(), 8);
    assert!(tls.is_flushing());
    carrier.borrow_mut().has_no_room = false;
    let mut into = [0; 20];
    assert_eq!(tls.read(&mut into, None).unwrap(), 8);
    assert_eq!(&into[..8], b"question");
}

#[test]
fn an_end_that_could_not_leave_is_told_when_something_is_read() {
    let (mut tls, carrier) = echo();
    tls.handshake(None).unwrap();
    carrier.borrow_mut().cannot_flush = true;
    tls.end_write();
    assert!(!carrier.borrow().has_ended, "the notice has to leave before");
    carrier.borrow_mut().cannot_flush = false;
    assert_eq!(tls.read(&mut [0; 20], None).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(carrier.borrow().has_ended);
}

#[test]
fn what_was_decrypted_is_not_waited_for() {
    let (mut tls, carrier) = echo();
    tls.handshake(None).unwrap();
    tls.write(&[IoSlice::new(b"question")]).unwrap();
    assert_eq!(tls.read(&mut [0; 3], None).unwrap(), 3);
    let to_read = Ready { read: true, write: false };
    assert_eq!(tls.wait(to_read, None).unwrap(), to_read);
    assert_eq!(carrier.borrow().waited_for, None);
    assert_eq!(tls.read(&mut [0; 20], None).unwrap(), 5);
    assert_eq!(tls.wait(to_read, None).unwrap(), to_read);
    assert_eq!(carrier.borrow().waited_for, Some(to_read));
}

#[test]
fn who_writes_before_the_handshake_is_over_waits_for_what_the_peer_says() {
    let (mut tls, carrier) = echo();
    carrier.borrow_mut().is_silent = true;
    assert_eq!(tls.write(&[IoSlice::new(b"question")]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let to_write = Ready { read: false, write: true };
    assert_eq!(tls.wait(to_write, None).unwrap(), to_write);
    assert_eq!(carrier.borrow().waited_for, Some(Ready { read: true, write: false }));
    carrier.borrow_mut().is_silent = false;
    assert_eq!(tls.write(&[IoSlice::new(b"question")]).unwrap(), 8);
}
