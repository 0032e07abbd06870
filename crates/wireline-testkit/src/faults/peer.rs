//! The other end of an exchange, in memory.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It would have to wait, and whoever awaits it gives the wait up.
    Dropped,
    /// The stream ends, in order.
    End,
    /// The system gives the peer up: no answer to anything, for good.
    GivenUp,
    /// Nothing happens; it is to be made again.
    Interrupted,
    /// The connection is reset, for good.
    Reset,
    /// One byte is read or written.
    Short,
    /// It would have to wait, and the time is up.
    TimeOut,
    /// It would have to wait.
    WouldBlock,
}

impl Fault {
    /// After it, the exchange cannot go on.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::End | Self::GivenUp | Self::Reset)
    }

    /// The call would have to wait.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Dropped | Self::TimeOut | Self::WouldBlock)
    }
}

/// A peer in memory that answers when it has got enough. Clones are the same peer: one stays with who asks what it has seen.
///
/// Its methods are the calls of a transport. What would have to wait is [`WouldBlock`](io::ErrorKind::WouldBlock).
#[derive(Clone, Debug)]
pub struct Peer(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    answers: Vec<(Enough, &'static [u8])>,
    /// The end comes behind the last answer.
    closes: bool,
    got: Vec<u8>,
    /// How much of the answers was read.
    given: usize,
    fault: Option<(usize, Fault)>,
    calls: usize,
    is_flushing: bool,
    /// A fault has made a call wait.
    has_waited: bool,
    broken: Option<io::ErrorKind>,
    has_ended: bool,
}

/// What has to have come before an answer is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Enough {
    Bytes(usize),
    LastChunk,
}

impl Enough {
    fn is_there(self, got: &[u8]) -> bool {
        match self {
            Self::Bytes(enough) => got.len() >= enough,
            Self::LastChunk => got.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

/// More calls than any scenario needs: who makes them does not come to an end.
const ENDLESS: usize = 5_000;

/// How much is written and read at a time, at most: so little that each exchange takes several calls.
const WRITTEN: usize = 400;
const READ: usize = 20;

impl Peer {
    pub(super) fn new(answers: Vec<(Enough, &'static [u8])>, closes: bool, fault: Option<(usize, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(State {
            answers,
            closes,
            got: Vec::new(),
            given: 0,
            fault,
            calls: 0,
            is_flushing: false,
            has_waited: false,
            broken: None,
            has_ended: false,
        })))
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// As its fault says.
    ///
    /// # Panics
    /// When there is no end to the calls; so do the others.
    pub fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        let fault = state.call()?;
        state.writable()?;
        let most = if fault == Some(Fault::Short) { 1 } else { WRITTEN };
        let mut taken = 0;
        for part in parts {
            let part = &part[..part.len().min(most - taken)];
            state.got.extend_from_slice(part);
            taken += part.len();
        }
        state.is_flushing = true;
        Ok(taken)
    }

    /// Sends what was taken.
    ///
    /// # Errors
    /// As its fault says.
    pub fn flush(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.is_flushing {
            state.call()?;
            state.writable()?;
            state.is_flushing = false;
        }
        Ok(())
    }

    /// Gives some of its answers, and 0 at the end.
    ///
    /// # Errors
    /// As its fault says.
    pub fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let fault = state.call()?;
        if let Some(kind) = state.broken {
            return Err(kind.into());
        }
        if state.has_ended {
            return Ok(0);
        }
        let due = state.due();
        if due.is_empty() {
            let is_over = state.closes && state.has_given_all();
            return if is_over { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let len = due.len().min(into.len()).min(if fault == Some(Fault::Short) { 1 } else { READ });
        into[..len].copy_from_slice(&due[..len]);
        state.given += len;
        Ok(len)
    }

    /// Waits for it.
    ///
    /// # Errors
    /// As its fault says.
    pub fn wait(&self) -> io::Result<()> {
        self.state().call().map(drop)
    }

    /// Whether something that was taken waits to be sent.
    #[must_use]
    pub fn is_flushing(&self) -> bool {
        self.state().is_flushing
    }

    /// The fault that it has, and the call that it happens to, counted from 1.
    #[must_use]
    pub fn fault(&self) -> Option<(usize, Fault)> {
        self.state().fault
    }

    /// Whether its fault has made a call wait since this was asked last.
    #[must_use]
    pub fn has_waited(&self) -> bool {
        std::mem::take(&mut self.state().has_waited)
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// All that it got.
    #[must_use]
    pub fn seen(&self) -> Vec<u8> {
        self.state().got.clone()
    }

    /// The content in what was read from it.
    pub(super) fn delivered(&self) -> Vec<u8> {
        let state = self.state();
        let mut given = state.given;
        let mut content = Vec::new();
        for (_, answer) in &state.answers {
            let part = &answer[..answer.len().min(given)];
            given -= part.len();
            let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |end| end + 4);
            content.extend(part.iter().skip(head).filter(|byte| (b'a'..=b'j').contains(byte)));
        }
        content
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call; the fault that happens to it, where it is not the call's end.
    fn call(&mut self) -> io::Result<Option<Fault>> {
        self.calls += 1;
        assert!(self.calls < ENDLESS, "it does not come to an end");
        let Some((_, fault)) = self.fault.filter(|(at, _)| *at == self.calls) else { return Ok(None) };
        match fault {
            Fault::Reset => self.broken = Some(io::ErrorKind::ConnectionReset),
            Fault::GivenUp => self.broken = Some(io::ErrorKind::TimedOut),
            Fault::End => self.has_ended = true,
            Fault::Interrupted => return Err(io::ErrorKind::Interrupted.into()),
            Fault::Short => {}
            Fault::Dropped | Fault::TimeOut | Fault::WouldBlock => {
                self.has_waited = true;
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        Ok(Some(fault))
    }

    fn writable(&self) -> io::Result<()> {
        match (self.broken, self.has_ended) {
            (Some(kind), _) => Err(kind.into()),
            (None, true) => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Ok(()),
        }
    }

    fn due(&self) -> &'static [u8] {
        let mut before = 0;
        for (enough, answer) in &self.answers {
            if self.given < before + answer.len() {
                return if enough.is_there(&self.got) { &answer[self.given - before..] } else { &[] };
            }
            before += answer.len();
        }
        &[]
    }

    fn has_given_all(&self) -> bool {
        self.given == self.answers.iter().map(|(_, answer)| answer.len()).sum::<usize>()
    }
}
