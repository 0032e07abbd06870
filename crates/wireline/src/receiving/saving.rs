//! From content to a file.

use std::fs::File;
use std::io::{self, Write};

use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::reply::State;
use crate::transport::Transport;
use crate::transport::zero_copy::Pipe;

/// How the content of a response goes into a file.
#[derive(Debug, Default)]
pub(crate) enum Saving {
    /// Nothing has gone there that would have been worth a pipe.
    #[default]
    Untried,
    /// Through this pipe, which is empty; it is let go of at the end of the response.
    Through(Pipe),
    /// Through memory: the stream or the file does it in no other way.
    Copied,
}

/// Less content than this goes through the core's buffer: a pipe costs four system calls.
const WORTH: u64 = 64 << 10;

/// How much is moved at most before it is looked whether time is up, and told: as much as the pipe holds.
const AT_ONCE: u64 = 1 << 20;

impl<S: Transport> Driver<S> {
    /// Moves some content into a file and says how much; 0 when there is no more.
    pub(crate) fn save_content(&mut self, file: &File) -> Result<u64, Error> {
        loop {
            match self.reply.state {
                State::None | State::Awaited | State::Ended | State::Switched => return Ok(0),
                State::Lent { taken, .. } => {
                    let saved = write(file, self.lent(taken)).map_err(|error| self.sink_failed(error))?;
                    self.consume(saved);
                    return Ok(saved as u64);
                }
                State::Content => match self.worth_a_pipe() {
                    Some(most) => {
                        let moved = self.move_content(file, most)?;
                        if moved > 0 {
                            return Ok(moved);
                        }
                    }
                    None => self.next_piece()?,
                },
            }
        }
    }

    /// How much content can go through a pipe, if so much comes next that it is worth one and nobody wants to see it.
    fn worth_a_pipe(&self) -> Option<u64> {
        let is_seen = self.tap.is_some() || matches!(self.reply.saving, Saving::Copied);
        let most = self.direct(usize::MAX).filter(|_| !is_seen)? as u64;
        (most >= WORTH).then_some(most.min(AT_ONCE))
    }

    /// The same through a pipe. 0: the core knows more, or it has to be copied from here on.
    fn move_content(&mut self, file: &File, most: u64) -> Result<u64, Error> {
        let pipe = match std::mem::take(&mut self.reply.saving) {
            Saving::Through(pipe) => Some(pipe),
            _ => Pipe::new(),
        };
        let Some(pipe) = pipe else {
            self.reply.saving = Saving::Copied;
            return Ok(0);
        };
        let taken = self.take_content_into(&pipe, most);
        let rest = taken.as_ref().map_or(Vec::new(), |taken| pipe.save(file, taken.unwrap_or_default()));
        let is_refused = !rest.is_empty() || matches!(taken, Ok(None));
        self.reply.saving = if is_refused { Saving::Copied } else { Saving::Through(pipe) };
        let taken = taken?.unwrap_or_default() as u64;
        self.reply.content_read += taken;
        let mut left = &rest[..];
        while !left.is_empty() {
            match write(file, left) {
                Ok(saved) => left = &left[saved..],
                Err(error) => return Err(self.sink_failed(error).with_partial(left.to_vec())),
            }
        }
        self.settle();
        Ok(taken)
    }

    /// The caller's file does not take the content. The response is none the worse for it.
    fn sink_failed(&self, error: io::Error) -> Error {
        Error::from_system(ErrorKind::Sink, self.context(), error)
    }
}

/// Writes some of `bytes`, which are not none, and says how many.
fn write(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
