//! A request sent step by step, awaited.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use wireline::{Error, Fields};

use crate::drive::{Wait, drive, poll_drive};
use crate::response::Response;
use crate::transport::{AsyncTransport, Stream};

/// The content of a request, sent piece by piece as there is any: [`wireline::ContentWriter`], awaited, by
/// [`Connection::start`](crate::Connection::start). It is an `AsyncWrite`; to shut that down is to flush:
/// [`finish`](Self::finish) ends the content.
///
/// Every future may be dropped and the call made again, but for those of [`finish`](Self::finish) and
/// [`abandon`](Self::abandon), which take the writer: when the content has ended, [`receive`](crate::Connection::receive)
/// goes on; before that the connection is closed. So it is when the writer is dropped before it is finished.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let server = wireline_testkit::Origin::start()?;
/// # let mut connection = tokio_wireline::Connection::connect(&server.url("")).await?;
/// let request = connection.request("PUT", "/echo").chunked().build()?;
/// let mut writer = connection.start(&request).await?;
/// for piece in ["piece ", "by ", "piece"] {
///     writer.write_content(piece.as_bytes()).await?;
/// }
/// assert_eq!(writer.finish().await?.text().await?, "piece by piece");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ContentWriter<'c, S: AsyncTransport = Stream> {
    inner: wireline::ContentWriter<'c, S>,
    wait: &'c mut Wait,
}

impl<'c, S: AsyncTransport> ContentWriter<'c, S> {
    pub(crate) fn new(inner: wireline::ContentWriter<'c, S>, wait: &'c mut Wait) -> Self {
        Self { inner, wait }
    }

    /// As [`wireline::ContentWriter::keep_sending`].
    #[must_use]
    pub fn keep_sending(self) -> Self {
        Self { inner: self.inner.keep_sending(), wait: self.wait }
    }

    /// As [`wireline::ContentWriter::continue_within`].
    #[must_use]
    pub fn continue_within(self, patience: Option<Duration>) -> Self {
        Self { inner: self.inner.continue_within(patience), wait: self.wait }
    }

    /// As [`wireline::ContentWriter::await_continue`].
    ///
    /// # Errors
    /// As there.
    pub async fn await_continue(&mut self) -> Result<bool, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.await_continue()).await
    }

    /// As [`wireline::ContentWriter::write_content`].
    ///
    /// # Errors
    /// As there.
    pub async fn write_content(&mut self, content: &[u8]) -> Result<usize, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.write_content(content)).await
    }

    /// As [`wireline::ContentWriter::listen`]: it does not wait.
    ///
    /// # Errors
    /// As there.
    pub fn listen(&mut self) -> Result<(), Error> {
        self.inner.listen()
    }

    /// As [`wireline::ContentWriter::fail`].
    pub fn fail(&mut self, error: io::Error) -> Error {
        self.inner.fail(error)
    }

    /// As [`wireline::ContentWriter::finish`].
    ///
    /// # Errors
    /// As there.
    pub async fn finish(self) -> Result<Response<'c, S>, Error> {
        self.finish_with(&Fields::new()).await
    }

    /// As [`wireline::ContentWriter::finish_with`].
    ///
    /// # Errors
    /// As there.
    pub async fn finish_with(mut self, trailers: &Fields) -> Result<Response<'c, S>, Error> {
        drive(self.wait, &mut self.inner, |inner| inner.end_with(trailers)).await?;
        self.receive().await
    }

    /// As [`wireline::ContentWriter::abandon`].
    ///
    /// # Errors
    /// As there.
    pub async fn abandon(mut self) -> Result<Response<'c, S>, Error> {
        self.inner.give_up();
        self.receive().await
    }

    async fn receive(self) -> Result<Response<'c, S>, Error> {
        let Self { mut inner, wait } = self;
        drive(wait, &mut inner, |inner| inner.receive()).await?;
        let response = inner.into_response().expect("it has ended, and its response has come");
        Ok(Response::new(response, wait))
    }
}

impl<'c, S: AsyncTransport> Deref for ContentWriter<'c, S> {
    type Target = wireline::ContentWriter<'c, S>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

/// As [`ContentWriter::write_content`]; the [`Error`] is inside the [`io::Error`].
impl<S: AsyncTransport> AsyncWrite for ContentWriter<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, content: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, wait } = self.get_mut();
        poll_drive(cx, wait, inner, |inner| inner.write_content(content)).map_err(Into::into)
    }

    /// Waits until all that was written has left.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, wait } = self.get_mut();
        poll_drive(cx, wait, inner, |inner| inner.send_queued()).map_err(Into::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<S: AsyncTransport> fmt::Debug for ContentWriter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
