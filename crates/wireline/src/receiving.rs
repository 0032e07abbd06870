//! From events to a response.

pub(crate) mod saving;

use std::time::{Duration, Instant};

use wireline_proto::Event;

use crate::driver::Driver;
use crate::error::Error;
use crate::receiving::saving::Saving;
use crate::reply::State;
use crate::response::Dropped;
use crate::trace;
use crate::transport::Transport;

/// A read into less memory than this goes through the core's buffer: one system call then serves several reads.
const DIRECT: usize = 4 << 10;

/// How long a response that was dropped may take to be read to its end: about what the bytes need that are on their
/// way already.
const DRAIN_WAIT: Duration = Duration::from_millis(20);

impl<S: Transport> Driver<S> {
    /// Waits for the head of the next final response.
    pub(crate) fn receive_head(&mut self) -> Result<(), Error> {
        self.reply.begin();
        while self.reply.state == State::Awaited {
            if !self.core.is_waiting() {
                if self.is_sending() {
                    self.offer(&mut &[][..]);
                }
                if self.advance_to_head()? {
                    break;
                }
                if self.core.receiving().is_none() {
                    return Err(self.closed());
                }
            }
            self.fill(None)?;
        }
        self.settle();
        Ok(())
    }

    /// Takes what is here up to the head of a final response. `false`: more bytes are needed.
    pub(crate) fn advance_to_head(&mut self) -> Result<bool, Error> {
        while self.reply.state == State::Awaited && self.advance()? {
            match self.core.event() {
                Event::Interim(head) => {
                    trace::head(head.exchange(), head.status().as_u16(), false);
                    self.reply.add_interim(&head);
                }
                Event::Response(head) => {
                    trace::head(head.exchange(), head.status().as_u16(), true);
                    self.reply.set_head(&head, State::Content);
                    self.clock.begin(self.heard());
                }
                Event::Switched(head) => {
                    trace::head(head.exchange(), head.status().as_u16(), true);
                    self.reply.set_head(&head, State::Switched);
                    self.clock.begin(self.heard());
                    self.clock.end(self.heard());
                }
                _ => return Err(self.closed()),
            }
        }
        Ok(self.reply.state != State::Awaited)
    }

    /// Reads some content, of several chunks if they are here; 0 when there is no more.
    pub(crate) fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            match self.reply.state {
                State::None | State::Awaited | State::Ended | State::Switched => return Ok(0),
                State::Lent { .. } => {
                    let mut read = 0;
                    while let State::Lent { taken, .. } = self.reply.state {
                        let content = self.lent(taken);
                        let len = content.len().min(into.len() - read);
                        if len == 0 {
                            break;
                        }
                        into[read..read + len].copy_from_slice(&content[..len]);
                        self.consume(len);
                        read += len;
                    }
                    return Ok(read);
                }
                State::Content => {
                    if into.is_empty() {
                        return Ok(0);
                    }
                    match self.direct(into.len()) {
                        Some(most) => {
                            let read = self.take_content(&mut into[..most])?;
                            if read > 0 {
                                return Ok(read);
                            }
                        }
                        None => self.next_piece()?,
                    }
                }
            }
        }
    }

    /// Lends some content; nothing when there is no more.
    pub(crate) fn fill_content(&mut self) -> Result<&[u8], Error> {
        loop {
            match self.reply.state {
                State::None | State::Awaited | State::Ended | State::Switched => return Ok(&[]),
                State::Lent { taken, .. } => return Ok(self.lent(taken)),
                State::Content => self.next_piece()?,
            }
        }
    }

    /// Lets go of some of the content that was lent.
    pub(crate) fn consume(&mut self, len: usize) {
        let State::Lent { taken, len: all } = self.reply.state else { return };
        let len = len.min(all - taken);
        self.reply.content_read += len as u64;
        if taken + len < all {
            self.reply.state = State::Lent { taken: taken + len, len: all };
        } else {
            self.reply.state = State::Content;
            self.settle();
        }
    }

    /// Takes the end of the response when it is here already, so that a response read to its end is complete without
    /// another read. What is wrong the core says again to whoever asks.
    pub(crate) fn settle(&mut self) {
        if self.reply.state == State::Content && self.core.advance().is_ok_and(|found| found) {
            self.take_event();
        }
    }

    /// A response is let go of before its end: reads on if that is cheap, else closes.
    pub(crate) fn let_go(&mut self) {
        if self.reply.is_begun() {
            let drained = self.drain();
            if drained.is_none() {
                self.close();
            }
            self.dropped = Some(drained.map_or(Dropped::Closed, |bytes| Dropped::Drained { bytes }));
        }
        if self.reply.state != State::Switched {
            // An idle connection keeps no head, and what was closed in the middle must not pass for complete.
            self.reply.forget(self.core.receiving().is_none());
        }
    }

    fn drain(&mut self) -> Option<u64> {
        let most = self.drain;
        let before = self.reply.content_read;
        let ahead = self.reply.head().framing().length().map_or(0, |length| length - before.min(length));
        let never_waits = self.no_wait || self.is_nonblocking;
        let until = Instant::now() + if never_waits { Duration::ZERO } else { DRAIN_WAIT };
        if ahead > most {
            return None;
        }
        while self.reply.is_begun() && self.reply.content_read - before <= most {
            if let State::Lent { taken, len } = self.reply.state {
                self.consume(len - taken);
            } else if !self.step().ok()? {
                // Nothing is offered here: what is queued may not leave for a long time.
                if !self.transport.as_ref()?.keeps_patience() {
                    return None;
                }
                self.take_in(Some(until.saturating_duration_since(Instant::now()))).ok()?;
            }
        }
        (!self.reply.is_begun()).then(|| self.reply.content_read - before)
    }

    fn next_piece(&mut self) -> Result<(), Error> {
        if !self.step()? {
            self.fill(None)?;
        }
        Ok(())
    }

    /// Takes one event of the response. `false`: more bytes are needed.
    fn step(&mut self) -> Result<bool, Error> {
        let found = self.advance()?;
        if found {
            self.take_event();
        }
        Ok(found)
    }

    fn take_event(&mut self) {
        let len = self.core.content().len();
        if len > 0 {
            self.reply.state = State::Lent { taken: 0, len };
            return;
        }
        if let Event::End(trailers) = self.core.event() {
            // `begin` has let go of the last one's.
            if !trailers.is_empty() {
                self.reply.set_trailers(trailers);
            }
        }
        self.reply.state = State::Ended;
        self.reply.saving = Saving::default();
        self.clock.end(self.heard());
        trace::end(self.reply.head().exchange(), self.reply.content_read, &self.clock);
        self.close_if_over();
    }

    fn lent(&self, taken: usize) -> &[u8] {
        self.core.content().get(taken..).unwrap_or_default()
    }

    /// How much content, if any, can be read straight into memory of this size.
    fn direct(&self, len: usize) -> Option<usize> {
        // What is still to be sent is sent by whoever reads through the core's buffer.
        if self.is_sending() {
            return None;
        }
        let most = self.core.direct_content()?;
        let len_fits = usize::try_from(most).map_or(len, |most| most.min(len));
        (len >= DIRECT || len_fits as u64 == most).then_some(len_fits)
    }
}
