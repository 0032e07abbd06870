//! Connects: one that is alone may sleep until it is connected, all others do not wait.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::sockopt::{
    Timeout, set_socket_keepalive, set_socket_reuseaddr, set_socket_timeout, set_tcp_keepidle, set_tcp_keepintvl,
    set_tcp_nodelay, socket_error,
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect};

use crate::connect::race::{ATTEMPT_DELAY, Next, Race};
use crate::timeouts::end_of;
use crate::transport::Ready;
use crate::transport::socket::{FINE, Socket};
use crate::wait::wait_for_one;

/// What a connector does to its sockets before it connects them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) local: Option<SocketAddr>,
    pub(crate) delay: bool,
    pub(crate) keepalive: Option<Duration>,
}

impl Options {
    fn apply(self, fd: &OwnedFd, address: SocketAddr) -> io::Result<()> {
        // A request leaves when it is complete; waiting for more of it would only delay the answer.
        set_tcp_nodelay(fd, !self.delay)?;
        if let Some(every) = self.keepalive {
            // What Linux takes at most; others take more.
            let every = every.min(Duration::from_secs(32_767));
            set_socket_keepalive(fd, true)?;
            set_tcp_keepidle(fd, every)?;
            set_tcp_keepintvl(fd, every)?;
        }
        match self.local {
            None => Ok(()),
            Some(local) if local.is_ipv4() != address.is_ipv4() => Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("{address} cannot be reached from {}", local.ip()),
            )),
            Some(local) => {
                // A port that is given can be used again as soon as its last connection is gone.
                set_socket_reuseaddr(fd, local.port() != 0)?;
                Ok(bind(fd, &local)?)
            }
        }
    }
}

/// The attempts to connect to one host that are going on.
pub(crate) struct Attempts {
    race: Race,
    going: Vec<OwnedFd>,
    /// Why the last one failed that did.
    failure: Option<io::Error>,
    options: Options,
}

impl Attempts {
    pub(crate) fn new(addresses: &[SocketAddr], options: Options) -> Self {
        let race = match options.local {
            // One that cannot be reached from there says nothing about the others, unless it is the only one.
            Some(local) if addresses.iter().any(|address| address.is_ipv4() == local.is_ipv4()) => {
                let within: Vec<_> =
                    addresses.iter().copied().filter(|address| address.is_ipv4() == local.is_ipv4()).collect();
                Race::new(&within)
            }
            _ => Race::new(addresses),
        };
        Self { race, going: Vec::new(), failure: None, options }
    }

    /// Goes on, and sleeps at most for `patience`, `None` for ever: only inside of a connect, and only while that is all
    /// there is to do. `None`: wait, and no longer than [`until`](Self::until).
    pub(crate) fn advance(&mut self, patience: Option<Duration>) -> io::Result<Option<Socket>> {
        let (now, until) = (Instant::now(), end_of(patience));
        let mut at = 0;
        while let Some(fd) = self.going.get(at) {
            match outcome(fd) {
                Ok(false) => at += 1,
                Ok(true) => return done(self.going.swap_remove(at)).map(Some),
                Err(error) => self.fail(Some(at), error),
            }
        }
        while let Next::Start(address) = self.race.next(now) {
            // One that failed may have slept before.
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.start(address, left) {
                Ok(Started::Connected(socket)) => return Ok(Some(socket)),
                Ok(Started::Going(fd)) => self.going.push(fd),
                Err(error) => self.fail(None, error),
            }
        }
        match (&self.going[..], self.failure.take()) {
            ([], Some(failure)) => Err(failure),
            ([], None) => Err(io::Error::new(io::ErrorKind::NotFound, "no address to connect to")),
            (_, failure) => {
                self.failure = failure;
                Ok(None)
            }
        }
    }

    /// When the next attempt begins, whatever becomes of those that go on.
    pub(crate) fn until(&self) -> Option<Instant> {
        match self.race.peek(Instant::now()) {
            Next::Wait(until) => Some(until),
            Next::Start(_) => Some(Instant::now()),
            Next::Nothing => None,
        }
    }

    /// What is waited for: room to write is the end of an attempt.
    pub(crate) fn going(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.going.iter().map(AsFd::as_fd)
    }

    fn fail(&mut self, at: Option<usize>, error: io::Error) {
        if let Some(at) = at {
            self.going.swap_remove(at);
        }
        self.failure = Some(error);
        self.race.failed();
    }

    fn start(&self, address: SocketAddr, patience: Option<Duration>) -> io::Result<Started> {
        let own = self.race.has_more().then_some(ATTEMPT_DELAY);
        let patience = patience.into_iter().chain(own).min();
        let sleeps = self.going.is_empty() && patience.is_none_or(|patience| BOUNDS_CONNECT && patience >= FINE);
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = open(family, !sleeps)?;
        self.options.apply(&fd, address)?;
        let connected = match patience.filter(|_| sleeps) {
            None => connect(&fd, &address),
            Some(patience) => {
                set_socket_timeout(&fd, Timeout::Send, Some(patience))?;
                let connected = connect(&fd, &address);
                set_socket_timeout(&fd, Timeout::Send, None)?;
                connected
            }
        };
        match connected {
            Ok(()) if sleeps => Ok(Started::Connected(Socket::new(fd))),
            Ok(()) => done(fd).map(Started::Connected),
            // It goes on, whether it was not to wait, has waited long enough, or a signal woke it.
            Err(Errno::INPROGRESS | Errno::INTR) => Ok(Started::Going(fd)),
            Err(error) => Err(error.into()),
        }
    }
}

/// What became of an attempt at once.
enum Started {
    Connected(Socket),
    Going(OwnedFd),
}

/// Whether the bound on the socket's writes (`SO_SNDTIMEO`) is one on connecting too: Linux says so, nobody else does.
const BOUNDS_CONNECT: bool = cfg!(target_os = "linux");

/// Connects to a Unix socket, if its listener has room. A full backlog is [`WouldBlock`](io::ErrorKind::WouldBlock), and
/// nothing tells when it is not full any more.
pub(crate) fn connect_unix(path: &Path) -> io::Result<Socket> {
    let fd = open(AddressFamily::UNIX, true)?;
    connect(&fd, &SocketAddrUnix::new(path)?)?;
    done(fd)
}

/// A socket that waits while it connects, or does not.
#[cfg(not(target_vendor = "apple"))]
fn open(family: AddressFamily, nonblocking: bool) -> rustix::io::Result<OwnedFd> {
    use rustix::net::SocketFlags;
    let flags = if nonblocking { SocketFlags::NONBLOCK } else { SocketFlags::empty() };
    rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | flags, None)
}

/// The same where it takes three calls.
#[cfg(target_vendor = "apple")]
fn open(family: AddressFamily, nonblocking: bool) -> rustix::io::Result<OwnedFd> {
    let fd = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    ioctl_fionbio(&fd, nonblocking)?;
    Ok(fd)
}

/// Whether an attempt has succeeded, or why it has failed.
fn outcome(fd: &OwnedFd) -> io::Result<bool> {
    let room = wait_for_one(fd.as_fd(), Ready { read: false, write: true }, Some(Instant::now()), None)?;
    if room.is_none() {
        return Ok(false);
    }
    socket_error(fd)??;
    Ok(true)
}

/// A socket that waits, as every other.
fn done(fd: OwnedFd) -> io::Result<Socket> {
    ioctl_fionbio(&fd, false)?;
    Ok(Socket::new(fd))
}
