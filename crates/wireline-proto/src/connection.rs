//! The connection: two half-machines joined by a queue of exchanges.

use crate::body::length::Framing;
use crate::config::{self, Config, Deviations};
use crate::error::{Error, Misuse};
use crate::event::{Event, Interest};
use crate::exchange::{CloseReason, Exchange, ExchangeId, Progress, Reuse, Unanswered};
use crate::fields::Fields;
use crate::in_flight::InFlight;
use crate::recv::{Context, Receive};
use crate::request::Request;
use crate::send::Send;
use crate::state;

/// One HTTP/1.1 client connection: requests in, bytes out; bytes in, events out. No socket, no clock.
///
/// The methods come in five groups, below in this order:
///
/// 1. **Questions** about the connection. They change nothing.
/// 2. **Commands**: legal, or refused as [`Misuse`] with nothing changed.
/// 3. **Bytes out**: write some of [`transmit`](Self::transmit), say how many left with
///    [`transmitted`](Self::transmitted).
/// 4. **Bytes in**: read into [`receive_space`](Self::receive_space), say how many came with
///    [`received`](Self::received); 0 is the end of the stream.
/// 5. **Events**: [`advance`](Self::advance) to the next one, then look at it with [`event`](Self::event). Not asking
///    for the next event *is* back-pressure.
///
/// The loop that a caller owes it stands in the [crate's documentation](crate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    config: config::Own,
    send: Send,
    receive: Receive,
    queue: InFlight,
    next: u64,
}

