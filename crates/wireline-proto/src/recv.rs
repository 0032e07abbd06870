//! The receiving half: the peer's bytes, and the events that they make.

use std::collections::VecDeque;

use http::{StatusCode, Version};

use crate::body::decode::ChunkLine;
use crate::body::length::{self, Framing};
use crate::buffer::Buffer;
use crate::config::{Config, Deviations};
use crate::error::{Error, ErrorKind, Incomplete, Limit, Phase, Violation};
use crate::event::{Event, ResponseHead};
use crate::exchange::{CloseReason, Exchange, ExchangeId};
use crate::fields::FieldsRef;
use crate::head::{self, Fault, Rules, Scan, Scanner};
use crate::persistence;
use crate::send::Send;
use crate::state::{self, ReceiveStep};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receive {
    state: state::Receive,
    buffer: Buffer,
    scanner: Scanner,
    event: Pending,
    body: Body,
    stream: Stream,
    /// Where in the peer's stream the buffer begins.
    offset: u64,
    /// Empty lines dropped since the last message.
    empty_lines: u32,
    /// Interim responses since the last final one: how many, and their bytes.
    interims: u32,
    interim_bytes: u64,
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

/// The event that is lent now, and how many bytes at the front of the buffer it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    None,
    Interim { id: ExchangeId, len: usize },
    Response { id: ExchangeId, len: usize, framing: Framing },
    Content { len: usize },
    End { len: usize },
    Switched { id: ExchangeId, len: usize, framing: Framing },
    Closed,
}

impl Pending {
    fn len(self) -> usize {
        match self {
            Self::None | Self::Closed => 0,
            Self::Interim { len, .. }
            | Self::Response { len, .. }
            | Self::Content { len }
            | Self::End { len }
            | Self::Switched { len, .. } => len,
        }
    }
}

/// What is left of a message body.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    UntilClose,
    /// A chunk line comes; `allowance` bytes of extensions are tolerated yet.
    ChunkLine {
        line: ChunkLine,
        allowance: u64,
    },
    ChunkData {
        left: u64,
        allowance: u64,
    },
    ChunkDataEnd {
        allowance: u64,
    },
    Trailers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Open,
    /// It ended in order.
    Ended,
    Failed,
}

/// What the receiving half needs of the rest of the connection to go on.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) queue: &'a mut VecDeque<Exchange>,
    pub(crate) send: &'a mut Send,
}

impl Receive {
    pub(crate) fn new() -> Self {
        Self {
            state: state::Receive::Idle,
            buffer: Buffer::new(),
            scanner: Scanner::default(),
            event: Pending::None,
            body: Body::Length(0),
            stream: Stream::Open,
            offset: 0,
            empty_lines: 0,
            interims: 0,
            interim_bytes: 0,
            content: 0,
            made_up: 0,
            last: false,
            closing: None,
            error: None,
            deviations: Deviations::default(),
        }
    }

