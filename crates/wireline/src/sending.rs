//! Requests and their content, sent while listening.

mod file;

use std::io::{self, Read};
use std::time::{Duration, Instant};

use wireline_proto::{ExchangeId, Fields, Framing, Misuse, Request, Reuse};

use crate::content::{self, Content, NextPiece, Source};
use crate::driver::{Driver, Filled};
use crate::error::{Error, ErrorKind};
use crate::reply::State;
use crate::timeouts::{Operation, end_of};
use crate::trace;
use crate::transport::Transport;

/// Content up to this size is copied behind the head and leaves with it; more goes from the caller's memory.
const SMALL: usize = 4 << 10;

/// How much leaves at most before it is looked whether there is an answer: a peer that throws away what it gets never
/// makes a write wait.
const AT_ONCE: usize = 1 << 20;

impl<S: Transport> Driver<S> {
    /// Queues a request, on a connection that is alive as far as can be seen.
    pub(crate) fn send_request(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        let now = Instant::now();
        if self.core.receiving().is_none() {
            self.look_if_idle(now);
        }
        let forwarded = match &self.forward {
            Some(forward) => forward.0.forward(request, &forward.1)?,
            None => None,
        };
        let request = forwarded.as_ref().unwrap_or(request);
        let begin = self.core.bytes_sent() + self.core.transmit().len() as u64;
        let id = self.core.send_request(request).map_err(|misuse| self.misuse(misuse))?;
        self.content_sent = 0;
        self.content_waiting = 0;
        self.cut_short = false;
        self.has_abandoned = false;
        self.told_early = false;
        self.keep_sending = false;
        self.continue_within = self.timeouts.expect_continue;
        self.continue_until = None;
        self.held.clear();
        trace::request(id, request.method());
        let end = self.core.bytes_sent() + self.core.transmit().len() as u64;
        self.clock.start(id, now, begin, (self.core.content_due() == Framing::None).then_some(end));
        Ok(id)
    }

    /// Sends a request with its content, unless an answer comes first.
    pub(crate) fn send_whole(&mut self, request: &Request, mut content: Content<'_>) -> Result<(), Error> {
        self.check_free()?;
        let fits = content.check(request).map_err(|error| self.source_failed(error))?;
        fits.map_err(|misuse| self.misuse(misuse))?;
        self.send_request(request)?;
        self.reply.begin();
        self.go_on(content)
    }

    /// The same for a request that has none: a program that sends nothing else has nothing else in it.
    pub(crate) fn send_bare(&mut self, request: &Request) -> Result<(), Error> {
        self.check_free()?;
        self.send_request(request)?;
        self.reply.begin();
        Ok(())
    }

    /// Whether a request can be sent on its own.
    pub(crate) fn check_free(&self) -> Result<(), Error> {
        if self.transport.is_none() {
            return Err(self.closed());
        }
        if self.core.receiving().is_some() {
            return Err(self.error(ErrorKind::InFlight));
        }
        Ok(())
    }

    /// Goes on with the request sent last. In a pipeline the answers before its own are not for here.
    pub(crate) fn resume(&mut self, content: Content<'_>) -> Result<(), Error> {
        if self.core.content_due() != Framing::None && self.core.receiving().is_some() {
            if !self.is_in_turn() {
                return Err(self.error(ErrorKind::ReceiveFirst));
            }
            self.reply.begin();
        }
        self.go_on(content)
    }

    /// Sends what is left of the content of the request sent last.
    pub(crate) fn go_on(&mut self, content: Content<'_>) -> Result<(), Error> {
        if self.core.content_due() == Framing::None {
            return self.send_end();
        }
        let Content { source, trailers, keep_sending, patience, block_size, progress } = content;
        self.keep_sending = keep_sending;
        self.continue_within = patience.unwrap_or(self.continue_within);
        let mut teller = Teller { told: self.content_sent, progress };
        let sent = match self.await_continue()? {
            false => false,
            true => match source {
                Source::Bytes(bytes) => self.send_bytes(bytes, &mut teller)?,
                Source::File(file) => self.send_file(file, block_size, &mut teller)?,
                Source::Pieces(mut pieces) => self.send_pieces(&mut *pieces, &mut teller)?,
                Source::Reader(reader) => self.send_reader(reader, block_size, &mut teller)?,
            },
        };
        if !sent {
            self.stop();
            return Ok(());
        }
        self.finish_request(trailers.unwrap_or(&Fields::new())).inspect_err(|_| self.give_up())?;
        if teller.progress.is_some() {
            self.offer(&mut &[][..]);
            teller.tell(self.content_sent);
        }
        self.send_end()
    }

    /// Behind an early answer nothing else is waited for that would let the end of the content leave.
    pub(crate) fn send_end(&mut self) -> Result<(), Error> {
        if self.keep_sending && self.reply.state != State::Awaited { self.send_queued() } else { Ok(()) }
    }

    /// Queues a request where there is room; else what is queued leaves first.
    pub(crate) fn queue_request(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        let bound = self.core.config().limits.transmit_buffer as usize;
        while self.core.transmit().len() >= bound && !self.offer(&mut &[][..]) {
            if self.core.transmit().len() >= bound {
                self.wait_both()?;
            }
        }
        self.send_request(request)
    }

