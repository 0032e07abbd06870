//! Whom to believe over TLS.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, KeyLog, RootCertStore, SignatureScheme};

use crate::error::ErrorKind;
use crate::transport::stream::Stream;
use crate::transport::tls::Tls;

/// How to speak TLS: by default, to whom the system believes, in versions 1.2 and 1.3, with `http/1.1` as the one
/// protocol (RFC 7301), with sessions resumed, by ring.
///
/// Nothing is loaded before the first connection that needs it; clones share what was, and the sessions that can be
/// resumed. No default of the process is read or set.
///
/// ```no_run
/// use wireline::{Connector, TlsSettings};
///
/// let tls = TlsSettings::roots_pem(&std::fs::read("authority.pem")?)?
///     .client_certificate_pem(&std::fs::read("client.pem")?, &std::fs::read("client.key")?)?;
/// let connector = Connector::new().tls(tls);
/// # let _ = connector;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct TlsSettings {
    recipe: Recipe,
    /// Whom to ask for and to expect instead of the origin's host.
    name: Option<ServerName<'static>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// What a configuration is made from.
#[derive(Clone)]
struct Recipe {
    roots: Roots,
    client: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
    key_log: Option<Arc<dyn KeyLog>>,
    provider: Option<Arc<CryptoProvider>>,
    protocols: Vec<Vec<u8>>,
    resumes: bool,
    names_server: bool,
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

    /// Mozilla's roots as they were when this was built, for machines without any.
    #[cfg(feature = "bundled-roots")]
    #[must_use]
    pub fn bundled() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::of(Roots::Given(Arc::new(roots)))
    }

    /// These roots and no others, in PEM.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for what is no PEM, no certificate, or none at all.
    pub fn roots_pem(pem: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(invalid)?;
        }
        Ok(Self::of(Roots::Given(Arc::new(roots))))
    }

    /// A configuration of your own, with whatever crypto provider, client certificate or verifier it has. Of what follows
    /// only [`server_name`](Self::server_name) applies to it.
    #[must_use]
    pub fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self { config: Arc::new(OnceLock::from(config)), ..Self::system() }
    }

    /// Believes anybody: the bytes are encrypted, but for whom nobody knows. For tests.
    #[must_use]
    pub fn danger_accept_any_certificate() -> Self {
        Self::of(Roots::Any)
    }

    /// Shows this certificate, the chain behind it included, to servers that ask for one. Both in PEM; the key in PKCS #8,
    /// PKCS #1 or SEC1, and not encrypted.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for what is no PEM, no certificate or no key. Whether the two belong
    /// together shows when a connection is made.
    pub fn client_certificate_pem(self, chain: &[u8], key: &[u8]) -> io::Result<Self> {
        let client = (certificates(chain)?, PrivateKeyDer::from_pem_slice(key).map_err(invalid)?);
        Ok(self.with(|recipe| recipe.client = Some(Arc::new(client))))
    }

    /// Asks for this host and expects its certificate, whatever the origin is called: a name or an address.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what no host can be.
    pub fn server_name(mut self, name: &str) -> io::Result<Self> {
        self.name = Some(named(name)?);
        Ok(self)
    }

    /// Does not tell the server which host is asked for (RFC 6066 section 3); its certificate is verified all the same.
    #[must_use]
    pub fn without_sni(self) -> Self {
        self.with(|recipe| recipe.names_server = false)
    }

    /// Offers these protocols instead of `http/1.1` (RFC 7301); none for no offer at all. Whatever the server chooses, what
    /// is spoken is HTTP/1.1.
    #[must_use]
    pub fn alpn(self, protocols: &[&str]) -> Self {
        self.with(|recipe| recipe.protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect())
    }

    /// Makes each session from the beginning.
    #[must_use]
    pub fn without_resumption(self) -> Self {
        self.with(|recipe| recipe.resumes = false)
    }

    /// Tells the secrets of each session, for those who look at the bytes on the wire: `rustls::KeyLogFile` writes them
    /// into the file that `SSLKEYLOGFILE` names.
    #[must_use]
    pub fn key_log(self, log: Arc<dyn KeyLog>) -> Self {
        self.with(|recipe| recipe.key_log = Some(log))
    }

    /// Has another provider do the cryptography.
    #[must_use]
    pub fn provider(self, provider: Arc<CryptoProvider>) -> Self {
        self.with(|recipe| recipe.provider = Some(provider))
    }

    /// Begins a session with a host.
    pub(crate) fn session(&self, stream: Stream, host: &str) -> io::Result<Tls<Stream>> {
        let name = self.name.clone().map_or_else(|| named(host), Ok)?;
        Tls::new(stream, self.config()?, name).map_err(io::Error::other)
    }

    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = self.recipe.make()?;
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn of(roots: Roots) -> Self {
        let recipe = Recipe {
            roots,
            client: None,
            key_log: None,
            provider: None,
            protocols: vec![b"http/1.1".to_vec()],
            resumes: true,
            names_server: true,
        };
        Self { recipe, name: None, config: Arc::default() }
    }

    /// The same but for one thing; what was loaded may not fit any more.
    fn with(mut self, change: impl FnOnce(&mut Recipe)) -> Self {
        change(&mut self.recipe);
        self.config = Arc::default();
        self
    }
}

impl Recipe {
    fn make(&self) -> io::Result<ClientConfig> {
        let provider = self.provider.clone().map_or_else(default_provider, Ok)?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match &self.roots {
            Roots::Any => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
            Roots::Given(roots) => builder.with_root_certificates(Arc::clone(roots)),
            Roots::System => builder.with_root_certificates(system_roots()?),
        };
        let mut config = match self.client.as_deref() {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(invalid)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.protocols);
        config.enable_sni = self.names_server;
        if !self.resumes {
            config.resumption = Resumption::disabled();
        }
        if let Some(log) = &self.key_log {
            config.key_log = Arc::clone(log);
        }
        Ok(config)
    }
}

#[cfg(feature = "ring")]
#[allow(clippy::unnecessary_wraps, reason = "without the feature `ring` there is none")]
fn default_provider() -> io::Result<Arc<CryptoProvider>> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(feature = "ring"))]
fn default_provider() -> io::Result<Arc<CryptoProvider>> {
    let what = "wireline was built without its feature `ring`: TlsSettings::provider has to name another provider";
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(invalid)?;
    if certificates.is_empty() { Err(invalid("no certificate in PEM")) } else { Ok(certificates) }
}

fn named(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn invalid(error: impl Into<Box<dyn StdError + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.recipe.roots, self.config.get()) {
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

/// What a failed handshake is called: whether the peer is not who it has to be, or simply gone.
pub(crate) fn kind_of(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| (inner as &(dyn StdError + 'static)).downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => ErrorKind::Certificate,
        Some(_) => ErrorKind::Tls,
        None => ErrorKind::Lost,
    }
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