    pub(crate) fn state(&self) -> state::Receive {
        self.state
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    pub(crate) fn deviations(&self) -> Deviations {
        self.deviations
    }

    pub(crate) fn received_total(&self) -> u64 {
        self.offset + (self.buffer.len() - self.made_up) as u64
    }

    pub(crate) fn held(&self) -> usize {
        self.buffer.held() + self.scanner.held()
    }

    pub(crate) fn content(&self) -> u64 {
        self.content
    }

    /// Bytes that have come and made no event yet.
    pub(crate) fn unparsed(&self) -> &[u8] {
        &self.buffer.filled()[self.event.len()..]
    }

    /// Why the connection takes no more requests, as far as the peer's bytes say.
    pub(crate) fn closing(&self, config: &Config) -> Option<CloseReason> {
        if self.closing.is_some() {
            return self.closing;
        }
        // Bytes that came before a request left cannot be its response, whatever they look like.
        let idle = self.state == state::Receive::Idle;
        let empty_lines = config.limits.leading_empty_lines - self.empty_lines.min(config.limits.leading_empty_lines);
        if idle && !only_empty_lines(self.unparsed(), empty_lines) {
            return Some(CloseReason::Unsolicited);
        }
        match self.stream {
            Stream::Open => None,
            Stream::Ended => Some(CloseReason::PeerClosed),
            Stream::Failed => Some(CloseReason::StreamBroken),
        }
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
    }

    pub(crate) fn wants_bytes(&self, config: &Config) -> bool {
        self.stream == Stream::Open
            && matches!(self.state, state::Receive::Idle | state::Receive::Head | state::Receive::Body)
            && self.buffer.len() < config.limits.receive_buffer as usize
    }

    /// A request was sent: a response is owed.
    pub(crate) fn expect(&mut self) {
        self.step(ReceiveStep::Request);
    }

    pub(crate) fn space(&mut self, config: &Config) -> &mut [u8] {
        self.buffer.space(config.limits.receive_buffer as usize)
    }

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
        if !self.unparsed().is_empty() || self.state != state::Receive::Body || self.stream != Stream::Open {
            return None;
        }
        match self.body {
            Body::Length(left) | Body::ChunkData { left, .. } => Some(left).filter(|&left| left > 0),
            Body::UntilClose => Some(u64::MAX),
            Body::ChunkLine { .. } | Body::ChunkDataEnd { .. } | Body::Trailers => None,
        }
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
        let head = |id, len: usize, framing| {
            let bytes = &self.buffer.filled()[..len];
            let (version, status) = match self.scanner.status() {
                Some(line) => (line.version, line.status),
                None => (Version::HTTP_09, StatusCode::OK),
            };
            let reason = self.scanner.reason(bytes);
            let fields = if self.scanner.has_status() { self.scanner.fields(bytes) } else { FieldsRef::EMPTY };
            let bytes = &bytes[..len - self.made_up];
            ResponseHead { exchange: id, status, version, reason, fields, framing, bytes }
        };
        match self.event {
            Pending::None => panic!("there is no event: the last advance did not return Ok(true)"),
            Pending::Interim { id, len } => Event::Interim(head(id, len, Framing::None)),
            Pending::Response { id, len, framing } => Event::Response(head(id, len, framing)),
            Pending::Content { len } => Event::Content(&self.buffer.filled()[..len]),
            Pending::End { len: 0 } => Event::End(FieldsRef::EMPTY),
            Pending::End { len } => Event::End(self.scanner.fields(&self.buffer.filled()[..len])),
            Pending::Switched { id, len, framing } => Event::Switched(head(id, len, framing)),
            Pending::Closed => Event::Closed,
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
            self.scanner.reset();
        }
        if matches!(event, Pending::End { .. }) {
            self.deviations = Deviations::default();
        }
    }

    /// Finds the next event.
    pub(crate) fn advance(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.event != Pending::None {
            self.let_go();
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
            self.scanner.release();
        }
        found
    }

