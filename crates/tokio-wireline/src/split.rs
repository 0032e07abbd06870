//! What the two halves of a connection share.
//!
//! The lock is held while bytes move and never while anybody waits: no call of the connection does. The transport has one
//! task to wake, and that wakes both; a half that has changed something wakes the other.

mod receive;
mod send;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use wireline::{Error, ErrorKind, Turn};

use crate::connect::Reopen;
use crate::connection::Connection;
use crate::drive::Wait;
use crate::transport::AsyncTransport;

pub use receive::{ReceiveHalf, Received};
pub use send::SendHalf;

struct Shared<S: AsyncTransport> {
    inner: Mutex<Inner<S>>,
    tasks: Arc<Tasks>,
}

struct Inner<S: AsyncTransport> {
    connection: wireline::Connection<S>,
    /// For when they are together again.
    again: Option<Box<dyn Reopen<S>>>,
    /// Which half is gone.
    gone: [bool; 2],
}

/// Who waits: the sending half's task, the receiving one's.
#[derive(Default)]
pub(crate) struct Tasks([Mutex<Option<Waker>>; 2]);

/// What both halves are.
struct Half<S: AsyncTransport> {
    shared: Arc<Shared<S>>,
    side: usize,
    turn: Turn,
    wait: Wait,
}

impl<S: AsyncTransport> fmt::Debug for Half<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Half").field("side", &self.side).finish_non_exhaustive()
    }
}

pub(crate) const SEND: usize = 0;
pub(crate) const RECEIVE: usize = 1;

pub(crate) fn split<S: AsyncTransport>(
    mut connection: wireline::Connection<S>,
    wait: Wait,
    again: Option<Box<dyn Reopen<S>>>,
) -> io::Result<(SendHalf<S>, ReceiveHalf<S>)> {
    let tasks = Arc::new(Tasks::default());
    let others = wait.of_another()?;
    let Some(transport) = connection.transport_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
    transport.wakes(&Waker::from(Arc::clone(&tasks)));
    let shared = Arc::new(Shared { inner: Mutex::new(Inner { connection, again, gone: [false; 2] }), tasks });
    let send = Box::new(Half { shared: Arc::clone(&shared), side: SEND, turn: Turn::default(), wait });
    let receive = Box::new(Half { shared, side: RECEIVE, turn: Turn::default(), wait: others });
    Ok((SendHalf::new(send), ReceiveHalf::new(receive)))
}

impl<S: AsyncTransport> Half<S> {
    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something.
    fn ask<T>(&self, question: impl FnOnce(&mut wireline::Connection<S>) -> T) -> T {
        question(&mut self.lock().connection)
    }

    /// Does what needs no waiting.
    fn with<T>(&self, act: impl FnOnce(&mut wireline::Connection<S>) -> Result<T, Error>) -> Result<T, Error> {
        let (done, has_changed) = Turn::default().take(&mut self.lock().connection, true, act);
        if has_changed {
            self.wake_other();
        }
        done
    }

    /// Makes a call, again each time that this is polled, until it does not have to wait.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut wireline::Connection<S>) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        loop {
            // Before the call: what happens from here on wakes.
            self.shared.tasks.set(self.side, cx.waker());
            let mut inner = self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let alone = inner.gone[1 - self.side];
            let (done, has_changed) = self.turn.take(&mut inner.connection, alone, &mut call);
            drop(inner);
            if has_changed {
                self.wake_other();
            }
            match done {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {
                    ready!(self.wait.poll(cx, self.turn.until()));
                }
                done => {
                    self.shared.tasks.take(self.side);
                    return Poll::Ready(done);
                }
            }
        }
    }

    async fn until_done<T>(
        &mut self,
        mut call: impl FnMut(&mut wireline::Connection<S>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        std::future::poll_fn(|cx| self.poll(cx, &mut call)).await
    }

    fn wake_other(&self) {
        if let Some(task) = self.shared.tasks.take(1 - self.side) {
            task.wake();
        }
    }

    /// Both halves together again, if they are of one connection.
    fn join(self: Box<Self>, other: Box<Self>) -> Result<Connection<S>, (Box<Self>, Box<Self>)> {
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            return Err((self, other));
        }
        drop(other);
        let Self { shared, wait, .. } = *self;
        let Some(shared) = Arc::into_inner(shared) else { unreachable!("there are two halves, and both are here") };
        let inner = shared.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let connection = Connection::adopt(inner.connection, wait);
        Ok(match inner.again {
            Some(again) => connection.again_by(again),
            None => connection,
        })
    }

    fn leave(&self) {
        self.lock().gone[self.side] = true;
        self.wake_other();
    }
}

impl Tasks {
    pub(crate) fn set(&self, side: usize, waker: &Waker) {
        let mut task = self.lock(side);
        match &mut *task {
            Some(task) => task.clone_from(waker),
            None => *task = Some(waker.clone()),
        }
    }

    fn take(&self, side: usize) -> Option<Waker> {
        self.lock(side).take()
    }

    fn lock(&self, side: usize) -> MutexGuard<'_, Option<Waker>> {
        self.0[side].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport is ready, and does not say for whom.
impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        for side in [SEND, RECEIVE] {
            if let Some(task) = self.take(side) {
                task.wake();
            }
        }
    }
}
