//! Whom to believe over TLS.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::timeouts::end_of;
use crate::transport::socket::Socket;
use crate::transport::tls::Tls;

/// Whom to believe over TLS: by default, whom the system believes.
///
/// Nothing is loaded before the first connection that needs it; clones share what was.
#[derive(Clone)]
pub struct TlsSettings {
    roots: Roots,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

#[derive(Clone)]
enum Roots {
    Any,
    Given(Arc<RootCertStore>),
    System,
}

impl TlsSettings {
    /// The roots that the system trusts, or those in `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Roots::System)
    }

    /// These roots and no others, in PEM.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for what is no PEM, no certificate, or none at all.
    pub fn roots_pem(pem: &[u8]) -> io::Result<Self> {
        let invalid = |error: &dyn fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(&error))?;
            roots.add(certificate).map_err(|error| invalid(&error))?;
        }
        if roots.is_empty() {
            return Err(invalid(&"no certificate in PEM"));
        }
        Ok(Self::of(Roots::Given(Arc::new(roots))))
    }

    /// A configuration of your own, with whatever crypto provider, client certificate or verifier it has.
    #[must_use]
    pub fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self { roots: Roots::System, config: Arc::new(OnceLock::from(config)) }
    }

    /// Believes anybody: the bytes are encrypted, but for whom nobody knows. For tests.
    #[must_use]
    pub fn danger_accept_any_certificate() -> Self {
        Self::of(Roots::Any)
    }

    /// Makes a session and completes its handshake.
    pub(crate) fn secure(&self, socket: Socket, host: &str, left: Option<Duration>) -> io::Result<Tls<Socket>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut tls = Tls::new(socket, self.config()?, name).map_err(io::Error::other)?;
        tls.handshake(end_of(left))?;
        Ok(tls)
    }

    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = match &self.roots {
            Roots::Any => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth(),
            Roots::Given(roots) => builder.with_root_certificates(Arc::clone(roots)).with_no_client_auth(),
            Roots::System => builder.with_root_certificates(system_roots()?).with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn of(roots: Roots) -> Self {
        Self { roots, config: Arc::default() }
    }
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.roots, self.config.get()) {
            (Roots::Any, _) => "TlsSettings(any certificate)",
            (Roots::Given(_), _) => "TlsSettings(given roots)",
            (Roots::System, None) => "TlsSettings(system roots)",
            (Roots::System, Some(_)) => "TlsSettings(loaded)",
        })
    }
}

fn system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's store may hold certificates that rustls does not take; the others are no worse for it.
    roots.add_parsable_certificates(found.certs);
    match found.errors.into_iter().next() {
        Some(error) if roots.is_empty() => Err(io::Error::other(error)),
        None if roots.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "the system has no trusted roots")),
        _ => Ok(roots),
    }
}

/// Whether a handshake failed because the peer is not who it has to be.
pub(crate) fn is_about_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| (inner as &(dyn StdError + 'static)).downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// Accepts any certificate, but no signature that its key did not make.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
