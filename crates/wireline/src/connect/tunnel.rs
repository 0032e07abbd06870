//! Through a proxy to an origin: the steps that talk to the proxy.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::connect::connecting::{Connecting, Reach, Step, Went};
use crate::connect::origin::Origin;
use crate::connect::passage::Asking;
use crate::connect::proxy::{Proxy, Route};
use crate::connect::socks::{Socks5, SocksError};
use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Stage};
use crate::reply::Head;
use crate::transport::stream::Stream;
use crate::transport::{Ready, Transport};
use crate::{CloseReason, Request, Reuse};

/// How often a proxy may ask for credentials: enough for every scheme that needs several rounds.
const ROUNDS: u32 = 8;

/// How much content of a refusal is read, in bytes, rather than another connection made.
const REFUSAL: u64 = 64 << 10;

/// A SOCKS5 handshake.
struct Greeting {
    stream: Stream,
    socks: Socks5,
}

/// CONNECT, and what comes of it.
struct Tunnelling {
    connection: Connection<Stream>,
    proxy: Arc<Proxy>,
    /// What it is to be asked next.
    ask: Option<Request>,
    is_asked: bool,
}

/// A proxy's answer to CONNECT.
enum Answer {
    Open { head: Head, stream: Stream, early: Vec<u8> },
    Refused(Head),
}

/// The first step over a stream to a proxy that does not forward.
#[inline]
pub(super) fn begin(proxy: Arc<Proxy>, stream: Stream, connecting: &Connecting) -> Result<Step, Error> {
    if proxy.route(&connecting.origin) == Route::Tunnel {
        let mut connection = Connection::with_transport(stream, connecting.connector.config);
        connection.driver().no_wait = true;
        return Ok(Step::Asking(Box::new(Tunnelling { connection, proxy, ask: None, is_asked: false })));
    }
    let socks = match connecting.targets.front() {
        Some(target) => Socks5::connect_address(*target, proxy.credentials()),
        None => Socks5::connect(connecting.origin.host(), connecting.origin.port(), proxy.credentials()),
    };
    match socks {
        Ok(socks) => Ok(Step::Asking(Box::new(Greeting { stream, socks }))),
        Err(error) => Err(connecting.failed(ErrorKind::Proxy, Stage::Tunnelling, io::Error::other(error))),
    }
}

impl Greeting {
    /// Goes on without waiting, and says what came behind the proxy's last word, when that has come.
    #[inline]
    fn advance(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Self { stream, socks } = self;
        let mut space = [0; 512];
        while !socks.is_done() {
            while !socks.transmit().is_empty() {
                let sent = stream.write(&[IoSlice::new(socks.transmit())])?;
                socks.transmitted(sent);
            }
            stream.flush()?;
            let came = match stream.read(&mut space, Some(Duration::ZERO))? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                came => &space[..came],
            };
            let consumed = socks.received(came).map_err(io::Error::other)?;
            if socks.is_done() {
                return Ok(Some(came[consumed..].to_vec()));
            }
        }
        Ok(None)
    }
}

impl Tunnelling {
    /// Goes on without waiting.
    #[inline]
    fn advance(&mut self) -> Result<Answer, Error> {
        if let Some(request) = self.ask.take() {
            self.is_asked = true;
            self.connection.driver().send_bare(&request)?;
        }
        let response = self.connection.receive()?;
        let head = response.head().clone();
        match response.into_switched() {
            Ok(switched) => {
                let (stream, early) = switched.into_parts();
                Ok(Answer::Open { head, stream, early })
            }
            Err(mut refusal) => {
                // To be asked again on this connection, it has to have said all of it.
                let mut is_worth_it =
                    asks_for_credentials(&head) && refusal.content_length().is_none_or(|n| n <= REFUSAL);
                while is_worth_it && !matches!(refusal.reuse(), Reuse::Never(_)) {
                    is_worth_it = refusal.content_read() < REFUSAL;
                    match refusal.fill_content().map(<[u8]>::len) {
                        Ok(0) => break,
                        Ok(len) => refusal.consume_content(len),
                        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => {
                            refusal.suspend();
                            return Err(error);
                        }
                        Err(_) => break,
                    }
                }
                drop(refusal);
                self.is_asked = false;
                Ok(Answer::Refused(head))
            }
        }
    }
}

