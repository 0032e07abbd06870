//! The origin: fast rather than complete. One loop answers what is ready with bytes that were made before; with TLS, a
//! thread answers each connection.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::{fs, thread};

use memchr::memmem;
use rustix::event::epoll;
use rustix::fs::{MemfdFlags, memfd_create, sendfile};
use rustix::net::{RecvFlags, recv};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use wireline_bench::{Answer, Failure, more_descriptors};
use wireline_testkit::Authority;

/// The origin in a process of its own, on a processor of its own. It ends with its standard input.
pub(crate) struct Origin {
    process: Child,
    pub(crate) plain: String,
    pub(crate) secure: String,
    pub(crate) root: PathBuf,
}

impl Origin {
    /// Starts this program once more. The certificate to trust is written into the folder.
    pub(crate) fn start(core: usize, folder: &Path) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["origin", &core.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("no standard output")?;
        io::BufReader::new(stdout).read_line(&mut line)?;
        let (plain, secure) = line.trim_end().split_once(' ').ok_or("the origin did not start")?;
        let (plain, secure) = (plain.to_owned(), secure.to_owned());
        Ok(Self { process, plain, secure, root: folder.join(ROOT) })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const ROOT: &str = "root.pem";

/// What runs in the process of the origin.
pub(crate) fn run(core: usize, folder: &Path) -> Result<(), Failure> {
    // A machine with one processor has no other one: both share it then, and the page says how many there are.
    let _shared = pin(core);
    more_descriptors()?;
    let authority = Authority::new()?;
    fs::write(folder.join(ROOT), authority.root_pem())?;
    let plain = TcpListener::bind("127.0.0.1:0")?;
    let secure = TcpListener::bind("127.0.0.1:0")?;
    let config = authority.server_config()?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{} {}", plain.local_addr()?, secure.local_addr()?)?;
    stdout.flush()?;
    thread::spawn(move || serve_secure(&secure, &config));
    thread::spawn(move || serve(&plain));
    // Whoever started us is there as long as this lasts.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

pub(crate) fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// Everything that is ready, one after the other. Reads never wait, since they follow readiness; a write may, which is
/// no harm: nobody measures a large answer on two connections at once.
fn serve(listener: &TcpListener) -> io::Result<()> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&poll, listener, epoll::EventData::new_u64(u64::MAX), epoll::EventFlags::IN)?;
    let mut clients: Vec<Option<Client<TcpStream>>> = Vec::new();
    let mut answers = Answers::default();
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; BUFFER];
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let Ok(at) = usize::try_from(event.data.u64()) else { continue };
            if event.data.u64() == u64::MAX {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                let at = clients.iter().position(Option::is_none).unwrap_or(clients.len());
                if at == clients.len() {
                    clients.push(None);
                }
                epoll::add(&poll, &stream, epoll::EventData::new_u64(at as u64), epoll::EventFlags::IN)?;
                clients[at] = Some(Client::new(stream));
            } else if let Some(client) = &mut clients[at]
                && !client.turn(&mut buffer, &mut answers).unwrap_or(false)
            {
                clients[at] = None;
            }
        }
    }
}

fn serve_secure(listener: &TcpListener, config: &Arc<ServerConfig>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        thread::spawn(move || {
            let mut client = Client::new(StreamOwned::new(connection, stream));
            let mut answers = Answers::default();
            let mut buffer = vec![0; BUFFER];
            while client.turn(&mut buffer, &mut answers).unwrap_or(false) {}
        });
    }
}

const BUFFER: usize = 256 << 10;

/// The answers that were asked for before.
#[derive(Default)]
struct Answers(HashMap<Vec<u8>, Rc<Canned>>);

/// An answer, and its block once more as a file in memory.
struct Canned {
    answer: Answer,
    block: File,
}

impl Answers {
    fn to(&mut self, target: &[u8]) -> io::Result<Rc<Canned>> {
        if let Some(answer) = self.0.get(target) {
            return Ok(Rc::clone(answer));
        }
        let answer = Answer::to(&String::from_utf8_lossy(target));
        let mut block = File::from(memfd_create("block", MemfdFlags::CLOEXEC)?);
        block.write_all(answer.block())?;
        let answer = Rc::new(Canned { answer, block });
        self.0.insert(target.to_vec(), Rc::clone(&answer));
        Ok(answer)
    }
}

/// What carries the bytes. Over TCP neither content that is sent nor content that comes is copied here: otherwise a client
/// that does not copy either would wait for the origin.
trait Wire: Read + Write {
    /// Drops some of the content that comes, as much as there is room for.
    fn drop_some(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.read(room)
    }

    fn send(&mut self, canned: &Canned) -> io::Result<()>
    where
        Self: Sized,
    {
        canned.answer.write(self)
    }
}

impl Wire for TcpStream {
    fn drop_some(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (dropped, _) = recv(self, room, RecvFlags::TRUNC)?;
        Ok(dropped)
    }

