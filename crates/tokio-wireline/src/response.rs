//! A final response, awaited.

use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream as _;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use wireline::Error;

use crate::drive::{Wait, drive, poll_drive};
use crate::switched::Switched;
use crate::transport::{AsyncTransport, Stream};

/// A final response whose head has come, lent by its connection: [`wireline::Response`], awaited. The questions are those
/// of the blocking one.
///
/// It is `AsyncRead` and `AsyncBufRead`; [`frames`](Self::frames) are a `Stream` and an [`http_body::Body`]. Content that
/// ends early is an error from every method that reads, never an end. Every future may be dropped: what it has not handed
/// out is read next time. Dropped itself before its end, the response is read on if little is left and it is here
/// already; otherwise the connection is closed.
#[derive(Debug)]
pub struct Response<'c, S: AsyncTransport = Stream> {
    inner: wireline::Response<'c, S>,
    wait: &'c mut Wait,
}

impl<'c, S: AsyncTransport> Response<'c, S> {
    pub(crate) fn new(inner: wireline::Response<'c, S>, wait: &'c mut Wait) -> Self {
        Self { inner, wait }
    }

    /// Reads some content into `into`; 0 when it is complete (or `into` empty).
    ///
    /// # Errors
    /// As [`wireline::Response::read_content`].
    pub async fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.read_content(into)).await
    }

    /// Lends the content that comes next, empty when it is complete.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    pub async fn fill_content(&mut self) -> Result<&[u8], Error> {
        drive(self.wait, &mut self.inner, |inner| inner.fill_content().map(drop)).await?;
        self.inner.fill_content()
    }

    /// Lets go of some of the content that was lent.
    pub fn consume_content(&mut self, len: usize) {
        self.inner.consume_content(len);
    }

    /// All of the content that has not been read yet. Dropped, the future drops what has been read, as the response.
    ///
    /// # Errors
    /// As [`wireline::Response::bytes`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_all().await
    }

    /// The same as [`bytes`](Self::bytes) as text.
    ///
    /// # Errors
    /// As [`wireline::Response::text`].
    pub async fn text(mut self) -> Result<String, Error> {
        let bytes = self.read_all().await?;
        self.inner.text_of(bytes)
    }

    /// The same in its charset: [`wireline::Response::text_in_charset`].
    ///
    /// # Errors
    /// As there.
    pub async fn text_in_charset(mut self) -> Result<String, Error> {
        let content = self.read_all().await?;
        self.inner.charset_text_of(content)
    }

    /// Reads until `into` is full or the content ends, and says how much it was: short only at the end. Dropped, the future
    /// drops what it has read: [`read_content`](Self::read_content) does not.
    ///
    /// # Errors
    /// As [`wireline::Response::read_full`].
    pub async fn read_full(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let mut len = 0;
        while len < into.len() {
            match self.read_content(&mut into[len..]).await {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) => return Err(error.with_partial(into[..len].to_vec())),
            }
        }
        Ok(len)
    }

    /// Reads the rest of the content and drops it, however much it is; says how much it was.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content).
    pub async fn discard(mut self) -> Result<u64, Error> {
        let before = self.inner.content_read();
        loop {
            let len = self.fill_content().await?.len();
            if len == 0 {
                return Ok(self.inner.content_read() - before);
            }
            self.consume_content(len);
        }
    }

    /// The same as the `http` crate has it, with all of its content.
    ///
    /// # Errors
    /// As [`wireline::Response::into_http`].
    pub async fn into_http(mut self) -> Result<http::Response<Vec<u8>>, Error> {
        let content = self.read_all().await?;
        Ok(self.inner.head_to_http()?.map(|()| content))
    }

    /// The content as a `Stream` of frames, the trailer section last.
    pub fn frames(self) -> Frames<'c, S> {
        Frames { response: self, has_ended: false }
    }

    /// Gives the connection back and leaves the response where it is: [`wireline::Response::suspend`].
    pub fn suspend(self) {
        self.inner.suspend();
    }

    /// The stream, after a switch; bytes that came behind the head are read from it first.
    ///
    /// # Errors
    /// The response itself, when it does not switch.
    pub fn into_switched(self) -> Result<Switched<S>, Self> {
        let Self { inner, wait } = self;
        match inner.into_switched() {
            Ok(switched) => Ok(Switched::new(switched)),
            Err(inner) => Err(Self { inner, wait }),
        }
    }

    pub(crate) fn parts(&mut self) -> (&mut wireline::Response<'c, S>, &mut Wait) {
        (&mut self.inner, self.wait)
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

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], Error>> {
        ready!(poll_drive(cx, self.wait, &mut self.inner, |inner| inner.fill_content().map(drop)))?;
        Poll::Ready(self.inner.fill_content())
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>, has_ended: &mut bool) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if *has_ended {
            return Poll::Ready(None);
        }
        let piece = match ready!(self.poll_fill(cx)) {
            Ok(piece) => Bytes::copy_from_slice(piece),
            Err(error) => {
                *has_ended = true;
                return Poll::Ready(Some(Err(error)));
            }
        };
        if !piece.is_empty() {
            self.consume_content(piece.len());
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        *has_ended = true;
        if self.inner.trailers().is_empty() {
            return Poll::Ready(None);
        }
        let trailers = http::HeaderMap::try_from(&self.inner.trailers().to_owned());
        Poll::Ready(trailers.ok().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

impl<'c, S: AsyncTransport> Deref for Response<'c, S> {
    type Target = wireline::Response<'c, S>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<S: AsyncTransport> AsyncRead for Response<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = ready!(poll_drive(cx, this.wait, &mut this.inner, |inner| {
            inner.read_content(into.initialize_unfilled())
        }))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncTransport> AsyncBufRead for Response<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(ready!(self.get_mut().poll_fill(cx))?))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.get_mut().consume_content(len);
    }
}

/// The content of a response as frames, up to the first error: a `Stream` and an [`http_body::Body`]. Trailers whose values a `HeaderMap` does not
/// take are left out; [`wireline::Response::trailers`] has them.
#[derive(Debug)]
pub struct Frames<'c, S: AsyncTransport = Stream> {
    response: Response<'c, S>,
    has_ended: bool,
}

impl<'c, S: AsyncTransport> Frames<'c, S> {
    /// The response.
    #[must_use]
    pub fn response(&self) -> &Response<'c, S> {
        &self.response
    }
}

impl<S: AsyncTransport> futures_core::Stream for Frames<'_, S> {
    type Item = Result<Frame<Bytes>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { response, has_ended } = self.get_mut();
        response.poll_frame(cx, has_ended)
    }
}

impl<S: AsyncTransport> Body for Frames<'_, S> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.poll_next(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.response.is_complete() && (self.has_ended || self.response.trailers().is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        self.response.content_left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
