//! A listening socket on loopback with a thread for each connection.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::{Leaving, PATIENCE, Socket};

/// Accepts connections on `127.0.0.1`, on a port that the system chooses, until it is stopped.
pub(crate) struct Listener {
    address: SocketAddr,
    leaving: Arc<Leaving>,
    /// From which address the connection comes that ends the accepting.
    last: Arc<Mutex<Option<SocketAddr>>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves `most` connections, each in a thread of its own and each with its number.
    pub(crate) fn start(
        most: usize,
        serve: impl Fn(usize, Socket, &Leaving) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (leaving, last) = (Arc::<Leaving>::default(), Arc::<Mutex<Option<SocketAddr>>>::default());
        let accepting = Accepting { serve: Arc::new(serve), leaving: Arc::clone(&leaving), last: Arc::clone(&last) };
        let thread =
            thread::Builder::new().name("testkit accepts".into()).spawn(move || accepting.run(listener, most))?;
        Ok(Self { address, leaving, last, thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, and waits until each connection has been served.
    pub(crate) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.leaving.leave();
        // Connections that were made before this one are accepted first: none is lost. When nobody listens any more,
        // the accepting has ended already.
        let waking = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let waking = TcpStream::connect_timeout(&self.address, PATIENCE).ok();
            *last = waking.as_ref().and_then(|waking| waking.local_addr().ok());
            waking
        };
        // A connection's panic has been printed by its thread.
        let _panicked = thread.join();
        drop(waking);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

struct Accepting<F> {
    serve: Arc<F>,
    leaving: Arc<Leaving>,
    last: Arc<Mutex<Option<SocketAddr>>>,
}

impl<F: Fn(usize, Socket, &Leaving) + Send + Sync + 'static> Accepting<F> {
    fn run(&self, listener: TcpListener, most: usize) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        for index in 0..most {
            let Ok((stream, from)) = listener.accept() else { break };
            if *self.last.lock().unwrap_or_else(PoisonError::into_inner) == Some(from) {
                break;
            }
            threads.retain(|thread| !thread.is_finished());
            let (serve, leaving) = (Arc::clone(&self.serve), Arc::clone(&self.leaving));
            let socket = Socket(Arc::new(stream));
            threads.extend(thread::Builder::new().spawn(move || serve(index, socket, &leaving)));
        }
        // Nobody connects to a server that serves no more.
        drop(listener);
        for thread in threads {
            let _panicked = thread.join();
        }
    }
}
