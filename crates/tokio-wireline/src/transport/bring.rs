//! Any stream that a caller brings.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wireline::{Ready, Transport};

use super::{AsyncTransport, Task, now};

/// Any `AsyncRead + AsyncWrite` as a [`Transport`]: another TLS library's stream, a tunnel, one end of a
/// [`duplex`](tokio::io::duplex). It listens while it talks as every other.
#[derive(Debug)]
pub struct Bring<T> {
    stream: T,
    task: Task,
    /// Bytes may wait in the stream for a flush.
    is_flushing: bool,
    end: End,
    /// What was read to see whether there is anything. Only reading tells.
    seen: Option<io::Result<Vec<u8>>>,
}

/// How far our side is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The stream has not said that the peer was told.
    Begun,
    Over,
}

/// How much is read at most to see whether there is anything.
const GLANCE: usize = 4 << 10;

impl<T> Bring<T> {
    /// This stream.
    #[must_use]
    pub fn new(stream: T) -> Self {
        Self { stream, task: Task::default(), is_flushing: false, end: End::Open, seen: None }
    }

    /// The stream.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        &self.stream
    }

    /// The stream. Reading from it or writing to it takes bytes away from the connection.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream back, and the bytes that come before what it gives: they were read to see whether there was anything.
    #[must_use]
    pub fn into_parts(self) -> (T, Vec<u8>) {
        (self.stream, self.seen.and_then(Result::ok).unwrap_or_default())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for Bring<T> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.task.0);
        let written = now(Pin::new(&mut self.stream).poll_write_vectored(&mut cx, parts))?;
        self.is_flushing = true;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_flushing {
            let mut cx = Context::from_waker(&self.task.0);
            now(Pin::new(&mut self.stream).poll_flush(&mut cx))?;
            self.is_flushing = false;
        }
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        match self.seen.take() {
            Some(Ok(mut seen)) => {
                let len = seen.len().min(into.len());
                into[..len].copy_from_slice(&seen[..len]);
                seen.drain(..len);
                self.seen = (!seen.is_empty()).then_some(Ok(seen));
                return Ok(len);
            }
            Some(Err(error)) => return Err(error),
            None => {}
        }
        if self.end == End::Begun {
            // Who reads on when our side is to end comes by here until there is an answer.
            let _later = self.finish_write();
        }
        let mut cx = Context::from_waker(&self.task.0);
        let mut into = ReadBuf::new(into);
        now(Pin::new(&mut self.stream).poll_read(&mut cx, &mut into))?;
        Ok(into.filled().len())
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        // Whoever asks found no room to write, and is woken when there is some.
        if wanted.read && self.seen.is_none() {
            let mut seen = vec![0; GLANCE];
            self.seen = match self.read(&mut seen, None) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                done => Some(done.map(|read| {
                    seen.truncate(read);
                    seen
                })),
            };
        }
        match self.seen {
            Some(_) => Ok(Ready { read: true, write: false }),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn is_flushing(&self) -> bool {
        self.is_flushing
    }

    fn end_write(&mut self) {
        // What needs waiting goes on with the next reads.
        let _later = self.finish_write();
    }

    fn close(&mut self) {
        self.end_write();
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncTransport for Bring<T> {
    fn wakes(&mut self, waker: &Waker) {
        self.task.set(waker);
    }

    fn finish_write(&mut self) -> io::Result<()> {
        if self.end == End::Over {
            return Ok(());
        }
        self.end = End::Begun;
        let mut cx = Context::from_waker(&self.task.0);
        let ended = now(Pin::new(&mut self.stream).poll_shutdown(&mut cx));
        if ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return ended;
        }
        self.end = End::Over;
        ended
    }
}
