//! Content codings (RFC 9110 section 8.4), taken off when asked to.

use std::fmt;
use std::io::{self, BufRead, Read};

use crate::error::{Error, ErrorKind};
use crate::response::Response;
use crate::transport::Transport;
use crate::transport::stream::Stream;

#[cfg(feature = "br")]
mod br;
#[cfg(feature = "gzip")]
mod deflate;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

/// The codings that are known here, in lower case.
const CODINGS: &[Known] = &[
    #[cfg(feature = "br")]
    ("br", || Box::new(br::Br::new())),
    #[cfg(feature = "gzip")]
    ("deflate", || Box::new(deflate::Deflate::new())),
    #[cfg(feature = "gzip")]
    ("gzip", || Box::new(gzip::Gzip::new())),
    // RFC 9110 section 8.4.1.3: the same.
    #[cfg(feature = "gzip")]
    ("x-gzip", || Box::new(gzip::Gzip::new())),
    #[cfg(feature = "zstd")]
    ("zstd", || Box::new(zstd::Zstd::new())),
];

/// A name, and what takes it off.
type Known = (&'static str, fn() -> Box<dyn Coder>);

/// Nobody puts more around content, and each takes memory: as many as curl takes.
const MOST_CODINGS: usize = 5;

/// How much is decoded at a time, in bytes.
const BLOCK: usize = 32 << 10;

/// How much may come out of however little, in bytes: small content is no danger.
const FREE: u64 = 1 << 20;

/// How much content may become when it is decoded: a few kilobytes can be made to stand for any number of gigabytes.
///
/// ```
/// let mut expansion = wireline::Expansion::default();
/// expansion.bytes = 10 << 20;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expansion {
    /// How much content there may be in all, in bytes, behind each of several codings: 256 MiB, which a program that never
    /// thought about it can hold. It is decoded block by block, and takes no such memory here.
    pub bytes: u64,
    /// How many bytes may stand for each byte that has come, once it is more than 1 MiB: 200, as Apache has it
    /// (`DeflateInflateRatioLimit`). Text is rarely beyond 20, and deflate cannot go beyond 1032.
    pub ratio: u64,
}

impl Default for Expansion {
    fn default() -> Self {
        Self { bytes: 256 << 20, ratio: 200 }
    }
}

impl Expansion {
    fn bound(self, taken: u64) -> u64 {
        self.bytes.min(taken.saturating_mul(self.ratio).max(FREE))
    }
}

impl<'c, S: Transport> Response<'c, S> {
    /// The content that has not been read yet, without the content codings that `Content-Encoding` names, with the
    /// default bounds of an [`Expansion`]. It takes memory for a window of each coding, at most 16 MiB, whatever the
    /// length of the content. What has come is decoded before more is waited for; but zstd gives it only when a window of
    /// more has come, at most 8 MiB, or its frame ends: a stream of events is nothing for it.
    ///
    /// Nothing does this unasked: without it, content is what came, and nothing is asked of the peer by
    /// `Accept-Encoding`. Known are `gzip` (and `x-gzip`) and `deflate` with the feature `gzip`, `br` and `zstd` with the
    /// features of these names.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// let request = connection.request("GET", "/bytes/3").field("Accept-Encoding", "gzip, br, zstd").build()?;
    /// let mut response = connection.send(&request, ())?;
    /// assert_eq!(response.decoded()?.bytes()?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Coding`](ErrorKind::Coding): a coding that is not known, which the error names, or more than five. Nothing was
    /// read.
    pub fn decoded(&mut self) -> Result<Decoded<'_, 'c, S>, Error> {
        self.decoded_within(Expansion::default())
    }

    /// The same with bounds of your own.
    ///
    /// # Errors
    /// As [`decoded`](Self::decoded).
    pub fn decoded_within(&mut self, expansion: Expansion) -> Result<Decoded<'_, 'c, S>, Error> {
        match stages(self) {
            Ok(stages) => {
                Ok(Decoded { stages, source: Encoded { response: self, taken: 0 }, expansion, failure: None })
            }
            Err(why) => Err(failed(self, &Failure::Coding(why))),
        }
    }
}

