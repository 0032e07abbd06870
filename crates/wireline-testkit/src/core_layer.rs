//! The lowest layer: `wireline-proto` itself.

use wireline_proto::{Connection, Error, Event, Framing, Misuse, Request, Reuse};

use crate::case::{Case, Command, Do, Piece, Step};
use crate::layer::{Layer, Segmentation};
use crate::log::{Log, Recorder};

/// Puts cases through a [`Connection`] of `wireline-proto`.
///
/// Besides what the cases say it sees to it that what leaves is what they send, that a refused command changes nothing,
/// that an error stays, and that there is always room for more bytes.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CoreLayer;

impl Layer for CoreLayer {
    fn name(&self) -> &str {
        "wireline-proto"
    }

    fn run(&self, case: &Case, segmentation: Segmentation) -> Log {
        let mut run = Run {
            connection: Connection::new(case.config),
            recorder: Recorder::new(case.show_fields),
            segmentation,
            received: 0,
            broken: false,
            held: false,
            to_leave: Vec::new(),
        };
        for step in &case.steps {
            run.step(step);
        }
        if !case.is_about_building() {
            run.recorder.verdict(run.connection.reuse(), run.connection.unanswered());
        }
        run.recorder.finish()
    }
}

struct Run {
    connection: Connection,
    recorder: Recorder,
    segmentation: Segmentation,
    /// How many bytes the peer has sent.
    received: usize,
    /// An error came: the peer's bytes are of no use any more.
    broken: bool,
    /// Nothing leaves unasked.
    held: bool,
    /// What is to leave and has not.
    to_leave: Vec<u8>,
}

