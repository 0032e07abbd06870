//! A server with the files, the certificates and the connections that these tests want.

use std::ffi::OsString;
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use wireline::{Connection, Connector, Origin, Reuse, Scheme, Stream, TlsSettings};
pub(crate) use wireline_testkit::servers::HOST;
use wireline_testkit::servers::{self, Folder};
use wireline_testkit::{Identity, pattern};

use crate::common::{authority, patient, roots};
use crate::curl::{self, Judgement};

/// The files that each server has: `files/SIZE`.
pub(crate) const SIZES: [usize; 4] = [0, 1, 64 << 10, 5_000_000];

/// How long a server may take to close, which on a busy machine is long.
const PATIENCE: Duration = Duration::from_secs(20);

static SERVER: LazyLock<Identity> =
    LazyLock::new(|| authority().server_for(["localhost"], [HOST.parse().unwrap()]).unwrap());

static CLIENT: LazyLock<Identity> = LazyLock::new(|| authority().client().unwrap());

/// A running server, with what a test has to read and write: `files` with [`SIZES`], an empty `uploads`, and in PEM the
/// authority (`ca`), the server (`cert`, `key`) and a client (`client`, `client-key`).
pub(crate) struct Server<const N: usize>(servers::Server<N>);

impl<const N: usize> Deref for Server<N> {
    type Target = servers::Server<N>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<const N: usize> Server<N> {
    /// As the testkit does it. `configure` gives the arguments.
    pub(crate) fn start(program: &str, configure: impl Fn(&Folder, [u16; N]) -> Vec<OsString>) -> Self {
        let started = servers::Server::start(program, |folder, ports| {
            fill(folder)?;
            Ok(configure(folder, ports))
        });
        Self(started.unwrap_or_else(|error| panic!("{error}: run cargo xtask setup")))
    }

    /// A URL on its port with this number.
    pub(crate) fn url(&self, scheme: Scheme, port: usize, path: &str) -> String {
        format!("{}://{HOST}:{}{path}", scheme.name(), self.ports()[port])
    }

    pub(crate) fn origin(&self, scheme: Scheme, port: usize) -> Origin {
        Origin::parse(&self.url(scheme, port, "")).unwrap()
    }

    /// A connection to its port with this number.
    pub(crate) fn connect(&self, scheme: Scheme, port: usize) -> Connection<Stream> {
        connector().connect(&self.origin(scheme, port)).unwrap()
    }

    /// The judge: curl with these arguments, in the folder of the server, believing whom we do.
    pub(crate) fn curl(&self, arguments: &[&str]) -> Judgement {
        curl::judge(self.folder(), arguments)
    }

    /// What it holds under `uploads`.
    pub(crate) fn uploaded(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder().join("uploads").join(name)).unwrap()
    }
}

/// The testkit's origin, for proxies to reach.
pub(crate) struct Peer {
    pub(crate) served: wireline_testkit::Origin,
    pub(crate) scheme: Scheme,
}

impl Peer {
    pub(crate) fn plain() -> Self {
        Self { served: wireline_testkit::Origin::start().unwrap(), scheme: Scheme::Http }
    }

    pub(crate) fn secure() -> Self {
        let config = authority().server_config().unwrap();
        Self { served: wireline_testkit::Origin::start_tls(config).unwrap(), scheme: Scheme::Https }
    }

    pub(crate) fn host(&self) -> String {
        self.served.host()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme.name(), self.host())
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::parse(&self.url("")).unwrap()
    }
}

/// Patient, and with the servers' authority.
pub(crate) fn connector() -> Connector {
    Connector::new().timeouts(patient()).tls(roots())
}

/// Looks until the connection is not as good as new any more.
pub(crate) fn end_of(connection: &mut Connection<Stream>) -> Reuse {
    let until = Instant::now() + PATIENCE;
    while connection.look() == Reuse::Now && Instant::now() < until {
        thread::sleep(Duration::from_millis(2));
    }
    connection.reuse()
}

/// What the client has to show to servers that want to know who it is.
pub(crate) fn known_client() -> TlsSettings {
    let (certificate, key) = (CLIENT.certificate_pem(), CLIENT.key_pem());
    roots().client_certificate_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
}

fn fill(folder: &Folder) -> io::Result<()> {
    for inner in ["uploads", "scratch"] {
        fs::create_dir(folder.join(inner))?;
    }
    for size in SIZES {
        folder.write(format!("files/{size}"), pattern(size))?;
    }
    folder.write("ca", authority().root_pem())?;
    folder.write("cert", SERVER.certificate_pem())?;
    folder.write("key", SERVER.key_pem())?;
    folder.write("client", CLIENT.certificate_pem())?;
    folder.write("client-key", CLIENT.key_pem())
}

/// Arguments of any kind, in a row.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($argument)),*] };
}
pub(crate) use arguments;