impl Connection {
    /// A connection on which nothing has been sent.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config: config.into(), send: Send::new(), receive: Receive::new(), queue: InFlight::default(), next: 0 }
    }

    // Questions

    /// What it was made with.
    #[must_use]
    #[inline]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it waits for.
    #[must_use]
    pub fn interest(&self) -> Interest {
        Interest { read: self.receive.wants_bytes(&self.config), write: self.send.is_transmitting() }
    }

    /// The exchange whose response comes next. `None` when none is owed, or when none can come any more: after an
    /// error, and behind a response that ended the connection.
    #[must_use]
    #[inline]
    pub fn receiving(&self) -> Option<ExchangeId> {
        match self.receive.state() {
            state::Receive::Head | state::Receive::Body => self.queue.front().map(|exchange| exchange.id),
            _ => None,
        }
    }

    /// Whether a head is awaited of which nothing has come: before something does, [`advance`](Self::advance) has nothing to
    /// say.
    #[must_use]
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.receive.is_waiting()
    }

    /// The exchange whose content waits for 100 (Continue); `None` also when none can come any more.
    #[must_use]
    pub fn awaiting_continue(&self) -> Option<ExchangeId> {
        let waits = self.send.state() == state::Send::AwaitingContinue && self.receiving().is_some();
        self.send.current().filter(|_| waits)
    }

    /// The exchange whose final response has begun although its content has not been sent completely. Both to
    /// [abandon](Self::abandon_content) the content and to go on sending it are legal (RFC 9110 section 7.5); only
    /// the second leaves a connection that can be reused.
    #[must_use]
    pub fn answered_early(&self) -> Option<ExchangeId> {
        self.send.answered_early()
    }

    /// What is still owed of the content of the request being sent: [`Framing::None`] when nothing is,
    /// [`Framing::Length`] with the rest, or [`Framing::Chunked`].
    #[must_use]
    #[inline]
    pub fn content_due(&self) -> Framing {
        self.send.due()
    }

    /// Each exchange without a complete response, in order: after a failure, what may be sent again.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> + '_ {
        let sent = self.send.sent();
        self.queue.iter().map(move |exchange| {
            let left = sent.min(exchange.end.unwrap_or(u64::MAX)).saturating_sub(exchange.start);
            let progress = match exchange.end {
                _ if exchange.heard => Progress::ResponseBegun,
                _ if left == 0 => Progress::NothingSent,
                Some(end) if end <= sent => Progress::Sent,
                _ => Progress::PartlySent,
            };
            Unanswered { exchange: exchange.id, progress, sent: left, idempotent: exchange.idempotent }
        })
    }

    /// Whether the connection can carry another request. It takes a proof: everything sent and answered, nothing
    /// left over, nobody asked for a close, nothing ambiguous.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        if let Some(reason) = self.receive.closing(&self.config) {
            return Reuse::Never(reason);
        }
        let idle = self.queue.is_empty() && self.send.state() == state::Send::Idle && !self.send.is_transmitting();
        if idle && self.receive.state() == state::Receive::Idle { Reuse::Now } else { Reuse::NotYet }
    }

    /// What had to be tolerated in the response being received, or the last one.
    #[must_use]
    pub fn deviations(&self) -> Deviations {
        self.receive.deviations()
    }

    /// The error that broke it.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.receive.error()
    }

    /// How many bytes were handed to the transport.
    #[must_use]
    #[inline]
    pub fn bytes_sent(&self) -> u64 {
        self.send.sent()
    }

    /// How many bytes have come from the transport.
    #[must_use]
    #[inline]
    pub fn bytes_received(&self) -> u64 {
        self.receive.received_total()
    }

    /// How much content of the response being received, or of the last one, has come.
    #[must_use]
    pub fn content_received(&self) -> u64 {
        self.receive.content()
    }

    /// Bytes that have come and made no event yet: to look at after an error, when nothing else is to be had of them.
    #[must_use]
    pub fn unparsed(&self) -> &[u8] {
        self.receive.unparsed()
    }

    /// How much memory it holds for bytes and for the index of fields. It follows what has come and is bounded by
    /// [`Limits`](crate::Limits), whatever the peer announces.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.send.held() + self.receive.held() + self.queue.held()
    }

    // Commands

    /// Queues a request. Its content, if [`Request::framing`] says that there is any, follows by
    /// [`send_content`](Self::send_content) and [`finish_request`](Self::finish_request).
    ///
    /// Further requests may be queued before the response has come: that is pipelining.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::ContentUnfinished`], [`Misuse::SwitchPending`], [`Misuse::NotIdempotent`],
    /// [`Misuse::ChunksToHttp10`].
    pub fn send_request(&mut self, request: &Request) -> Result<ExchangeId, Misuse> {
        if let Some(reason) = self.receive.closing(&self.config) {
            return Err(Misuse::Closed(reason));
        }
        match self.send.state() {
            state::Send::Idle => {}
            state::Send::AwaitingContinue | state::Send::Content => return Err(Misuse::ContentUnfinished),
            state::Send::SwitchPending => return Err(Misuse::SwitchPending),
            state::Send::Closing => return Err(Misuse::Closed(CloseReason::WeSentClose)),
            state::Send::Closed => return Err(Misuse::Closed(CloseReason::TransmitClosed)),
            state::Send::Switched => return Err(Misuse::Closed(CloseReason::Switched)),
        }
        if request.framing() == Framing::Chunked && self.receive.is_http10() {
            return Err(Misuse::ChunksToHttp10);
        }
        // Responses come in order, so if any exchange has not begun the last one has not; and one that is not idempotent
        // is the last of those.
        if let Some(last) = self.queue.back().filter(|last| !last.begun && !self.config.pipeline_any_method) {
            if !request.is_idempotent() || !last.idempotent {
                return Err(Misuse::NotIdempotent);
            }
        }
        let id = ExchangeId(self.next);
        self.next += 1;
        let start = self.send.queued();
        self.send.request(id, request);
        let end = match request.framing() {
            Framing::None => Some(self.send.queued()),
            Framing::Length(length) => Some(self.send.queued().saturating_add(length)),
            _ => None,
        };
        if request.closes() {
            self.receive.close(CloseReason::WeSentClose);
        }
        self.queue.push(Exchange {
            id,
            role: request.exchange_role().clone(),
            idempotent: request.is_idempotent(),
            start,
            end,
            last: request.closes(),
            since: None,
            heard: false,
            begun: false,
        });
        self.receive.expect();
        if request.as_bytes().is_empty() {
            self.note_begun();
        }
        Ok(id)
    }

    /// Queues content, as much as fits into the transmit buffer, and says how much that was: 0 means that bytes have to
    /// be transmitted first. In chunks, each call makes a chunk; empty content makes none.
    ///
    /// # Errors
    /// [`Misuse::NoContentDue`], [`Misuse::AwaitingContinue`], [`Misuse::ContentExcess`],
    /// [`Misuse::FramedContentOwed`]; [`Misuse::ForbiddenTrailer`] for content that is
    /// [encoded](crate::RequestBuilder::encoded) already.
    pub fn send_content(&mut self, content: &[u8]) -> Result<usize, Misuse> {
        self.send.content(content, self.config.limits.transmit_room())
    }

    /// Queues only the framing of `len` bytes of content; the content itself goes out by a way of your own, `sendfile` or
    /// `writev`, when [`framed_content`](Self::framed_content) says that its turn has come.
    ///
    /// # Errors
    /// As [`send_content`](Self::send_content).
    pub fn frame_content(&mut self, len: u64) -> Result<(), Misuse> {
        self.send.frame(len)
    }

    /// The same where the bytes are at hand: the way for content that is [encoded](crate::RequestBuilder::encoded)
    /// already, which has to be seen.
    ///
    /// # Errors
    /// As [`send_content`](Self::send_content).
    pub fn frame_seen_content(&mut self, content: &[u8]) -> Result<(), Misuse> {
        self.send.frame_seen(content)
    }

    /// Ends the content of the request, with a trailer section where it goes in chunks. Not needed, and refused, after
    /// a request without content.
    ///
    /// # Errors
    /// [`Misuse::NoContentDue`], [`Misuse::AwaitingContinue`], [`Misuse::ContentShort`],
    /// [`Misuse::FramedContentOwed`], [`Misuse::TrailersWithoutChunks`], [`Misuse::ForbiddenTrailer`].
    pub fn finish_request(&mut self, trailers: &Fields) -> Result<(), Misuse> {
        let id = self.send.current();
        let end = self.send.finish(trailers)?;
        // After an early final response the exchange may be over already.
        if let Some(exchange) = self.queue.back_mut().filter(|exchange| Some(exchange.id) == id) {
            exchange.end = Some(end);
        }
        Ok(())
    }

    /// Ends the wait for 100 (Continue): the content may be sent (RFC 9110 section 10.1.1: a client should not wait
    /// for ever).
    ///
    /// # Errors
    /// [`Misuse::NotAwaitingContinue`].
    pub fn waive_continue(&mut self) -> Result<(), Misuse> {
        self.send.waive()
    }

    /// Gives up the rest of the content. What is queued already still leaves; the response can still be received; no
    /// other request can follow, since the peer could not tell where it starts.
    ///
    /// # Errors
    /// [`Misuse::NoContentDue`].
    pub fn abandon_content(&mut self) -> Result<(), Misuse> {
        self.send.abandon()?;
        self.receive.close(CloseReason::ContentAbandoned);
        Ok(())
    }

    // Bytes out

    /// The bytes to write next.
    #[must_use]
    #[inline]
    pub fn transmit(&self) -> &[u8] {
        self.send.transmit()
    }

    /// The first `n` bytes of [`transmit`](Self::transmit) have left.
    ///
    /// Say so before you say what was [`received`](Self::received) after the write: a response that came before a byte of
    /// its request had left is nobody's. Where two threads share a connection, write and say so under one lock.
    ///
    /// # Panics
    /// When there were fewer.
    pub fn transmitted(&mut self, n: usize) {
        self.send.transmitted(n);
        self.note_begun();
    }

    /// How many bytes of your own, framed by [`frame_content`](Self::frame_content), go out now: 0 while
    /// [`transmit`](Self::transmit) has bytes that go before them.
    #[must_use]
    #[inline]
    pub fn framed_content(&self) -> u64 {
        self.send.framed()
    }

    /// How many bytes of your own are framed and have not left, whatever has to leave before them: not 0 where sending
    /// goes on that had to stop.
    #[must_use]
    #[inline]
    pub fn framed_owed(&self) -> u64 {
        self.send.framed_owed()
    }

    /// So many bytes of framed content have left.
    ///
    /// # Panics
    /// When [`framed_content`](Self::framed_content) said fewer.
    pub fn transmitted_content(&mut self, n: u64) {
        if n > 0 {
            self.send.transmitted_content(n);
            self.note_begun();
        }
    }

    /// Bytes have left: of which requests the first ones?
    fn note_begun(&mut self) {
        self.queue.note_begun(self.send.sent(), self.receive.received_total());
    }

    /// Our side broke: nothing more can be written. The peer may still answer, so go on reading.
    pub fn transmit_closed(&mut self) {
        self.send.fail();
        self.receive.close(CloseReason::TransmitClosed);
    }

    // Bytes in

    /// Room to read into. Empty only at the bound [`Limits::receive_buffer`](crate::Limits::receive_buffer), while
    /// events wait to be taken; never when [`advance`](Self::advance) has just said that it needs bytes.
    pub fn receive_space(&mut self) -> &mut [u8] {
        self.receive.space(&self.config)
    }

    /// Nothing has come, and the wait for it may be long: the memory of [`receive_space`](Self::receive_space) is not needed
    /// until there is something to read, unless something waits in it. For who waits on many connections.
    pub fn rest(&mut self) {
        self.receive.rest();
    }

    /// So many bytes were read into [`receive_space`](Self::receive_space). 0: the peer has ended the stream in order,
    /// with TLS by `close_notify`.
    ///
    /// # Panics
    /// When there was less room.
    #[inline]
    pub fn received(&mut self, n: usize) {
        self.receive.received(n);
    }

    /// The stream broke: a reset, or TLS that ended without `close_notify` (RFC 9112 section 9.8). Content that lasts
    /// until the close is incomplete then.
    pub fn receive_failed(&mut self) {
        self.receive.failed();
    }

    /// How many bytes, if any, can by-pass the buffer, because what comes next is content and nothing else: read
    /// straight into memory of your own, or splice. Say what came with [`took_content`](Self::took_content).
    #[must_use]
    pub fn direct_content(&self) -> Option<u64> {
        self.receive.direct_content()
    }

    /// So many bytes of content by-passed the buffer. Lets go of the last event.
    ///
    /// # Panics
    /// When [`direct_content`](Self::direct_content) allowed fewer.
    pub fn took_content(&mut self, n: u64) {
        self.receive.took_content(n);
    }

    // Events

    /// Moves on to the next event and lets go of the last one. `false`: there is none yet; more bytes are needed, or
    /// nothing is owed.
    ///
    /// # Errors
    /// What the peer did wrong; the same for ever after.
    pub fn advance(&mut self) -> Result<bool, Error> {
        let mut context = Context { config: &self.config, queue: &mut self.queue, send: &mut self.send };
        self.receive.advance(&mut context)
    }

    /// The event that the last [`advance`](Self::advance) came to.
    ///
    /// # Panics
    /// When it did not return `Ok(true)`.
    #[must_use]
    pub fn event(&self) -> Event<'_> {
        self.receive.event()
    }

    /// The content that the event lends; empty where it is another event, or none.
    #[must_use]
    #[inline]
    pub fn content(&self) -> &[u8] {
        self.receive.lent_content()
    }

    /// Where in the peer's stream the event begins, counted in bytes from the start of the connection; for
    /// [`Event::End`], where the message ends.
    #[must_use]
    pub fn event_offset(&self) -> u64 {
        self.receive.event_offset()
    }

    /// After [`Event::Switched`], when the request has been sent completely: the bytes that came behind the head and
    /// belong to the tunnel or to the new protocol.
    ///
    /// # Errors
    /// The connection itself when it has not switched, when content of the request is still owed (RFC 9110 section 7.8),
    /// or when our side is closed; the bytes that came are then in [`unparsed`](Self::unparsed).
    pub fn into_switched(self) -> Result<Vec<u8>, Box<Self>> {
        if self.send.state() == state::Send::Switched && !self.send.is_transmitting() {
            Ok(self.receive.into_switched())
        } else {
            Err(Box::new(self))
        }
    }
}
