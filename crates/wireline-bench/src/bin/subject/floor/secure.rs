//! The floor with TLS 1.3: records are opened where they were read, with the keys that rustls has agreed on, and nothing is
//! done with them. No client can do so: it has to hear of new keys, tickets and the end, and to hand the content over.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundPlainMessage,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion, RootCertStore,
    SupportedCipherSuite, crypto,
};
use wireline_bench::{Answer, Failure, Job, Report, Scenario};

pub(super) fn measure(job: &Job, get: &[u8]) -> Result<Option<Report>, Failure> {
    if job.scenario != Scenario::Get {
        return Ok(None);
    }
    let answer = Answer::to(&job.target);
    let mut records = Records::connect(job)?;
    job.repeat(|| {
        records.send(get)?;
        records.take(answer.len())?;
        Ok(answer.content())
    })
}

struct Records {
    stream: TcpStream,
    sealer: Box<dyn MessageEncrypter>,
    opener: Box<dyn MessageDecrypter>,
    sealed: u64,
    opened: u64,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// Four records, as wireline's own has room for.
const BUFFER: usize = 66 << 10;

/// The header of a record.
const HEADER: usize = 5;

impl Records {
    fn connect(job: &Job) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&job.root()?)?)?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.enable_secret_extraction = true;
        let mut stream = super::connect(job)?;
        let mut session = ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1")?)?;
        while session.is_handshaking() || session.wants_write() {
            session.complete_io(&mut stream)?;
        }
        let Some(SupportedCipherSuite::Tls13(suite)) = session.negotiated_cipher_suite() else {
            return Err("the origin does not speak TLS 1.3".into());
        };
        let secrets = session.dangerous_extract_secrets()?;
        let ((sealed, ours), (opened, theirs)) = (secrets.tx, secrets.rx);
        let (key, iv) = key_of(ours)?;
        let sealer = suite.aead_alg.encrypter(key, iv);
        let (key, iv) = key_of(theirs)?;
        let opener = suite.aead_alg.decrypter(key, iv);
        Ok(Self { stream, sealer, opener, sealed, opened, buffer: vec![0; BUFFER], start: 0, end: 0 })
    }

    fn send(&mut self, content: &[u8]) -> Result<(), Failure> {
        let (typ, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
        let message = OutboundPlainMessage { typ, version, payload: content.into() };
        let record = self.sealer.encrypt(message, self.sealed)?.encode();
        self.sealed += 1;
        Ok(self.stream.write_all(&record)?)
    }

    /// So much content.
    fn take(&mut self, mut left: u64) -> Result<(), Failure> {
        while left > 0 {
            let header = self.buffer[self.start..self.end].first_chunk::<HEADER>();
            let len = header.map_or(0, |header| usize::from(u16::from_be_bytes([header[3], header[4]])));
            let begin = self.start + HEADER;
            if header.is_none() || self.end < begin + len {
                self.fill()?;
                continue;
            }
            let typ = ContentType::from(self.buffer[self.start]);
            let record = &mut self.buffer[begin..begin + len];
            let message = InboundOpaqueMessage::new(typ, ProtocolVersion::TLSv1_2, record);
            let message = self.opener.decrypt(message, self.opened)?;
            if message.typ == ContentType::ApplicationData {
                left -= message.payload.len() as u64;
            }
            self.opened += 1;
            self.start = begin + len;
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }
}

fn key_of(secrets: ConnectionTrafficSecrets) -> Result<(AeadKey, Iv), Failure> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Ok((key, iv)),
        _ => Err("a cipher that the floor does not know".into()),
    }
}
