//! The receiving half: the peer's bytes, and the events that they make.

use crate::body::decode::Decoder;
use crate::buffer::Buffer;
use crate::config::{Config, Deviations};
use crate::error::{Error, ErrorKind, Incomplete, Phase, Violation};
use crate::event::Event;
use crate::exchange::{CloseReason, ExchangeId};
use crate::fault::Fault;
use crate::free::Lent;
use crate::head::Scanner;
use crate::in_flight::InFlight;
use crate::send::Send;
use crate::state::{self, ReceiveStep};

mod content;
mod interims;
mod pending;
mod response;

use interims::Interims;
use pending::Pending;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receive {
    state: state::Receive,
    buffer: Buffer,
    scanner: Lent<Scanner>,
    event: Pending,
    body: Decoder,
    stream: Stream,
    /// Where in the peer's stream the buffer begins.
    offset: u64,
    /// The last final response was HTTP/1.0.
    http10: bool,
    /// An interim response has said that the connection ends behind the final one.
    closes: bool,
    /// Empty lines dropped since the last message.
    empty_lines: u32,
    interims: Interims,
    /// Content of the response so far.
    content: u64,
    /// Bytes that a leniency put behind a head that was cut off.
    made_up: usize,
    /// The response that is being received is the connection's last.
    last: bool,
    /// Why the connection takes no more requests: the first reason to arise.
    closing: Option<CloseReason>,
    error: Option<Error>,
    deviations: Deviations,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Open,
    /// It ended in order.
    Ended,
    Failed,
}

impl Stream {
    fn close_reason(self) -> Option<CloseReason> {
        match self {
            Self::Open => None,
            Self::Ended => Some(CloseReason::PeerClosed),
            Self::Failed => Some(CloseReason::StreamBroken),
        }
    }
}

/// What the receiving half needs of the rest of the connection to go on.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) queue: &'a mut InFlight,
    pub(crate) send: &'a mut Send,
}

impl Context<'_> {
    /// The peer takes no more requests.
    fn peer_closed(&mut self) {
        let sent = self.send.sent();
        let unsent = self.queue.iter().map(|exchange| exchange.start).find(|&start| start >= sent);
        self.send.peer_closed(unsent);
    }
}

impl Receive {
    pub(crate) fn new() -> Self {
        Self {
            state: state::Receive::Idle,
            buffer: Buffer::new(),
            scanner: Lent::NONE,
            event: Pending::None,
            body: Decoder::Length(0),
            stream: Stream::Open,
            offset: 0,
            empty_lines: 0,
            interims: Interims::default(),
            content: 0,
            made_up: 0,
            last: false,
            closing: None,
            error: None,
            http10: false,
            closes: false,
            deviations: Deviations::default(),
        }
    }

    #[inline]
    pub(crate) fn state(&self) -> state::Receive {
        self.state
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    pub(crate) fn deviations(&self) -> Deviations {
        self.deviations
    }

    #[inline]
    pub(crate) fn received_total(&self) -> u64 {
        self.offset + (self.buffer.len() - self.made_up) as u64
    }

    pub(crate) fn held(&self) -> usize {
        self.buffer.held() + self.scanner.held()
    }

    /// How many bytes at the end of the buffer never came: none once the head that they end is lent.
    fn unread_made_up(&self) -> usize {
        if matches!(self.event, Pending::None) { self.made_up } else { 0 }
    }

    pub(crate) fn content(&self) -> u64 {
        self.content
    }

    /// Bytes that have come and made no event yet.
    pub(crate) fn unparsed(&self) -> &[u8] {
        &self.buffer.filled()[self.event.len()..self.buffer.len() - self.unread_made_up()]
    }

    /// Why the connection takes no more requests, as far as the peer's bytes say.
    pub(crate) fn closing(&self, config: &Config) -> Option<CloseReason> {
        if self.closing.is_some() {
            return self.closing;
        }
        // Bytes that came before a request left cannot be its response, whatever they look like.
        if self.state == state::Receive::Idle && !self.buffer.is_empty() {
            let empty_lines = config.limits.leading_empty_lines.saturating_sub(self.empty_lines);
            if !response::only_empty_lines(self.unparsed(), empty_lines, config) {
                return Some(CloseReason::Unsolicited);
            }
        }
        self.stream.close_reason()
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
    }

    pub(crate) fn wants_bytes(&self, config: &Config) -> bool {
        self.stream == Stream::Open
            && matches!(self.state, state::Receive::Idle | state::Receive::Head | state::Receive::Body)
            && self.buffer.has_room(config.limits.room() as usize)
    }

    /// A request was sent: a response is owed.
    pub(crate) fn expect(&mut self) {
        self.step(ReceiveStep::Request);
    }

    pub(crate) fn space(&mut self, config: &Config) -> &mut [u8] {
        self.buffer.space(config.limits.room() as usize)
    }

    /// Nothing has come: the memory for it goes back, if nothing else waits in it.
    pub(crate) fn rest(&mut self) {
        self.buffer.release();
    }

    #[inline]
    pub(crate) fn received(&mut self, n: usize) {
        if n == 0 {
            self.end(Stream::Ended);
        } else {
            self.buffer.fill(n);
        }
    }

    pub(crate) fn failed(&mut self) {
        self.end(Stream::Failed);
    }

    fn end(&mut self, stream: Stream) {
        if self.stream == Stream::Open {
            self.stream = stream;
        }
    }

    pub(crate) fn direct_content(&self) -> Option<u64> {
        let is_open = self.state == state::Receive::Body && self.stream == Stream::Open;
        let is_all_parsed = self.buffer.len() == self.event.len() + self.unread_made_up();
        if is_open && is_all_parsed { self.body.content_ahead() } else { None }
    }

    pub(crate) fn took_content(&mut self, n: u64) {
        assert!(self.direct_content().is_some_and(|most| n <= most), "more content was taken than there is");
        self.let_go();
        self.offset += n;
        self.take_content(n);
    }

    /// Where in the peer's stream the event begins; for the end of a message, where that is.
    pub(crate) fn event_offset(&self) -> u64 {
        match self.event {
            Pending::End { len } => self.offset + len as u64,
            _ => self.offset,
        }
    }

    pub(crate) fn event(&self) -> Event<'_> {
        self.event.lend(self.buffer.filled(), self.made_up, &self.scanner)
    }

