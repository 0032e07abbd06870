//! The content of a request, and how it is sent.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http_body::Body;
use tokio::io::{AsyncBufRead, AsyncRead, BufReader};
use wireline::{ContentWriter, Error, ErrorKind, Fields, Request};

use crate::drive::{Wait, drive, poll_beside, poll_drive};
use crate::transport::AsyncTransport;

/// The content of a request: none, bytes, or what somebody gives piece by piece.
///
/// How it is framed stands in the [`Request`]: the builder's `content_length` or `chunked`. A source has to end where the
/// announced length does: neither less nor more is sent in silence (RFC 9110 section 8.6). While a source has nothing to
/// give, the connection listens all the same.
pub struct Content<'a> {
    source: Source<'a>,
    trailers: Option<&'a Fields>,
    keep_sending: bool,
    patience: Option<Option<Duration>>,
}

enum Source<'a> {
    Bytes(&'a [u8]),
    Pieces(Pin<Box<dyn Pieces + Send + 'a>>),
}

/// Gives content piece by piece.
trait Pieces {
    /// Lends what comes next; nothing at the end.
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>>;

    /// Lets go of some of it.
    fn consume(self: Pin<&mut Self>, len: usize);

    /// What came behind the end.
    fn trailers(self: Pin<&mut Self>) -> Option<Fields> {
        None
    }
}

/// How much is read at a time from a reader.
const BLOCK: usize = 64 << 10;

impl<'a> Content<'a> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self::bytes(&[])
    }

    /// These bytes.
    #[must_use]
    pub const fn bytes(bytes: &'a [u8]) -> Self {
        Self { source: Source::Bytes(bytes), trailers: None, keep_sending: false, patience: None }
    }

    /// What this reader gives, up to its end.
    #[must_use]
    pub fn reader(reader: impl AsyncRead + Send + 'a) -> Self {
        Self::of(Box::pin(Reader(BufReader::with_capacity(BLOCK, Box::pin(reader)))))
    }

    /// These buffers, one after the other; in chunks, each is one. An empty one is passed over.
    #[must_use]
    pub fn pieces<T: AsRef<[u8]> + Send + 'a>(pieces: impl Stream<Item = io::Result<T>> + Send + 'a) -> Self {
        Self::of(Box::pin(Buffers { pieces: Box::pin(pieces), last: None, taken: 0 }))
    }

    /// A body of the field's traits, its trailers included: they need content in chunks, as those of
    /// [`trailers`](Self::trailers) do.
    #[must_use]
    pub fn body<B>(body: B) -> Self
    where
        B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'a,
    {
        Self::of(Box::pin(Frames { body: Box::pin(body), last: Bytes::new(), trailers: None }))
    }

    /// With this trailer section, where the content goes in chunks.
    #[must_use]
    pub const fn trailers(mut self, trailers: &'a Fields) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// How long it waits for 100 (Continue): [`wireline::Content::continue_within`].
    #[must_use]
    pub const fn continue_within(mut self, patience: Option<Duration>) -> Self {
        self.patience = Some(patience);
        self
    }

    /// All of it is sent even if the final response comes before its end: [`wireline::Content::keep_sending`].
    #[must_use]
    pub const fn keep_sending(mut self) -> Self {
        self.keep_sending = true;
        self
    }

    fn of(pieces: Pin<Box<dyn Pieces + Send + 'a>>) -> Self {
        Self { source: Source::Pieces(pieces), trailers: None, keep_sending: false, patience: None }
    }

    /// Sends a request with this content, and waits for the head of the response.
    pub(crate) async fn send<S: AsyncTransport>(
        self,
        connection: &mut wireline::Connection<S>,
        wait: &mut Wait,
        request: &Request,
    ) -> Result<(), Error> {
        let Self { source, trailers, keep_sending, patience } = self;
        let mut pieces = match source {
            Source::Bytes(bytes) => {
                let mut begun = None;
                return drive(wait, connection, |connection| {
                    let content = in_memory(bytes, trailers, keep_sending, patience);
                    let response = match begun.replace(()) {
                        Some(()) => connection.resume(content),
                        None => connection.send(request, content),
                    };
                    response.map(wireline::Response::suspend)
                })
                .await;
            }
            Source::Pieces(pieces) => pieces,
        };
        let is_empty = request.framing().length() == Some(0);
        if is_empty {
            // Nothing of it would be read otherwise, and nobody told.
            let deadline = connection.deadline();
            let first = loop {
                // Nothing is in flight that could be listened to, and the bounds hold all the same.
                let asked = poll_fn(|cx| match pieces.as_mut().poll_piece(cx) {
                    Poll::Ready(piece) => Poll::Ready(Some(piece.map(<[u8]>::len))),
                    Poll::Pending => wait.poll(cx, deadline).map(|()| None),
                });
                match asked.await {
                    Some(first) => break first.map_err(Error::source_failed)?,
                    None => connection.in_time()?,
                }
            };
            request.check_content(first as u64)?;
        }
        let writer = connection.start(request)?;
        let mut writer = if keep_sending { writer.keep_sending() } else { writer };
        if let Some(patience) = patience {
            writer = writer.continue_within(patience);
        }
        if !is_empty {
            // Behind its end, a source is not asked again.
            send_pieces(&mut writer, wait, pieces.as_mut()).await?;
        }
        let given = pieces.as_mut().trailers();
        let none = Fields::new();
        match writer.finish_with(given.as_ref().or(trailers).unwrap_or(&none)).map(wireline::Response::suspend) {
            // The request is complete: what is left is to wait.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {}
            done => return done,
        }
        drive(wait, connection, |connection| connection.receive().map(wireline::Response::suspend)).await
    }

    /// Goes on with it.
    pub(crate) async fn resume<S: AsyncTransport>(
        self,
        connection: &mut wireline::Connection<S>,
        wait: &mut Wait,
    ) -> Result<(), Error> {
        let Self { source, trailers, keep_sending, patience } = self;
        drive(wait, connection, |connection| {
            let response = match source {
                Source::Bytes(bytes) => connection.resume(in_memory(bytes, trailers, keep_sending, patience)),
                Source::Pieces(_) => connection.receive(),
            };
            response.map(wireline::Response::suspend)
        })
        .await
    }
}

