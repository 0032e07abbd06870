//! Against rustls's server, in memory.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::io::{Read, Write};

use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ServerConfig, ServerConnection, SupportedProtocolVersion};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use wireline_testkit::Authority;

use super::*;

fn pair() -> (Session, ServerConnection) {
    connect(&TLS13, 0)
}

/// Sessions in this version, with a server that shows so many certificates more than it has to.
fn connect(version: &'static SupportedProtocolVersion, more: usize) -> (Session, ServerConnection) {
    let authority = Authority::new().unwrap();
    let identity = authority.server().unwrap();
    let mut chain = vec![CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).unwrap()];
    let issuer = CertificateDer::from_pem_slice(authority.root_pem().as_bytes()).unwrap();
    chain.extend(std::iter::repeat_n(issuer, more));
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap())
        .unwrap();
    config.enable_secret_extraction = true;
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut session = Session::new(authority.client_config().unwrap(), "localhost".try_into().unwrap()).unwrap();
    shake_hands(&mut session, &mut server);
    (session, server)
}

fn shake_hands(session: &mut Session, server: &mut ServerConnection) {
    while session.is_handshaking() || session.wants_write() {
        send(session, server);
        let _ = server.process_new_packets().unwrap();
        give(session, &sent_by(server));
        session.advance();
        assert_eq!(session.broken(), None);
    }
    give(session, &sent_by(server));
    session.advance();
}

/// What the session has to send is there for the server.
fn send(session: &mut Session, server: &mut ServerConnection) {
    while session.wants_write() {
        let taken = server.read_tls(&mut session.transmit()).unwrap();
        session.transmitted(taken);
        let _later = server.process_new_packets();
    }
}

fn sent_by(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// As much as there is room for at a time; between them is no read.
fn give(session: &mut Session, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let taken = bytes.read(session.space()).unwrap();
        session.received(taken);
        assert!(taken > 0, "there is room");
    }
}

fn records(server: &mut ServerConnection, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        server.writer().write_all(piece).unwrap();
        bytes.extend(sent_by(server));
    }
    bytes
}

fn read_all(session: &mut Session, at_once: usize) -> Vec<u8> {
    let (mut all, mut into) = (Vec::new(), vec![0; at_once]);
    loop {
        match session.read(&mut into) {
            0 => return all,
            read => all.extend_from_slice(&into[..read]),
        }
    }
}

fn said_to(server: &mut ServerConnection) -> Vec<u8> {
    let mut all = Vec::new();
    let _nothing_more = server.reader().read_to_end(&mut all);
    all
}

/// A server that does not keep to the rules: it has its keys, and sends what it likes.
struct Forger {
    keys: Box<dyn MessageEncrypter>,
    next: u64,
}

impl Forger {
    fn of(server: ServerConnection) -> Self {
        let Some(SupportedCipherSuite::Tls13(suite)) = server.negotiated_cipher_suite() else { panic!("TLS 1.3") };
        let (next, secrets) = server.dangerous_extract_secrets().unwrap().tx;
        let ConnectionTrafficSecrets::Aes256Gcm { key, iv } = secrets else { panic!("the first suite of both") };
        Self { keys: suite.aead_alg.encrypter(key, iv), next }
    }