    #[inline]
    pub(crate) fn lent_content(&self) -> &[u8] {
        match self.event {
            Pending::Content { len } => &self.buffer.filled()[..len],
            _ => &[],
        }
    }

    /// What came after the switch.
    pub(crate) fn into_switched(mut self) -> Vec<u8> {
        self.let_go();
        self.buffer.filled().to_vec()
    }

    /// Lets go of the last event.
    fn let_go(&mut self) {
        let event = std::mem::replace(&mut self.event, Pending::None);
        let len = event.len();
        self.buffer.consume(len);
        self.offset += (len - self.made_up) as u64;
        if !matches!(event, Pending::None | Pending::Content { .. }) {
            self.made_up = 0;
            if let Some(scanner) = self.scanner.lent() {
                scanner.reset();
            }
        }
        if matches!(event, Pending::End { .. }) {
            self.deviations = Deviations::default();
        }
    }

    /// Whether the peer speaks HTTP/1.0, as far as is known.
    pub(crate) fn is_http10(&self) -> bool {
        self.http10
    }

    /// A head is awaited, and nothing waits in the buffer: an event that is lent yet has no bytes.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == state::Receive::Head && self.stream == Stream::Open && self.buffer.is_empty()
    }

    /// Finds the next event.
    pub(crate) fn advance(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        match self.event {
            Pending::None => {}
            // There may be as many of these as there are small chunks.
            Pending::Content { len } => {
                self.event = Pending::None;
                self.skip(len);
                if self.advance_chunk(context.config) {
                    return Ok(true);
                }
            }
            _ => self.let_go(),
        }
        if self.is_waiting() {
            return Ok(false);
        }
        let found = match self.state {
            state::Receive::Idle | state::Receive::Head => self.advance_head(context),
            state::Receive::Body => self.advance_body(context),
            state::Receive::Done => {
                self.discard();
                Ok(self.closed())
            }
            state::Receive::Closed | state::Receive::Broken | state::Receive::Switched => Ok(false),
        };
        if self.state == state::Receive::Idle && self.buffer.is_empty() {
            self.buffer.release();
            self.scanner.give_back();
        } else if found == Ok(false) {
            self.buffer.settle(context.config.limits.room() as usize);
        }
        found
    }

    /// The peer closed between messages: an event, once.
    fn closed(&mut self) -> bool {
        let Some(reason) = self.stream.close_reason() else { return false };
        self.step(ReceiveStep::EndOfStream);
        self.close(reason);
        self.event = Pending::Closed;
        true
    }

    /// Lets go of framing at the front of the buffer.
    fn skip(&mut self, n: usize) {
        self.buffer.consume(n);
        self.offset += n as u64;
    }

    fn discard(&mut self) {
        self.skip(self.buffer.len());
        self.buffer.release();
    }

    fn incomplete(&mut self, context: &Context<'_>, phase: Phase, missing: Option<u64>) -> Error {
        if let Some(reason) = self.stream.close_reason() {
            self.close(reason);
        }
        let received = if phase == Phase::BeforeResponse || phase == Phase::Head { 0 } else { self.content };
        let at = self.buffer.len();
        let fault = Fault::up_to(Incomplete { phase, received, missing }, at, at);
        self.fault(context.queue.front().map(|exchange| exchange.id), &fault)
    }

    /// An error is a state: the same one from now on.
    fn fault(&mut self, id: Option<ExchangeId>, fault: &Fault) -> Error {
        let phase = match fault.kind {
            ErrorKind::Incomplete(incomplete) => incomplete.phase,
            _ if id.is_none() => Phase::BeforeResponse,
            _ if self.state == state::Receive::Body => self.body.phase(),
            _ => Phase::Head,
        };
        let came = &self.buffer.filled()[..self.buffer.len() - self.made_up];
        let at = self.offset + fault.at.min(came.len()) as u64;
        let error = Error::new(fault.kind, at, id, phase, fault.excerpt(came));
        self.close(match fault.kind {
            ErrorKind::Violation(Violation::Unsolicited) => CloseReason::Unsolicited,
            _ => CloseReason::Error,
        });
        self.step(ReceiveStep::Fail);
        self.error = Some(error.clone());
        error
    }

    fn step(&mut self, step: ReceiveStep) {
        debug_assert!(self.state.after(step).is_some(), "{step:?} is legal in {:?}", self.state);
        self.state = self.state.after(step).unwrap_or(state::Receive::Broken);
    }
}
