//! The content of a request.

use std::fmt;
use std::io::{self, Read};

use wireline_proto::{Fields, Misuse, Request};

/// The content of a request: none, bytes, or what a reader gives.
///
/// How it is framed stands in the [`Request`]: the builder's `content_length` or `chunked`. A reader has to end where
/// the announced length does: neither less nor more is sent in silence (RFC 9110 section 8.6). Use
/// [`take`](Read::take) where a source may go on.
///
/// ```
/// use wireline::Content;
///
/// let bytes = Content::from("hello");
/// let mut file = std::io::Cursor::new(vec![1, 2, 3]);
/// let reader = Content::reader(&mut file);
/// # let _ = (bytes, reader);
/// ```
pub struct Content<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) trailers: Option<&'a Fields>,
    pub(crate) keep_sending: bool,
}

pub(crate) enum Source<'a> {
    Bytes(&'a [u8]),
    Reader(&'a mut dyn Read),
}

impl<'a> Content<'a> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self::bytes(&[])
    }

    /// These bytes.
    #[must_use]
    pub const fn bytes(bytes: &'a [u8]) -> Self {
        Self { source: Source::Bytes(bytes), trailers: None, keep_sending: false }
    }

    /// What this reader gives, up to its end.
    ///
    /// While the reader itself makes the connection wait, no answer is heard and no deadline passes: give one that
    /// does not wait for long.
    #[must_use]
    pub fn reader(reader: &'a mut dyn Read) -> Self {
        Self { source: Source::Reader(reader), trailers: None, keep_sending: false }
    }

    /// With this trailer section, where the content goes in chunks.
    #[must_use]
    pub const fn trailers(mut self, trailers: &'a Fields) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// All of it is sent even if the final response comes before its end. Both are legal (RFC 9110 section 7.5): to stop,
    /// which is what happens unless this is asked for, costs the connection; to go on costs the content, and keeps the
    /// connection for the next request if the peer takes it all. A response that is longer than
    /// [`Limits::receive_buffer`](crate::Limits::receive_buffer) before that is
    /// [`ReceiveBufferFull`](crate::ErrorKind::ReceiveBufferFull): then
    /// [`receive`](crate::Connection::receive) it, which leaves the rest of the content unsent.
    ///
    /// It changes nothing for content that still waits for 100 (Continue): a final response instead means that the
    /// peer does not want it (RFC 9110 section 10.1.1).
    ///
    /// ```
    /// # let server = wireline_testkit::ScriptedPeer::start([wireline_testkit::Script::new()
    /// #     .read_head().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").read(1_000_000).hold()])?;
    /// use wireline::{Connection, Content, Reuse};
    ///
    /// let mut connection = Connection::connect(&server.url(""))?;
    /// let content = vec![0; 1_000_000];
    /// let request = connection.request("PUT", "/").content_length(1_000_000).build()?;
    /// let response = connection.send(&request, Content::bytes(&content).keep_sending())?;
    /// assert!(response.status() == 403 && response.request_sent());
    /// drop(response);
    /// assert_eq!(connection.reuse(), Reuse::Now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn keep_sending(mut self) -> Self {
        self.keep_sending = true;
        self
    }

    /// Refuses, before anything is sent, what cannot fit.
    pub(crate) fn check(&mut self, request: &Request) -> io::Result<Result<(), Misuse>> {
        if let Some(Err(misuse)) = self.trailers.map(|trailers| request.check_trailers(trailers)) {
            return Ok(Err(misuse));
        }
        Ok(match &mut self.source {
            Source::Bytes(bytes) => request.check_content(bytes.len() as u64),
            // Nothing of it would be read otherwise, and nobody told.
            Source::Reader(reader) if request.framing().length() == Some(0) => {
                request.check_content(read(*reader, &mut [0])? as u64)
            }
            Source::Reader(_) => Ok(()),
        })
    }
}

/// Reads once, however often it is interrupted.
pub(crate) fn read(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Bytes(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Source::Reader(_) => f.write_str("Content(reader)"),
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
