//! What Linux does between a socket and a file without copying through the caller's memory.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::sendfile;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{SendFlags, send};

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

/// Makes a call that cannot be told by a flag that it must not wait.
fn without_waiting<T>(socket: BorrowedFd<'_>, call: impl FnOnce() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    ioctl_fionbio(socket, true)?;
    let done = call();
    ioctl_fionbio(socket, false)?;
    done
}
