//! More ways to read a response: with a bound, as text in its charset, a field in one piece.

use std::borrow::Cow;
use std::io;

use super::Response;
use super::lines::{Lines, Pieces};
use crate::charset::Charset;
use crate::error::{Error, ErrorKind};
use crate::media_type::MediaType;
use crate::reply::Head;
use crate::transport::Transport;

impl Head {
    /// The value of a field as text: the lines of this name joined by `, ` (RFC 9110 section 5.3), octets above 0x7F as
    /// the code points U+0080 to U+00FF. Line by line it is in [`FieldsRef::get_all`](crate::FieldsRef::get_all), which
    /// is the only way for `Set-Cookie`.
    ///
    /// ```
    /// # let server = wireline_testkit::ScriptedPeer::start([wireline_testkit::Script::new()
    /// #     .read_head().send("HTTP/1.1 200 OK\r\nVary: a\r\nContent-Length: 0\r\nvary: b\r\n\r\n").hold()])?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// let response = connection.get("/")?;
    /// assert_eq!(response.field("Vary").unwrap_or_default(), "a, b");
    /// assert_eq!(response.field("Age").as_deref().unwrap_or("0"), "0");
    /// let lines: Vec<_> = response.fields().get_all("vary").collect();
    /// assert_eq!(lines, [b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match self.fields().joined(name)? {
            Cow::Borrowed(value) if value.is_ascii() => String::from_utf8_lossy(value),
            value => value.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        })
    }

    /// The media type of the content: `None` where `Content-Type` is not there, or not once, or is none (RFC 9110
    /// section 8.3).
    #[must_use]
    pub fn content_type(&self) -> Option<MediaType> {
        let fields = self.fields();
        let mut values = fields.get_all("content-type");
        let value = values.next()?;
        if values.next().is_some() { None } else { MediaType::parse(value) }
    }
}

impl<'c, S: Transport> Response<'c, S> {
    /// As [`Head::field`].
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        self.head().field(name)
    }

    /// As [`Head::content_type`].
    #[must_use]
    pub fn content_type(&self) -> Option<MediaType> {
        self.head().content_type()
    }

    /// Fills `into` with content. It says how much that was, which is less than there is room for only at the end of the
    /// content.
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content). What did come is in [`Error::partial`] (and in `into`): where the call
    /// can be made again, the content goes on behind it.
    pub fn read_full(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let mut len = 0;
        while len < into.len() {
            match self.read_content(&mut into[len..]) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) => return Err(error.with_partial(into[..len].to_vec())),
            }
        }
        Ok(len)
    }

    /// The next `len` bytes of the content, fewer only at its end: memory is used for what has come, not for what was
    /// asked for.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// let mut response = connection.get("/bytes/10")?;
    /// assert_eq!(response.read_bytes(4)?.len(), 4);
    /// assert_eq!(response.content_left(), Some(6));
    /// assert_eq!(response.read_bytes(usize::MAX)?.len(), 6);
    /// assert_eq!(response.read_bytes(1)?, b"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_full`](Self::read_full).
    pub fn read_bytes(&mut self, len: usize) -> Result<Vec<u8>, Error> {
        self.read_most(len)
    }

    /// All of the content that has not been read yet, if that is no more than `bound` bytes.
    ///
    /// # Errors
    /// [`TooLong`](ErrorKind::TooLong), and nothing is lost: where the peer has said the length, nothing was read; else
    /// what was read, `bound` bytes, is in [`Error::partial`], and the content goes on behind it. Or as
    /// [`read_full`](Self::read_full).
    pub fn bytes_up_to(&mut self, bound: usize) -> Result<Vec<u8>, Error> {
        let too_long = ErrorKind::TooLong { bound: bound as u64 };
        if self.content_left().is_some_and(|left| left > bound as u64) {
            return Err(self.driver.error(too_long));
        }
        let content = self.read_most(bound)?;
        if content.len() == bound {
            match self.fill_content() {
                Ok([]) => {}
                Ok(_) => return Err(self.driver.error(too_long).with_partial(content)),
                Err(error) => return Err(error.with_partial(content)),
            }
        }
        Ok(content)
    }

    /// All of the content that has not been read yet, as text in the charset that [`content_type`](Self::content_type)
    /// names, or in UTF-8 where it names none. Known are UTF-8, ISO-8859-1 and US-ASCII, by each of their registered
    /// names; a byte order mark stays what it is.
    ///
    /// # Errors
    /// [`Charset`](ErrorKind::Charset) for another one, which the error names, and [`NotText`](ErrorKind::NotText) for
    /// what is not text in it: the content is in [`Error::partial`], all of it. Or as [`bytes`](Self::bytes).
    pub fn text_in_charset(mut self) -> Result<String, Error> {
        let content = self.read_all()?;
        self.charset_text_of(content)
    }

    /// What was read of it as text in its charset: the end of [`text_in_charset`](Self::text_in_charset), for those who read
    /// by themselves.
    ///
    /// # Errors
    /// As there, but for reading.
    pub fn charset_text_of(&self, content: Vec<u8>) -> Result<String, Error> {
        let content_type = self.content_type();
        let charset = match content_type.as_ref().and_then(MediaType::charset) {
            None => Charset::Utf8,
            Some(name) => match Charset::named(name) {
                Some(charset) => charset,
                None => {
                    let cause = io::Error::new(io::ErrorKind::Unsupported, name.escape_debug().to_string());
                    return Err(self.driver.error(ErrorKind::Charset).with_cause(cause).with_partial(content));
                }
            },
        };
        charset.decode(content).map_err(|content| self.driver.error(ErrorKind::NotText).with_partial(content))
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        self.driver.error(kind)
    }

    /// The content that has not been read yet, line by line: each up to its delimiter, of which it keeps every byte; the
    /// last one may have none. An empty delimiter ends no line.
    ///
    /// ```
    /// # let server = wireline_testkit::ScriptedPeer::start([wireline_testkit::Script::new()
    /// #     .read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\na\r\nb\nc\r\n").hold()])?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// let mut response = connection.get("/")?;
    /// let lines: Vec<_> = response.content_lines(b"\r\n").collect::<Result<_, _>>()?;
    /// assert_eq!(lines, [&b"a\r\n"[..], b"b\nc\r\n"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn content_lines(&mut self, delimiter: impl AsRef<[u8]>) -> Lines<'_, 'c, S> {
        Lines::new(self, delimiter.as_ref().to_vec())
    }

    /// The content that has not been read yet, piece by piece as it comes. Where it comes in chunks, no piece holds
    /// content of two of them, but the content of one may come in several pieces: recipients must not read any meaning
    /// into chunks.
    pub fn content_pieces(&mut self) -> Pieces<'_, 'c, S> {
        Pieces::new(self)
    }
}
