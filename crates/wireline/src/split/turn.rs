//! What a half of a connection waits for, and one for whom somebody else does.

use std::time::{Duration, Instant};

use wireline_proto::{ExchangeId, Framing};

use crate::connection::Connection;
use crate::driver::Driver;
use crate::driver::waiting::Waiting;
use crate::error::{Error, ErrorKind};
use crate::reply;
use crate::timeouts::{Operation, Timeouts};
use crate::transport::Transport;

/// What one of two who share a non-blocking connection remembers from one call to the next: for an adapter to a runtime
/// that has halves of its own, as [`Nonblocking`](crate::Nonblocking) is for one that has none.
///
/// Each half has one, and takes a turn for each call, under whatever lock the two have. What a half waits for and how long,
/// is then the same as for the halves of [`Connection::split`](crate::Connection::split).
#[derive(Debug, Default)]
pub struct Turn {
    waiting: Option<Box<Waiting>>,
    until: Option<Instant>,
}

impl Turn {
    /// Makes a call for one half; `alone` where the other one is gone. Also says whether something has changed that the
    /// other one may be waiting for: then it makes its own call again.
    ///
    /// # Errors
    /// What the call says. [`WouldBlock`](ErrorKind::WouldBlock): make it again when the transport is ready, the other half
    /// has changed something, or it is [time](Self::until). That is so also where the call asks for something that the
    /// other half does ([`ReceiveFirst`](ErrorKind::ReceiveFirst), [`NothingOwed`](ErrorKind::NothingOwed),
    /// [`ReceiveBufferFull`](ErrorKind::ReceiveBufferFull)), unless it is alone.
    pub fn take<S: Transport, T>(
        &mut self,
        connection: &mut Connection<S>,
        alone: bool,
        call: impl FnOnce(&mut Connection<S>) -> Result<T, Error>,
    ) -> (Result<T, Error>, bool) {
        let before = state_of(connection.driver());
        // A wait of the other half says nothing about this one.
        let others = std::mem::replace(&mut connection.driver().waiting, self.waiting.take());
        let done = call(connection);
        let driver = connection.driver();
        let done = done.map_err(|error| match wait_after(error.kind(), alone, &driver.timeouts) {
            // It is noted already.
            _ if matches!(error.kind(), ErrorKind::WouldBlock(_)) => error,
            Some((each, operation)) => match driver.note_wait(each, operation) {
                Ok(()) => driver.error(ErrorKind::WouldBlock(operation)),
                Err(late) => late,
            },
            None => error,
        });
        self.until = driver.until();
        self.waiting = std::mem::replace(&mut driver.waiting, others);
        (done, before != state_of(driver))
    }

    /// When to make the call again, though nothing has happened: [`Connection::until`], for this half.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The half that sends goes: content that it has not sent is not sent any more, and the peer need not wait for it.
    pub fn leave_sending<S: Transport>(connection: &mut Connection<S>) {
        give_up_content(connection.driver());
    }
}

/// What the other half may be waiting for has changed when this has.
pub(super) type State = ((u64, usize, u64, u64), Option<ExchangeId>, reply::State, bool, bool, Framing);

/// See [`State`].
pub(super) fn state_of<S: Transport>(driver: &Driver<S>) -> State {
    let core = &driver.core;
    let moved = (core.bytes_sent(), core.transmit().len(), core.bytes_received(), driver.reply.content_read);
    (moved, core.receiving(), driver.reply.state, driver.transport.is_none(), driver.mute, core.content_due())
}

/// Whether a half that was told this waits, for what, and how long at most each time.
pub(super) fn wait_after(kind: ErrorKind, alone: bool, timeouts: &Timeouts) -> Option<(Option<Duration>, Operation)> {
    match kind {
        ErrorKind::WouldBlock(Operation::Write) => Some((timeouts.write, Operation::Write)),
        ErrorKind::WouldBlock(_) => Some((timeouts.read, Operation::Read)),
        // The other half makes room.
        ErrorKind::ReceiveBufferFull { .. } if !alone => Some((timeouts.write, Operation::Write)),
        // The other half receives, or may send.
        ErrorKind::NothingOwed | ErrorKind::ReceiveFirst if !alone => Some((None, Operation::Read)),
        _ => None,
    }
}

/// The rest of the content is not sent, and the peer need not wait for it.
pub(super) fn give_up_content<S: Transport>(driver: &mut Driver<S>) {
    // Nothing may be due any more, if our side broke.
    if driver.core.content_due() != Framing::None && driver.abandon().is_ok() {
        driver.end_write();
    }
}
