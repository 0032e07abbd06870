//! The content of a request.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use wireline_proto::{Fields, Framing, Misuse, Request};

/// The content of a request: none, bytes, a file, or what a reader or an iterator gives.
///
/// How it is framed stands in the [`Request`]: the builder's `content_length` or `chunked`, or `framing_for`, which
/// chooses. A reader has to end where the announced length does: neither less nor more is sent in silence (RFC 9110
/// section 8.6). Use [`take`](Read::take) where a source may go on. Content that is in chunks already goes with a request
/// that says so, by `chunked` and `encoded`.
///
/// ```
/// # let server = wireline_testkit::Origin::start()?;
/// # let mut connection = wireline::Connection::connect(&server.url(""))?;
/// # let path = std::env::temp_dir().join(format!("wireline-content-{}", std::process::id()));
/// # std::fs::write(&path, "hello")?;
/// use wireline::Content;
///
/// let file = std::fs::File::open(&path)?;
/// let content = Content::file(&file);
/// let request = connection.request("PUT", "/echo").framing_for(content.length()?).build()?;
/// assert_eq!(connection.send(&request, content)?.text()?, "hello");
///
/// let mut lines = ["one\n", "two\n"].into_iter();
/// let content = Content::pieces(&mut lines);
/// let request = connection.request("PUT", "/echo").framing_for(content.length()?).build()?;
/// assert_eq!(connection.send(&request, content)?.text()?, "one\ntwo\n");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Content<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) trailers: Option<&'a Fields>,
    pub(crate) keep_sending: bool,
    /// For 100 (Continue), where it is not the connection's.
    pub(crate) patience: Option<Option<Duration>>,
    pub(crate) block_size: usize,
    pub(crate) progress: Option<&'a mut dyn FnMut(u64)>,
}

