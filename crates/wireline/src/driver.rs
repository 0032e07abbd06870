//! The one driver: it offers what is queued, then looks at what is already here, and only then waits.
//!
//! In that order: otherwise a request waits behind answers that are here already. Whenever there is no room to write,
//! the wait is for both directions, and what comes is read into the core's bounded buffer: that is why a pipeline
//! cannot deadlock, and why an early answer is heard while content is being sent.

pub(crate) mod files;
pub(crate) mod waiting;

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wireline_proto::{CloseReason, Config, Connection as Core, Framing, Misuse, Reuse};

use crate::canceller::Canceller;
use crate::connect::origin::Origin;
use crate::connect::passage::Passage;
use crate::driver::waiting::Waiting;
use crate::error::{Context, Error, ErrorKind, Stage};
use crate::reply::Reply;
use crate::response::Dropped;
use crate::tap::Tap;
use crate::timeouts::{self, Operation};
use crate::timing::Clock;
use crate::trace;
use crate::transport::{Ready, Transport};

/// A connection's core, what carries its bytes, and what the two have come to.
pub(crate) struct Driver<S: Transport> {
    pub(crate) core: Core,
    /// `None` once it is closed.
    pub(crate) transport: Option<S>,
    pub(crate) timeouts: timeouts::Shared,
    pub(crate) deadline: Option<Instant>,
    pub(crate) canceller: Option<Canceller>,
    pub(crate) tap: Option<Box<dyn Tap>>,
    pub(crate) clock: Clock,
    pub(crate) reply: Reply,
    /// The proxy that forwards every request, and to whom.
    pub(crate) forward: Option<Box<(Arc<dyn Passage>, Origin)>>,
    /// Content of the last request: what has left, and what waits in the core's buffer.
    pub(crate) content_sent: u64,
    pub(crate) content_waiting: u64,
    /// Content of the last request was not sent, or not all of it.
    pub(crate) cut_short: bool,
    /// It was the caller who gave the rest of it up.
    pub(crate) has_abandoned: bool,
    /// Who sends the last request's content step by step knows that it was answered early.
    pub(crate) told_early: bool,
    /// The last request's content goes on although it was answered.
    pub(crate) keep_sending: bool,
    /// How long the last request's content waits for 100 (Continue).
    pub(crate) continue_within: Option<Duration>,
    /// When the last request's wait for 100 (Continue) is over.
    pub(crate) continue_until: Option<Instant>,
    /// What was read from the caller's reader and has not left.
    pub(crate) held: Vec<u8>,
    /// Nothing waits: who calls does so without the lock that is held here.
    pub(crate) no_wait: bool,
    /// Nothing waits: who calls does so in an event loop, and calls again when there is something or the time is up.
    pub(crate) is_nonblocking: bool,
    /// Since when a call that does not wait would have to.
    pub(crate) waiting: Option<Box<Waiting>>,
    /// How much of a response that is dropped is read rather than the connection closed, in bytes.
    pub(crate) drain: u64,
    /// How long a read asks again and again before it sleeps.
    busy: Duration,
    /// What became of the last response that was dropped before its end.
    pub(crate) dropped: Option<Dropped>,
    /// What the system said when the stream broke.
    broken: Option<io::Error>,
    /// Nothing can be written any more.
    pub(crate) mute: bool,
    /// When bytes came last.
    heard: Instant,
    /// More may be here than was read: the last read took all that it had room for, or there was none yet.
    pub(crate) unseen: bool,
}

/// What became of a wait for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Bytes came, or the end; or our side broke, and what is waited for may not come any more.
    Came,
    /// The caller's own bound passed.
    Late,
}

/// A connection that was idle for less than this is not looked at before a request: a close that is younger might
/// just as well come a moment later, and the look costs a third system call in an exchange of two.
const LOOK_AFTER: Duration = Duration::from_millis(1);

