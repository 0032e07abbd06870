//! The sending half: what we may send, and the bytes of it that wait.

use crate::body::encode::{self, CHUNK_FRAMING, LAST_CHUNK};
use crate::body::encoded::Encoded;
use crate::body::length::Framing;
use crate::body::trailer_name;
use crate::buffer::Buffer;
use crate::error::Misuse;
use crate::exchange::ExchangeId;
use crate::fields::Fields;
use crate::request::Request;
use crate::state::{self, SendStep};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    state: state::Send,
    buffer: Buffer,
    /// The request whose content is being sent.
    current: Option<Current>,
    /// Content of the caller's own that leaves next, behind what waits in the buffer.
    framed: u64,
    /// All bytes that have left, and all that were ever queued, framed content included.
    sent: u64,
    queued: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Current {
    id: ExchangeId,
    /// What is still owed of the content.
    due: Framing,
    /// How far content has come that is in chunks already. Little is.
    encoded: Option<Box<Encoded>>,
    last: bool,
    may_switch: bool,
    switched: bool,
    peer_closes: bool,
    /// Its final response has begun.
    answered: bool,
}

impl Send {
    pub(crate) const fn new() -> Self {
        Self { state: state::Send::Idle, buffer: Buffer::new(), current: None, framed: 0, sent: 0, queued: 0 }
    }

    #[inline]
    pub(crate) fn state(&self) -> state::Send {
        self.state
    }

    /// How many bytes have left.
    #[inline]
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// How many bytes have left or wait to.
    #[inline]
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    #[inline]
    pub(crate) fn is_transmitting(&self) -> bool {
        !self.buffer.is_empty() || self.framed > 0
    }

    pub(crate) fn held(&self) -> usize {
        self.buffer.held()
    }

    /// The exchange whose content is being sent, or waits for 100 (Continue).
    pub(crate) fn current(&self) -> Option<ExchangeId> {
        self.current.as_ref().map(|current| current.id)
    }

    #[inline]
    pub(crate) fn due(&self) -> Framing {
        self.current.as_ref().map_or(Framing::None, |current| current.due)
    }

    pub(crate) fn answered_early(&self) -> Option<ExchangeId> {
        let has_rest = |current: &&Current| current.answered && (current.due != Framing::Length(0) || self.framed > 0);
        self.current.as_ref().filter(has_rest).map(|current| current.id)
    }

    /// The request's own refusals are the connection's: here it is known to be legal.
    pub(crate) fn request(&mut self, id: ExchangeId, request: &Request) {
        let has_content = !matches!(request.framing(), Framing::None | Framing::Length(0));
        let step = match (has_content, request.expects_continue()) {
            (true, true) => SendStep::RequestWithExpect,
            (true, false) => SendStep::RequestWithContent,
            (false, _) if request.may_switch() => SendStep::SwitchRequest,
            (false, _) if request.closes() => SendStep::LastRequest,
            (false, _) => SendStep::Request,
        };
        self.step(step);
        self.push(request.as_bytes());
        if has_content {
            self.current = Some(Current {
                id,
                due: request.framing(),
                encoded: request.is_encoded().then(|| Box::new(Encoded::new())),
                last: request.closes(),
                may_switch: request.may_switch(),
                switched: false,
                peer_closes: false,
                answered: false,
            });
        }
    }

    pub(crate) fn content(&mut self, content: &[u8], bound: u32) -> Result<usize, Misuse> {
        let due = self.content_due()?;
        let room = (bound as usize).saturating_sub(self.buffer.len());
        match due {
            Framing::Length(left) => {
                if content.len() as u64 > left {
                    return Err(Misuse::ContentExcess { room: left });
                }
                let taken = content.len().min(room);
                self.push(&content[..taken]);
                self.owe(Framing::Length(left - taken as u64));
                Ok(taken)
            }
            _ if self.encoded().is_some() => {
                let taken = content.len().min(room);
                self.follow(&content[..taken])?;
                self.push(&content[..taken]);
                Ok(taken)
            }
            _ => {
                let room = room.saturating_sub(CHUNK_FRAMING);
                // A chunk for the last few bytes of room would be mostly framing: better to wait for more room.
                if content.is_empty() || room < content.len().min(SMALL_CHUNK.min(bound as usize / 2)) || room == 0 {
                    return Ok(0);
                }
                let taken = content.len().min(room);
                self.push_chunk_line(taken as u64);
                self.push(&content[..taken]);
                self.push(b"\r\n");
                Ok(taken)
            }
        }
    }