pub(crate) enum Source<'a> {
    Bytes(&'a [u8]),
    File(&'a File),
    Pieces(Box<dyn NextPiece + 'a>),
    Reader(&'a mut dyn Read),
}

/// How much is read at a time, unless it is said.
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
        Self::of(Source::Bytes(bytes))
    }

    /// What this file holds from its position on, which moves with what was read.
    ///
    /// Never more of it is sent than is announced, however it grows; a file that ends before that is
    /// [`Source`](crate::ErrorKind::Source), and where that is seen before the request is sent, nothing is. What is no
    /// file with a length, a pipe say, is read up to its end, or up to the announced length. A request without content
    /// refuses a file that has any.
    ///
    /// On Linux, TCP and Unix sockets are given the file itself (`sendfile`), unless it is small or a
    /// [`Tap`](crate::Tap) wants to see its bytes; elsewhere it is read block by block. What is written to the file until
    /// the peer has all of it may go out or not. (A peer that is gone raises `SIGPIPE` then, which programs in Rust ignore
    /// from their start: leave it ignored.)
    #[must_use]
    pub const fn file(file: &'a File) -> Self {
        Self::of(Source::File(file))
    }

    /// What this reader gives, up to its end.
    ///
    /// While the reader itself makes the connection wait, no answer is heard and no deadline passes: give one that
    /// does not wait for long.
    #[must_use]
    pub fn reader(reader: &'a mut dyn Read) -> Self {
        Self::of(Source::Reader(reader))
    }

    /// These buffers, one after the other; in chunks, each is one. An empty one is passed over. To
    /// [resume](crate::Connection::resume), give the iterator by reference here and there.
    #[must_use]
    pub fn pieces<I>(pieces: I) -> Self
    where
        I: IntoIterator<Item: AsRef<[u8]> + 'a, IntoIter: 'a>,
    {
        Self::try_pieces(pieces.into_iter().map(Ok))
    }

    /// The same of an iterator that may fail: then it is [`Source`](crate::ErrorKind::Source), and the connection is
    /// closed, so that the peer does not take what it has for all.
    #[must_use]
    pub fn try_pieces<I, T>(pieces: I) -> Self
    where
        I: IntoIterator<Item = io::Result<T>, IntoIter: 'a>,
        T: AsRef<[u8]> + 'a,
    {
        Self::of(Source::Pieces(Box::new(Kept { pieces: pieces.into_iter(), last: None })))
    }

    const fn of(source: Source<'a>) -> Self {
        Self { source, trailers: None, keep_sending: false, patience: None, block_size: BLOCK, progress: None }
    }

    /// How long it is, in bytes, where that is known before it is read: what
    /// [`framing_for`](crate::RequestBuilder::framing_for) wants to know. For a file it is what its metadata says, from
    /// its position on; where they say nothing (a pipe, a file of `/proc`) it is not known.
    ///
    /// # Errors
    /// The file cannot be looked at, or is a directory.
    pub fn length(&self) -> io::Result<Option<u64>> {
        match &self.source {
            Source::Bytes(bytes) => Ok(Some(bytes.len() as u64)),
            Source::File(file) => length_of(file),
            Source::Pieces(_) | Source::Reader(_) => Ok(None),
        }
    }

    /// How much is read at a time from a reader or a file, in bytes: 64 KiB unless it is set, 1 at least. In chunks, each
    /// of these is one.
    #[must_use]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Calls `progress` while it is sent, each time more of it has been handed to the transport, with how much that is
    /// altogether, in bytes, as [`content_sent`](crate::Connection::content_sent) has it: at least once for each MiB.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// use wireline::Content;
    ///
    /// let content = vec![b'x'; 1_000_000];
    /// let request = connection.request("PUT", "/echo").content_length(1_000_000).build()?;
    /// let mut percent = Vec::new();
    /// let mut progress = |sent| percent.push(sent * 100 / 1_000_000);
    /// connection.send(&request, Content::bytes(&content).progress(&mut progress))?.discard()?;
    /// assert!(percent.is_sorted() && percent.last() == Some(&100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn progress(mut self, progress: &'a mut dyn FnMut(u64)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// How long this content waits for 100 (Continue), where the request asks for it: `None` for ever. Without this it is
    /// [`Timeouts::expect_continue`](crate::Timeouts::expect_continue).
    #[must_use]
    pub const fn continue_within(mut self, patience: Option<Duration>) -> Self {
        self.patience = Some(patience);
        self
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
        let announced = request.framing().length();
        Ok(match &mut self.source {
            Source::Bytes(bytes) => request.check_content(bytes.len() as u64),
            Source::File(file) => match (length_of(file)?, announced) {
                (Some(length), Some(announced)) if length < announced => return Err(ended_early(announced - length)),
                (length, _) if request.framing() == Framing::None => request.check_content(match length {
                    Some(length) => length,
                    None => read(&mut &**file, &mut [0])? as u64,
                }),
                _ => Ok(()),
            },
            // Nothing of it would be read otherwise, and nobody told.
            Source::Pieces(pieces) if announced == Some(0) => {
                request.check_content(pieces.next_piece()?.map_or(0, <[u8]>::len) as u64)
            }
            Source::Reader(reader) if announced == Some(0) => request.check_content(read(*reader, &mut [0])? as u64),
            Source::Pieces(_) | Source::Reader(_) => Ok(()),
        })
    }
}

/// Buffers, one at a time.
pub(crate) trait NextPiece {
    /// The next one that is not empty.
    fn next_piece(&mut self) -> io::Result<Option<&[u8]>>;
}

/// An iterator, and what it gave last.
struct Kept<I, T> {
    pieces: I,
    last: Option<T>,
}

impl<I: Iterator<Item = io::Result<T>>, T: AsRef<[u8]>> NextPiece for Kept<I, T> {
    fn next_piece(&mut self) -> io::Result<Option<&[u8]>> {
        self.last = self.pieces.find(|piece| !matches!(piece, Ok(piece) if piece.as_ref().is_empty())).transpose()?;
        Ok(self.last.as_ref().map(T::as_ref))
    }
}

/// How much a file holds behind its position, as far as that is known before it is read.
pub(crate) fn length_of(mut file: &File) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let position = file.stream_position()?;
    // A file of /proc says 0, whatever comes out of it.
    let holds_more = metadata.len() == 0 && file.read_at(&mut [0], position)? > 0;
    Ok((!holds_more).then(|| metadata.len().saturating_sub(position)))
}

/// A file that does not hold what was announced.
pub(crate) fn ended_early(missing: u64) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file ends {missing} bytes before the announced length"))
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
            Source::File(file) => write!(f, "Content({file:?})"),
            Source::Pieces(_) => f.write_str("Content(pieces)"),
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

impl<'a> From<&'a File> for Content<'a> {
    fn from(file: &'a File) -> Self {
        Self::file(file)
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
