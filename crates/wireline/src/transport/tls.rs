//! TLS by rustls over any transport, TLS included.

mod buffer;
mod session;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, CommonState};

use crate::canceller::Canceller;
use crate::timeouts::end_of;
use crate::transport::{Ready, Transport};
use session::Session;

/// A TLS session over a transport.
#[derive(Debug)]
pub struct Tls<T> {
    session: Session,
    inner: T,
    /// How many encrypted bytes the transport has taken.
    flushed: u64,
    /// The transport has come to its end.
    is_cut: bool,
    end: End,
}

/// How far our side is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The closing notice waits for room.
    Begun,
    Over,
}

impl<T: Transport> Tls<T> {
    /// Begins a session with the server of that name. The handshake comes with [`handshake`](Self::handshake), or
    /// with the first bytes that are written. In an event loop it is made before there is a connection: that knows nothing
    /// of it.
    ///
    /// # Errors
    /// What rustls finds wrong with the configuration.
    pub fn new(inner: T, config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, rustls::Error> {
        Ok(Self { session: Session::new(config, name)?, inner, flushed: 0, is_cut: false, end: End::Open })
    }

    /// Goes on with the handshake until it is complete or `until` is past; it can be called again after
    /// [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) with a [`rustls::Error`] inside, or what the transport says.
    pub fn handshake(&mut self, until: Option<Instant>) -> io::Result<()> {
        while self.session.is_handshaking() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.flush() {
                Ok(()) if self.session.is_handshaking() => self.receive(left)?,
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.inner.wait(Ready { read: false, write: true }, left)?;
                }
                Err(error) => return Err(error),
            }
        }
        // What is left of the last flight goes with the first request.
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// The same session over another transport, which carries on where this one stands.
    ///
    /// # Errors
    /// What `map` says; then the session is gone.
    pub fn map<U: Transport>(self, map: impl FnOnce(T) -> io::Result<U>) -> io::Result<Tls<U>> {
        let Self { session, inner, flushed, is_cut, end } = self;
        Ok(Tls { session, inner: map(inner)?, flushed, is_cut, end })
    }

    /// The session, to ask it for the peer's certificates or what was negotiated.
    #[must_use]
    pub fn session(&self) -> &CommonState {
        self.session.state()
    }

    /// What carries it.
    #[must_use]
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// What carries it, to set something about it. Reading from it or writing to it breaks the session.
    pub fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    fn send_records(&mut self) -> io::Result<()> {
        loop {
            let records = self.session.transmit();
            if records.is_empty() {
                return self.inner.flush();
            }
            let sent = repeat(|| self.inner.write(&[IoSlice::new(records)]))?;
            self.session.transmitted(sent);
            self.flushed += sent as u64;
        }
    }

    /// Takes encrypted bytes in.
    fn receive(&mut self, patience: Option<Duration>) -> io::Result<()> {
        if let Some(error) = self.session.broken() {
            return Err(invalid(error.clone()));
        }
        let read = repeat(|| self.inner.read(self.session.space(), patience));
        self.session.received(*read.as_ref().unwrap_or(&0));
        self.is_cut |= read? == 0;
        if !self.session.is_handshaking() {
            return Ok(());
        }
        self.session.advance();
        if let Some(error) = self.session.broken().cloned() {
            // The peer should know why, if it still listens.
            let _gone = self.flush();
            return Err(invalid(error));
        }
        if self.is_cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl<T: Transport + AsFd> Tls<T> {
    /// What a handshake that would have to wait waits for.
    pub(crate) fn wanted(&self) -> (BorrowedFd<'_>, Ready) {
        (self.inner.as_fd(), Ready { read: true, write: self.is_flushing() })
    }
}

impl<T: Transport> Transport for Tls<T> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.end != End::Open {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.session.is_handshaking() {
            // What is taken before could not leave, and there is room for a little of it only.
            self.handshake(Some(Instant::now()))?;
        }
        self.flush()?;
        let taken = self.session.write(parts).map_err(invalid)?;
        // They are taken, and some may have left: what stops the others is for the next flush to say.
        let _later = self.flush();
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.end == End::Over {
            return Ok(());
        }
        let done = self.send_records();
        if self.end == End::Begun && !done.as_ref().is_err_and(is_passing) {
            self.end = End::Over;
            self.inner.end_write();
        }
        done
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        let until = end_of(patience);
        loop {
            let read = self.session.read(into);
            if read > 0 || into.is_empty() || self.session.has_ended() {
                return Ok(read);
            }
            if self.is_cut {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the peer closed without TLS's closing notice",
                ));
            }
            if self.session.wants_write() || self.end == End::Begun {
                // An answer to what the peer asked of TLS itself, or our end. If it cannot leave now, it goes with the
                // next write or read; if the peer is gone, what it has sent is still worth reading.
                let _later = self.flush();
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            self.receive(left)?;
        }
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        if wanted.read && self.session.may_read() {
            return Ok(Ready { read: true, write: false });
        }
        if self.session.is_handshaking() && wanted.write {
            // Writing waits for what the peer has to say first.
            let wanted = Ready { read: true, write: self.session.wants_write() };
            return self.inner.wait(wanted, patience).map(|_| Ready { read: false, write: true });
        }
        self.inner.wait(wanted, patience)
    }

    fn keeps_patience(&self) -> bool {
        self.inner.keeps_patience()
    }

    fn set_busy_poll(&mut self, busy: Duration) {
        self.inner.set_busy_poll(busy);
    }

    fn set_canceller(&mut self, canceller: Option<Canceller>) {
        self.inner.set_canceller(canceller);
    }

    fn is_flushing(&self) -> bool {
        self.end != End::Over && self.session.wants_write() || self.inner.is_flushing()
    }

    fn flushed(&self) -> u64 {
        self.flushed + self.inner.flushed()
    }

    fn end_write(&mut self) {
        if self.end == End::Open {
            self.session.end();
            self.end = End::Begun;
        }
        // Behind the notice, so that the peer can tell it from a connection that was cut. What needs waiting goes on with
        // the next reads.
        let _later = self.flush();
    }

    fn close(&mut self) {
        self.session.end();
        // A peer that does not read will do without.
        let _gone = self.flush();
        self.inner.close();
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn repeat<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