impl Run {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Close => {
                self.connection.received(0);
                self.take_events();
            }
            Step::Do(commands) => commands.iter().for_each(|command| self.obey(command)),
            Step::Receive(bytes) => {
                for piece in self.segmentation.pieces(bytes, self.received) {
                    self.receive(piece);
                }
                self.received += bytes.len();
            }
            Step::Refused(Ok(request)) => self.recorder.note(&format!("built: {request:?}")),
            Step::Refused(Err(invalid)) => self.recorder.invalid(*invalid),
            Step::Reset => {
                self.connection.receive_failed();
                self.take_events();
            }
            Step::Send(pieces) => self.send(pieces),
            Step::SendRaw(request) => {
                self.send_request(request, request.as_bytes());
                self.leave();
            }
        }
    }

    // Bytes in

    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.broken {
            let space = self.connection.receive_space();
            let n = space.len().min(bytes.len());
            if n == 0 {
                self.recorder.note("stuck: there is no room for more bytes");
                return;
            }
            space[..n].copy_from_slice(&bytes[..n]);
            self.connection.received(n);
            bytes = &bytes[n..];
            self.take_events();
        }
    }

    fn take_events(&mut self) {
        while !self.broken {
            match self.connection.advance() {
                Ok(true) => self.record(),
                Ok(false) => {
                    if self.connection.interest().read && self.connection.receive_space().is_empty() {
                        self.recorder.note("stuck: more bytes are asked for, and there is no room for them");
                    }
                    return;
                }
                Err(error) => self.fail(&error),
            }
        }
    }

    fn record(&mut self) {
        let at = Some(self.connection.event_offset());
        let recorder = &mut self.recorder;
        match self.connection.event() {
            Event::Interim(head) => recorder.interim(at, head.exchange().index(), head.status(), head.fields()),
            Event::Response(head) => {
                let line = (head.version(), head.status());
                recorder.response(at, head.exchange().index(), line, head.fields(), head.framing());
            }
            Event::Content(bytes) => recorder.content(at, bytes),
            Event::End(trailers) => {
                recorder.end(at, trailers);
                recorder.tolerated(self.connection.deviations());
            }
            Event::Switched(head) => {
                recorder.switched(at, head.exchange().index(), head.status(), head.fields());
                recorder.tolerated(self.connection.deviations());
            }
            Event::Closed => recorder.closed(at),
            other => recorder.note(&format!("an event that this layer does not know: {other:?}")),
        }
    }

    fn fail(&mut self, error: &Error) {
        self.broken = true;
        self.recorder.error(error);
        self.recorder.tolerated(self.connection.deviations());
        if self.connection.advance().as_ref() != Err(error) || self.connection.error() != Some(error) {
            self.recorder.note("the error did not stay");
        }
    }

    // Bytes out

    fn send(&mut self, pieces: &[Piece]) {
        // The content of a request that was refused is not sent either.
        let mut refused = false;
        for piece in pieces {
            match piece {
                Piece::Request { request, wire } => refused = !self.send_request(request, wire),
                _ if refused => {}
                Piece::Content { bytes, wire } => self.send_content(bytes, wire),
                Piece::Finish { trailers, wire } => {
                    if self.command(|connection| connection.finish_request(trailers)).is_some() {
                        self.to_leave.extend_from_slice(wire);
                    }
                }
            }
            self.leave();
        }
    }

    fn send_request(&mut self, request: &Request, wire: &[u8]) -> bool {
        let sent = self.command(|connection| connection.send_request(request)).is_some();
        if sent {
            self.to_leave.extend_from_slice(wire);
        }
        sent
    }

    fn send_content(&mut self, bytes: &[u8], wire: &[u8]) {
        let mut taken = 0;
        // Content in chunks is one chunk only if it is taken in one piece.
        while taken < bytes.len() {
            let queued = self.connection.transmit().len();
            match self.command(|connection| connection.send_content(&bytes[taken..])) {
                None => return,
                Some(0) if self.held || queued == 0 => {
                    self.recorder.note(&format!("stuck: {taken} of {} bytes of content were taken", bytes.len()));
                    return;
                }
                Some(n) => {
                    if taken == 0 && n > 0 {
                        self.to_leave.extend_from_slice(wire);
                    }
                    taken += n;
                    self.leave();
                }
            }
        }
    }

    /// What is queued leaves, unless it is held.
    fn leave(&mut self) {
        if !self.held {
            self.transmit(usize::MAX);
            // Requests of which nothing has left are taken back when the peer closes.
            let taken_back = matches!(self.connection.reuse(), Reuse::Never(_));
            if !self.to_leave.is_empty() && !taken_back && self.connection.content_due() == Framing::None {
                self.recorder.note(&format!("not sent: \"{}\"", self.to_leave.escape_ascii()));
            }
            if self.connection.content_due() == Framing::None {
                self.to_leave.clear();
            }
        }
    }

    fn transmit(&mut self, most: usize) {
        let n = self.connection.transmit().len().min(most);
        let sent = &self.connection.transmit()[..n];
        if self.to_leave.starts_with(sent) {
            self.to_leave.drain(..n);
        } else {
            let (expected, sent) = (self.to_leave.escape_ascii(), sent.escape_ascii());
            self.recorder.note(&format!("sent differs: \"{sent}\" left, and \"{expected}\" was to leave"));
            self.to_leave.clear();
        }
        self.connection.transmitted(n);
    }

    // Commands

    fn obey(&mut self, command: &Do) {
        let before = self.connection.transmit().len();
        let misuse = match &command.command {
            Command::AbandonContent => self.refusal(Connection::abandon_content),
            Command::Content(bytes) => self.refusal(|connection| connection.send_content(bytes).map(drop)),
            Command::Finish(trailers) => self.refusal(|connection| connection.finish_request(trailers)),
            Command::Frame(len) => self.refusal(|connection| connection.frame_content(*len)),
            Command::Framed(len) => {
                self.connection.transmitted_content(*len);
                None
            }
            Command::Hold => {
                self.held = true;
                None
            }
            Command::IntoSwitched => self.take_switched(),
            Command::Transmit(most) => {
                self.held &= most.is_some();
                self.transmit(most.unwrap_or(usize::MAX));
                None
            }
            Command::TransmitClosed => {
                self.connection.transmit_closed();
                self.to_leave.clear();
                None
            }
            Command::WaiveContinue => self.refusal(Connection::waive_continue),
        };
        // What these commands queue stands in no block; the core's own tests look at it.
        let queued = self.connection.transmit();
        if !matches!(command.command, Command::Transmit(_)) && queued.len() > before {
            self.to_leave.extend_from_slice(&queued[before..]);
        }
        if misuse != command.refusal {
            let expected = command.refusal.as_deref();
            self.recorder.note(&format!("refused: {misuse:?}, and the case says {expected:?}"));
        }
        self.leave();
        self.take_events();
    }

    /// What a refused `into-switched` gives has no name.
    fn take_switched(&mut self) -> Option<String> {
        match self.connection.clone().into_switched() {
            Ok(bytes) => {
                self.recorder.switched_bytes(&bytes);
                None
            }
            Err(connection) => {
                self.recorder.note("refused into-switched");
                if *connection != self.connection {
                    self.recorder.note("a refused command has changed the connection");
                }
                Some(String::new())
            }
        }
    }

    fn refusal(&mut self, command: impl FnOnce(&mut Connection) -> Result<(), Misuse>) -> Option<String> {
        let before = self.connection.clone();
        let misuse = command(&mut self.connection).err()?;
        self.recorder.misuse(misuse);
        if self.connection != before {
            self.recorder.note("a refused command has changed the connection");
        }
        Some(misuse.name().to_owned())
    }

    /// What the command gives, unless it is refused.
    fn command<T>(&mut self, command: impl FnOnce(&mut Connection) -> Result<T, Misuse>) -> Option<T> {
        let mut given = None;
        self.refusal(|connection| command(connection).map(|value| given = Some(value)));
        given
    }
}
