//! One connection of the origin: bytes that have come and were not asked for yet, and bytes that wait to leave.

use std::io;

use crate::net::Transport;

pub(super) struct Incoming {
    transport: Box<dyn Transport>,
    buffer: Vec<u8>,
    /// What of the buffer has been taken.
    start: usize,
    queued: Vec<u8>,
}

/// More than this is not queued before it is written.
const QUEUE: usize = 64 << 10;

impl Incoming {
    pub(super) fn new(transport: Box<dyn Transport>) -> Self {
        Self { transport, buffer: Vec::new(), start: 0, queued: Vec::new() }
    }

    pub(super) fn into_transport(self) -> Box<dyn Transport> {
        self.transport
    }

    /// What has come and was not taken.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Takes the first `n` of the buffered bytes.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        let taken = self.buffer[self.start..self.start + n].to_vec();
        self.start += n;
        taken
    }

    /// Waits for more bytes; `false` at the end of the stream. What is queued leaves first: the client may be waiting
    /// for it.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        self.flush()?;
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + (16 << 10), 0);
        let n = loop {
            match self.transport.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                found => break found,
            }
        };
        self.buffer.truncate(filled + n.as_ref().copied().unwrap_or(0));
        Ok(n? > 0)
    }

    /// Queues bytes. They leave when there are many, when more have to be read, and with [`flush`](Self::flush): the
    /// answers to pipelined requests go together.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.queued.extend_from_slice(bytes);
        if self.queued.len() >= QUEUE { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.queued.is_empty() {
            self.transport.write_all(&self.queued)?;
            self.queued.clear();
            self.transport.flush()?;
        }
        Ok(())
    }
}
