//! The waiting.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::{Instant, Sleep, sleep};
use wireline::{Canceller, Error, ErrorKind, Nonblocking, Ready};

use crate::transport::AsyncTransport;

/// What a connection waits for beside its transport.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    /// Made when there is a bound, and kept.
    sleep: Option<Pin<Box<Sleep>>>,
    /// What it was set to.
    until: Option<std::time::Instant>,
    canceller: Option<(Canceller, Bell)>,
}

impl Wait {
    pub(crate) fn set_canceller(&mut self, canceller: Option<&Canceller>) -> io::Result<()> {
        self.canceller = match canceller {
            None => None,
            Some(canceller) => {
                let bell = Bell::new(canceller.as_fd(), Ready { read: true, write: false })?;
                Some((canceller.clone(), bell))
            }
        };
        Ok(())
    }

    /// One for another who waits for the same connection.
    ///
    /// # Errors
    /// The system has no descriptors left: one is needed where there is a canceller.
    pub(crate) fn of_another(&self) -> io::Result<Self> {
        let mut another = Self::default();
        another.set_canceller(self.canceller.as_ref().map(|(canceller, _)| canceller))?;
        Ok(another)
    }

    pub(crate) fn canceller(&self) -> Option<Canceller> {
        self.canceller.as_ref().map(|(canceller, _)| canceller.clone())
    }

    /// Ready when the call has to be made again although the transport is not: it says why.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, until: Option<std::time::Instant>) -> Poll<()> {
        if let Some((canceller, bell)) = &self.canceller {
            while bell.is_ready(cx) {
                // Between the two there may have been a reset, which is not to be undone.
                if canceller.heard() {
                    return Poll::Ready(());
                }
            }
        }
        let Some(until) = until else { return Poll::Pending };
        // tokio's clock may run differently (`tokio::time::pause`): what counts is that of wireline, the system's.
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(left)));
            if self.until.replace(until) != Some(until) || sleep.is_elapsed() {
                sleep.as_mut().reset(Instant::now() + left);
            }
            ready!(sleep.as_mut().poll(cx));
        }
    }
}

/// A descriptor that is waited for and neither read from nor written to.
#[derive(Debug)]
pub(crate) struct Bell {
    /// Of whatever it is: tokio's own type for any descriptor is not to be had without `unsafe`, and readiness is all that
    /// is asked of this.
    fd: UnixStream,
    wanted: Ready,
}

impl Bell {
    pub(crate) fn new(fd: BorrowedFd<'_>, wanted: Ready) -> io::Result<Self> {
        let fd = std::os::unix::net::UnixStream::from(fd.try_clone_to_owned()?);
        fd.set_nonblocking(true)?;
        Ok(Self { fd: UnixStream::from_std(fd)?, wanted })
    }

    pub(crate) fn is_ready(&self, cx: &mut Context<'_>) -> bool {
        let Self { fd, wanted } = self;
        loop {
            let read = wanted.read && fd.poll_read_ready(cx).is_ready();
            let write = wanted.write && fd.poll_write_ready(cx).is_ready();
            if !read && !write {
                return false;
            }
            // tokio remembers that it was ready until somebody finds nothing there, and nobody looks but here. It is in
            // `try_io` that one looks: what becomes ready from there on is not forgotten.
            let look = || if self.is_ready_now() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) };
            for (may_be, interest) in [(read, Interest::READABLE), (write, Interest::WRITABLE)] {
                if may_be && fd.try_io(interest, look).is_ok() {
                    return true;
                }
            }
        }
    }

    fn is_ready_now(&self) -> bool {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.wanted.read);
        flags.set(PollFlags::OUT, self.wanted.write);
        // What cannot be asked is for the next call to tell.
        poll(&mut [PollFd::new(&self.fd, flags)], Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

/// Makes a call that does not wait, again and again until it does not have to.
pub(crate) async fn drive<W, T>(
    wait: &mut Wait,
    what: &mut W,
    mut call: impl FnMut(&mut W) -> Result<T, Error>,
) -> Result<T, Error>
where
    W: Nonblocking<Transport: AsyncTransport>,
{
    poll_fn(|cx| poll_drive(cx, wait, what, &mut call)).await
}

/// The same once.
pub(crate) fn poll_drive<W, T>(
    cx: &mut Context<'_>,
    wait: &mut Wait,
    what: &mut W,
    mut call: impl FnMut(&mut W) -> Result<T, Error>,
) -> Poll<Result<T, Error>>
where
    W: Nonblocking<Transport: AsyncTransport>,
{
    loop {
        if let Some(transport) = what.transport_mut() {
            transport.wakes(cx.waker());
        }
        match call(what) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {
                error.recycle();
                let until = what.until();
                ready!(wait.poll(cx, until));
            }
            done => return Poll::Ready(done),
        }
    }
}

/// The same for a call that never says that it would have to wait, before something else is waited for: the bounds on that
/// wait are the call's.
pub(crate) fn poll_beside<W, T>(
    cx: &mut Context<'_>,
    wait: &mut Wait,
    what: &mut W,
    mut call: impl FnMut(&mut W) -> Result<T, Error>,
) -> Poll<Result<T, Error>>
where
    W: Nonblocking<Transport: AsyncTransport>,
{
    loop {
        let done = ready!(poll_drive(cx, wait, what, &mut call));
        // When it is time, the call says so.
        if done.is_err() || wait.poll(cx, what.until()).is_pending() {
            return Poll::Ready(done);
        }
    }
}
