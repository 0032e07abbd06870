//! A server: a process of its own, with its files and its log, gone with the test.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wireline::{Connection, Connector, Origin, Reuse, Scheme, Stream, TlsSettings};
use wireline_testkit::{Identity, pattern};

use crate::common::{authority, patient, roots};
use crate::curl::{self, Judgement};

/// An address of loopback where no outgoing connection of anybody takes a port.
pub(crate) const HOST: &str = "127.0.0.3";

/// The files that each server has: `files/SIZE`.
pub(crate) const SIZES: [usize; 4] = [0, 1, 64 << 10, 5_000_000];

/// How long a server may take to start or to close, which on a busy machine is long.
const PATIENCE: Duration = Duration::from_secs(20);

static SERVER: LazyLock<Identity> =
    LazyLock::new(|| authority().server_for(["localhost"], [HOST.parse().unwrap()]).unwrap());

static CLIENT: LazyLock<Identity> = LazyLock::new(|| authority().client().unwrap());

/// What a server and its test have to read and write, removed in the end: `files` with [`SIZES`], an empty `uploads`,
/// and in PEM the authority (`ca`), the server (`cert`, `key`) and a client (`client`, `client-key`).
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wireline-servers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        for inner in ["files", "uploads", "scratch"] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        for size in SIZES {
            folder.write(format!("files/{size}"), pattern(size));
        }
        folder.write("ca", authority().root_pem());
        folder.write("cert", SERVER.certificate_pem());
        folder.write("key", SERVER.key_pem());
        folder.write("client", CLIENT.certificate_pem());
        folder.write("client-key", CLIENT.key_pem());
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        fs::write(self.join(name), content).unwrap();
    }

    /// A name that no other server on this machine has: letters and digits.
    pub(crate) fn name(&self) -> String {
        self.0.file_name().unwrap().to_str().unwrap().replace('-', "x")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
        // What was killed leaves its shared memory to others.
        for file in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&format!("{}-", self.name())) {
                let _left_behind = fs::remove_file(file.path());
            }
        }
    }
}

/// A running server that listens on `N` ports of [`HOST`].
pub(crate) struct Server<const N: usize> {
    pub(crate) ports: [u16; N],
    pub(crate) folder: Folder,
    name: &'static str,
    child: Child,
}

impl<const N: usize> Server<N> {
    /// Starts a program with the arguments that `configure` gives for these ports, and waits until it listens on all of
    /// them. It has to stay in the foreground, in one process. What it prints goes to `log`.
    pub(crate) fn start(program: &'static str, configure: impl Fn(&Folder, [u16; N]) -> Vec<OsString>) -> Self {
        // Somebody else may take a port between the question and its use.
        for _ in 0..3 {
            let folder = Folder::new();
            // Some write there by themselves, too.
            let log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
            let ports = [(); N].map(|()| free_port());
            let arguments = configure(&folder, ports);
            open_to_all(folder.path());
            let child = Command::new(program)
                .args(arguments)
                .env("PATH", path())
                .current_dir(&folder.0)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("{program} does not start ({error}): run cargo xtask setup"));
            let mut server = Self { ports, folder, name: program, child };
            if server.listens() {
                return server;
            }
            server.show_log();
        }
        panic!("{program} does not listen");
    }

    fn listens(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && self.child.try_wait().unwrap().is_none() {
            if self.ports.iter().all(|port| TcpStream::connect((HOST, *port)).is_ok()) {
                return true;
            }
            thread::sleep(Duration::from_millis(2));
        }
        false
    }

    /// A URL on its port with this number.
    pub(crate) fn url(&self, scheme: Scheme, port: usize, path: &str) -> String {
        format!("{}://{HOST}:{}{path}", scheme.name(), self.ports[port])
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
        curl::judge(&self.folder, arguments)
    }

    /// What it holds under `uploads`.
    pub(crate) fn uploaded(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join("uploads").join(name)).unwrap()
    }

    #[allow(clippy::print_stderr, reason = "it belongs to the report of the test that failed")]
    fn show_log(&self) {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        eprintln!("---- log of {} ----\n{}", self.name, String::from_utf8_lossy(&log));
    }
}

impl<const N: usize> Drop for Server<N> {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        if thread::panicking() {
            self.show_log();
        }
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

/// Servers are where only the superuser looks for programs.
fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

/// Started as root, most servers go on as somebody else.
fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(if path.is_dir() { 0o777 } else { 0o666 })).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| open_to_all(&entry.unwrap().path()));
    }
}

/// Never the same twice.
fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    loop {
        let port = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().get_or_insert_default().insert(port) {
            return port;
        }
    }
}

/// Arguments of any kind, in a row.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($argument)),*] };
}
pub(crate) use arguments;