    pub(crate) fn frame(&mut self, len: u64) -> Result<(), Misuse> {
        match self.content_due()? {
            Framing::Length(left) => {
                let left = left.checked_sub(len).ok_or(Misuse::ContentExcess { room: left })?;
                self.owe(Framing::Length(left));
            }
            // Unseen it could be anything.
            _ if len > 0 && self.encoded().is_some() => return Err(Misuse::ContentExcess { room: 0 }),
            _ if len > 0 => self.push_chunk_line(len),
            _ => {}
        }
        self.owe_framed(len);
        Ok(())
    }

    pub(crate) fn frame_seen(&mut self, content: &[u8]) -> Result<(), Misuse> {
        if self.content_due()? == Framing::Chunked && self.encoded().is_some() {
            self.follow(content)?;
            self.owe_framed(content.len() as u64);
            return Ok(());
        }
        self.frame(content.len() as u64)
    }

    fn owe_framed(&mut self, len: u64) {
        self.framed = len;
        self.queued = self.queued.saturating_add(len);
    }

    fn encoded(&self) -> Option<Encoded> {
        self.current.as_ref().and_then(|current| current.encoded.as_deref().copied())
    }

    /// Content that is in chunks already goes on; behind its end nothing is due.
    fn follow(&mut self, content: &[u8]) -> Result<(), Misuse> {
        let Some(encoded) = self.encoded() else { return Ok(()) };
        let after = encoded.after(content)?;
        if let Some(current) = &mut self.current {
            if let Some(encoded) = &mut current.encoded {
                **encoded = after;
            }
            if after == Encoded::Over {
                current.due = Framing::Length(0);
            }
        }
        Ok(())
    }

    /// Ends the content: where the request ends in the sent stream.
    pub(crate) fn finish(&mut self, trailers: &Fields) -> Result<u64, Misuse> {
        match self.content_due()? {
            Framing::Length(0) if trailers.is_empty() => {}
            Framing::Length(0) => return Err(Misuse::TrailersWithoutChunks),
            Framing::Length(missing) => return Err(Misuse::ContentShort { missing }),
            _ => match self.encoded() {
                Some(encoded) => return Err(Misuse::ContentShort { missing: encoded.missing() }),
                None => check_trailers(trailers)?,
            },
        }
        if self.due() == Framing::Chunked {
            self.push(LAST_CHUNK);
            if trailers.is_plain() {
                self.push(trailers.as_bytes());
            } else {
                // A section that a peer sent may hold what nobody may send: then it goes out line by line.
                for field in trailers.iter() {
                    for part in [field.name().as_bytes(), b": ", field.value(), b"\r\n"] {
                        self.push(part);
                    }
                }
            }
            self.push(b"\r\n");
        }
        let step = match self.current.take() {
            Some(current) if current.switched => SendStep::SwitchedFinish,
            Some(current) if current.may_switch && !current.answered => SendStep::SwitchFinish,
            Some(current) if current.last || current.peer_closes => SendStep::LastFinish,
            _ => SendStep::Finish,
        };
        self.step(step);
        Ok(self.queued)
    }

    pub(crate) fn waive(&mut self) -> Result<(), Misuse> {
        if self.state != state::Send::AwaitingContinue {
            return Err(Misuse::NotAwaitingContinue);
        }
        self.step(SendStep::Waive);
        Ok(())
    }

    pub(crate) fn abandon(&mut self) -> Result<(), Misuse> {
        if self.current.is_none() {
            return Err(Misuse::NoContentDue);
        }
        self.step(SendStep::Abandon);
        self.current = None;
        self.queued = self.queued.saturating_sub(self.framed);
        self.framed = 0;
        Ok(())
    }

    #[inline]
    pub(crate) fn transmit(&self) -> &[u8] {
        self.buffer.filled()
    }

    pub(crate) fn transmitted(&mut self, n: usize) {
        assert!(n <= self.buffer.len(), "more bytes were transmitted than were queued");
        self.buffer.consume(n);
        self.buffer.release();
        self.sent += n as u64;
    }