    fn advance_head(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let cut = self.stream != Stream::Open;
            self.drop_empty_lines(context.config);
            let bytes = self.buffer.filled();
            if bytes.is_empty() {
                return match (cut, context.queue.front()) {
                    (false, _) => Ok(false),
                    (true, None) => Ok(self.closed()),
                    (true, Some(_)) => Err(self.incomplete(context, Phase::BeforeResponse, None)),
                };
            }
            let may_be_empty_line = bytes == b"\r" && self.empty_lines < context.config.limits.leading_empty_lines;
            if may_be_empty_line && !cut {
                return Ok(false);
            }
            // Nobody asked: no request is unanswered, or no byte of the one that is has left.
            let asked = context.queue.front().filter(|exchange| exchange.start < context.send.sent());
            let Some(id) = asked.map(|exchange| exchange.id) else {
                return Err(self.fault(None, &Fault { kind: Violation::Unsolicited.into(), at: 0, line: 0 }));
            };
            if self.is_http09(id, context.config) {
                return Ok(self.begin_http09(id, context));
            }
            if may_be_empty_line {
                return Err(self.incomplete(context, Phase::Head, None));
            }
            let bytes = self.buffer.filled();
            let mut rules = Rules { config: context.config, deviations: &mut self.deviations };
            match self.scanner.scan_head(bytes, &mut rules) {
                Ok(Scan::Complete(len)) => return self.head(id, len, context),
                Ok(Scan::NeedMore) if !cut => return Ok(false),
                Ok(Scan::NeedMore) => {
                    let leniency = context.config.leniency.eof_ends_head;
                    if !leniency || !self.scanner.has_status() || self.stream == Stream::Failed || self.made_up > 0 {
                        return Err(self.incomplete(context, Phase::Head, None));
                    }
                    self.deviations.eof_ends_head += 1;
                    self.make_up_head_end();
                }
                Err(fault) => return Err(self.fault(Some(id), &fault)),
            }
        }
    }

    /// Ends a head that was cut off as it should have ended.
    fn make_up_head_end(&mut self) {
        let end: &[u8] = match self.buffer.filled() {
            [.., b'\n', b'\r'] => b"\n",
            [.., b'\r'] => b"\n\r\n",
            [.., b'\n'] => b"\r\n",
            _ => b"\r\n\r\n",
        };
        self.buffer.push(end);
        self.made_up = end.len();
    }

    /// `CRLF` before a status line (RFC 9112 section 9.2), as many as the limit says.
    fn drop_empty_lines(&mut self, config: &Config) {
        while !self.scanner.has_begun() && self.empty_lines < config.limits.leading_empty_lines {
            let len = match self.buffer.filled() {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] if config.leniency.bare_lf_in_head => 1,
                _ => break,
            };
            self.buffer.consume(len);
            self.offset += len as u64;
            self.empty_lines += 1;
        }
    }

    /// A complete head.
    fn head(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> Result<bool, Error> {
        let bytes = self.buffer.filled();
        let fields = self.scanner.fields(bytes);
        let (Some(line), Some(exchange)) = (self.scanner.status(), context.queue.front_mut()) else {
            return Ok(false);
        };
        let (version, status) = (line.version, line.status);
        if status == StatusCode::SWITCHING_PROTOCOLS {
            if !persistence::accepts_switch(&exchange.role, fields) {
                return Err(self.fault(Some(id), &Fault { kind: Violation::SwitchUnasked.into(), at: 0, line: 0 }));
            }
            return Ok(self.switch(id, len, context));
        }
        if status.is_informational() {
            return self.interim(id, len, context);
        }
        let wrong = length::of_response(
            &exchange.role,
            status,
            version,
            fields,
            &context.config.leniency,
            &mut self.deviations,
        );
        let framing = match wrong {
            Ok(Framing::Tunnel) => return Ok(self.switch(id, len, context)),
            Ok(framing) => framing,
            Err((violation, place)) => {
                let at = self.scanner.value_at(place.0);
                return Err(self.fault(Some(id), &Fault { kind: violation.into(), at, line: 0 }));
            }
        };
        let closing = persistence::close_reason(version, fields, framing);
        let ambiguous = self.deviations.te_with_cl > 0;
        exchange.begun = true;
        let (ours, asked) = (exchange.last, exchange.role.may_switch());
        if ambiguous {
            self.scanner.hide(self.buffer.filled(), "content-length");
        }
        self.last = closing.is_some() || ambiguous || ours;
        context.send.answered(id, asked);
        if let Some(reason) = closing.or_else(|| ambiguous.then_some(CloseReason::Deviation)) {
            self.close(reason);
            context.send.peer_closed();
        }
        self.begin(id, len, framing, context.config);
        Ok(true)
    }

    /// The body of a final response begins.
    fn begin(&mut self, id: ExchangeId, len: usize, framing: Framing, config: &Config) {
        self.body = match framing {
            Framing::Length(length) => Body::Length(length),
            Framing::UntilClose => Body::UntilClose,
            Framing::Chunked => {
                Body::ChunkLine { line: ChunkLine::default(), allowance: u64::from(config.limits.chunk_extensions) }
            }
            Framing::None | Framing::Tunnel => Body::Length(0),
        };
        (self.empty_lines, self.interims, self.interim_bytes, self.content) = (0, 0, 0, 0);
        self.step(ReceiveStep::Final);
        self.event = Pending::Response { id, len, framing };
    }

    fn interim(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> Result<bool, Error> {
        let limits = &context.config.limits;
        let room = u64::from(limits.interim_bytes) - self.interim_bytes;
        let over = if self.interims >= limits.interim_responses {
            Some((Limit::InterimResponses, 0))
        } else {
            usize::try_from(room).ok().filter(|&room| room < len).map(|room| (Limit::InterimBytes, room))
        };
        if let Some((limit, at)) = over {
            return Err(self.fault(Some(id), &Fault { kind: limit.into(), at, line: 0 }));
        }
        self.interims += 1;
        self.interim_bytes += len as u64;
        self.empty_lines = 0;
        if self.scanner.status().is_some_and(|line| line.status == StatusCode::CONTINUE) {
            context.send.continued(id);
        }
        self.step(ReceiveStep::Interim);
        self.event = Pending::Interim { id, len };
        Ok(true)
    }

    fn switch(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> bool {
        context.queue.pop_front();
        context.send.switched();
        self.close(CloseReason::Switched);
        self.step(ReceiveStep::Switch);
        self.event = Pending::Switched { id, len, framing: Framing::Tunnel };
        true
    }

    /// Whether what came is no head, where HTTP/0.9 is let through: on a connection that has not spoken HTTP/1.
    fn is_http09(&self, id: ExchangeId, config: &Config) -> bool {
        let bytes = self.buffer.filled();
        config.leniency.http09
            && id.index() == 0
            && self.interims == 0
            && !self.scanner.has_status()
            && match head::check_prefix(bytes) {
                Err((Violation::StatusLine, _)) => true,
                _ => bytes.len() < 5 && self.stream == Stream::Ended,
            }
    }

    fn begin_http09(&mut self, id: ExchangeId, context: &mut Context<'_>) -> bool {
        self.deviations.http09 += 1;
        if let Some(exchange) = context.queue.front_mut() {
            exchange.begun = true;
        }
        self.last = true;
        self.close(CloseReason::UntilClose);
        context.send.answered(id, true);
        context.send.peer_closed();
        self.begin(id, 0, Framing::UntilClose, context.config);
        true
    }

    fn advance_body(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let bytes = self.buffer.filled();
            match &mut self.body {
                Body::Length(0) => return Ok(self.complete(0, context)),
                Body::Length(left) | Body::ChunkData { left, .. } if !bytes.is_empty() => {
                    let len = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    return Ok(self.deliver(len));
                }
                Body::Length(left) | Body::ChunkData { left, .. } => {
                    let left = *left;
                    return self.starve(context, Phase::Content, Some(left));
                }
                Body::UntilClose if !bytes.is_empty() => {
                    let len = bytes.len();
                    return Ok(self.deliver(len));
                }
                Body::UntilClose if self.stream == Stream::Ended => return Ok(self.complete(0, context)),
                Body::UntilClose => return self.starve(context, Phase::Content, None),
                Body::ChunkLine { line, allowance } => {
                    match line.scan(bytes, allowance, context.config, &mut self.deviations) {
                        Ok(Some(chunk)) => {
                            let allowance = *allowance;
                            self.skip(chunk.line);
                            self.body = if chunk.size == 0 {
                                self.scanner.reset();
                                Body::Trailers
                            } else {
                                Body::ChunkData { left: chunk.size, allowance }
                            };
                        }
                        Ok(None) => return self.starve(context, Phase::ChunkLine, None),
                        Err((kind, at)) => return Err(self.fault(front(context), &Fault { kind, at, line: 0 })),
                    }
                }
                Body::ChunkDataEnd { allowance } => {
                    let lenient = context.config.leniency.bare_lf_in_chunked;
                    let (end, wrong) = match bytes {
                        [b'\r', b'\n', ..] => (2, None),
                        [b'\n', ..] if lenient => (1, None),
                        [] | [b'\r'] => return self.starve(context, Phase::ChunkLine, None),
                        [b'\r', ..] => (0, Some(1)),
                        [..] => (0, Some(0)),
                    };
                    if let Some(at) = wrong {
                        let fault = Fault { kind: Violation::ChunkDataEnd.into(), at, line: 0 };
                        return Err(self.fault(front(context), &fault));
                    }
                    if end == 1 {
                        self.deviations.bare_lf_in_chunked = self.deviations.bare_lf_in_chunked.saturating_add(1);
                    }
                    self.body = Body::ChunkLine { line: ChunkLine::default(), allowance: *allowance };
                    self.skip(end);
                }
                Body::Trailers => {
                    let mut rules = Rules { config: context.config, deviations: &mut self.deviations };
                    return match self.scanner.scan_trailers(bytes, &mut rules) {
                        Ok(Scan::Complete(len)) => Ok(self.complete(len, context)),
                        Ok(Scan::NeedMore) => self.starve(context, Phase::Trailers, None),
                        Err(fault) => Err(self.fault(front(context), &fault)),
                    };
                }
            }
        }
    }

    /// Lends content.
    fn deliver(&mut self, len: usize) -> bool {
        self.take_content(len as u64);
        self.event = Pending::Content { len };
        true
    }

    fn take_content(&mut self, n: u64) {
        self.content += n;
        match &mut self.body {
            Body::Length(left) => *left -= n,
            Body::ChunkData { left, allowance } => {
                *left -= n;
                *allowance = allowance.saturating_add(n);
                if *left == 0 {
                    self.body = Body::ChunkDataEnd { allowance: *allowance };
                }
            }
            Body::UntilClose | Body::ChunkLine { .. } | Body::ChunkDataEnd { .. } | Body::Trailers => {}
        }
    }

    /// The body wants bytes, and there are none: more will come, or it is cut off.
    fn starve(&mut self, context: &mut Context<'_>, phase: Phase, missing: Option<u64>) -> Result<bool, Error> {
        let leniency = &context.config.leniency;
        match self.stream {
            Stream::Open => return Ok(false),
            Stream::Ended if phase == Phase::Trailers && leniency.eof_ends_trailers => {
                self.deviations.eof_ends_trailers += 1;
            }
            Stream::Ended if leniency.incomplete_as_end => self.deviations.incomplete_as_end += 1,
            Stream::Ended | Stream::Failed => return Err(self.incomplete(context, phase, missing)),
        }
        self.discard();
        self.last = true;
        self.close(CloseReason::PeerClosed);
        context.send.peer_closed();
        Ok(self.complete(0, context))
    }

    /// The message is complete; its trailer section is the next `len` bytes.
    fn complete(&mut self, len: usize, context: &mut Context<'_>) -> bool {
        context.queue.pop_front();
        let step = match (self.last, context.queue.is_empty()) {
            (true, _) => ReceiveStep::Last,
            (false, true) => ReceiveStep::Complete,
            (false, false) => ReceiveStep::Next,
        };
        self.step(step);
        self.event = Pending::End { len };
        true
    }

    /// The peer closed between messages: an event, once.
    fn closed(&mut self) -> bool {
        if self.stream == Stream::Open {
            return false;
        }
        self.step(ReceiveStep::EndOfStream);
        self.close(if self.stream == Stream::Failed { CloseReason::StreamBroken } else { CloseReason::PeerClosed });
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
        let reason = if self.stream == Stream::Failed { CloseReason::StreamBroken } else { CloseReason::PeerClosed };
        self.close(reason);
        let received = if phase == Phase::BeforeResponse || phase == Phase::Head { 0 } else { self.content };
        let at = self.buffer.len();
        let fault = Fault { kind: Incomplete { phase, received, missing }.into(), at, line: at };
        self.fault(front(context), &fault)
    }

    /// An error is a state: the same one from now on.
    fn fault(&mut self, id: Option<ExchangeId>, fault: &Fault) -> Error {
        let line = &self.buffer.filled()[fault.line..];
        let error = Error::new(fault.kind, self.offset + fault.at as u64, id, line, fault.at - fault.line);
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

fn front(context: &Context<'_>) -> Option<ExchangeId> {
    context.queue.front().map(|exchange| exchange.id)
}

/// Whether this is nothing but line ends that may still be dropped, the last one perhaps not complete.
fn only_empty_lines(bytes: &[u8], most: u32) -> bool {
    bytes.len() <= 2 * most as usize && bytes.iter().zip([b'\r', b'\n'].iter().cycle()).all(|(byte, end)| byte == end)
}