/// Content from memory as the blocking connection has it.
fn in_memory<'a>(
    bytes: &'a [u8],
    trailers: Option<&'a Fields>,
    keep_sending: bool,
    patience: Option<Option<Duration>>,
) -> wireline::Content<'a> {
    let mut content = wireline::Content::bytes(bytes);
    if let Some(trailers) = trailers {
        content = content.trailers(trailers);
    }
    if let Some(patience) = patience {
        content = content.continue_within(patience);
    }
    if keep_sending { content.keep_sending() } else { content }
}

/// Sends all that `pieces` give, unless an answer comes first.
async fn send_pieces<S: AsyncTransport>(
    writer: &mut ContentWriter<'_, S>,
    wait: &mut Wait,
    mut pieces: Pin<&mut (dyn Pieces + Send + '_)>,
) -> Result<(), Error> {
    // Where 100 (Continue) is awaited, it is before anything is asked for.
    drive(wait, writer, ContentWriter::await_continue).await?;
    while !writer.is_refused() {
        // Whoever waits for content listens meanwhile.
        let is_there = poll_fn(|cx| match pieces.as_mut().poll_piece(cx) {
            Poll::Ready(piece) => Poll::Ready(piece.map(|piece| !piece.is_empty()).map_err(|error| writer.fail(error))),
            Poll::Pending => match poll_beside(cx, wait, writer, ContentWriter::listen) {
                Poll::Ready(Ok(())) if !writer.is_refused() => Poll::Pending,
                Poll::Ready(heard) => Poll::Ready(heard.map(|()| false)),
                Poll::Pending => Poll::Pending,
            },
        });
        if !is_there.await? {
            return Ok(());
        }
        let taken = poll_fn(|cx| {
            // It is there, and stays until it is consumed.
            let piece = ready!(pieces.as_mut().poll_piece(cx)).map_err(|error| writer.fail(error))?;
            poll_drive(cx, wait, writer, |writer| writer.write_content(piece))
        });
        let taken = taken.await?;
        pieces.as_mut().consume(taken);
    }
    Ok(())
}

struct Reader<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> Pieces for Reader<R> {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().0).poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        Pin::new(&mut self.get_mut().0).consume(len);
    }
}

struct Buffers<I, T> {
    pieces: Pin<Box<I>>,
    last: Option<T>,
    taken: usize,
}

// Nothing in it is pinned but what is in the box.
impl<I, T> Unpin for Buffers<I, T> {}

impl<I: Stream<Item = io::Result<T>>, T: AsRef<[u8]>> Pieces for Buffers<I, T> {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { pieces, last, taken } = self.get_mut();
        while last.as_ref().is_none_or(|last| last.as_ref().len() <= *taken) {
            // Only with the next one is the last one gone: until then this may be asked again.
            match ready!(pieces.as_mut().poll_next(cx)).transpose()? {
                Some(next) => (*last, *taken) = (Some(next), 0),
                None => {
                    *last = None;
                    return Poll::Ready(Ok(&[]));
                }
            }
        }
        Poll::Ready(Ok(last.as_ref().map_or(&[], |last| &last.as_ref()[*taken..])))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.get_mut().taken += len;
    }
}

struct Frames<B> {
    body: Pin<Box<B>>,
    last: Bytes,
    trailers: Option<http::HeaderMap>,
}

impl<B> Unpin for Frames<B> {}

impl<B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>> Pieces for Frames<B> {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { body, last, trailers } = self.get_mut();
        while last.is_empty() {
            match ready!(body.as_mut().poll_frame(cx)).transpose().map_err(io::Error::other)? {
                None => break,
                Some(frame) => match frame.into_data() {
                    Ok(mut data) => *last = data.copy_to_bytes(data.remaining()),
                    Err(frame) => *trailers = frame.into_trailers().ok().or_else(|| trailers.take()),
                },
            }
        }
        Poll::Ready(Ok(last))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        self.get_mut().last.advance(len);
    }

    fn trailers(self: Pin<&mut Self>) -> Option<Fields> {
        self.get_mut().trailers.take().as_ref().map(Fields::from)
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Source::Pieces(_) => f.write_str("Content(pieces)"),
        }
    }
}

impl From<()> for Content<'_> {
    fn from((): ()) -> Self {
        Self::none()
    }
}

impl<'a> From<&'a [u8]> for Content<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Content<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Content<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

impl<'a> From<&'a str> for Content<'a> {
    fn from(text: &'a str) -> Self {
        Self::bytes(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Content<'a> {
    fn from(text: &'a String) -> Self {
        Self::bytes(text.as_bytes())
    }
}
