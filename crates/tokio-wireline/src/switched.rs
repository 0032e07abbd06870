//! What is left of a connection when the bytes are no longer HTTP, awaited.

use std::fmt;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::split::{RECEIVE, SEND, Tasks};
use crate::transport::{AsyncTransport, Stream};

/// A tunnel (RFC 9110 section 9.3.6), or the protocol that was switched to (section 7.8): [`wireline::Switched`], as
/// `AsyncRead + AsyncWrite`. It has no timeouts: tokio's are around it.
pub struct Switched<S: AsyncTransport = Stream> {
    inner: wireline::Switched<S>,
    /// One task may read while another writes (`tokio::io::split`).
    tasks: Arc<Tasks>,
}

impl<S: AsyncTransport> Switched<S> {
    pub(crate) fn new(mut inner: wireline::Switched<S>) -> Self {
        let mut never = wireline::Timeouts::default();
        (never.read, never.write) = (Some(std::time::Duration::ZERO), Some(std::time::Duration::ZERO));
        inner.set_timeouts(never);
        inner.set_deadline(None);
        inner.set_canceller(None);
        let tasks = Arc::new(Tasks::default());
        inner.transport_mut().wakes(&Waker::from(Arc::clone(&tasks)));
        Self { inner, tasks }
    }

    /// The bytes that came behind the head and have not been read yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.inner.unread()
    }

    /// The stream, and the bytes that come before it.
    #[must_use]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        self.inner.into_parts()
    }

    /// The stream.
    #[must_use]
    pub fn transport(&self) -> &S {
        self.inner.transport()
    }

    fn poll<T>(
        &mut self,
        side: usize,
        cx: &Context<'_>,
        act: impl FnOnce(&mut wireline::Switched<S>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.tasks.set(side, cx.waker());
        match act(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            done => Poll::Ready(done),
        }
    }
}

impl<S: AsyncTransport + Unpin> AsyncRead for Switched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(RECEIVE, cx, |inner| {
            let read = inner.read(into.initialize_unfilled())?;
            into.advance(read);
            Ok(())
        })
    }
}

impl<S: AsyncTransport + Unpin> AsyncWrite for Switched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll(SEND, cx, |inner| inner.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(SEND, cx, Write::flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(SEND, cx, |inner| {
            inner.flush()?;
            inner.transport_mut().finish_write()
        })
    }
}

impl<S: AsyncTransport> fmt::Debug for Switched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switched").field("unread", &self.unread().len()).finish_non_exhaustive()
    }
}
