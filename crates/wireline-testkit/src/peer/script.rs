//! What a scripted peer does with one connection, step by step.

use std::io;
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use super::{Conversation, Outcome, Signal};
use crate::net::{self, Leaving, PATIENCE, Secure, Socket, Transport};

/// The steps of a [`ScriptedPeer`](super::ScriptedPeer) with one connection, in order.
///
/// A script that just ends closes in order: it closes its direction and reads (and keeps) what the client still sends
/// until that has closed too, so nothing of what was sent is lost. [`close`](Self::close), [`reset`](Self::reset) and
/// [`hold`](Self::hold) are other ways to end.
#[derive(Clone, Debug)]
#[must_use]
pub struct Script {
    steps: Vec<Step>,
    patience: Duration,
}

#[derive(Clone, Debug)]
enum Step {
    Close,
    Expect(Vec<u8>),
    Give(Signal),
    HalfClose,
    Hold,
    Pause(Duration),
    Read(usize),
    ReadHead,
    ReadToEnd,
    Reset,
    Send { bytes: Vec<u8>, size: usize, pause: Duration },
    Truncate,
    WaitFor(Signal),
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A script without steps: the connection is closed when it has been accepted.
    pub const fn new() -> Self {
        Self { steps: Vec::new(), patience: PATIENCE }
    }

    /// How long each read, each write and each wait for a signal may last: ten seconds, unless it is said here.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Reads exactly these bytes; anything else ends the script.
    pub fn expect(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Expect(bytes.into()))
    }

    /// Reads up to an empty line (CRLF CRLF): the head of a request.
    pub fn read_head(self) -> Self {
        self.then(Step::ReadHead)
    }

    /// Reads so many bytes.
    pub fn read(self, bytes: usize) -> Self {
        self.then(Step::Read(bytes))
    }

    /// Reads until the client closes its direction. With TLS, a client that closes without `close_notify` fails this
    /// step with `UnexpectedEof`.
    pub fn read_to_end(self) -> Self {
        self.then(Step::ReadToEnd)
    }

    /// Sends these bytes in one write.
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.send_in_pieces(bytes, usize::MAX, Duration::ZERO)
    }

    /// Sends these bytes in pieces of `size` bytes, each a write of its own that leaves at once, with a pause between
    /// them. A pause is the one way to make it likely that the client reads them one by one; to be certain, use
    /// [`SplitStream`](crate::SplitStream), or let the client answer in between.
    ///
    /// # Panics
    /// When `size` is 0.
    pub fn send_in_pieces(self, bytes: impl Into<Vec<u8>>, size: usize, pause: Duration) -> Self {
        assert!(size > 0, "pieces of 0 bytes never come to an end");
        self.then(Step::Send { bytes: bytes.into(), size, pause })
    }

    /// Waits for so long: for scripts that show slowness, never to put things in order.
    pub fn pause(self, pause: Duration) -> Self {
        self.then(Step::Pause(pause))
    }

    /// Waits until the signal is given.
    pub fn wait_for(self, signal: &Signal) -> Self {
        self.then(Step::WaitFor(signal.clone()))
    }

    /// Gives the signal: the script has come this far.
    pub fn give(self, signal: &Signal) -> Self {
        self.then(Step::Give(signal.clone()))
    }

    /// Closes its own direction in order (with TLS after `close_notify`), and goes on reading.
    pub fn half_close(self) -> Self {
        self.then(Step::HalfClose)
    }

    /// The end of the script: closes its direction without TLS's `close_notify`, then reads what still comes. Without
    /// TLS it is the same as no step at all.
    pub fn truncate(self) -> Self {
        self.then(Step::Truncate)
    }

    /// The end of the script: closes at once. If the client has sent something that was not read, most systems make a
    /// reset of it.
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// The end of the script: resets the connection. What the client has not read may be lost.
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// The end of the script: reads no more and sends no more, but leaves the connection open until the peer is joined
    /// or dropped, or until the [patience](Self::patience) ends.
    pub fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn follow(&self, secure: &Secure, socket: Socket, leaving: &Leaving) -> Conversation {
        let connected = socket.prepare(self.patience).and_then(|()| secure(socket.clone()));
        let transport = match connected {
            Ok(transport) => transport,
            Err(error) => {
                let outcome = Outcome::Failed { step: 0, kind: error.kind() };
                return Conversation { received: Vec::new(), sent: 0, outcome };
            }
        };
        let mut following =
            Following { transport, socket, leaving, patience: self.patience, received: Vec::new(), taken: 0, sent: 0 };
        let mut outcome = Outcome::Completed;
        let mut end = End::InOrder;
        for (index, step) in self.steps.iter().enumerate() {
            match following.take(step) {
                Ok(None) => {}
                Ok(Some(last)) => {
                    end = last;
                    break;
                }
                Err(stop) => {
                    outcome = stop.at(index);
                    end = End::AtOnce;
                    break;
                }
            }
        }
        following.end(end);
        Conversation { received: following.received, sent: following.sent, outcome }
    }
}