    /// Writes all that is queued.
    pub(crate) fn send_queued(&mut self) -> Result<(), Error> {
        while !self.offer(&mut &[][..]) {
            self.wait_both()?;
        }
        Ok(())
    }

    /// Queues content of the request sent last and says how much. 0: it was answered, or nothing can be sent any more.
    pub(crate) fn send_some(&mut self, content: &[u8]) -> Result<usize, Error> {
        if self.core.answered_early().is_some() {
            // Perhaps somebody else has received the answer.
            if !self.told_early {
                self.told_early = true;
                return Ok(0);
            }
            // Whoever goes on although the content is not wanted waits for nothing; perhaps nothing waits.
            let _no_wait = self.core.waive_continue();
        }
        if let Some(waiting) = self.core.awaiting_continue() {
            if self.core.receiving() != Some(waiting) {
                return Err(self.error(ErrorKind::ReceiveFirst));
            }
            self.reply.begin();
            if !self.await_continue()? && !self.mute {
                self.told_early = true;
                return Ok(0);
            }
        }
        loop {
            if self.mute {
                self.cut_short = true;
                return Ok(0);
            }
            if !self.told_early && self.hear_answer_in_turn()? {
                self.told_early = true;
                return Ok(0);
            }
            let taken = match self.core.send_content(content) {
                Ok(taken) => taken,
                // The connection is over: the request was taken back, or no 100 can come. Why, the responses say.
                Err(Misuse::AwaitingContinue | Misuse::NoContentDue) if self.is_over() && !self.has_abandoned => {
                    self.cut_short = true;
                    return Ok(0);
                }
                Err(misuse) => return Err(self.misuse(misuse)),
            };
            self.content_waiting += taken as u64;
            let all_left = self.offer(&mut &[][..]);
            if taken > 0 || content.is_empty() {
                return Ok(taken);
            }
            if !all_left {
                self.wait_both()?;
            }
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.core.reuse(), Reuse::Never(_))
    }

    /// Ends the content of a request.
    pub(crate) fn finish_request(&mut self, trailers: &Fields) -> Result<(), Error> {
        match self.core.finish_request(trailers) {
            Ok(()) => {}
            // The connection is over since the last of the content was taken. Why, the responses say.
            Err(Misuse::NoContentDue) if self.is_over() && !self.has_abandoned => {
                self.cut_short = true;
                return Ok(());
            }
            Err(misuse) => return Err(self.misuse(misuse)),
        }
        self.clock.finish(self.core.bytes_sent() + self.core.transmit().len() as u64);
        Ok(())
    }

    /// The rest of the content is not sent.
    pub(crate) fn abandon(&mut self) -> Result<(), Misuse> {
        self.core.abandon_content()?;
        self.cut_short = true;
        self.has_abandoned = true;
        Ok(())
    }

    /// The same where nothing may be due any more, because our side broke.
    pub(crate) fn stop(&mut self) {
        let _broken = self.abandon();
        self.cut_short = true;
    }

