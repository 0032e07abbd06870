//! Content from a file.

use std::fs::File;
use std::io::Read;

use wireline_proto::Framing;

use super::{AT_ONCE, Teller};
use crate::content;
use crate::driver::Driver;
use crate::driver::files::Offered;
use crate::error::Error;
use crate::transport::Transport;

/// A file up to this size is read, and leaves in one write with the head; more goes straight from the file.
const WORTH: u64 = 32 << 10;

impl<S: Transport> Driver<S> {
    /// Sends of a file what is announced, or all of it where nothing is.
    pub(super) fn send_file(
        &mut self,
        mut file: &File,
        block_size: usize,
        teller: &mut Teller<'_>,
    ) -> Result<bool, Error> {
        // Whoever looks on has to be shown the bytes.
        if self.tap.is_none() && self.held.is_empty() {
            if let Some(sent) = self.send_file_itself(file, block_size, teller)? {
                return Ok(sent);
            }
        }
        let due = self.core.content_due().length();
        let owed = self.core.framed_owed();
        if owed > 0 && self.held.is_empty() {
            // The rest of what the file should have given by itself.
            let read = Read::take(&mut file, owed).read_to_end(&mut self.held);
            let read = read.map_err(|error| self.source_ended(error))?;
            if (read as u64) < owed {
                return Err(self.file_ended());
            }
        }
        let sent = self.send_reader(&mut Read::take(&mut file, due.unwrap_or(u64::MAX)), block_size, teller)?;
        match self.core.content_due().length() {
            Some(missing) if sent && missing > 0 => Err(self.file_ended()),
            _ => Ok(sent),
        }
    }

    /// Has the file sent without reading it, block by block, so that an early answer is heard between two of them.
    /// `None`: what is left has to be read.
    fn send_file_itself(
        &mut self,
        file: &File,
        block_size: usize,
        teller: &mut Teller<'_>,
    ) -> Result<Option<bool>, Error> {
        // Nobody waits for a piece to leave, so it may be large where nobody wants to be told of each.
        let at_once = if teller.progress.is_some() { AT_ONCE } else { 4 * AT_ONCE } as u64;
        // What the file was seen to hold, behind the blocks that were framed.
        let mut ahead = 0;
        let mut is_begun = self.core.framed_owed() > 0;
        loop {
            if self.core.framed_owed() == 0 {
                if ahead == 0 {
                    match content::length_of(file).map_err(|error| self.source_ended(error))? {
                        Some(length) if is_begun || length > WORTH => ahead = length,
                        _ => return Ok(None),
                    }
                }
                let block = match self.core.content_due() {
                    Framing::Length(due) => due.min(at_once),
                    _ => ahead.min(block_size as u64),
                };
                if block == 0 {
                    return Ok(Some(true));
                }
                // Content that is in chunks already has to be looked at; and where our side broke, reading tells.
                if self.core.frame_content(block).is_err() {
                    return Ok(None);
                }
                ahead = ahead.saturating_sub(block);
                is_begun = true;
            }
            let offered = self.offer_file(file, at_once);
            teller.tell(self.content_sent);
            match offered {
                _ if self.mute => return Ok(Some(false)),
                Offered::Left => {
                    let _nothing = self.take_in_now();
                }
                Offered::Full => {
                    self.wait_both()?;
                }
                Offered::Ended => return Err(self.file_ended()),
                Offered::Refused => return Ok(None),
            }
            if self.hear_answer()? && !self.keep_sending {
                return Ok(Some(false));
            }
        }
    }

    /// The file does not hold what the peer waits for.
    fn file_ended(&mut self) -> Error {
        let missing = self.core.framed_owed() + self.core.content_due().length().unwrap_or_default();
        self.source_ended(content::ended_early(missing))
    }
}