impl Asking for Greeting {
    #[inline]
    fn wanted(&self) -> Option<(BorrowedFd<'_>, Ready)> {
        let write = !self.socks.transmit().is_empty() || self.stream.is_flushing();
        Some((self.stream.as_fd(), Ready { read: !write, write }))
    }

    #[inline]
    fn go(mut self: Box<Self>, connecting: &mut Connecting) -> Result<Went, Error> {
        match self.advance() {
            Ok(early) => {
                connecting.early = early.unwrap_or_default();
                connecting.onward(self.stream, Reach::Origin)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Went::Nowhere(Step::Asking(self))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Went::On(Step::Asking(self))),
            Err(error) => {
                let said = error.get_ref().and_then(|inner| inner.downcast_ref::<SocksError>());
                // Another address of the origin may be within the proxy's reach.
                if said.is_some_and(SocksError::is_about_destination) && connecting.targets.len() > 1 {
                    connecting.targets.pop_front();
                    return Ok(Went::On(Step::Beginning));
                }
                let kind = if said.is_some() { ErrorKind::Proxy } else { ErrorKind::Lost };
                Err(connecting.failed(kind, Stage::Tunnelling, error))
            }
        }
    }
}

impl Asking for Tunnelling {
    #[inline]
    fn wanted(&self) -> Option<(BorrowedFd<'_>, Ready)> {
        let interest = self.connection.interest();
        self.connection.fd().map(|fd| (fd, Ready { read: interest.read, write: interest.write }))
    }

    #[inline]
    fn go(mut self: Box<Self>, connecting: &mut Connecting) -> Result<Went, Error> {
        let context = connecting.context(Stage::Tunnelling);
        let proxy = Arc::clone(&self.proxy);
        // CONNECT, and what answers a refusal; `None` where nothing does.
        let request = |origin: &Origin, challenge: Option<&Head>| {
            let request = proxy.connect_request(origin, challenge);
            request.map_err(|invalid| Error::from(invalid).at(context))
        };
        if !self.is_asked {
            self.ask = match connecting.ask.take() {
                Some(answer) => Some(answer),
                None => request(&connecting.origin, None)?,
            };
        }
        match self.advance() {
            Ok(Answer::Open { head, stream, early }) => {
                (connecting.answer, connecting.early) = (Some(head), early);
                connecting.onward(stream, Reach::Origin)
            }
            Ok(Answer::Refused(head)) if asks_for_credentials(&head) && connecting.rounds < ROUNDS => {
                connecting.rounds += 1;
                // Before it connects again: perhaps there is no reason to.
                connecting.ask = request(&connecting.origin, Some(&head))?;
                if connecting.ask.is_none() {
                    return Err(Error::refused(head, context));
                }
                // Some schemes are about the connection, so it is the same one if possible.
                let same = self.connection.reuse() == Reuse::Now;
                Ok(Went::On(if same { Step::Asking(self) } else { Step::Beginning }))
            }
            Ok(Answer::Refused(head)) => Err(Error::refused(head, context)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock(_)) => Ok(Went::Nowhere(Step::Asking(self))),
            Err(error) => Err(match error.kind() {
                // It was heard before CONNECT had left, by chance: what the proxy did is the same.
                ErrorKind::Closed(CloseReason::Unsolicited) => {
                    connecting.failed(ErrorKind::Protocol, Stage::Tunnelling, unasked())
                }
                ErrorKind::Closed(_) => {
                    connecting.failed(ErrorKind::Lost, Stage::Tunnelling, io::ErrorKind::UnexpectedEof.into())
                }
                _ => error.at(context),
            }),
        }
    }
}

/// A refusal that credentials may lift says so in this field (RFC 9110 section 11.7.1).
fn asks_for_credentials(refusal: &Head) -> bool {
    refusal.fields().contains("Proxy-Authenticate")
}

fn unasked() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the proxy spoke before it was asked")
}
