//! What the two halves of a connection share.
//!
//! The lock is held while bytes move and never while anybody waits (but for the 20 ms that a response may take which is
//! dropped half-read): under it nothing waits (`Driver::no_wait`), and what
//! would have to is waited for outside, on a descriptor of the same socket. Writing and telling the core of it happen
//! under one hold, because the core's verdicts depend on it. A half that has changed something rings for the other.

mod receive;
mod send;
mod turn;

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::canceller::Canceller;
use crate::connection::Connection;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::timeouts::{Bound, Operation};
use crate::transport::{Ready, Transport};
use crate::wait::{wait_for, wanted_of};
use rustix::event::{PollFd, PollFlags};
use turn::{State, state_of, wait_after};

pub use receive::{ReceiveHalf, Received};
pub use send::SendHalf;
pub use turn::Turn;

struct Shared<S: Transport> {
    /// The same socket, to wait on without the lock.
    socket: OwnedFd,
    inner: Mutex<Inner<S>>,
}

struct Inner<S: Transport> {
    connection: Connection<S>,
    /// Which half waits to be rung for: the sending one, the receiving one.
    waits: [bool; 2],
    /// Which half is gone.
    gone: [bool; 2],
    /// The socket was shut down behind its connection.
    is_shut: bool,
}

/// What both halves are.
struct Half<S: Transport> {
    shared: Arc<Shared<S>>,
    /// Rings for the other half, and is rung.
    bell: UnixStream,
    side: usize,
}

impl<S: Transport> std::fmt::Debug for Half<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Half").field("side", &self.side).finish_non_exhaustive()
    }
}

/// What a half waits for outside the lock.
struct Wait {
    wanted: Ready,
    bound: Bound,
    canceller: Option<Canceller>,
    /// An end that is no error.
    until: Option<Instant>,
    /// The other half was gone, and rings no more.
    alone: bool,
}

const SEND: usize = 0;
const RECEIVE: usize = 1;

pub(crate) fn split<S: Transport + AsFd>(mut connection: Connection<S>) -> io::Result<(SendHalf<S>, ReceiveHalf<S>)> {
    let socket = match connection.fd() {
        Some(fd) => fd.try_clone_to_owned()?,
        None => return Err(io::ErrorKind::NotConnected.into()),
    };
    let (send_bell, receive_bell) = UnixStream::pair()?;
    send_bell.set_nonblocking(true)?;
    receive_bell.set_nonblocking(true)?;
    connection.driver().no_wait = true;
    let inner = Inner { connection, waits: [false; 2], gone: [false; 2], is_shut: false };
    let shared = Arc::new(Shared { socket, inner: Mutex::new(inner) });
    let send = Half { shared: Arc::clone(&shared), bell: send_bell, side: SEND };
    Ok((SendHalf::new(send), ReceiveHalf::new(Half { shared, bell: receive_bell, side: RECEIVE })))
}

impl<S: Transport> Half<S> {
    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what needs no waiting.
    fn with<T>(&self, act: impl FnOnce(&mut Driver<S>) -> T) -> T {
        self.hold(&mut self.lock(), act)
    }

    fn hold<T>(&self, inner: &mut Inner<S>, act: impl FnOnce(&mut Driver<S>) -> T) -> T {
        let driver = inner.connection.driver();
        let before = state_of(driver);
        let result = act(driver);
        self.tell(inner, before);
        result
    }

    /// Tells the other half, where it waits, of what is another state now.
    fn tell(&self, inner: &mut Inner<S>, before: State) {
        let driver = inner.connection.driver();
        let has_changed = before != state_of(driver);
        if driver.transport.is_none() && !inner.is_shut {
            inner.is_shut = true;
            // The descriptor to wait on would keep the connection open. A peer that is gone has shut it already.
            let _gone = rustix::net::shutdown(&self.shared.socket, rustix::net::Shutdown::Both);
        }
        if has_changed && std::mem::take(&mut inner.waits[1 - self.side]) {
            self.ring();
        }
    }