/// A decoder for each coding, in the order in which they are taken off: the last one was put on last.
fn stages<S: Transport>(response: &Response<'_, S>) -> Result<Vec<Stage>, String> {
    let mut stages = Vec::new();
    let fields = response.fields();
    let values = fields.get_all("content-encoding").collect::<Vec<_>>();
    let names = values.iter().rev().flat_map(|value| value.rsplit(|&byte| byte == b','));
    for name in names.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty()) {
        // RFC 9110 section 8.4.1: it stands for none, and should not be there.
        if name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let Some((_, coder)) = CODINGS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())) else {
            return Err(format!("the coding {} is not known here", name.escape_ascii()));
        };
        if stages.len() == MOST_CODINGS {
            return Err(format!("more than {MOST_CODINGS} codings"));
        }
        stages.push(Stage::new(coder()));
    }
    Ok(stages)
}

/// The content of a response without its content codings: [`Response::decoded`].
///
/// Content whose coding is broken, that ends before its coding does, or goes on behind that, is
/// [`Coding`](ErrorKind::Coding) from every method; content that becomes too much is
/// [`Expansion`](ErrorKind::Expansion). What was decoded before the fault has been handed over, or is in
/// [`Error::partial`]: up to a block less than could be, or a window with br and zstd.
pub struct Decoded<'r, 'c, S: Transport = Stream> {
    stages: Vec<Stage>,
    source: Encoded<'r, 'c, S>,
    expansion: Expansion,
    failure: Option<Failure>,
}

/// Why it cannot go on: it stays so.
#[derive(Clone, Debug)]
enum Failure {
    Coding(String),
    Expansion(u64),
}

/// The content as it comes.
struct Encoded<'r, 'c, S: Transport> {
    response: &'r mut Response<'c, S>,
    taken: u64,
}

impl<'c, S: Transport> Decoded<'_, 'c, S> {
    pub(crate) fn response(&mut self) -> &mut Response<'c, S> {
        self.source.response
    }

    pub(crate) fn source(&self) -> &Response<'c, S> {
        self.source.response
    }

    /// Content that was read of it as text in its charset: the end of [`text_in_charset`](Self::text_in_charset), for those
    /// who read by themselves.
    ///
    /// # Errors
    /// As there.
    pub fn charset_text_of(&self, content: Vec<u8>) -> Result<String, Error> {
        self.source.response.charset_text_of(content)
    }

    /// Lends the content that comes next, empty when it is complete.
    ///
    /// # Errors
    /// [`Coding`](ErrorKind::Coding), [`Expansion`](ErrorKind::Expansion), or as
    /// [`Response::read_content`].
    pub fn fill_content(&mut self) -> Result<&[u8], Error> {
        let Self { stages, source, expansion, failure } = self;
        if let Some(failure) = failure {
            return Err(failed(source.response, failure));
        }
        match fill(stages, source, *expansion) {
            Err(Fault::Own(own)) => {
                let error = failed(source.response, &own);
                *failure = Some(own);
                return Err(error);
            }
            Err(Fault::Response(error)) => return Err(error),
            Ok(()) => {}
        }
        ready(stages, source)
    }

    /// Lets go of so many bytes of the content that was lent, at most of all of them.
    pub fn consume_content(&mut self, len: usize) {
        consume(&mut self.stages, &mut self.source, len);
    }

    /// Reads some content into `into`; 0 when it is complete (or `into` empty).
    ///
    /// # Errors
    /// As [`fill_content`](Self::fill_content).
    pub fn read_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if into.is_empty() {
            return Ok(0);
        }
        let content = self.fill_content()?;
        let len = content.len().min(into.len());
        into[..len].copy_from_slice(&content[..len]);
        self.consume_content(len);
        Ok(len)
    }

    /// All of the content that has not been read yet.
    ///
    /// # Errors
    /// As [`fill_content`](Self::fill_content); what could be decoded before is in [`Error::partial`].
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_all()
    }

    fn read_all(&mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        loop {
            match self.fill_content() {
                Ok([]) => return Ok(content),
                Ok(piece) => {
                    let len = piece.len();
                    content.extend_from_slice(piece);
                    self.consume_content(len);
                }
                Err(error) => return Err(error.with_partial(content)),
            }
        }
    }

    /// The same as text in its charset, as [`Response::text_in_charset`] has it.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), [`Charset`](ErrorKind::Charset) and [`NotText`](ErrorKind::NotText).
    pub fn text_in_charset(mut self) -> Result<String, Error> {
        let content = self.read_all()?;
        self.source.response.charset_text_of(content)
    }
}

impl<S: Transport> Read for Decoded<'_, '_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_content(into)?)
    }
}

impl<S: Transport> BufRead for Decoded<'_, '_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.fill_content()?)
    }

    fn consume(&mut self, len: usize) {
        self.consume_content(len);
    }
}

