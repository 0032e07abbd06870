//! What the tests of the command share: running it, and somebody on loopback to talk to.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod nginx;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// What a run of the command left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("standard output is UTF-8")
    }

    /// Standard output as JSON, an object a line.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = self.text();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The one object of an exchange.
    pub(crate) fn record(&self) -> Value {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{self:?}");
        records.remove(0)
    }
}

/// Runs the command.
pub(crate) fn wireline<S: AsRef<str>>(arguments: &[S]) -> Run {
    wireline_in(Path::new("."), arguments, b"")
}

/// Runs the command in a folder, with bytes on its standard input.
pub(crate) fn wireline_in<S: AsRef<str>>(folder: &Path, arguments: &[S], stdin: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireline"))
        .args(arguments.iter().map(AsRef::as_ref))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut pipe = child.stdin.take().expect("it has a standard input");
    let stdin = stdin.to_vec();
    // On a thread: the command may answer before it has read everything, or never read it.
    let feeder = std::thread::spawn(move || {
        let _ = pipe.write_all(&stdin);
    });
    let output = child.wait_with_output().expect("the command ends");
    feeder.join().expect("feeding does not panic");
    Run {
        status: output.status.code().expect("the command is not killed"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
    }
}

/// A server that does what its script says.
pub(crate) struct Peer<T> {
    pub(crate) port: u16,
    script: JoinHandle<T>,
}

impl<T: Send + 'static> Peer<T> {
    /// Runs `script` on a thread with a listener of its own.
    pub(crate) fn run(script: impl FnOnce(&TcpListener) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let port = listener.local_addr().expect("it is bound").port();
        Self { port, script: std::thread::spawn(move || script(&listener)) }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    /// What the script gave, when it is through.
    pub(crate) fn join(self) -> T {
        self.script.join().expect("the script does not panic")
    }
}

impl Peer<Vec<u8>> {
    /// Reads one head, sends `answer`, and closes in order. Gives what it read.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::run(move |listener| {
            let mut stream = accept(listener);
            let mut read = read_head(&mut stream);
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut read);
            read
        })
    }

    /// Reads one head but for its last byte, sends `answer`, and resets the connection: that is what closing it does
    /// while something is unread.
    pub(crate) fn resetting(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::run(move |listener| {
            let mut stream = accept(listener);
            let read = read_until(&mut stream, b"\r\n\r");
            stream.peek(&mut [0]).expect("the last byte comes");
            let _ = stream.write_all(&answer);
            read
        })
    }
}

/// Accepts a connection whose reads do not last for ever.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("the command connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    stream.set_nodelay(true).expect("delay can be switched off");
    stream
}

/// Reads up to the empty line that ends a head.
pub(crate) fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    read_until(stream, b"\r\n\r\n")
}

/// Reads byte by byte up to `end`, or the end of the stream.
pub(crate) fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(end) && stream.read(&mut byte).expect("the request comes") == 1 {
        read.push(byte[0]);
    }
    read
}

/// A folder of its own, gone at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wireline-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