impl<S: Transport> Driver<S> {
    #[inline]
    pub(crate) fn new(transport: S, config: Config) -> Self {
        Self {
            transport: Some(transport),
            timeouts: timeouts::Shared::default(),
            deadline: None,
            canceller: None,
            tap: None,
            clock: Clock::default(),
            reply: Reply::default(),
            forward: None,
            content_sent: 0,
            content_waiting: 0,
            cut_short: false,
            has_abandoned: false,
            told_early: false,
            keep_sending: false,
            continue_within: None,
            continue_until: None,
            held: Vec::new(),
            no_wait: false,
            is_nonblocking: false,
            waiting: None,
            drain: 64 << 10,
            busy: Duration::ZERO,
            dropped: None,
            broken: None,
            mute: false,
            heard: Instant::now(),
            unseen: true,
            // Last, so that there is nothing of it to free where something before it fails.
            core: Core::new(config),
        }
    }

    /// The same over another transport that carries on where this one stands.
    pub(crate) fn map<T: Transport>(mut self, map: impl FnOnce(S) -> io::Result<T>) -> io::Result<Driver<T>> {
        let transport = self.transport.take().map(map).transpose()?;
        let core = std::mem::replace(&mut self.core, Core::new(Config::default()));
        Ok(Driver {
            core,
            transport,
            timeouts: std::mem::take(&mut self.timeouts),
            deadline: self.deadline,
            canceller: self.canceller.take(),
            tap: self.tap.take(),
            clock: std::mem::take(&mut self.clock),
            reply: std::mem::take(&mut self.reply),
            forward: self.forward.take(),
            content_sent: self.content_sent,
            content_waiting: self.content_waiting,
            cut_short: self.cut_short,
            has_abandoned: self.has_abandoned,
            told_early: self.told_early,
            keep_sending: self.keep_sending,
            continue_within: self.continue_within,
            continue_until: self.continue_until,
            held: std::mem::take(&mut self.held),
            no_wait: self.no_wait,
            is_nonblocking: self.is_nonblocking,
            waiting: self.waiting.take(),
            drain: self.drain,
            busy: self.busy,
            dropped: self.dropped,
            broken: self.broken.take(),
            mute: self.mute,
            heard: self.heard,
            unseen: self.unseen,
        })
    }

    /// Takes over what the caller has set on the connection before.
    pub(crate) fn keep_settings_of(&mut self, before: &mut Self) {
        self.timeouts = std::mem::take(&mut before.timeouts);
        self.deadline = before.deadline;
        self.drain = before.drain;
        self.set_busy_poll(before.busy);
        self.is_nonblocking = before.is_nonblocking;
        self.tap = before.tap.take();
        self.set_canceller(before.canceller.take());
    }

