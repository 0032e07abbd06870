//! Servers that others wrote: each a process of its own on loopback, with its files and its log, gone with its owner.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// An address of loopback where no outgoing connection of anybody takes a port.
pub const HOST: &str = "127.0.0.3";

/// How long a server may take to start, which on a busy machine is long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server has to read and write: an empty folder, removed when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wireline-servers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0)?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where something in it is.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and makes the folders that it is in.
    ///
    /// # Errors
    /// As [`fs::write`].
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)
    }

    /// A name that no other server on this machine has: letters and digits.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().replace('-', "x")
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

/// A running server that listens on `N` ports of [`HOST`]. Dropped, it is killed; and when that is because a test
/// panics, its log is shown.
///
/// ```no_run
/// use wireline_testkit::servers::{HOST, Server};
///
/// let server = Server::start("nginx", |folder, [port]| {
///     folder.write("files/hello", "hello")?;
///     let server = format!("server {{ listen {HOST}:{port}; root files; }}");
///     folder.write("conf", format!("daemon off; pid pid; events {{}} http {{ access_log off; {server} }}"))?;
///     Ok(["-e", "log", "-p", ".", "-c", "conf"].map(Into::into).to_vec())
/// })?;
/// println!("http://{HOST}:{}/hello", server.ports()[0]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server<const N: usize> {
    ports: [u16; N],
    folder: Folder,
    name: String,
    child: Child,
}

impl<const N: usize> Server<N> {
    /// Starts a program with the arguments that `configure` gives for these ports, and waits until it listens on all of
    /// them. It has to stay in the foreground, in one process. It runs in its folder, where what it prints goes to `log`,
    /// and may write to whatever `configure` has put there, under any user.
    ///
    /// # Errors
    /// When it does not start or does not listen.
    pub fn start(
        program: &str,
        configure: impl Fn(&Folder, [u16; N]) -> io::Result<Vec<OsString>>,
    ) -> io::Result<Self> {
        // Somebody else may take a port between the question and its use.
        for _ in 0..3 {
            let folder = Folder::new()?;
            // Some write there by themselves, too.
            let log = OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
            let mut ports = [0; N];
            for port in &mut ports {
                *port = free_port()?;
            }
            let arguments = configure(&folder, ports)?;
            open_to_all(folder.path())?;
            let child = Command::new(program)
                .args(arguments)
                .env("PATH", path())
                .current_dir(&folder.0)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
                .map_err(|error| io::Error::new(error.kind(), format!("{program} does not start: {error}")))?;
            let mut server = Self { ports, folder, name: program.to_owned(), child };
            if server.listens()? {
                return Ok(server);
            }
            server.show_log();
        }
        Err(io::Error::new(io::ErrorKind::ConnectionRefused, format!("{program} does not listen")))
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn ports(&self) -> [u16; N] {
        self.ports
    }

    /// Its files.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn listens(&mut self) -> io::Result<bool> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && self.child.try_wait()?.is_none() {
            if self.ports.iter().all(|port| TcpStream::connect((HOST, *port)).is_ok()) {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(false)
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

/// Servers are where only the superuser looks for programs.
fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

/// Started as root, most servers go on as somebody else.
fn open_to_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(if path.is_dir() { 0o777 } else { 0o666 }))?;
    if path.is_dir() {
        fs::read_dir(path)?.try_for_each(|entry| open_to_all(&entry?.path()))?;
    }
    Ok(())
}

/// Never the same twice.
fn free_port() -> io::Result<u16> {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    loop {
        let port = TcpListener::bind((HOST, 0))?.local_addr()?.port();
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(port) {
            return Ok(port);
        }
    }
}