    fn send(&mut self, canned: &Canned) -> io::Result<()> {
        let Canned { answer, block } = canned;
        self.write_all(answer.head())?;
        for _ in 0..answer.times() {
            let (mut at, end) = (0, answer.block().len() as u64);
            while at < end {
                let left = usize::try_from(end - at).unwrap_or(usize::MAX);
                sendfile(&*self, block, Some(&mut at), left)?;
            }
        }
        self.write_all(answer.tail())
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {}

/// One connection.
struct Client<S> {
    stream: S,
    /// Part of a head.
    head: Vec<u8>,
    /// Content of a request that is still to come, and the answer that waits for it.
    left: u64,
    due: Option<Rc<Canned>>,
    /// Answers that leave together.
    out: Vec<u8>,
}

impl<S: Wire> Client<S> {
    fn new(stream: S) -> Self {
        Self { stream, head: Vec::new(), left: 0, due: None, out: Vec::new() }
    }

    /// One read, and the answers to all that is complete then. `false` at the end.
    fn turn(&mut self, buffer: &mut [u8], answers: &mut Answers) -> io::Result<bool> {
        let content = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = match content {
            0 => self.stream.read(buffer)?,
            content => self.stream.drop_some(&mut buffer[..content])?,
        };
        if read == 0 {
            return Ok(false);
        }
        let carried = std::mem::take(&mut self.head);
        let joined;
        let mut bytes = &buffer[..read];
        if !carried.is_empty() {
            joined = [&carried, bytes].concat();
            bytes = &joined;
        }
        loop {
            let content = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= content as u64;
            bytes = &bytes[content..];
            if self.left > 0 {
                break;
            }
            if let Some(answer) = self.due.take() {
                self.answer(&answer)?;
            }
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { break };
            let (head, rest) = bytes.split_at(end + 4);
            bytes = rest;
            self.left = length(head);
            self.due = Some(answers.to(head.split(|byte| *byte == b' ').nth(1).unwrap_or_default())?);
            if has(head, b"expect: 100-continue") {
                self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
        }
        self.head = bytes.to_vec();
        self.stream.write_all(&self.out)?;
        self.out.clear();
        self.stream.flush()?;
        Ok(true)
    }

    fn answer(&mut self, canned: &Canned) -> io::Result<()> {
        if canned.answer.len() <= 64 << 10 {
            return canned.answer.write(&mut self.out);
        }
        self.stream.write_all(&self.out)?;
        self.out.clear();
        self.stream.send(canned)
    }
}

/// The value of Content-Length; 0 without one, as in every GET.
fn length(head: &[u8]) -> u64 {
    if head.starts_with(b"GET") {
        return 0;
    }
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let found = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    found.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

fn has(head: &[u8], line: &[u8]) -> bool {
    !head.starts_with(b"GET")
        && head.split(|byte| *byte == b'\n').any(|found| found.trim_ascii().eq_ignore_ascii_case(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Wire for std::os::unix::net::UnixStream {}

    fn answered(reads: &[&[u8]]) -> Vec<u8> {
        let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut client = Client::new(far);
        let mut answers = Answers::default();
        for bytes in reads {
            near.write_all(bytes).unwrap();
            assert!(client.turn(&mut vec![0; BUFFER], &mut answers).unwrap());
        }
        drop(client);
        let mut all = Vec::new();
        near.read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn requests_are_answered_however_they_come() {
        let one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx";
        let request = b"GET /length/2 HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(answered(&[request]), one.as_bytes());
        assert_eq!(answered(&[&request.repeat(3)]), one.repeat(3).as_bytes());
        assert_eq!(answered(&[&request[..9], &request[9..]]), one.as_bytes());
    }

    #[test]
    fn content_is_awaited_before_the_answer() {
        let none = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(answered(&[b"PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab", b"c"]), none);
        assert_eq!(answered(&[b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"]), b"");
    }

    #[test]
    fn nothing_is_missing_where_nothing_is_copied() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let peer = thread::spawn(move || {
            let mut client = Client::new(far);
            let (mut buffer, mut answers) = (vec![0; BUFFER], Answers::default());
            while client.turn(&mut buffer, &mut answers).unwrap() {}
        });
        let large = ["/length/3000001", "/chunked/100000/64"];
        let mut requests = Vec::new();
        // Content that would be a request, were it not dropped.
        let content = b"GET /length/9 HTTP/1.1\r\n\r\n".repeat(20_000);
        write!(requests, "PUT /none HTTP/1.1\r\nContent-Length: {}\r\n\r\n", content.len()).unwrap();
        requests.extend_from_slice(&content);
        large.iter().for_each(|target| write!(requests, "GET {target} HTTP/1.1\r\n\r\n").unwrap());
        let mut expected = Vec::new();
        for target in ["/none"].iter().chain(&large) {
            Answer::to(target).write(&mut expected).unwrap();
        }
        near.write_all(&requests).unwrap();
        let mut came = vec![0; expected.len()];
        near.read_exact(&mut came).unwrap();
        assert!(came == expected);
        drop(near);
        peer.join().unwrap();
    }
}
