//! An origin that counts what it sees, and ends its connections as planned.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::plan::{Asked, End, asked, fate};
use crate::random::{Side, content};

/// How long it waits for a client: longer than any is away.
const PATIENCE: Duration = Duration::from_secs(20);

/// The origin, on a thread for each connection.
pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    is_over: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

/// What has been seen so far.
struct Seen {
    seed: u64,
    requests: Vec<Counters>,
    ends: [AtomicU64; End::ALL.len()],
    strange: AtomicU64,
}

#[derive(Default)]
struct Counters([AtomicU64; 4]);

/// What the server saw and did, of each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OfRequest {
    /// How often its head came.
    pub(super) heads: u64,
    /// How often all of it came.
    pub(super) whole: u64,
    /// How often a byte of an answer was written, or was about to be.
    pub(super) begun: u64,
    /// How often all of an answer was written.
    pub(super) answered: u64,
}

/// What the server says at the end.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) requests: Vec<OfRequest>,
    pub(super) ends: [u64; End::ALL.len()],
    /// How often something came that nobody was to send.
    pub(super) strange: u64,
}

#[derive(Clone, Copy)]
enum What {
    Head,
    Whole,
    Begun,
    Answered,
}

impl Server {
    pub(super) fn start(seed: u64, requests: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen {
            seed,
            requests: std::iter::repeat_with(Counters::default).take(requests).collect(),
            ends: Default::default(),
            strange: AtomicU64::new(0),
        });
        let is_over = Arc::new(AtomicBool::new(false));
        let (counting, over) = (Arc::clone(&seen), Arc::clone(&is_over));
        let accepting = thread::spawn(move || {
            thread::scope(|scope| {
                for (connection, stream) in (0..).zip(listener.incoming()) {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let seen = &*counting;
                    // A client that goes away has its reasons.
                    scope.spawn(move || serve(&stream, connection, seen).unwrap_or_default());
                }
            });
        });
        Ok(Self { address, seen, is_over, accepting })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it saw, when all its clients are gone.
    pub(super) fn join(self) -> Record {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let panicked = u64::from(self.accepting.join().is_err());
        let load = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let of = |Counters(counters): &Counters| {
            let [heads, whole, begun, answered] = [0, 1, 2, 3].map(|index: usize| load(&counters[index]));
            OfRequest { heads, whole, begun, answered }
        };
        Record {
            requests: self.seen.requests.iter().map(of).collect(),
            ends: std::array::from_fn(|index| load(&self.seen.ends[index])),
            strange: load(&self.seen.strange) + panicked,
        }
    }
}

impl Seen {
    fn count(&self, number: usize, what: What) {
        self.requests[number].0[what as usize].fetch_add(1, Ordering::SeqCst);
    }
}

fn serve(stream: &TcpStream, connection: u64, seen: &Seen) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let fate = fate(seen.seed, connection);
    let mut incoming = BufReader::new(stream);
    let mut outgoing = stream;
    for answers in 0.. {
        let is_last = answers == fate.answers;
        if is_last && fate.end == End::Unread {
            // Not before there is something that it leaves unread.
            incoming.fill_buf()?;
            return end(stream, seen, fate.end);
        }
        let Some(number) = read(&mut incoming, seen)? else { return Ok(()) };
        let asked = asked(seen.seed, number);
        let is_whole_answer = !is_last || matches!(fate.end, End::Announced | End::Silent);
        let answer = answer(&asked, number, is_last && fate.end == End::Announced);
        let written = match (is_whole_answer, fate.end) {
            (true, _) => answer.len(),
            (false, End::Cut | End::CutReset | End::StallInAnswer) => 1 + (answer.len() - 1) * fate.part / 1000,
            (false, _) => 0,
        };
        if written > 0 {
            seen.count(number, What::Begun);
        }
        if is_whole_answer {
            // Before it is written: who has it, has it.
            seen.count(number, What::Answered);
        }
        outgoing.write_all(&answer[..written])?;
        if is_last {
            return end(stream, seen, fate.end);
        }
    }
    Ok(())
}

fn end(mut stream: &TcpStream, seen: &Seen, end: End) -> io::Result<()> {
    seen.ends[End::ALL.iter().position(|known| *known == end).unwrap_or_default()].fetch_add(1, Ordering::SeqCst);
    match end {
        End::CutReset | End::Reset | End::Unread => Ok(set_socket_linger(stream, Some(Duration::ZERO))?),
        End::Stall | End::StallInAnswer => io::copy(&mut stream, &mut io::sink()).map(drop),
        End::Announced | End::Cut | End::Silent | End::Unanswered => {
            stream.shutdown(Shutdown::Write)?;
            // Otherwise what has come and is not read would reset the connection, and take the answer along.
            io::copy(&mut stream, &mut io::sink()).map(drop)
        }
    }
}

/// Reads a request; gives its number.
fn read(incoming: &mut impl BufRead, seen: &Seen) -> io::Result<Option<usize>> {
    let mut line = String::new();
    if incoming.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (request_line, mut length) = (line.clone(), 0);
    while line != "\r\n" {
        line.clear();
        if incoming.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim_end().parse().unwrap_or(usize::MAX);
        }
    }
    let number = request_line.split(['/', ' ']).nth(2).and_then(|digits| digits.parse().ok());
    let Some(number) = number.filter(|number| *number < seen.requests.len()) else {
        seen.strange.fetch_add(1, Ordering::SeqCst);
        return Ok(None);
    };
    let asked = asked(seen.seed, number);
    if request_line != format!("{} /{number} HTTP/1.1\r\n", asked.method.name()) || length != asked.upload {
        seen.strange.fetch_add(1, Ordering::SeqCst);
        return Ok(None);
    }
    seen.count(number, What::Head);
    let mut upload = vec![0; length];
    incoming.read_exact(&mut upload)?;
    seen.count(number, What::Whole);
    if upload != content(number as u32, 0, Side::Request, length) {
        seen.strange.fetch_add(1, Ordering::SeqCst);
    }
    Ok(Some(number))
}

fn answer(asked: &Asked, number: usize, closes: bool) -> Vec<u8> {
    let content = content(number as u32, 0, Side::Response, asked.answer);
    let close = if closes { "Connection: close\r\n" } else { "" };
    if !asked.chunked {
        let head = format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {}\r\n\r\n", content.len());
        return [head.as_bytes(), content].concat();
    }
    let mut answer = format!("HTTP/1.1 200 OK\r\n{close}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in content.chunks(4000) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}
