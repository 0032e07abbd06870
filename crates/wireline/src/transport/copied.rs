//! What the system here does not do between a socket and a file: it is done by copying.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

pub(super) fn write_file(
    _socket: BorrowedFd<'_>,
    _is_blocking: bool,
    _before: &[u8],
    _file: &File,
    _most: u64,
) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
