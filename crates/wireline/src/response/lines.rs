//! The content of a response, line by line or piece by piece.

use super::Response;
use crate::error::{Error, ErrorKind};
use crate::transport::Transport;
use crate::transport::stream::Stream;

/// The lines of a response's content: [`Response::content_lines`].
///
/// An error that ends the content also ends the lines, and the one that had begun is in [`Error::partial`]. Behind an
/// error after which the call can be made again ([`WouldBlock`](ErrorKind::WouldBlock),
/// [`Timeout`](ErrorKind::Timeout)) they go on, and nothing is lost.
#[derive(Debug)]
#[must_use]
pub struct Lines<'r, 'c, S: Transport = Stream> {
    response: &'r mut Response<'c, S>,
    delimiter: Vec<u8>,
    most: usize,
    line: Vec<u8>,
    /// The end of what has been handed over of a line that is too long: its delimiter may have begun in it.
    cut: Vec<u8>,
    is_over: bool,
}

impl<'r, 'c, S: Transport> Lines<'r, 'c, S> {
    pub(super) fn new(response: &'r mut Response<'c, S>, delimiter: Vec<u8>) -> Self {
        Self { response, delimiter, most: usize::MAX, line: Vec::new(), cut: Vec::new(), is_over: false }
    }

    /// A line that is longer than so many bytes, its delimiter among them, is [`TooLong`](ErrorKind::TooLong): its
    /// beginning, of that length, is in [`Error::partial`], and what comes next is the rest of it. Without this a line is
    /// as long as the content.
    pub const fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// What has been read of a line that has not come to its end.
    #[must_use]
    pub fn begun(&self) -> &[u8] {
        &self.line
    }
}

impl<S: Transport> Iterator for Lines<'_, '_, S> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let Self { response, delimiter, most, line, cut, .. } = self;
            let content = match response.fill_content() {
                Ok(content) => content,
                Err(error) if error.kind().is_passing() => return Some(Err(error)),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error.with_partial(std::mem::take(line))));
                }
            };
            if content.is_empty() {
                self.is_over = true;
                return Some(std::mem::take(line)).filter(|line| !line.is_empty()).map(Ok);
            }
            // The bound may have come when a line had begun.
            let room = most.saturating_sub(line.len());
            if room == 0 {
                let error = response.driver.error(ErrorKind::TooLong { bound: *most as u64 });
                // Without any room nothing would ever be read.
                self.is_over = *most == 0;
                cut.extend_from_slice(&line[line.len().saturating_sub(delimiter.len())..]);
                cut.drain(..(cut.len() + 1).saturating_sub(delimiter.len()).min(cut.len()));
                return Some(Err(error.with_partial(std::mem::take(line))));
            }
            let (len, is_whole) = take_line(&content[..content.len().min(room)], delimiter, cut, line);
            response.consume_content(len);
            if is_whole {
                cut.clear();
                return Some(Ok(std::mem::take(line)));
            }
        }
        None
    }
}

/// Moves content to the end of `line`, up to the delimiter: how much, and whether the delimiter ends it.
fn take_line(content: &[u8], delimiter: &[u8], cut: &[u8], line: &mut Vec<u8>) -> (usize, bool) {
    let mut taken = 0;
    if let Some(&last) = delimiter.last() {
        // A delimiter may have begun in the content before this.
        while let Some(at) = content[taken..].iter().position(|&byte| byte == last) {
            line.extend_from_slice(&content[taken..=taken + at]);
            taken += at + 1;
            let (before, behind) = delimiter.split_at(delimiter.len().saturating_sub(line.len()));
            if line.ends_with(behind) && cut.ends_with(before) {
                return (taken, true);
            }
        }
    }
    line.extend_from_slice(&content[taken..]);
    (content.len(), false)
}

/// The pieces of a response's content as they come: [`Response::content_pieces`].
///
/// An error that ends the content also ends the pieces; behind one after which the call can be made again they go on.
#[derive(Debug)]
#[must_use]
pub struct Pieces<'r, 'c, S: Transport = Stream> {
    response: &'r mut Response<'c, S>,
    is_over: bool,
}

impl<'r, 'c, S: Transport> Pieces<'r, 'c, S> {
    pub(super) fn new(response: &'r mut Response<'c, S>) -> Self {
        Self { response, is_over: false }
    }
}

impl<S: Transport> Iterator for Pieces<'_, '_, S> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        match self.response.fill_content() {
            Ok([]) => {
                self.is_over = true;
                None
            }
            Ok(content) => {
                let piece = content.to_vec();
                self.response.consume_content(piece.len());
                Some(Ok(piece))
            }
            Err(error) => {
                self.is_over = !error.kind().is_passing();
                Some(Err(error))
            }
        }
    }
}