    fn ring(&self) {
        // A bell that is full rings already, and one without the other half rings for nobody.
        let _rung = (&self.bell).write(&[0]);
    }

    /// Does something, again and again as long as it would have to wait, and waits in between.
    fn until_done<T>(&self, mut act: impl FnMut(&mut Driver<S>, bool) -> Result<T, Error>) -> Result<T, Error> {
        loop {
            let mut inner = self.lock();
            let alone = inner.gone[1 - self.side];
            match self.hold(&mut inner, |driver| act(driver, alone)) {
                Ok(done) => return Ok(done),
                Err(error) => self.wait_after(inner, error, alone)?,
            }
        }
    }

    /// Waits for what may let the same go well after an error, if anything does.
    fn wait_after(&self, mut inner: MutexGuard<'_, Inner<S>>, error: Error, alone: bool) -> Result<(), Error> {
        let wait = Self::wait_of(inner.connection.driver(), error, alone)?;
        inner.waits[self.side] = true;
        drop(inner);
        if self.wait(&wait) { Ok(()) } else { Err(self.lock().connection.driver().too_late(wait.bound)) }
    }

    /// What to wait for after an error, if anything.
    fn wait_of(driver: &mut Driver<S>, error: Error, alone: bool) -> Result<Wait, Error> {
        let Some((each, operation)) = wait_after(error.kind(), alone, &driver.timeouts) else { return Err(error) };
        let turn = matches!(error.kind(), ErrorKind::ReceiveFirst);
        let read = !turn && driver.core.interest().read && !driver.core.receive_space().is_empty();
        // Where our side ends over TLS, its closing notice may wait for room.
        let is_ending = driver.mute && driver.transport.as_ref().is_some_and(Transport::is_flushing);
        let wanted = Ready { read, write: operation == Operation::Write || is_ending };
        let bound = driver.patience(each, operation)?;
        if bound.left == Some(Duration::ZERO) || driver.is_nonblocking {
            return Err(error);
        }
        let until = driver.continue_until.filter(|_| driver.core.awaiting_continue().is_some() && !turn);
        Ok(Wait { wanted, bound, canceller: driver.canceller.clone(), until, alone })
    }

    /// Waits for the socket, the other half's bell or the canceller's. `false`: it took too long.
    fn wait(&self, wait: &Wait) -> bool {
        let end = wait.bound.left.and_then(|left| Instant::now().checked_add(left));
        let first = end.into_iter().chain(wait.until).min();
        let mut fds = Vec::with_capacity(3);
        if wait.wanted != Ready::default() {
            fds.push(wanted_of(self.shared.socket.as_fd(), wait.wanted));
        }
        // A bell whose other end is gone is ready for ever. If that has happened since, there is something new to see.
        if !wait.alone {
            fds.push(PollFd::new(&self.bell, PollFlags::IN));
        }
        let canceled_at = fds.len();
        if let Some(canceller) = &wait.canceller {
            fds.push(PollFd::from_borrowed_fd(canceller.bell(), PollFlags::IN));
        }
        // Where there is nothing to wait with, the next attempt says more.
        let in_time = wait_for(&mut fds, first).unwrap_or(true) || end.is_none_or(|end| end > Instant::now());
        if let Some(canceller) = wait.canceller.as_ref().filter(|_| !fds[canceled_at].revents().is_empty()) {
            canceller.heard();
        }
        while (&self.bell).read(&mut [0; 64]).is_ok_and(|read| read == 64) {}
        in_time
    }

    /// Both halves together again, if they are of one connection.
    fn join(self, other: Self) -> Result<Connection<S>, (Self, Self)> {
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            return Err((self, other));
        }
        drop(other);
        let bell = self.bell;
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => {
                let inner = shared.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
                let mut connection = inner.connection;
                connection.driver().no_wait = false;
                Ok(connection)
            }
            Err(_) => unreachable!("there are two halves, and both are here: {bell:?}"),
        }
    }

    fn leave(&self) {
        let mut inner = self.lock();
        inner.gone[self.side] = true;
        inner.waits[1 - self.side] = false;
        self.ring();
    }
}
