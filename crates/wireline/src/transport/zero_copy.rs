//! What Linux does between a socket and a file without copying through the caller's memory.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::sendfile;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{SendFlags, send};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use super::socket::SEND_FLAGS;

/// [`Transport::write_file`](super::Transport::write_file) of a socket.
pub(super) fn write_file(
    socket: BorrowedFd<'_>,
    is_blocking: bool,
    before: &[u8],
    file: &File,
    most: u64,
) -> io::Result<usize> {
    let mut written = 0;
    if !before.is_empty() {
        // It leaves with the beginning of the file, not in a segment of its own.
        written = send(socket, before, SEND_FLAGS | SendFlags::MORE)?;
        if written < before.len() {
            return Ok(written);
        }
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let sent = if is_blocking {
        without_waiting(socket, || sendfile(socket, file, None, most))
    } else {
        sendfile(socket, file, None, most)
    };
    match sent {
        Ok(sent) => Ok(written + sent),
        // The next call says it again.
        Err(_) if written > 0 => Ok(written),
        // Of the file, or of nobody: whoever reads it instead is told which.
        Err(Errno::INVAL | Errno::IO | Errno::NOMEM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::OVERFLOW) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// [`Transport::read_into_pipe`](super::Transport::read_into_pipe) of a socket; `may_wait` as long as it lets a read wait.
pub(super) fn read_into_pipe(
    socket: BorrowedFd<'_>,
    may_wait: bool,
    pipe: BorrowedFd<'_>,
    most: u64,
) -> io::Result<usize> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let read = || splice(socket, None, pipe, None, most, SpliceFlags::MOVE);
    match if may_wait { read() } else { without_waiting(socket, read) } {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        done => Ok(done?),
    }
}

/// What content goes through on its way from a socket to a file; empty between two calls.
#[derive(Debug)]
pub(crate) struct Pipe {
    input: OwnedFd,
    output: OwnedFd,
}

/// How much a pipe is asked to hold: what the system grants anybody. Where it is not granted, 64 KiB have to do.
const PIPE: usize = 1 << 20;

impl Pipe {
    /// A new one; `None` where there are no more descriptors.
    pub(crate) fn new() -> Option<Self> {
        let (output, input) = pipe_with(PipeFlags::CLOEXEC).ok()?;
        let _granted = fcntl_setpipe_size(&input, PIPE);
        Some(Self { input, output })
    }

    /// Where bytes go in.
    pub(crate) fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    /// Moves `len` bytes that are in it to a file, at its position. Those that the file does not take that way come back.
    pub(crate) fn save(&self, file: &File, len: usize) -> Vec<u8> {
        let mut rest = len;
        while rest > 0 {
            match splice(&self.output, None, file, None, rest, SpliceFlags::MOVE) {
                Ok(moved @ 1..) => rest -= moved,
                Err(Errno::INTR) => {}
                // One that is only added to (O_APPEND), or is full: whoever writes to it is told.
                Ok(0) | Err(_) => break,
            }
        }
        let mut bytes = vec![0; rest];
        let mut read = 0;
        while read < rest {
            match rustix::io::read(&self.output, &mut bytes[read..]) {
                Ok(some @ 1..) => read += some,
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => unreachable!("the pipe holds what was moved into it, and both of its ends are here"),
            }
        }
        bytes
    }
}

/// Makes a call that cannot be told by a flag that it must not wait.
fn without_waiting<T>(socket: BorrowedFd<'_>, call: impl FnOnce() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    ioctl_fionbio(socket, true)?;
    let done = call();
    ioctl_fionbio(socket, false)?;
    done
}
