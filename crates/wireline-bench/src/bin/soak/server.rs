//! The server: it does what the plan says, and writes down what it saw.
//!
//! It reads requests in a way of its own, as simple as can be, and shares nothing with what is tested but the plan.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::plan::{Cut, Ending, Expect, Mode, Plan};
use crate::random::{Random, Side, content};
use crate::wire::Wire;

/// What the server saw of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) seen: Vec<Seen>,
    pub(crate) end: End,
    /// What a reset at the end may have taken along.
    pub(crate) exposed: Exposed,
    /// What was wrong with the requests.
    pub(crate) troubles: Vec<String>,
}

/// What the server saw of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) request: Saw,
    /// How many bytes of the request came, framing included.
    pub(crate) bytes: u64,
    /// How much of its content came.
    pub(crate) content: u64,
    /// How much was written for it, 100 (Continue) included.
    pub(crate) written: u64,
    /// All of its answer was written, and it was as it should be.
    pub(crate) answered: bool,
}

/// How much of a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Saw {
    #[default]
    Nothing,
    PartOfHead,
    Head,
    All,
}

/// What was written and is not known to have come: how much, in how many pieces. The system holds back what the peer
/// has no room for, and more than a few pieces that have not been acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposed {
    pub(crate) bytes: u64,
    pub(crate) pieces: u64,
}

/// How a connection was over for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It read all that the client sent.
    Read,
    /// The client reset it: perhaps more had been sent.
    Broken,
    /// The server reset it, whatever there was to be read.
    Reset,
}

/// Serves one connection.
pub(crate) fn serve(stream: TcpStream, plan: &Plan) -> Record {
    let mut server = Server::new(stream, Vec::new(), plan);
    let end = server.run();
    server.account();
    Record { seen: server.seen, end, exposed: server.exposed, troubles: server.troubles }
}

/// Serves one plan after the other on a connection that is held, until the client closes it: how many exchanges it were,
/// and what was wrong. Nothing is, where the client closes between two of them.
pub(crate) fn serve_held(mut stream: TcpStream, seed: u64) -> (u64, Vec<String>) {
    let (mut input, mut served) = (Vec::new(), 0);
    for part in 0.. {
        let plan = Plan::held(seed, part, served);
        let mut server = Server::new(stream, input, &plan);
        let end = server.all().and_then(|()| server.flush());
        let answered = server.seen.iter().filter(|seen| seen.request == Saw::All).count();
        served += answered as u64;
        match end {
            Ok(()) if server.troubles.is_empty() => {}
            Err(End::Read) if server.troubles.is_empty() && server.seen[0] == Seen::default() => break,
            end => {
                let what = format!("part {part}: {answered} of {} exchanges, {end:?}", plan.exchanges.len());
                return (served, [vec![what], server.troubles].concat());
            }
        }
        (stream, input) = (server.stream, server.input.split_off(server.taken));
    }
    (served, Vec::new())
}

/// Which generator of an exchange this is.
const SIDE: u64 = 2;

struct Server<'a> {
    stream: TcpStream,
    plan: &'a Plan,
    input: Vec<u8>,
    /// How much of the input has been understood.
    taken: usize,
    output: Vec<u8>,
    written: u64,
    exposed: Exposed,
    /// Nothing more is answered.
    is_silent: bool,
    seen: Vec<Seen>,
    /// Where in what is written each exchange begins, ends, and has its whole answer.
    places: Vec<(u64, u64, Option<u64>)>,
    random: Random,
    troubles: Vec<String>,
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Nothing more comes.
type Over = End;

/// What the head of a request says.
struct Head {
    len: usize,
    is_chunked: bool,
}

impl<'a> Server<'a> {
    fn new(stream: TcpStream, input: Vec<u8>, plan: &'a Plan) -> Self {
        Self {
            seen: vec![Seen::default(); plan.exchanges.len()],
            places: vec![(0, 0, None); plan.exchanges.len()],
            random: plan.details(plan.exchanges.len(), SIDE),
            stream,
            plan,
            input,
            taken: 0,
            output: Vec::new(),
            written: 0,
            exposed: Exposed::default(),
            is_silent: false,
            troubles: Vec::new(),
        }
    }

    fn all(&mut self) -> Result<(), Over> {
        (0..self.plan.exchanges.len()).try_for_each(|exchange| self.exchange(exchange))
    }

    fn run(&mut self) -> End {
        if let Err(end) = self.all() {
            return end;
        }
        loop {
            if self.taken < self.input.len() {
                self.trouble(self.plan.exchanges.len(), "a request that is not in the plan");
                self.taken = self.input.len();
            }
            if let Err(end) = self.more() {
                return end;
            }
        }
    }