    fn record(&mut self, typ: ContentType, content: &[u8]) -> Vec<u8> {
        let payload = OutboundChunks::Single(content);
        let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_2, payload };
        self.next += 1;
        self.keys.encrypt(message, self.next - 1).unwrap().encode()
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[test]
fn content_is_the_same_however_it_is_cut_and_read() {
    let content = content(100_000);
    let ways = [(1, 64 << 10), (7, 100), (5_000, 16 << 10), (20_000, 1), (64 << 10, 64 << 10)];
    for ((cut, at_once), version) in ways.into_iter().flat_map(|way| [(way, &TLS12), (way, &TLS13)]) {
        let (mut session, mut server) = connect(version, 0);
        server.set_buffer_limit(None);
        let mut bytes = records(&mut server, &[&content[..10], &content[10..40_000], &content[40_000..]]);
        server.send_close_notify();
        bytes.extend(sent_by(&mut server));
        let mut all = Vec::new();
        for piece in bytes.chunks(cut) {
            give(&mut session, piece);
            all.extend(read_all(&mut session, at_once));
        }
        assert!(all == content, "cut by {cut}, read by {at_once}");
        assert!(session.has_ended());
    }
}

#[test]
fn a_read_fills_all_that_it_can() {
    let (mut session, mut server) = pair();
    let content = content(30_000);
    give(&mut session, &records(&mut server, &[&content[..10_000], &content[10_000..]]));
    let mut into = vec![0; 12_000];
    assert_eq!(session.read(&mut into), 12_000);
    assert!(session.may_read());
    assert_eq!(session.read(&mut vec![0; 100_000]), 18_000);
    assert!(!session.may_read());
}

#[test]
fn who_writes_loses_nothing_that_was_not_read() {
    let (mut session, mut server) = pair();
    let content = content(30_000);
    give(&mut session, &records(&mut server, &[b"before", &content]));
    assert_eq!(session.write(&[IoSlice::new(b"request")]), Ok(7));
    give(&mut session, &records(&mut server, &[b"behind"]));
    assert!(session.may_read());
    let all = read_all(&mut session, 1_000);
    assert!(all == [b"before", &content[..], b"behind"].concat());
    send(&mut session, &mut server);
    assert_eq!(said_to(&mut server), b"request");
}

#[test]
fn a_head_and_short_content_are_one_record() {
    let (mut session, mut server) = pair();
    let parts: [&[u8]; 4] = [b"head", b"", b"content", b"more"];
    assert_eq!(session.write(&parts.map(IoSlice::new)), Ok(15));
    let record = session.transmit();
    assert_eq!(usize::from(u16::from_be_bytes([record[3], record[4]])), record.len() - 5);
    send(&mut session, &mut server);
    assert_eq!(said_to(&mut server), b"headcontentmore");
}

#[test]
fn long_content_is_taken_in_turns() {
    let (mut session, mut server) = pair();
    let content = content(200_000);
    let (mut sent, mut turns) = (0, Vec::new());
    let mut all = Vec::new();
    while sent < content.len() {
        let (first, second) = content[sent..].split_at(100.min(content.len() - sent));
        let taken = session.write(&[IoSlice::new(first), IoSlice::new(second)]).unwrap();
        turns.push(taken);
        sent += taken;
        while session.wants_write() {
            let taken = server.read_tls(&mut session.transmit()).unwrap();
            session.transmitted(taken);
            server.process_new_packets().unwrap();
            all.extend(said_to(&mut server));
        }
    }
    assert_eq!(turns, [TAKEN, TAKEN, TAKEN, 200_000 - 3 * TAKEN]);
    assert!(all == content);
}

#[test]
fn an_update_of_the_keys_is_followed_and_answered() {
    let (mut session, mut server) = pair();
    server.refresh_traffic_keys().unwrap();
    give(&mut session, &records(&mut server, &[b"new keys"]));
    assert_eq!(read_all(&mut session, 100), b"new keys");
    for _ in 0..2 {
        assert_eq!(session.write(&[IoSlice::new(b"mine too")]), Ok(8));
        send(&mut session, &mut server);
        assert_eq!(said_to(&mut server), b"mine too");
    }
}

#[test]
fn a_forged_record_breaks_the_session_behind_what_came_before() {
    let (mut session, mut server) = pair();
    let mut bytes = records(&mut server, &[b"good", b"bad"]);
    *bytes.last_mut().unwrap() ^= 1;
    bytes.extend(records(&mut server, &[b"never"]));
    give(&mut session, &bytes);
    assert_eq!(read_all(&mut session, 100), b"good");
    assert_eq!(session.broken(), Some(&Error::DecryptError));
    assert_eq!(session.write(&[IoSlice::new(b"more")]), Err(Error::DecryptError));
    session.end();
    let alert = session.transmit().to_vec();
    server.read_tls(&mut &alert[..]).unwrap();
    assert_eq!(server.process_new_packets(), Err(Error::AlertReceived(AlertDescription::BadRecordMac)));
    session.transmitted(alert.len());
    assert!(!session.wants_write(), "it is said once");
}

#[test]
fn nothing_counts_behind_the_closing_notice() {
    let (mut session, mut server) = pair();
    server.writer().write_all(b"last").unwrap();
    server.send_close_notify();
    let mut bytes = sent_by(&mut server);
    bytes.extend_from_slice(b"no record at all");
    give(&mut session, &bytes);
    assert_eq!(read_all(&mut session, 3), b"last");
    assert!(session.has_ended());
    assert_eq!(session.broken(), None);
    // It is the peer's end, not ours.
    assert_eq!(session.write(&[IoSlice::new(b"still here")]), Ok(10));
    session.end();
    send(&mut session, &mut server);
    assert_eq!(said_to(&mut server), b"still here");
}

#[test]
fn an_end_that_who_writes_has_come_to_is_there_to_be_read() {
    let (mut session, mut server) = pair();
    let mut bytes = records(&mut server, &[b"last"]);
    server.send_close_notify();
    bytes.extend(sent_by(&mut server));
    give(&mut session, &bytes);
    assert_eq!(session.read(&mut [0; 4]), 4);
    assert_eq!(session.write(&[IoSlice::new(b"request")]), Ok(7));
    assert!(session.has_ended() && session.may_read());
    let (mut session, mut server) = pair();
    let mut bytes = records(&mut server, &[b"bad"]);
    *bytes.last_mut().unwrap() ^= 1;
    give(&mut session, &bytes);
    assert_eq!(session.write(&[IoSlice::new(b"request")]), Err(Error::DecryptError));
    assert!(session.may_read());
}

#[test]
fn who_sends_tickets_without_end_is_not_listened_to() {
    let (mut session, server) = pair();
    let mut forger = Forger::of(server);
    // NewSessionTicket (RFC 8446 section 4.6.1): a day, a nonce and a ticket, without extensions.
    let ticket = [&[4, 0, 8, 14, 0, 1, 81, 128, 0, 0, 0, 0, 1, 0, 8, 0][..], &[7; 2048], &[0, 0]].concat();
    for _ in 0..3 {
        // Content between them lets them be what they are for.
        for _ in 0..BESIDE / ticket.len() / 2 {
            give(&mut session, &forger.record(ContentType::Handshake, &ticket));
            assert_eq!(session.read(&mut [0; 10]), 0);
        }
        give(&mut session, &forger.record(ContentType::ApplicationData, b"content"));
        assert_eq!(read_all(&mut session, 10), b"content");
    }
    let mut sent = 0;
    while session.broken().is_none() {
        let record = forger.record(ContentType::Handshake, &ticket);
        sent += record.len();
        give(&mut session, &record);
        assert_eq!(session.read(&mut [0; 10]), 0);
    }
    assert!(sent > BESIDE && sent < BESIDE + 2 * ticket.len(), "{sent}");
}

#[test]
fn a_long_chain_of_certificates_is_taken() {
    let (session, _) = connect(&TLS13, 100);
    let chain = session.state().peer_certificates().unwrap();
    assert_eq!(chain.len(), 101);
    assert!(chain.iter().map(|certificate| certificate.len()).sum::<usize>() > 40_000, "more than a small buffer has");
}

#[test]
fn a_handshake_message_without_end_is_too_long() {
    let authority = Authority::new().unwrap();
    let mut session = Session::new(authority.client_config().unwrap(), "localhost".try_into().unwrap()).unwrap();
    let _hello = session.transmit();
    // The header of a message of 65,535 bytes, and then one byte of it in each record.
    let header = [22, 3, 3, 0, 4, 2, 0, 0xFF, 0xFF];
    for byte in header.into_iter().chain([22, 3, 3, 0, 1, 0].into_iter().cycle()) {
        give(&mut session, &[byte]);
        session.advance();
        if session.broken().is_some() {
            break;
        }
    }
    assert_eq!(session.broken(), Some(&InvalidMessage::HandshakePayloadTooLarge.into()));
}

/// Numbers that look random and are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % bound
    }

    /// Changes a bit, or takes bytes away, or puts some between, or cuts the rest off; or does nothing.
    fn disturb(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let len = self.below(bytes.len() - at).min(50);
        match self.below(5) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => drop(bytes.drain(at..at + len)),
            2 => drop(bytes.splice(at..at, content(len))),
            3 => bytes.truncate(at),
            _ => {}
        }
    }
}