    /// Looks, without waiting, whether the peer has closed or said something unasked since the last exchange.
    pub(crate) fn look(&mut self) {
        while self.core.receiving().is_none() && self.transport.is_some() {
            // Nothing there is what is hoped for; all else the core remembers.
            self.unseen = false;
            let looked = self.take_in(Some(Duration::ZERO));
            let _later = self.core.advance();
            self.close_if_over();
            // Empty lines are let pass, a few of them, and an end may stand behind them.
            if looked.is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
                break;
            }
        }
    }

    /// The same, if there was time for it to happen, or if what came last may have had more behind it.
    pub(crate) fn look_if_idle(&mut self, now: Instant) {
        if self.unseen || self.heard + LOOK_AFTER <= now {
            self.look();
        }
    }

    /// Writes what goes without waiting: what the core has queued, then `content`, which the core has framed. `true`
    /// when nothing is left of either, or nothing can be written any more. Behind content, framing may stay queued: it
    /// leaves with what follows.
    pub(crate) fn offer(&mut self, content: &mut &[u8]) -> bool {
        let only_queued = content.is_empty();
        while !self.mute {
            let Self { core, transport: Some(transport), tap, clock, .. } = self else { break };
            let queued = core.transmit();
            if content.is_empty() && (queued.is_empty() || !only_queued) {
                match transport.flush() {
                    Ok(()) => return true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                    Err(error) => self.fall_silent(error),
                }
                continue;
            }
            let written = match (queued, *content) {
                (queued, []) => transport.write(&[IoSlice::new(queued)]),
                ([], content) => transport.write(&[IoSlice::new(content)]),
                (queued, content) => transport.write(&[IoSlice::new(queued), IoSlice::new(content)]),
            };
            match written {
                Ok(0) => self.fall_silent(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let head = written.min(queued.len());
                    let (left, rest) = content.split_at(written - head);
                    if let Some(tap) = tap {
                        let now = Instant::now();
                        let after_head = core.bytes_sent() + head as u64;
                        clock.share_out(core.bytes_sent(), &queued[..head], |part, whose| tap.sent(part, now, whose));
                        clock.share_out(after_head, left, |part, whose| tap.sent(part, now, whose));
                    }
                    *content = rest;
                    let left = left.len() as u64;
                    self.have_left(head, left);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => self.fall_silent(error),
            }
        }
        true
    }

    /// Something of ours waits to leave, as far as is known.
    pub(crate) fn is_sending(&self) -> bool {
        !self.core.transmit().is_empty() || self.transport.as_ref().is_some_and(Transport::is_flushing)
    }

    /// Waits until bytes came, no longer than `until`, while it sends what is queued.
    pub(crate) fn fill(&mut self, until: Option<Instant>) -> Result<Filled, Error> {
        let was_mute = self.mute;
        loop {
            if self.transport.is_none() {
                return Err(self.closed());
            }
            if !self.offer(&mut &[][..]) {
                if self.wait_both()? {
                    return Ok(Filled::Came);
                }
                continue;
            }
            if self.mute && !was_mute {
                return Ok(Filled::Came);
            }
            let bound = self.bound(Operation::Read)?;
            let patience = until.map(|until| until.saturating_duration_since(Instant::now()));
            let (patience, late) = match (bound.left, patience) {
                (Some(left), Some(patience)) if left <= patience => (Some(left), false),
                (_, Some(patience)) => (Some(patience), true),
                (left, None) => (left, false),
            };
            match self.take_in(patience) {
                Ok(()) => return Ok(Filled::Came),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if late && !self.is_canceled() => return Ok(Filled::Late),
                Err(_) => return Err(self.waited(bound, until)),
            }
        }
    }

    /// There is no room to write: waits for it, and reads what has come meanwhile. Whether anything has.
    pub(crate) fn wait_both(&mut self) -> Result<bool, Error> {
        if self.core.receive_space().is_empty() {
            let bound = self.core.config().limits.receive_buffer;
            return Err(self.error(ErrorKind::ReceiveBufferFull { bound }));
        }
        // After its end a stream is readable for ever.
        let wanted = Ready { read: self.core.interest().read, write: true };
        let bound = self.bound(Operation::Write)?;
        let Some(transport) = &mut self.transport else { return Err(self.closed()) };
        match transport.wait(wanted, bound.left) {
            Ok(ready) if ready.read => Ok(self.take_in(Some(Duration::ZERO)).is_ok()),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(self.waited(bound, None)),
            Err(error) => {
                self.fall_silent(error);
                Ok(false)
            }
        }
    }

    /// Reads into the core's buffer. Only `WouldBlock` and `Interrupted` are errors here: what breaks the stream is the
    /// core's to judge.
    pub(crate) fn take_in(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let Self { core, transport, tap, .. } = self;
        let space = core.receive_space();
        let read = match transport {
            Some(transport) => transport.read(space, patience),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => return self.fall_deaf(error),
        };
        self.heard = Instant::now();
        self.unseen = read == space.len();
        if let Some(tap) = tap.as_mut().filter(|_| read > 0) {
            tap.received(&space[..read], self.heard, self.clock.front().map(|marks| marks.exchange));
        }
        match read {
            0 => self.hear_end(),
            read => self.core.received(read),
        }
        Ok(())
    }

    /// Takes bytes in that somebody else has read.
    pub(crate) fn take_in_early(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.core.receive_space().is_empty() {
            let space = self.core.receive_space();
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.core.received(now.len());
            bytes = later;
        }
    }

    /// The core's next event. An error is the end of the connection.
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        self.core.advance().map_err(|error| {
            let mut context = self.context();
            context.exchange = error.exchange().or(context.exchange);
            let again = self.broken.as_ref().map(same);
            let broken = std::mem::replace(&mut self.broken, again);
            self.close();
            let error = Error::from_protocol(error, broken, context);
            trace::failure(&error);
            error
        })
    }

    /// Nothing more is sent, and the peer need not wait for it. What is queued and has not left is cut short too.
    pub(crate) fn end_write(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.end_write();
        }
        self.mute = true;
        self.core.transmit_closed();
    }

    /// Closes what carries the bytes. The questions still have answers.
    pub(crate) fn close(&mut self) {
        if let Some(mut transport) = self.transport.take() {
            transport.close();
        }
        if !matches!(self.core.reuse(), Reuse::Never(_)) {
            self.core.transmit_closed();
        }
        self.mute = true;
    }

    /// Closes a connection on which nothing can happen any more (RFC 9112 section 9.6).
    pub(crate) fn close_if_over(&mut self) {
        if self.core.receiving().is_none() && matches!(self.core.reuse(), Reuse::Never(_)) {
            self.close();
        }
    }

    pub(crate) fn heard(&self) -> Instant {
        self.heard
    }

    /// Writing failed. What the peer has sent is still worth reading.
    fn fall_silent(&mut self, error: io::Error) {
        self.broken.get_or_insert(error);
        self.mute = true;
        self.core.transmit_closed();
    }

    /// Reading failed, unless it only would have to wait.
    fn fall_deaf(&mut self, error: io::Error) -> io::Result<()> {
        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
            if self.is_nonblocking {
                self.core.rest();
            }
            return Err(error);
        }
        self.broken.get_or_insert(error);
        self.core.receive_failed();
        Ok(())
    }

    /// The stream ended: in order, unless writing has failed before. Then the system has told of the reset already, and
    /// tells only of an end from there on.
    fn hear_end(&mut self) {
        self.heard = Instant::now();
        if self.broken.is_some() {
            self.core.receive_failed();
        } else {
            self.core.received(0);
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.context())
    }

    pub(crate) fn misuse(&self, misuse: Misuse) -> Error {
        match misuse {
            Misuse::Closed(reason) => self.closed_for(reason),
            misuse => self.error(ErrorKind::Misuse(misuse)),
        }
    }

    pub(crate) fn source_failed(&self, error: io::Error) -> Error {
        Error::from_system(ErrorKind::Source, self.context(), error)
    }

    /// Nothing more comes, or ever came.
    pub(crate) fn closed(&self) -> Error {
        match self.core.reuse() {
            Reuse::Never(reason) => self.closed_for(reason),
            _ => self.error(ErrorKind::NothingOwed),
        }
    }

    /// With what the system or TLS said, where it said anything.
    fn closed_for(&self, reason: CloseReason) -> Error {
        let error = self.error(ErrorKind::Closed(reason));
        match &self.broken {
            Some(broken) => error.with_cause(same(broken)),
            None => error,
        }
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            exchange: self.core.unanswered().next().map(|unanswered| unanswered.exchange),
            stage: self.stage(),
            bytes_sent: self.core.bytes_sent(),
            bytes_received: self.core.bytes_received(),
            elapsed: self.clock.front().map_or(Duration::ZERO, |marks| marks.started.elapsed()),
        }
    }

    fn stage(&self) -> Stage {
        if self.reply.is_begun() {
            Stage::Receiving
        } else if self.core.awaiting_continue().is_some() && self.core.transmit().is_empty() {
            Stage::AwaitingContinue
        } else if self.core.content_due() != Framing::None || !self.core.transmit().is_empty() {
            Stage::Sending
        } else if self.core.unanswered().next().is_some() {
            Stage::AwaitingResponse
        } else {
            Stage::Idle
        }
    }
}

impl<S: Transport> Drop for Driver<S> {
    fn drop(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.close();
        }
    }
}

impl<S: Transport> std::fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("core", &self.core).field("timeouts", &*self.timeouts).finish_non_exhaustive()
    }
}

/// The same error once more, as far as it can be had.
fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