impl<S: Transport> fmt::Debug for Decoded<'_, '_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded")
            .field("codings", &self.stages.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

fn failed<S: Transport>(response: &Response<'_, S>, failure: &Failure) -> Error {
    match failure {
        Failure::Coding(why) => {
            response.error(ErrorKind::Coding).with_cause(io::Error::new(io::ErrorKind::InvalidData, why.clone()))
        }
        Failure::Expansion(bound) => response.error(ErrorKind::Expansion { bound: *bound }),
    }
}

/// Takes one coding off, a block at a time.
trait Coder {
    /// Decodes some of `input` into `output`, which is never empty. With input it takes or gives something, or is over;
    /// without, it may give what it has kept.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str>;

    /// Prepares for another stream behind the one that is over, where the coding allows it.
    fn begin_again(&mut self) -> bool;
}

/// What became of a step.
struct Step {
    taken: usize,
    given: usize,
    /// The coding has come to its end, and all of it has been given.
    is_over: bool,
}

/// A coder and what it gave.
struct Stage {
    coder: Box<dyn Coder>,
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// All that was ever given, in bytes.
    given: u64,
    is_begun: bool,
    is_over: bool,
    /// The block had no room for more: there may be some without any input.
    is_full: bool,
    /// So has what it reads from.
    is_complete: bool,
}

impl Stage {
    fn new(coder: Box<dyn Coder>) -> Self {
        let (start, end, given) = (0, 0, 0);
        Self {
            coder,
            block: Vec::new(),
            start,
            end,
            given,
            is_begun: false,
            is_over: false,
            is_full: false,
            is_complete: false,
        }
    }

    fn decode(&mut self, input: &[u8]) -> Result<usize, Failure> {
        let fault = |why: &str| Failure::Coding(why.to_owned());
        if input.is_empty() && (self.is_over || !self.is_begun) {
            // No content at all is in no coding.
            self.is_complete = true;
            return Ok(0);
        }
        if self.is_over {
            if !self.coder.begin_again() {
                return Err(fault("the content goes on behind the end of its coding"));
            }
            self.is_over = false;
        }
        self.is_begun = true;
        self.block.resize(BLOCK, 0);
        let step = self.coder.decode(input, &mut self.block).map_err(fault)?;
        (self.start, self.end) = (0, step.given);
        self.given += step.given as u64;
        self.is_over = step.is_over;
        let was_full = std::mem::replace(&mut self.is_full, step.given == BLOCK && !step.is_over);
        match step {
            Step { given: 0, is_over: false, .. } if input.is_empty() && was_full => Ok(0),
            Step { given: 0, is_over: false, .. } if input.is_empty() => {
                Err(fault("the content ends before its coding does"))
            }
            // Otherwise it would be asked the same for ever.
            Step { taken: 0, given: 0, is_over: false } => Err(fault("a decoder that does not go on")),
            step => Ok(step.taken),
        }
    }
}

/// What comes from the connection, and what is wrong here.
enum Fault {
    Own(Failure),
    Response(Error),
}

/// Decodes until the last of the stages has something to give, or nothing more comes.
fn fill<S: Transport>(
    stages: &mut [Stage],
    source: &mut Encoded<'_, '_, S>,
    expansion: Expansion,
) -> Result<(), Fault> {
    let Some((stage, before)) = stages.split_last_mut() else { return Ok(()) };
    while stage.start == stage.end && !stage.is_complete {
        let input = if stage.is_full {
            // What the coder has kept comes before any wait.
            &[]
        } else {
            fill(before, source, expansion)?;
            ready(before, source).map_err(Fault::Response)?
        };
        let taken = stage.decode(input).map_err(Fault::Own)?;
        consume(before, source, taken);
        let bound = expansion.bound(source.taken);
        if stage.given > bound {
            return Err(Fault::Own(Failure::Expansion(bound)));
        }
    }
    Ok(())
}

/// What the last of the stages has to give, or the response when there is none.
fn ready<'a, S: Transport>(stages: &'a [Stage], source: &'a mut Encoded<'_, '_, S>) -> Result<&'a [u8], Error> {
    match stages.last() {
        Some(stage) => Ok(&stage.block[stage.start..stage.end]),
        None => source.response.fill_content(),
    }
}

fn consume<S: Transport>(stages: &mut [Stage], source: &mut Encoded<'_, '_, S>, len: usize) {
    match stages.last_mut() {
        Some(stage) => stage.start += len.min(stage.end - stage.start),
        None => {
            source.taken += len as u64;
            source.response.consume_content(len);
        }
    }
}
