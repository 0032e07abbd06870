//! Content without its codings, awaited.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use wireline::{Error, Expansion};

use crate::drive::{Wait, drive, poll_drive};
use crate::response::Response;
use crate::transport::{AsyncTransport, Stream};

/// The content of a response without its content codings: [`wireline::Decoded`], awaited, as `AsyncRead` and
/// `AsyncBufRead`. Every future but that of [`bytes`](Self::bytes) may be dropped and the call made again.
pub struct Decoded<'r, 'c, S: AsyncTransport = Stream> {
    inner: wireline::Decoded<'r, 'c, S>,
    wait: &'r mut Wait,
}

impl<'c, S: AsyncTransport> Response<'c, S> {
    /// As [`wireline::Response::decoded`].
    ///
    /// # Errors
    /// As there.
    pub fn decoded(&mut self) -> Result<Decoded<'_, 'c, S>, Error> {
        self.decoded_within(Expansion::default())
    }

    /// As [`wireline::Response::decoded_within`].
    ///
    /// # Errors
    /// As there.
    pub fn decoded_within(&mut self, expansion: Expansion) -> Result<Decoded<'_, 'c, S>, Error> {
        let (inner, wait) = self.parts();
        Ok(Decoded { inner: inner.decoded_within(expansion)?, wait })
    }
}

impl<S: AsyncTransport> Decoded<'_, '_, S> {
    /// Lends the content that comes next, empty when it is complete.
    ///
    /// # Errors
    /// As [`wireline::Decoded::fill_content`].
    pub async fn fill_content(&mut self) -> Result<&[u8], Error> {
        drive(self.wait, &mut self.inner, |inner| inner.fill_content().map(drop)).await?;
        self.inner.fill_content()
    }

    /// Lets go of so many bytes of the content that was lent, at most of all of them.
    pub fn consume_content(&mut self, len: usize) {
        self.inner.consume_content(len);
    }

    /// Reads some content into `into`; 0 when it is complete (or `into` empty).
    ///
    /// # Errors
    /// As [`fill_content`](Self::fill_content).
    pub async fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.read_content(into)).await
    }

    /// All of the content that has not been read yet.
    ///
    /// # Errors
    /// As [`fill_content`](Self::fill_content); what could be decoded before is in [`Error::partial`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_all().await
    }

    /// The same as text in its charset.
    ///
    /// # Errors
    /// As [`wireline::Decoded::text_in_charset`].
    pub async fn text_in_charset(mut self) -> Result<String, Error> {
        let content = self.read_all().await?;
        self.inner.charset_text_of(content)
    }

    async fn read_all(&mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        loop {
            let len = match self.fill_content().await {
                Ok([]) => return Ok(content),
                Ok(piece) => {
                    content.extend_from_slice(piece);
                    piece.len()
                }
                Err(error) => return Err(error.with_partial(content)),
            };
            self.consume_content(len);
        }
    }
}

impl<S: AsyncTransport> AsyncRead for Decoded<'_, '_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { inner, wait } = self.get_mut();
        let read = ready!(poll_drive(cx, wait, inner, |inner| inner.read_content(into.initialize_unfilled())))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncTransport> AsyncBufRead for Decoded<'_, '_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { inner, wait } = self.get_mut();
        ready!(poll_drive(cx, wait, inner, |inner| inner.fill_content().map(drop)))?;
        Poll::Ready(Ok(inner.fill_content()?))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.get_mut().consume_content(len);
    }
}

impl<S: AsyncTransport> fmt::Debug for Decoded<'_, '_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
