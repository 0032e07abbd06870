//! Any stream that a caller brings.

use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use crate::transport::{Ready, Transport};

/// Any `Read + Write` as a [`Transport`]: one that can only block.
///
/// It cannot listen while it talks, and nothing but the stream's own timeouts bounds a wait: both are for a
/// [`Stream`](crate::Stream), or for an implementation of [`Transport`]. What the stream returns for a timeout of its
/// own, `WouldBlock` or `TimedOut`, becomes [`ErrorKind::WouldBlock`](crate::ErrorKind::WouldBlock).
#[derive(Debug)]
pub struct Bring<T> {
    stream: T,
    /// What the stream has taken may not have left it.
    is_flushing: bool,
}

impl<T> Bring<T> {
    pub(crate) const fn new(stream: T) -> Self {
        Self { stream, is_flushing: false }
    }

    /// The stream.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        &self.stream
    }

    /// The stream. Reading from it or writing to it takes bytes away from the connection.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream back.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: Read + Write> Transport for Bring<T> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.stream.write_vectored(parts).map_err(no_time_left)?;
        self.is_flushing = true;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().map_err(no_time_left)?;
        self.is_flushing = false;
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        if patience.is_some_and(|patience| patience.is_zero()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.stream.read(into).map_err(no_time_left)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        // There is only one way to know: trying. A write that had no room once is tried again, and whoever brings
        // a stream that does not block has to wait before making the call again.
        if wanted.write { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(wanted) }
    }

    fn keeps_patience(&self) -> bool {
        false
    }

    fn is_flushing(&self) -> bool {
        self.is_flushing
    }

    fn close(&mut self) {
        // There is nobody left to tell.
        let _gone = self.stream.flush();
    }
}

fn no_time_left(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::TimedOut { io::ErrorKind::WouldBlock.into() } else { error }
}