    fn exchange(&mut self, exchange: usize) -> Result<(), Over> {
        let head = self.head(exchange)?;
        self.seen[exchange].request = Saw::Head;
        let of = &self.plan.exchanges[exchange];
        let (mut first, mut expect) = (usize::MAX, None);
        if let Some(upload) = of.upload {
            (first, expect) = (upload.read_first, upload.expect);
        }
        let start = self.written + self.output.len() as u64;
        self.places[exchange] = (start, start, None);
        if self.is_silent {
            return self.content(exchange, &head, usize::MAX);
        }
        if expect == Some(Expect::Granted) {
            if self.plan.patience.is_none() && self.taken < self.input.len() {
                self.trouble(exchange, "content that nobody had asked for yet");
            }
            self.output.extend_from_slice(CONTINUE);
            self.places[exchange].1 += CONTINUE.len() as u64;
            self.flush()?;
        }
        // Whoever is to answer early answers before the end also of content that has come.
        let is_early = first < of.upload.map_or(0, |upload| upload.len) || expect == Some(Expect::Refused);
        let early = is_early && self.plan.is_at(exchange);
        if expect != Some(Expect::Refused) {
            self.content(exchange, &head, if early { first } else { usize::MAX })?;
        }
        if let Some(delay) = of.answer.delay {
            self.flush()?;
            thread::sleep(delay);
        }
        self.answer(exchange)?;
        if self.plan.is_at(exchange) {
            self.end(exchange)?;
        }
        if early { self.content(exchange, &head, usize::MAX) } else { Ok(()) }
    }

    fn answer(&mut self, exchange: usize) -> Result<(), Over> {
        let wire = Wire::new(self.plan, exchange);
        let start = self.written + self.output.len() as u64;
        self.places[exchange].1 = start + wire.bytes.len() as u64;
        self.places[exchange].2 = wire.whole.map(|whole| start + whole as u64);
        match self.plan.exchanges[exchange].answer.cut {
            Cut::Joined if self.output.len() < 32 << 10 => self.output.extend_from_slice(&wire.bytes),
            Cut::Pieces => {
                let mut rest = &wire.bytes[..];
                while !rest.is_empty() {
                    let (piece, behind) = rest.split_at(1 + self.random.below(rest.len()).min(2000));
                    self.flush()?;
                    self.output.extend_from_slice(piece);
                    rest = behind;
                }
                self.flush()?;
            }
            Cut::HeadFirst => {
                let (head, rest) = wire.bytes.split_at(wire.head.end);
                self.output.extend_from_slice(head);
                self.flush()?;
                // Whoever waits for the content then reads it alone, and not what is behind it.
                thread::sleep(Duration::from_micros(100));
                self.output.extend_from_slice(rest);
                self.flush()?;
            }
            _ => {
                // In one piece: a surplus comes with the end of what it stands behind.
                self.flush()?;
                self.output.extend_from_slice(&wire.bytes);
                self.flush()?;
            }
        }
        Ok(())
    }

    /// What happens behind the answer at which the connection ends.
    fn end(&mut self, exchange: usize) -> Result<(), Over> {
        let closes = self.plan.exchanges[exchange].answer.close;
        self.flush()?;
        match self.plan.ending {
            ending if ending.is_reset() => {
                // It takes effect when the stream is dropped, and what was not taken by the peer is lost.
                if let Err(error) = set_socket_linger(&self.stream, Some(Duration::ZERO)) {
                    self.trouble(exchange, &format!("cannot reset: {error}"));
                }
                return Err(End::Reset);
            }
            Ending::Early if !closes => return Ok(()),
            Ending::Surplus => {}
            Ending::Refused if !closes => {}
            // The peer may be gone already.
            _ => drop(self.stream.shutdown(Shutdown::Write)),
        }
        self.is_silent = true;
        Ok(())
    }

