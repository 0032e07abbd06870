//! A way out of every wait.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{RecvFlags, recv};

/// Ends the waits of the connections that it is given to, from any thread or from a signal handler.
///
/// It ends whatever a connection waits for, the look-up of a name included, within milliseconds: with
/// [`Canceled`](crate::ErrorKind::Canceled), and with nothing lost. It stays canceled until [`reset`](Self::reset), so
/// that a wait which begins a moment later ends too; after that the same call goes on where it was. What needs no waiting
/// is done all the same. A caller's own reader ([`Content::reader`](crate::Content::reader)) and a stream of the caller's
/// own ([`Connection::over`](crate::Connection::over)) are not ended: nobody but the caller knows how.
///
/// One canceller serves any number of connections; clones are the same canceller.
///
/// ```
/// use std::time::Duration;
/// use wireline::{Canceller, Connection, ErrorKind};
///
/// # let server = wireline_testkit::ScriptedPeer::start([wireline_testkit::Script::new()
/// #     .read_head().send("HTTP/1.1 204 \r\n\r\n").hold()])?;
/// # let address = server.url("");
/// let canceller = Canceller::new()?;
/// let mut connection = Connection::connect(&address)?;
/// connection.set_canceller(Some(canceller.clone()));
/// # canceller.cancel();
/// let other = std::thread::spawn({
///     let canceller = canceller.clone();
///     move || canceller.cancel()
/// });
/// # other.join().unwrap();
/// # canceller.cancel();
/// let error = connection.get("/").expect_err("there is no answer yet");
/// assert_eq!(error.kind(), ErrorKind::Canceled);
/// # assert!(canceller.is_canceled());
/// canceller.reset();
/// assert_eq!(connection.receive()?.status(), 204);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Canceller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What is asked before a wait: the bell, without a system call.
    canceled: AtomicBool,
    /// What every wait waits for beside its own. It is rung once and stays so until it is reset.
    bell: UnixStream,
    clapper: UnixStream,
    /// Held by who silences the bell, and by who has heard it and asks whether it still rings: otherwise a wait that is
    /// slow to wake up would cancel what has been reset since. Who rings takes no lock.
    hand: Mutex<()>,
}

impl Canceller {
    /// One that is not canceled. It holds two descriptors.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (bell, clapper) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        clapper.set_nonblocking(true)?;
        Ok(Self(Arc::new(Inner { canceled: AtomicBool::new(false), bell, clapper, hand: Mutex::new(()) })))
    }

    /// Ends every wait that goes on, and every one that begins before [`reset`](Self::reset). Safe in a signal handler: it
    /// sets a flag and writes a byte; but for Linux, where no C library has a part in that, it may change `errno`.
    pub fn cancel(&self) {
        self.0.canceled.store(true, Ordering::Release);
        // A bell that is full rings already.
        let _rung = rustix::io::write(&self.0.clapper, &[0]);
    }

    /// Whether it is canceled.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
    }

    /// Lets waits be waits again. Those that have not noticed yet that they were to end go on: reset when they have.
    pub fn reset(&self) {
        let _hand = self.0.hand.lock().unwrap_or_else(PoisonError::into_inner);
        // In this order: who cancels meanwhile leaves the bell ringing.
        while (&self.0.bell).read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        self.0.canceled.store(false, Ordering::Release);
    }

    /// A wait heard the bell. Whether it has to end: not when there was a reset since. For adapters.
    ///
    /// ```
    /// let canceller = wireline::Canceller::new()?;
    /// canceller.cancel();
    /// assert!(canceller.heard());
    /// canceller.reset();
    /// assert!(!canceller.heard() && !canceller.is_canceled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn heard(&self) -> bool {
        let _hand = self.0.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = recv(&self.0.bell, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok();
        if rings {
            self.0.canceled.store(true, Ordering::Release);
        }
        rings
    }

    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.0.bell.as_fd()
    }
}

impl AsFd for Canceller {
    /// Readable while it is canceled: for those who wait by themselves.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell()
    }
}