    #[inline]
    pub(crate) fn framed(&self) -> u64 {
        if self.buffer.is_empty() { self.framed } else { 0 }
    }

    #[inline]
    pub(crate) fn framed_owed(&self) -> u64 {
        self.framed
    }

    pub(crate) fn transmitted_content(&mut self, n: u64) {
        assert!(n <= self.framed(), "more content was transmitted than was framed");
        self.framed -= n;
        self.sent += n;
        if n > 0 && self.framed == 0 && self.due() == Framing::Chunked && self.encoded().is_none() {
            self.push(b"\r\n");
        }
    }

    /// Nothing can leave any more.
    pub(crate) fn fail(&mut self) {
        self.step(SendStep::Fail);
        self.current = None;
        self.framed = 0;
        self.queued = self.sent;
        self.buffer.consume(self.buffer.len());
        self.buffer.release();
    }

    /// 100 (Continue) came for this exchange, which releases its content and no other's.
    pub(crate) fn continued(&mut self, id: ExchangeId) {
        if self.state == state::Send::AwaitingContinue && self.current() == Some(id) {
            self.step(SendStep::Continue);
        }
    }

    /// The final response of this exchange has begun; `asked` when it answers a tunnel or an upgrade, by refusing it.
    pub(crate) fn answered(&mut self, id: ExchangeId, asked: bool) {
        if asked && self.state == state::Send::SwitchPending {
            self.step(SendStep::SwitchRefused);
        }
        if let Some(current) = &mut self.current {
            current.answered |= current.id == id;
        }
    }

    /// The peer switched protocols in answer to this half's last request.
    pub(crate) fn switched(&mut self) {
        if self.state == state::Send::AwaitingContinue {
            // The answer says that the content is wanted: no 100 can come any more.
            self.step(SendStep::Continue);
        }
        match &mut self.current {
            Some(current) => current.switched = true,
            None if self.state == state::Send::SwitchPending => self.step(SendStep::Switch),
            // Our side is closed, and stays it.
            None => {}
        }
    }

    /// No request may follow: the peer said so, or its side has ended. Requests of which nothing has left are taken
    /// back: all that is queued from place `unsent` in the sent stream on (RFC 9112 section 9.6: a client that has
    /// received close sends no more).
    pub(crate) fn peer_closed(&mut self, unsent: Option<u64>) {
        if let Some(start) = unsent {
            self.buffer.truncate(usize::try_from(start - self.sent).unwrap_or(usize::MAX));
            self.queued = start;
            // Content is due of the last request alone, and what is taken back reaches to the last.
            if self.current.take().is_some() {
                self.framed = 0;
                self.step(SendStep::Withdraw);
            }
        }
        match &mut self.current {
            Some(current) => current.peer_closes = true,
            None if self.state.after(SendStep::PeerClose).is_some() => self.step(SendStep::PeerClose),
            None => {}
        }
    }

    fn content_due(&self) -> Result<Framing, Misuse> {
        match self.state {
            state::Send::AwaitingContinue => Err(Misuse::AwaitingContinue),
            state::Send::Content if self.framed > 0 => Err(Misuse::FramedContentOwed),
            state::Send::Content => Ok(self.due()),
            _ => Err(Misuse::NoContentDue),
        }
    }

    fn owe(&mut self, due: Framing) {
        if let Some(current) = &mut self.current {
            current.due = due;
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
        self.queued += bytes.len() as u64;
    }

    fn push_chunk_line(&mut self, len: u64) {
        let (line, end) = encode::chunk_line(len);
        self.push(&line[..end]);
    }

    fn step(&mut self, step: SendStep) {
        debug_assert!(self.state.after(step).is_some(), "{step:?} is legal in {:?}", self.state);
        self.state = self.state.after(step).unwrap_or(self.state);
    }
}

/// Whether this trailer section can be sent.
pub(crate) fn check_trailers(trailers: &Fields) -> Result<(), Misuse> {
    let is_forbidden = trailers.iter().any(|field| trailer_name::is_forbidden(field.name().as_bytes()));
    if is_forbidden || !(trailers.is_plain() || trailers.is_sendable()) {
        Err(Misuse::ForbiddenTrailer)
    } else {
        Ok(())
    }
}

/// Content below this size is not cut into chunks to fill a transmit buffer up.
const SMALL_CHUNK: usize = 4096;
