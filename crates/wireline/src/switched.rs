//! What is left of a connection when the bytes are no longer HTTP.

use std::io::{self, IoSlice, Read, Write};
use std::time::{Duration, Instant};

use crate::canceller::Canceller;
use crate::driver::Driver;
use crate::error::{Context, Error, ErrorKind, Stage};
use crate::timeouts::{Bound, Operation, Timeouts};
use crate::transport::stream::Stream;
use crate::transport::{Ready, Transport};

/// A tunnel (RFC 9110 section 9.3.6), or the protocol that was switched to (section 7.8).
///
/// It keeps the connection's read and write timeouts, its deadline, its canceller, and whether it waits at all; when a bound
/// is over the call returns [`TimedOut`](io::ErrorKind::TimedOut), or [`WouldBlock`](io::ErrorKind::WouldBlock) where it
/// was not to wait; when it was canceled, an error that holds [`ErrorKind::Canceled`] ([`Error::from_io`]).
#[derive(Debug)]
pub struct Switched<S: Transport = Stream> {
    transport: S,
    unread: Vec<u8>,
    /// How much of `unread` has been read.
    taken: usize,
    timeouts: Timeouts,
    deadline: Option<Instant>,
    canceller: Option<Canceller>,
    is_nonblocking: bool,
}

impl<S: Transport> Switched<S> {
    /// With what was set on the connection before.
    pub(crate) fn new(transport: S, unread: Vec<u8>, before: &Driver<S>) -> Self {
        let Driver { deadline, is_nonblocking, .. } = *before;
        let timeouts = *before.timeouts;
        Self { transport, unread, taken: 0, timeouts, deadline, canceller: before.canceller.clone(), is_nonblocking }
    }

    /// The bytes that came behind the head and have not been read yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.unread[self.taken..]
    }

    /// The stream, and the bytes that come before it.
    #[must_use]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        let Self { transport, mut unread, taken, .. } = self;
        unread.drain(..taken);
        (transport, unread)
    }

    /// The stream.
    #[must_use]
    pub fn transport(&self) -> &S {
        &self.transport
    }

    /// The stream, to set something about it. What is read from it directly comes behind [`unread`](Self::unread).
    pub fn transport_mut(&mut self) -> &mut S {
        &mut self.transport
    }

    /// How long a read and a write may take, from now on.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// When everything has to be over.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Whether calls return [`WouldBlock`](io::ErrorKind::WouldBlock) rather than wait. Of the bounds only the deadline is
    /// kept then: how long to wait is for whoever does.
    pub fn set_nonblocking(&mut self, nonblocking: bool) {
        self.is_nonblocking = nonblocking;
    }

    /// Ends its waits, from now on, when `canceller` is canceled.
    pub fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.transport.set_canceller(canceller.clone());
        self.canceller = canceller;
    }

    fn left(&self, each: Option<Duration>, operation: Operation) -> Option<Duration> {
        match self.deadline {
            _ if self.is_nonblocking => Some(Duration::ZERO),
            None => each,
            deadline => Bound::of(each, operation).until(deadline, Operation::Deadline, Instant::now()).left,
        }
    }

    fn wait_to_write(&mut self) -> io::Result<()> {
        let left = self.left(self.timeouts.write, Operation::Write);
        let waited = self.transport.wait(Ready { read: false, write: true }, left);
        waited.map(drop).map_err(|error| self.too_late(error, left))
    }

    fn too_late(&self, error: io::Error, left: Option<Duration>) -> io::Error {
        if error.kind() != io::ErrorKind::WouldBlock {
            error
        } else if self.canceller.as_ref().is_some_and(Canceller::is_canceled) {
            Error::new(ErrorKind::Canceled, Context::before(Stage::Idle, Duration::ZERO)).into()
        } else if self.deadline.is_some_and(|deadline| deadline <= Instant::now())
            || (left.is_some_and(|left| !left.is_zero()) && self.transport.keeps_patience())
        {
            io::ErrorKind::TimedOut.into()
        } else {
            error
        }
    }
}

impl<S: Transport> Read for Switched<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let unread = self.unread();
        if !unread.is_empty() {
            let len = unread.len().min(into.len());
            into[..len].copy_from_slice(&unread[..len]);
            self.taken += len;
            return Ok(len);
        }
        let left = self.left(self.timeouts.read, Operation::Read);
        let read = self.transport.read(into, left);
        read.map_err(|error| self.too_late(error, left))
    }
}

impl<S: Transport> Write for Switched<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.transport.write(&[IoSlice::new(bytes)]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_to_write()?,
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.transport.flush() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_to_write()?,
                done => return done,
            }
        }
    }
}
