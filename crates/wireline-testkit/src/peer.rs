//! A peer that does what a script says, and keeps what it saw.

mod conversation;
mod script;
mod signal;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub use conversation::{Conversation, Outcome};
pub use script::Script;
pub use signal::Signal;

use crate::net::{self, Listener, Secure};

/// A server on `127.0.0.1` that follows a script for each connection: the first script for the first connection, and so
/// on; it accepts no more connections than it has scripts.
///
/// No wait of it lasts for ever, see [`Script::patience`].
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use wireline_testkit::{Script, ScriptedPeer};
///
/// let script = Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n");
/// let peer = ScriptedPeer::start([script])?;
///
/// let mut client = TcpStream::connect(peer.address())?;
/// client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
/// let mut response = Vec::new();
/// client.read_to_end(&mut response)?;
/// assert!(response.starts_with(b"HTTP/1.1 204 "));
///
/// let seen = peer.join();
/// assert!(seen[0].is_completed());
/// assert!(seen[0].received().starts_with(b"GET / "));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ScriptedPeer {
    listener: Listener,
    conversations: Arc<Mutex<Vec<Option<Conversation>>>>,
}

impl ScriptedPeer {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system gives no port or no thread.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Self::over(net::plain(), scripts)
    }

    /// The same over TLS. The handshake is no step of a script: it takes place with the first step that reads or sends.
    ///
    /// # Errors
    /// When the system gives no port or no thread.
    #[cfg(feature = "tls")]
    pub fn start_tls(config: Arc<rustls::ServerConfig>, scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Self::over(net::secured(config), scripts)
    }

    fn over(secure: Secure, scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        let scripts: Vec<_> = scripts.into_iter().collect();
        let conversations = Arc::new(Mutex::new(vec![None; scripts.len()]));
        let kept = Arc::clone(&conversations);
        let listener = Listener::start(scripts.len(), move |index, socket, leaving| {
            let conversation = scripts[index].follow(&secure, socket, leaving);
            kept.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(conversation);
        })?;
        Ok(Self { listener, conversations })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// `http://127.0.0.1:PORT` with this path behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// What it saw, by connection, when each script that was begun has ended. Connections that no client made are
    /// missing.
    #[must_use]
    pub fn join(mut self) -> Vec<Conversation> {
        self.listener.stop();
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.drain(..).flatten().collect()
    }
}

#[cfg(test)]
mod tests;
