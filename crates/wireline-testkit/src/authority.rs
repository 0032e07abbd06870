//! Certificates for peers on loopback.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate authority of a test's own: nothing else trusts it, and its keys live as long as it does.
///
/// ```
/// use wireline_testkit::{Authority, Origin};
///
/// let authority = Authority::new()?;
/// let origin = Origin::start_tls(authority.server_config()?)?;
/// let trusting = authority.client_config()?;
/// assert!(authority.root_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # let _ = (origin, trusting);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
}

/// A certificate with its key, signed by an [`Authority`].
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

impl Authority {
    /// Makes a new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = named("wireline testkit authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self { root: root.der().clone(), root_pem: root.pem(), issuer: Issuer::new(params, key) })
    }

    /// The certificate of the authority: what a client has to trust.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A certificate for servers on `localhost`, `127.0.0.1` and `::1`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn server(&self) -> io::Result<Identity> {
        self.server_for(["localhost"], [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// A certificate for servers with these names and addresses: for one that is the wrong one, say.
    ///
    /// # Errors
    /// When a name is none, or the system gives no random numbers.
    pub fn server_for<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> io::Result<Identity> {
        let mut params = named("wireline testkit server");
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(io::Error::other)?));
        }
        params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn client(&self) -> io::Result<Identity> {
        self.sign(named("wireline testkit client"), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> io::Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let signed = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Identity { certificate: signed.der().clone(), pem: signed.pem(), key })
    }

    /// For a server on loopback that asks its clients for nothing.
    ///
    /// # Errors
    /// As [`server`](Self::server).
    pub fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        self.server()?.server_config()
    }

    /// For a server on loopback that asks its clients for a certificate of this authority.
    ///
    /// # Errors
    /// As [`server`](Self::server).
    pub fn server_config_with_client_auth(&self) -> io::Result<Arc<ServerConfig>> {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()?), provider());
        let verifier = verifier.build().map_err(io::Error::other)?;
        let server = self.server()?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.certificate.clone()], server.private_key())
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }

    /// For a client that trusts this authority and nobody else.
    ///
    /// # Errors
    /// None that is known: it is rustls that could refuse what it is given.
    pub fn client_config(&self) -> io::Result<Arc<ClientConfig>> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).map_err(io::Error::other)?;
        Ok(roots)
    }
}

impl Identity {
    /// The certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// Its private key, in PKCS #8.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// For a server with this certificate that asks its clients for nothing.
    ///
    /// # Errors
    /// None that is known: it is rustls that could refuse what it is given.
    pub fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.private_key())
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// Named here, so that the process's default is neither needed nor touched.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("root_pem", &self.root_pem).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificate_pem", &self.pem).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use rustls::{ClientConnection, StreamOwned};

    use super::*;
    use crate::{Origin, Outcome, Script, ScriptedPeer, pattern};

    fn client(authority: &Authority, address: std::net::SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
        let name = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        let connection = ClientConnection::new(authority.client_config().unwrap(), name).unwrap();
        StreamOwned::new(connection, TcpStream::connect(address).unwrap())
    }

    #[test]
    fn the_origin_serves_over_tls_and_closes_with_notice() {
        let authority = Authority::new().unwrap();
        let origin = Origin::start_tls(authority.server_config().unwrap()).unwrap();
        let mut client = client(&authority, origin.address());
        client.write_all(b"GET /bytes/100000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut response = Vec::new();
        client.read_to_end(&mut response).unwrap();
        assert!(response.ends_with(&pattern(100_000)));
    }

    #[test]
    fn a_truncated_stream_ends_without_notice() {
        let authority = Authority::new().unwrap();
        let script = Script::new().read(1).send("cut").truncate();
        let peer = ScriptedPeer::start_tls(authority.server_config().unwrap(), [script]).unwrap();
        let mut client = client(&authority, peer.address());
        client.write_all(b"x").unwrap();
        let mut response = Vec::new();
        assert_eq!(client.read_to_end(&mut response).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(response, b"cut");
        drop(client);
        assert!(peer.join()[0].is_completed());
    }

    #[test]
    fn another_authority_is_not_trusted() {
        let (ours, other) = (Authority::new().unwrap(), Authority::new().unwrap());
        let peer = ScriptedPeer::start_tls(other.server_config().unwrap(), [Script::new().read(1)]).unwrap();
        let mut client = client(&ours, peer.address());
        assert!(client.write_all(b"x").unwrap_err().to_string().contains("certificate"));
        drop(client);
        assert!(matches!(peer.join()[0].outcome(), Outcome::Failed { step: 0, .. }));
    }

    #[test]
    fn a_server_that_wants_a_certificate_of_its_client_gets_one_or_refuses() {
        let authority = Authority::new().unwrap();
        let config = authority.server_config_with_client_auth().unwrap();
        let peer = ScriptedPeer::start_tls(config, vec![Script::new().read(1).send("ok"); 2]).unwrap();
        let mut without = client(&authority, peer.address());
        let refused = without.write_all(b"x").and_then(|()| without.read_to_end(&mut Vec::new()));
        assert!(refused.is_err());

        let identity = authority.client().unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authority.roots().unwrap())
            .with_client_auth_cert(vec![identity.certificate.clone()], identity.private_key())
            .unwrap();
        let name = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut with = StreamOwned::new(connection, TcpStream::connect(peer.address()).unwrap());
        with.write_all(b"x").unwrap();
        let mut response = String::new();
        with.read_to_string(&mut response).unwrap();
        assert_eq!(response, "ok");
        assert!(identity.key_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(identity.certificate_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