#[test]
fn whatever_happens_on_the_way_what_is_read_is_how_the_content_begins() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..200 {
        let (mut session, mut server) = connect(if round % 2 == 0 { &TLS12 } else { &TLS13 }, 0);
        server.set_buffer_limit(None);
        let content = content(1 + random.below(60_000));
        let pieces: Vec<_> = content.chunks(1 + random.below(20_000)).collect();
        let mut bytes = records(&mut server, &pieces);
        server.send_close_notify();
        bytes.extend(sent_by(&mut server));
        random.disturb(&mut bytes);
        let (mut all, mut rest) = (Vec::new(), &bytes[..]);
        while !rest.is_empty() && !session.has_ended() && session.broken().is_none() {
            let (now, later) = rest.split_at(rest.len().min(1 + random.below(30_000)));
            give(&mut session, now);
            rest = later;
            let mut into = vec![0; random.below(20_000)];
            let read = session.read(&mut into);
            all.extend_from_slice(&into[..read]);
            if random.below(3) == 0 {
                // What breaks the session is for the next read to say.
                let _broken = session.write(&[IoSlice::new(b"request")]);
                let sent = session.transmit().len();
                session.transmitted(random.below(sent + 1));
            }
        }
        all.extend(read_all(&mut session, 1 + random.below(20_000)));
        assert!(content.starts_with(&all), "{round}: {} bytes", all.len());
        assert!(!session.has_ended() || all == content, "{round}: {} bytes, and an end", all.len());
    }
}
