//! Content that by-passes the core's buffer: into the caller's memory, or to and from a file and through no memory at all.

use std::fs::File;
use std::io;
use std::time::Instant;

use crate::driver::Driver;
use crate::error::Error;
use crate::timeouts::Operation;
use crate::transport::Transport;
use crate::transport::zero_copy::Pipe;

/// What became of content that was offered from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// As much as was asked for has left, or nothing can be written any more.
    Left,
    /// There is no room for the rest.
    Full,
    /// The file is at its end, and the rest is missing.
    Ended,
    /// It has to be copied.
    Refused,
}

impl<S: Transport> Driver<S> {
    /// Writes what goes without waiting: what the core has queued, then content from this file, at most `most` bytes of
    /// what the core has framed. Only where nobody wants to see the bytes.
    pub(crate) fn offer_file(&mut self, file: &File, most: u64) -> Offered {
        let mut rest = self.core.framed_owed().min(most);
        while !self.mute && rest > 0 {
            let Self { core, transport: Some(transport), .. } = self else { break };
            let queued = core.transmit();
            match transport.write_file(queued, file, rest) {
                Ok(0) => return Offered::Ended,
                Ok(written) => {
                    let head = written.min(queued.len());
                    let content = (written - head) as u64;
                    rest -= content;
                    self.have_left(head, content);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Offered::Full,
                Err(error) if error.kind() == io::ErrorKind::Unsupported => return Offered::Refused,
                Err(error) => self.fall_silent(error),
            }
        }
        Offered::Left
    }

    /// Reads content, of which nothing is in the core's buffer, straight into the caller's memory. 0: the core knows
    /// more.
    pub(crate) fn take_content(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            let bound = self.bound(Operation::Read)?;
            let Some(transport) = &mut self.transport else { return Err(self.closed()) };
            match transport.read(into, bound.left) {
                Ok(0) => self.hear_end(),
                Ok(read) => {
                    self.unseen = read == into.len();
                    self.core.took_content(read as u64);
                    self.reply.content_read += read as u64;
                    // In the middle of content, when it came is asked by nobody else.
                    let is_over = self.core.direct_content().is_none();
                    if is_over || self.tap.is_some() {
                        self.heard = Instant::now();
                    }
                    if let Some(tap) = &mut self.tap {
                        tap.received(&into[..read], self.heard, self.clock.front().map(|marks| marks.exchange));
                    }
                    if is_over {
                        self.settle();
                    }
                    return Ok(read);
                }
                Err(error) => match self.fall_deaf(error) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => return Err(self.waited(bound, None)),
                    Ok(()) => {}
                },
            }
            return Ok(0);
        }
    }

    /// Reads content, of which nothing is in the core's buffer, into a pipe, at most `most` bytes. 0: the core knows more;
    /// `None`: it has to be read into memory. Only where nobody wants to see the bytes.
    pub(crate) fn take_content_into(&mut self, pipe: &Pipe, most: u64) -> Result<Option<usize>, Error> {
        loop {
            let bound = self.bound(Operation::Read)?;
            let Some(transport) = &mut self.transport else { return Err(self.closed()) };
            match transport.read_into_pipe(pipe.input(), most, bound.left) {
                Ok(0) => self.hear_end(),
                Ok(read) => {
                    self.heard = Instant::now();
                    self.unseen = true;
                    self.core.took_content(read as u64);
                    return Ok(Some(read));
                }
                Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
                Err(error) => match self.fall_deaf(error) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => return Err(self.waited(bound, None)),
                    Ok(()) => {}
                },
            }
            return Ok(Some(0));
        }
    }

    /// So many bytes have left of what is queued, and of content behind it.
    pub(super) fn have_left(&mut self, queued: usize, content: u64) {
        self.core.transmitted(queued);
        self.core.transmitted_content(content);
        self.content_sent += content;
        if self.core.transmit().is_empty() {
            self.content_sent += std::mem::take(&mut self.content_waiting);
        }
        self.clock.sent(self.core.bytes_sent(), Instant::now());
    }
}
