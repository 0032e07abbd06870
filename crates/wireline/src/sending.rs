//! Requests and their content, sent while listening.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use wireline_proto::{ExchangeId, Fields, Framing, Misuse, Request};

use crate::content::{self, Content, Source};
use crate::driver::{Driver, Filled};
use crate::error::{Error, ErrorKind};
use crate::reply::State;
use crate::timeouts::end_of;
use crate::transport::Transport;

/// Content up to this size is copied behind the head and leaves with it; more goes from the caller's memory.
const SMALL: usize = 4 << 10;

/// How much is read at a time from a caller's reader.
const PIECE: usize = 64 << 10;

impl<S: Transport> Driver<S> {
    /// Queues a request, on a connection that is alive as far as can be seen.
    pub(crate) fn send_request(&mut self, request: &Request) -> Result<ExchangeId, Error> {
        let now = Instant::now();
        if self.core.receiving().is_none() {
            self.look_if_idle(now);
        }
        let id = self.core.send_request(request).map_err(|misuse| self.misuse(misuse))?;
        self.content_sent = 0;
        self.content_waiting = 0;
        self.cut_short = false;
        self.told_early = false;
        let end = self.core.bytes_sent() + self.core.transmit().len() as u64;
        self.clock.start(id, now, (self.core.content_due() == Framing::None).then_some(end));
        Ok(id)
    }

    /// Sends a request with its content, unless an answer comes first.
    pub(crate) fn send_whole(&mut self, request: &Request, mut content: Content<'_>) -> Result<(), Error> {
        if self.transport.is_none() {
            return Err(self.closed());
        }
        if self.core.receiving().is_some() {
            return Err(self.error(ErrorKind::InFlight));
        }
        let fits = content.check(request).map_err(|error| self.source_failed(error))?;
        fits.map_err(|misuse| self.misuse(misuse))?;
        self.send_request(request)?;
        self.reply.begin();
        if self.core.content_due() == Framing::None {
            return Ok(());
        }
        let Content { source, trailers } = content;
        let sent = match self.await_continue()? {
            false => false,
            true => match source {
                Source::Bytes(bytes) => self.send_bytes(bytes)?,
                Source::Reader(reader) => self.send_reader(reader)?,
            },
        };
        if !sent {
            self.stop();
            return Ok(());
        }
        self.finish_request(trailers.unwrap_or(&Fields::new())).inspect_err(|_| self.give_up())
    }

    /// Ends the content of a request.
    pub(crate) fn finish_request(&mut self, trailers: &Fields) -> Result<(), Error> {
        if let Err(misuse) = self.core.finish_request(trailers) {
            return Err(self.misuse(misuse));
        }
        self.clock.finish(self.core.bytes_sent() + self.core.transmit().len() as u64);
        Ok(())
    }

    /// The rest of the content is not sent.
    pub(crate) fn abandon(&mut self) -> Result<(), Misuse> {
        self.core.abandon_content()?;
        self.cut_short = true;
        Ok(())
    }

    /// The same where nothing may be due any more, because our side broke.
    fn stop(&mut self) {
        let _broken = self.abandon();
        self.cut_short = true;
    }

    /// Waits for 100 (Continue) where the request asks for it. `false`: the final response came instead.
    pub(crate) fn await_continue(&mut self) -> Result<bool, Error> {
        let until = end_of(self.timeouts.expect_continue);
        while self.core.awaiting_continue().is_some() {
            if self.hear_answer()? {
                return Ok(false);
            }
            if self.core.awaiting_continue().is_some() && self.fill(until)? == Filled::Late {
                self.core.waive_continue().map_err(|misuse| self.misuse(misuse))?;
            }
        }
        Ok(!self.mute)
    }

    fn send_bytes(&mut self, content: &[u8]) -> Result<bool, Error> {
        let mut rest = content;
        if rest.len() <= SMALL {
            let taken = self.core.send_content(rest).map_err(|misuse| self.misuse(misuse))?;
            self.content_waiting += taken as u64;
            rest = &rest[taken..];
        }
        if rest.is_empty() { Ok(true) } else { self.send_piece(rest) }
    }

    fn send_reader(&mut self, reader: &mut dyn Read) -> Result<bool, Error> {
        let mut piece = vec![0; PIECE];
        loop {
            let len = match content::read(reader, &mut piece) {
                Ok(0) => return Ok(true),
                Ok(len) => len,
                Err(error) => {
                    let error = self.source_failed(error);
                    self.give_up();
                    return Err(error);
                }
            };
            if !self.send_piece(&piece[..len])? {
                return Ok(false);
            }
            // A slow reader leaves room to write all the time, and still there may be an answer. It is not early when
            // all that was announced has left, and only the reader's end is still to come.
            if self.core.content_due() != Framing::Length(0) {
                let _nothing = self.take_in_now();
                if self.hear_answer()? {
                    return Ok(false);
                }
            }
        }
    }

    /// Sends a piece of content from the caller's memory. `false`: it was answered, or our side broke, before all of it
    /// had left.
    fn send_piece(&mut self, piece: &[u8]) -> Result<bool, Error> {
        if let Err(misuse) = self.core.frame_content(piece.len() as u64) {
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
            if self.offer(&mut rest) {
                return Ok(!self.mute);
            }
            self.wait_both()?;
            if self.hear_answer()? {
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
        let newest = self.core.unanswered().last().map(|unanswered| unanswered.exchange);
        if newest.is_some() && self.core.receiving() == newest {
            self.reply.begin();
            return self.hear_answer();
        }
        Ok(false)
    }

    fn take_in_now(&mut self) -> io::Result<()> {
        if self.core.receive_space().is_empty() { Ok(()) } else { self.take_in(Some(Duration::ZERO)) }
    }

    /// The request cannot be completed, and the peer must not take it for complete.
    pub(crate) fn give_up(&mut self) {
        self.stop();
        self.close();
        self.reply.state = State::Ended;
    }
}
