//! A server's end of TLS.

use std::io::{self, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Secure, Socket, Transport};

/// With TLS; the handshake takes place with the first read or write.
pub(crate) fn secured(config: Arc<ServerConfig>) -> Secure {
    Arc::new(move |socket| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(connection, socket)))
    })
}

impl Transport for StreamOwned<ServerConnection, Socket> {
    fn say_goodbye(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}