    /// Reads a head and looks at what matters in it.
    fn head(&mut self, exchange: usize) -> Result<Head, Over> {
        let len = loop {
            let input = &self.input[self.taken..];
            self.seen[exchange].bytes = input.len() as u64;
            if !input.is_empty() {
                self.seen[exchange].request = Saw::PartOfHead;
            }
            if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.input[self.taken..self.taken + len]).into_owned();
        self.seen[exchange].bytes = 0;
        self.take(exchange, len);
        let of = &self.plan.exchanges[exchange];
        let mut lines = head.split("\r\n");
        let expected = format!("{} /{}/{exchange} HTTP/1.1", of.method.name(), self.plan.connection);
        if lines.next() != Some(expected.as_str()) {
            self.trouble(exchange, &format!("instead of {expected}: {}", head.escape_debug()));
        }
        let (mut length, mut is_chunked) = (0, false);
        for line in lines {
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.parse().unwrap_or(usize::MAX);
            }
            is_chunked |= line == "Transfer-Encoding: chunked";
        }
        let (planned, chunked) = of.upload.map_or((0, false), |upload| (upload.len, upload.chunked));
        if chunked != is_chunked || (!chunked && planned != length) {
            self.trouble(exchange, &format!("another framing: {}", head.escape_debug()));
        }
        Ok(Head { len: length, is_chunked })
    }

    /// Reads content until it is complete, or so much of it has come.
    fn content(&mut self, exchange: usize, head: &Head, most: usize) -> Result<(), Over> {
        let mut had = usize::try_from(self.seen[exchange].content).unwrap_or(usize::MAX);
        if !head.is_chunked {
            while had < head.len.min(most) {
                let there = self.some(exchange)?.min(head.len - had);
                self.check(exchange, had, there);
                had += there;
            }
            if had == head.len {
                self.seen[exchange].request = Saw::All;
            }
            return Ok(());
        }
        // The chunk that is being read is read to its end: a place within it need not be kept.
        while had < most || most == usize::MAX {
            let line = self.line(exchange)?;
            let Ok(size) = usize::from_str_radix(&line, 16) else {
                self.trouble(exchange, &format!("a chunk of {}", line.escape_debug()));
                return Ok(());
            };
            if size == 0 {
                while !self.line(exchange)?.is_empty() {}
                self.seen[exchange].request = Saw::All;
                return Ok(());
            }
            let end = had + size;
            while had < end {
                let there = self.some(exchange)?.min(end - had);
                self.check(exchange, had, there);
                had += there;
            }
            if !self.line(exchange)?.is_empty() {
                self.trouble(exchange, "a chunk without an end");
            }
        }
        Ok(())
    }

    /// Compares content that has come with what was to come, and takes it.
    fn check(&mut self, exchange: usize, from: usize, len: usize) {
        let planned = self.plan.exchanges[exchange].upload.map_or(0, |upload| upload.len);
        let all = content(self.plan.connection, exchange, Side::Request, planned);
        if all.get(from..from + len) != Some(&self.input[self.taken..self.taken + len]) {
            self.trouble(exchange, &format!("other content at {from}"));
        }
        self.seen[exchange].content += len as u64;
        self.take(exchange, len);
    }

    /// How much is here; at least something.
    fn some(&mut self, exchange: usize) -> Result<usize, Over> {
        // What was not understood before the end belongs to this exchange all the same: there is none here.
        debug_assert!(self.seen[exchange].request >= Saw::Head);
        if self.taken == self.input.len() {
            self.more()?;
        }
        Ok(self.input.len() - self.taken)
    }

    /// A line, without its end.
    fn line(&mut self, exchange: usize) -> Result<String, Over> {
        loop {
            let input = &self.input[self.taken..];
            if let Some(end) = input.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8_lossy(&input[..end]).into_owned();
                self.take(exchange, end + 2);
                return Ok(line);
            }
            let part = input.len();
            if let Err(end) = self.more() {
                self.take(exchange, part);
                return Err(end);
            }
        }
    }

    fn take(&mut self, exchange: usize, len: usize) {
        self.taken += len;
        self.seen[exchange].bytes += len as u64;
    }

    /// Reads on, when all is sent that can be.
    fn more(&mut self) -> Result<(), Over> {
        self.flush()?;
        self.input.drain(..self.taken);
        self.taken = 0;
        let len = self.input.len();
        self.input.resize(len + (64 << 10), 0);
        let read = loop {
            match self.stream.read(&mut self.input[len..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.input.truncate(len + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => Err(End::Read),
            Ok(_) => {
                // Whoever has one exchange at a time has read all that came before it asks again.
                if self.plan.mode == Mode::Alone {
                    self.exposed = Exposed::default();
                }
                Ok(())
            }
            Err(_) => Err(End::Broken),
        }
    }

    fn flush(&mut self) -> Result<(), Over> {
        let mut rest = &self.output[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => {
                    self.written += written as u64;
                    self.exposed.bytes += written as u64;
                    self.exposed.pieces += 1;
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Broken),
            }
        }
        self.output.clear();
        Ok(())
    }

    /// Which answers were written, and how far.
    fn account(&mut self) {
        for (seen, &(start, end, whole)) in self.seen.iter_mut().zip(&self.places) {
            seen.written = self.written.min(end).saturating_sub(start);
            seen.answered = whole.is_some_and(|whole| whole <= self.written);
        }
    }

    fn trouble(&mut self, exchange: usize, what: &str) {
        self.troubles.push(format!("exchange {exchange}: the server got {what}"));
    }
}

#[cfg(test)]
mod tests;
