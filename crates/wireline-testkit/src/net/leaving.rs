//! How a server tells its connections that it is about to stop.

use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::Socket;

/// Whether a server is about to stop, and the sockets to wake when it does.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    left: bool,
    /// Weak, so that a socket is closed when its connection's thread is done with it.
    sockets: Vec<Weak<TcpStream>>,
}

impl Leaving {
    /// From now on nobody waits for this server's clients.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        for socket in state.sockets.drain(..).filter_map(|socket| socket.upgrade()) {
            // One that is closed already needs no waking.
            let _closed = socket.shutdown(Shutdown::Read);
        }
        self.changed.notify_all();
    }

    /// A read from this socket ends when the server leaves.
    pub(crate) fn shut_when_leaving(&self, socket: &Socket) {
        let mut state = self.lock();
        if state.left {
            let _closed = socket.0.shutdown(Shutdown::Read);
        } else {
            state.sockets.retain(|socket| socket.strong_count() > 0);
            state.sockets.push(std::sync::Arc::downgrade(&socket.0));
        }
    }

    pub(crate) fn has_left(&self) -> bool {
        self.lock().left
    }

    /// Waits until the server leaves, but no longer than this; whether it has left.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let state = self.lock();
        self.changed.wait_timeout_while(state, most, |state| !state.left).unwrap_or_else(PoisonError::into_inner).0.left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A list of sockets cannot be half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