/// How the connection is closed.
enum End {
    AtOnce,
    InOrder,
    WithoutNotice,
}

/// Why a script was not followed to its end.
enum Stop {
    Ended,
    Failed(io::Error),
    TimedOut,
    Unexpected { expected: Vec<u8>, found: Vec<u8> },
}

impl Stop {
    fn at(self, step: usize) -> Outcome {
        match self {
            Self::Ended => Outcome::Ended { step },
            Self::Failed(error) if net::is_timeout(&error) => Outcome::TimedOut { step },
            Self::Failed(error) => Outcome::Failed { step, kind: error.kind() },
            Self::TimedOut => Outcome::TimedOut { step },
            Self::Unexpected { expected, found } => Outcome::Unexpected { step, expected, found },
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// A script being followed.
struct Following<'a> {
    transport: Box<dyn Transport>,
    socket: Socket,
    leaving: &'a Leaving,
    patience: Duration,
    received: Vec<u8>,
    /// How many of the received bytes steps have asked for.
    taken: usize,
    sent: usize,
}

impl Following<'_> {
    fn take(&mut self, step: &Step) -> Result<Option<End>, Stop> {
        match step {
            Step::Close => {
                self.transport.say_goodbye()?;
                return Ok(Some(End::AtOnce));
            }
            Step::Expect(expected) => self.expect(expected)?,
            Step::Give(signal) => signal.give(),
            Step::HalfClose => {
                self.transport.say_goodbye()?;
                self.socket.0.shutdown(Shutdown::Write)?;
            }
            Step::Hold => {
                self.leaving.wait(self.patience);
                return Ok(Some(End::AtOnce));
            }
            Step::Pause(pause) => thread::sleep(*pause),
            Step::Read(bytes) => {
                self.await_bytes(|untaken| (untaken.len() >= *bytes).then_some(*bytes))?;
            }
            Step::ReadHead => {
                self.await_bytes(|untaken| untaken.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4))?;
            }
            Step::ReadToEnd => {
                while self.receive()? {}
                self.taken = self.received.len();
            }
            Step::Reset => {
                self.socket.reset_on_close()?;
                return Ok(Some(End::AtOnce));
            }
            Step::Send { bytes, size, pause } => self.send(bytes, *size, *pause)?,
            Step::Truncate => return Ok(Some(End::WithoutNotice)),
            Step::WaitFor(signal) => {
                if !signal.wait(self.patience) {
                    return Err(Stop::TimedOut);
                }
            }
        }
        Ok(None)
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), Stop> {
        loop {
            let came = &self.received[self.taken..];
            if let Some(at) = came.iter().zip(expected).position(|(found, expected)| found != expected) {
                return Err(Stop::Unexpected { expected: expected.to_vec(), found: came[..=at].to_vec() });
            }
            if came.len() >= expected.len() {
                self.taken += expected.len();
                return Ok(());
            }
            if !self.receive()? {
                return Err(Stop::Ended);
            }
        }
    }

    /// Receives until `found` says how many of the bytes that no step has asked for yet belong to this one.
    fn await_bytes(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> Result<(), Stop> {
        loop {
            if let Some(n) = found(&self.received[self.taken..]) {
                self.taken += n;
                return Ok(());
            }
            if !self.receive()? {
                return Err(Stop::Ended);
            }
        }
    }

    /// Whether there was more.
    fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.transport.read(&mut buffer) {
                Ok(n) => {
                    self.received.extend_from_slice(&buffer[..n]);
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, bytes: &[u8], size: usize, pause: Duration) -> io::Result<()> {
        for (index, piece) in bytes.chunks(size).enumerate() {
            if index > 0 {
                thread::sleep(pause);
            }
            self.transport.write_all(piece)?;
            self.transport.flush()?;
            self.sent += piece.len();
        }
        Ok(())
    }

    fn end(&mut self, end: End) {
        match end {
            End::AtOnce => return,
            // A client that is gone already does not hear it.
            End::InOrder => drop(self.transport.say_goodbye()),
            End::WithoutNotice => {}
        }
        let keep = |bytes: &[u8]| self.received.extend_from_slice(bytes);
        // However the client ends it, what it sent is kept.
        let _gone = net::drain(&mut *self.transport, &self.socket, self.patience, self.leaving, keep);
    }
}
