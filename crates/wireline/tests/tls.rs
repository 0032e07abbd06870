//! TLS as it is asked for.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use wireline::rustls::{CipherSuite, CommonState, HandshakeKind, KeyLog, crypto};
use wireline::{Config, Connection, Connector, ErrorKind, Origin, Scheme, Socket, Stage, Stream, Tls, TlsSettings};
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
