//! Every wait on descriptors.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::canceller::Canceller;
use crate::transport::Ready;

/// Waits for one of `fds`, no longer than `until`, whatever signals come. `false`: time is up.
pub(crate) fn wait_for(fds: &mut [PollFd<'_>], until: Option<Instant>) -> io::Result<bool> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(fds, timeout.as_ref()) {
            Ok(0) if until.is_some_and(|until| until <= Instant::now()) => return Ok(false),
            // The system's clock for waits may run ahead of ours by a little.
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until one descriptor is ready for what is wanted of it. `None`: time is up, or it was canceled.
pub(crate) fn wait_for_one(
    fd: BorrowedFd<'_>,
    wanted: Ready,
    until: Option<Instant>,
    canceller: Option<&Canceller>,
) -> io::Result<Option<Ready>> {
    let bell = canceller.map_or(fd, Canceller::bell);
    let mut fds = [wanted_of(fd, wanted), PollFd::from_borrowed_fd(bell, PollFlags::IN)];
    let fds = if canceller.is_some() { &mut fds[..] } else { &mut fds[..1] };
    loop {
        if !wait_for(fds, until)? {
            return Ok(None);
        }
        match (canceller, &*fds) {
            (Some(canceller), [_, bell]) if !bell.revents().is_empty() => {
                if canceller.heard() {
                    return Ok(None);
                }
            }
            _ => return Ok(Some(found(&fds[0], wanted))),
        }
    }
}

/// A descriptor to wait for.
pub(crate) fn wanted_of(fd: BorrowedFd<'_>, wanted: Ready) -> PollFd<'_> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, wanted.read);
    flags.set(PollFlags::OUT, wanted.write);
    PollFd::from_borrowed_fd(fd, flags)
}

/// What a descriptor that was waited for is ready for.
pub(crate) fn found(fd: &PollFd<'_>, wanted: Ready) -> Ready {
    let found = fd.revents();
    // An error or a hang-up is heard by whoever reads or writes next.
    let broken = found.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
    Ready {
        read: wanted.read && (broken || found.contains(PollFlags::IN)),
        write: wanted.write && (broken || found.contains(PollFlags::OUT)),
    }
}