    /// Waits for 100 (Continue) where the request asks for it. `false`: the final response came instead.
    pub(crate) fn await_continue(&mut self) -> Result<bool, Error> {
        // A wait that goes on is over when it would have been.
        if self.continue_until.is_none() {
            self.continue_until = end_of(self.continue_within);
        }
        let until = self.continue_until;
        while self.core.awaiting_continue().is_some() {
            if self.hear_answer()? {
                return Ok(false);
            }
            if self.core.awaiting_continue().is_none() {
                break;
            }
            let is_late = match self.fill(until) {
                Ok(filled) => filled == Filled::Late,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(Operation::Read)) => {
                    if until.is_none_or(|until| Instant::now() < until) {
                        return Err(error);
                    }
                    true
                }
                Err(error) => return Err(error),
            };
            if is_late {
                self.core.waive_continue().map_err(|misuse| self.misuse(misuse))?;
            }
        }
        Ok(!self.mute)
    }

    fn send_bytes(&mut self, content: &[u8], teller: &mut Teller<'_>) -> Result<bool, Error> {
        // What was taken before, where this goes on.
        let taken = usize::try_from(self.content_sent + self.content_waiting).unwrap_or(usize::MAX);
        let mut rest = content.get(taken..).unwrap_or_default();
        if rest.len() <= SMALL && self.core.framed_owed() == 0 {
            let taken = match self.core.send_content(rest) {
                Ok(taken) => taken,
                Err(misuse) => {
                    let error = self.misuse(misuse);
                    self.give_up();
                    return Err(error);
                }
            };
            self.content_waiting += taken as u64;
            rest = &rest[taken..];
        }
        if rest.is_empty() { Ok(true) } else { self.send_piece(rest, teller) }
    }

    fn send_pieces(&mut self, pieces: &mut dyn NextPiece, teller: &mut Teller<'_>) -> Result<bool, Error> {
        if !self.send_held(teller)? {
            return Ok(false);
        }
        while let Some(piece) = pieces.next_piece().map_err(|error| self.source_ended(error))? {
            if !self.send_read(piece, teller)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn send_reader(
        &mut self,
        reader: &mut dyn Read,
        block_size: usize,
        teller: &mut Teller<'_>,
    ) -> Result<bool, Error> {
        if !self.send_held(teller)? {
            return Ok(false);
        }
        // One byte more than is due: that is how more than was announced is noticed.
        let due = self.core.content_due().length().unwrap_or(u64::MAX).saturating_add(1);
        let mut block = vec![0; usize::try_from(due).unwrap_or(usize::MAX).min(block_size)];
        loop {
            let len = content::read(reader, &mut block).map_err(|error| self.source_ended(error))?;
            if len == 0 {
                return Ok(true);
            }
            if !self.send_read(&block[..len], teller)? {
                return Ok(false);
            }
        }
    }

    /// Sends what an earlier call has read from the caller's source.
    fn send_held(&mut self, teller: &mut Teller<'_>) -> Result<bool, Error> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(true) } else { self.send_read(&held, teller) }
    }

    /// Sends what was read from the caller's source, and keeps what could not be.
    fn send_read(&mut self, piece: &[u8], teller: &mut Teller<'_>) -> Result<bool, Error> {
        let before = self.content_sent;
        let sent = self.send_piece(piece, teller);
        if sent.is_err() {
            let left = usize::try_from(self.content_sent - before).unwrap_or(usize::MAX);
            self.held = piece.get(left..).unwrap_or_default().to_vec();
        }
        if !sent? {
            return Ok(false);
        }
        // A slow source leaves room to write all the time, and still there may be an answer.
        let _nothing = self.take_in_now();
        Ok(!self.hear_answer()? || self.keep_sending)
    }

    /// The caller's source does not give what the peer waits for.
    fn source_ended(&mut self, error: io::Error) -> Error {
        let error = self.source_failed(error);
        self.give_up();
        error
    }

    /// Sends a piece of content from the caller's memory. `false`: it was answered, or our side broke, before all of it
    /// had left.
    fn send_piece(&mut self, piece: &[u8], teller: &mut Teller<'_>) -> Result<bool, Error> {
        // Where this goes on, it is framed already. All of it, if it is the same content as before; if not, the rest is more.
        let owed = usize::try_from(self.core.framed_owed()).unwrap_or(usize::MAX);
        if owed > 0 && owed < piece.len() {
            let (owed, more) = piece.split_at(owed);
            return Ok(self.send_piece(owed, teller)? && self.send_piece(more, teller)?);
        }
        let framed = if owed > 0 { Ok(()) } else { self.core.frame_seen_content(piece) };
        if let Err(misuse) = framed {
            // The caller has more than was announced, and the peer has what came before.
            let error = self.misuse(misuse);
            if misuse != Misuse::NoContentDue {
                self.give_up();
                return Err(error);
            }
            // Nothing is due any more: our side broke, and what the peer says to it is the better answer.
            return Ok(false);
        }
        let mut rest = piece;
        loop {
            let (now, later) = rest.split_at(rest.len().min(AT_ONCE));
            let mut left = now;
            let all_left = self.offer(&mut left);
            rest = &rest[now.len() - left.len()..];
            teller.tell(self.content_sent);
            if self.mute || (all_left && later.is_empty()) {
                return Ok(!self.mute);
            }
            if all_left {
                let _nothing = self.take_in_now();
            } else {
                self.wait_both()?;
            }
            if self.hear_answer()? && !self.keep_sending {
                return Ok(false);
            }
        }
    }

    /// Whether the request whose content is being sent has been answered: takes interim responses on the way.
    pub(crate) fn hear_answer(&mut self) -> Result<bool, Error> {
        if self.reply.state == State::Awaited {
            self.advance_to_head()?;
        }
        Ok(self.core.answered_early().is_some())
    }

    /// The same in a pipeline, where the events of the exchanges before it are not for here.
    pub(crate) fn hear_answer_in_turn(&mut self) -> Result<bool, Error> {
        if self.is_in_turn() {
            self.reply.begin();
            return self.hear_answer();
        }
        Ok(false)
    }

    /// Whether the request sent last is the next to be answered.
    fn is_in_turn(&self) -> bool {
        let newest = self.core.unanswered().last().map(|unanswered| unanswered.exchange);
        newest.is_some() && self.core.receiving() == newest
    }

    pub(crate) fn take_in_now(&mut self) -> io::Result<()> {
        if self.core.receive_space().is_empty() { Ok(()) } else { self.take_in(Some(Duration::ZERO)) }
    }

    /// The request cannot be completed, and the peer must not take it for complete.
    pub(crate) fn give_up(&mut self) {
        self.stop();
        self.close();
        self.reply.forget(true);
    }
}

/// Tells how much content has left, when that has changed.
struct Teller<'a> {
    told: u64,
    progress: Option<&'a mut dyn FnMut(u64)>,
}

impl Teller<'_> {
    fn tell(&mut self, sent: u64) {
        if let Some(progress) = self.progress.as_mut().filter(|_| sent > self.told) {
            self.told = sent;
            progress(sent);
        }
    }
}
