//! How long a wait may take, and what it is called when it is over.

use std::io;
use std::time::{Duration, Instant};

use crate::canceller::Canceller;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::timeouts::{Bound, Operation};
use crate::transport::Transport;

/// A wait that is somebody else's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    operation: Operation,
    since: Instant,
    /// How many bytes had moved, in both directions, and how many of what a stream makes of them had left.
    moved: (u64, u64),
    /// When it is over, whatever comes.
    until: Option<Instant>,
}

impl<S: Transport> Driver<S> {
    /// How long the next wait may take.
    pub(super) fn bound(&self, operation: Operation) -> Result<Bound, Error> {
        if self.is_nonblocking {
            self.patience(None, operation)?;
        }
        match self.no_wait || self.is_nonblocking {
            true => Ok(Bound::of(Some(Duration::ZERO), operation)),
            false => self.patience(self.each(operation), operation),
        }
    }

    /// What to say of a wait within that bound that came to nothing. Where somebody else waits from here on, `until` then at
    /// the latest, that is noted only now: most calls find what they look for.
    pub(super) fn waited(&mut self, bound: Bound, until: Option<Instant>) -> Error {
        if self.is_nonblocking {
            if let Err(error) = self.note_wait(self.each(bound.operation), bound.operation) {
                return error;
            }
            if let Some(waiting) = &mut self.waiting {
                waiting.until = waiting.until.into_iter().chain(until).min();
            }
        }
        self.too_late(bound)
    }

    /// The bound on each wait of this kind.
    fn each(&self, operation: Operation) -> Option<Duration> {
        if operation == Operation::Write { self.timeouts.write } else { self.timeouts.read }
    }

    /// Somebody else waits, and calls again: the bounds on the wait are kept here all the same.
    pub(crate) fn note_wait(&mut self, each: Option<Duration>, operation: Operation) -> Result<(), Error> {
        // Zero is no bound: the call is made again when there is something.
        let left = self.patience(None, operation)?.left.filter(|left| !left.is_zero());
        let now = Instant::now();
        let moved = self.moved();
        let same = self.waiting.as_ref().filter(|waiting| waiting.operation == operation && waiting.moved == moved);
        let since = same.map_or(now, |waiting| waiting.since);
        let each = each.filter(|each| !each.is_zero());
        let end = each.and_then(|each| since.checked_add(each));
        if end.is_some_and(|end| end <= now) {
            self.waiting = None;
            return Err(self.error(ErrorKind::Timeout(operation)));
        }
        let until = left.and_then(|left| now.checked_add(left)).into_iter().chain(end).min();
        // The memory stays: who waits once does so again.
        let waiting = Waiting { operation, since, moved, until };
        match &mut self.waiting {
            Some(before) => **before = waiting,
            none => *none = Some(Box::new(waiting)),
        }
        Ok(())
    }

    /// How many bytes have moved, in both directions, and how many have left of what the stream makes of them: what one
    /// that encrypts takes may leave much later.
    fn moved(&self) -> (u64, u64) {
        let flushed = self.transport.as_ref().map_or(0, S::flushed);
        (self.core.bytes_sent() + self.core.bytes_received(), flushed)
    }

    /// When the wait of the last call that would have had to wait is over; `None` where it has ended.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.waiting.as_ref().filter(|waiting| waiting.moved.0 == self.moved().0)?.until
    }

    /// How long the caller wants the next wait to take at most.
    pub(crate) fn patience(&self, each: Option<Duration>, operation: Operation) -> Result<Bound, Error> {
        if self.is_canceled() {
            return Err(self.error(ErrorKind::Canceled));
        }
        let bound = Bound::of(each, operation);
        let exchange = self.timeouts.exchange.filter(|_| self.clock.is_running());
        if exchange.is_none() && self.deadline.is_none() {
            return Ok(bound);
        }
        let now = Instant::now();
        let never_waits = exchange == Some(Duration::ZERO);
        let bound = match exchange {
            Some(Duration::ZERO) => Bound::of(exchange, Operation::Exchange),
            exchange => {
                let end = exchange.and_then(|exchange| self.clock.front()?.started.checked_add(exchange));
                bound.until(end, Operation::Exchange, now)
            }
        };
        match bound.until(self.deadline, Operation::Deadline, now) {
            Bound { left: Some(Duration::ZERO), operation }
                if operation == Operation::Deadline || (operation == Operation::Exchange && !never_waits) =>
            {
                Err(self.error(ErrorKind::Timeout(operation)))
            }
            bound => Ok(bound),
        }
    }

    /// The wait was over before anything happened.
    pub(crate) fn too_late(&self, bound: Bound) -> Error {
        // A caller's own stream may refuse to wait, whatever the bound is.
        let keeps_patience = self.transport.as_ref().is_none_or(S::keeps_patience);
        self.error(match bound.left {
            _ if self.is_canceled() => ErrorKind::Canceled,
            // A wait that has no end was ended all the same: by a canceller that has been reset since.
            None if self.canceller.is_some() && keeps_patience => ErrorKind::Canceled,
            Some(left) if !left.is_zero() && keeps_patience => ErrorKind::Timeout(bound.operation),
            _ => ErrorKind::WouldBlock(bound.operation),
        })
    }

    /// Closes when `finish` has said goodbye. Once it has begun to, nothing else is sent.
    pub(crate) fn close_by(&mut self, finish: impl FnOnce(&mut S) -> io::Result<()>) -> Result<(), Error> {
        let Some(transport) = &mut self.transport else { return Ok(()) };
        let done = finish(transport);
        if !done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.close();
            return done.map_err(|error| self.error(ErrorKind::Lost).with_cause(error));
        }
        if !self.mute {
            self.mute = true;
            self.core.transmit_closed();
        }
        self.note_wait(self.timeouts.write, Operation::Write)?;
        Err(self.error(ErrorKind::WouldBlock(Operation::Write)))
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.canceller.as_ref().is_some_and(Canceller::is_canceled)
    }

    /// Ends the waits from now on when `canceller` is canceled.
    pub(crate) fn set_busy_poll(&mut self, busy: Duration) {
        self.busy = busy;
        if let Some(transport) = &mut self.transport {
            transport.set_busy_poll(busy);
        }
    }

    pub(crate) fn set_canceller(&mut self, canceller: Option<Canceller>) {
        if let Some(transport) = &mut self.transport {
            transport.set_canceller(canceller.clone());
        }
        self.canceller = canceller;
    }
}
