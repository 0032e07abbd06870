//! TLS without a socket: encrypted bytes in and out, plain ones in and out. What they mean rustls decides; the buffers
//! are ours, so that the system is asked for several records at once and idle sessions hold none.

use std::borrow::Cow;
use std::fmt;
use std::io::IoSlice;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{ClientConfig, CommonState, Error, InvalidMessage};

use super::buffer::{Buffer, copy};

/// A client's session. Read what came into [`space`](Self::space), write what [`transmit`](Self::transmit) has.
pub(super) struct Session {
    rustls: UnbufferedClientConnection,
    /// As they came; rustls decrypts them where they are.
    incoming: Buffer,
    /// Nothing is left in `incoming` but the beginning of a record or of a handshake message.
    is_spent: bool,
    /// Of a record for which there was no room where it was to go.
    plain: Buffer,
    outgoing: Buffer,
    /// How much has come since content last did.
    beside: usize,
    /// The peer's closing notice has come.
    has_ended: bool,
    /// What the peer did wrong in TLS itself. What it said before that is still worth reading.
    broken: Option<Error>,
}

/// Plain bytes that are taken at once while encrypted ones have not left yet: four records' worth.
const TAKEN: usize = 64 << 10;

/// How much may come without any content in it: the longest handshake is less than half of this. rustls bounds empty records
/// and updates of keys, but takes tickets without end, and a read that goes on for them would never see that its time is up.
const BESIDE: usize = 1 << 20;

/// What one record can contain (RFC 8446 section 5.1).
const RECORD: usize = 16 << 10;

/// What encrypting adds to so much at most, as a guess.
const OVERHEAD: usize = 256;

/// What a step is to do when it can.
#[derive(Clone, Copy)]
enum Say<'a> {
    Nothing,
    Content(&'a [u8]),
    Goodbye,
}

/// What a step has come to.
enum Step {
    /// Another one has to follow.
    Between,
    /// More has to come first.
    Blocked,
    Broken(Error),
    Read(usize),
    Said,
}

impl Session {
    pub(super) fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        Ok(Self {
            rustls: UnbufferedClientConnection::new(config, name)?,
            incoming: Buffer::default(),
            is_spent: true,
            plain: Buffer::default(),
            outgoing: Buffer::default(),
            beside: 0,
            has_ended: false,
            broken: None,
        })
    }

    pub(super) fn state(&self) -> &CommonState {
        &self.rustls
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn broken(&self) -> Option<&Error> {
        self.broken.as_ref()
    }

    /// Whether [`read`](Self::read) may find something without more bytes, or has an end to tell of.
    pub(super) fn may_read(&self) -> bool {
        // Who writes reads too, and may have come to the end: then the transport may have nothing more to wait for.
        !self.plain.is_empty() || !self.is_spent || self.has_ended || self.broken.is_some()
    }

    /// Whether [`transmit`](Self::transmit) has something.
    pub(super) fn wants_write(&self) -> bool {
        !self.outgoing.is_empty() || self.rustls.wants_write()
    }

    /// Room for what comes. [`received`](Self::received) has to follow.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.incoming.space()
    }

    /// So many bytes came, perhaps none.
    pub(super) fn received(&mut self, n: usize) {
        self.incoming.fill(n);
        self.beside += n;
        self.is_spent &= n == 0;
    }

    /// Takes plain bytes: fewer than there is room for only where more have to come first, or nothing comes any more.
    pub(super) fn read(&mut self, into: &mut [u8]) -> usize {
        let mut read = self.plain.take(into);
        while read < into.len() && !self.is_spent {
            if let Step::Read(more) = self.step(&mut into[read..], Say::Nothing) {
                read += more;
            }
        }
        read
    }

    /// Does what can be done without anybody to read: a handshake.
    pub(super) fn advance(&mut self) {
        while !self.is_spent {
            self.step(&mut [], Say::Nothing);
        }
    }

    /// Encrypts some of these bytes, at least one.
    pub(super) fn write(&mut self, parts: &[IoSlice<'_>]) -> Result<usize, Error> {
        let all = parts.iter().map(|part| part.len()).sum::<usize>().min(TAKEN);
        // At once, so that what is encrypted is not moved.
        let _room = self.outgoing.room(all + OVERHEAD);
        let mut taken = 0;
        while taken < all {
            let piece = piece(parts, taken);
            match self.say(Say::Content(&piece)) {
                Ok(()) => taken += piece.len(),
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    /// The closing notice. Before the handshake is over there is nothing to end: a peer would take it for an error.
    pub(super) fn end(&mut self) {
        if !self.is_handshaking() {
            // A session that is broken has said why instead.
            let _broken = self.say(Say::Goodbye);
        }
    }

    /// Encrypted bytes that are to be sent.
    pub(super) fn transmit(&mut self) -> &[u8] {
        // What rustls has queued comes before it looks at what came, so nothing is read here.
        while self.rustls.wants_write() {
            self.step(&mut [], Say::Nothing);
        }
        self.outgoing.filled()
    }

    /// So many of them have been sent.
    pub(super) fn transmitted(&mut self, n: usize) {
        self.outgoing.consume(n);
    }

    /// Says it behind what has to be said before.
    fn say(&mut self, what: Say<'_>) -> Result<(), Error> {
        loop {
            if let Some(error) = &self.broken {
                return Err(error.clone());
            }
            match self.step(&mut [], what) {
                Step::Said => return Ok(()),
                Step::Blocked => return Err(Error::HandshakeNotComplete),
                Step::Between | Step::Broken(_) | Step::Read(_) => {}
            }
        }
    }

    /// One step of rustls. Of what it reads goes into `plain` what does not fit.
    fn step(&mut self, into: &mut [u8], say: Say<'_>) -> Step {
        let UnbufferedStatus { mut discard, state, .. } = self.rustls.process_tls_records(self.incoming.filled_mut());
        let outgoing = &mut self.outgoing;
        let step = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                let mut read = 0;
                while let Some(record) = traffic.next_record() {
                    match record {
                        Ok(record) => {
                            discard += record.discard;
                            let (now, later) = record.payload.split_at(record.payload.len().min(into.len() - read));
                            copy(now, &mut into[read..]);
                            self.plain.push(later);
                            self.beside = 0;
                            read += now.len();
                        }
                        Err(error) => self.broken = Some(error),
                    }
                }
                Step::Read(read)
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                let done = encode(outgoing, |room| Ok(data.encode(room)?));
                done.map_or_else(Step::Broken, |()| Step::Between)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // It leaves in its turn.
                data.done();
                Step::Between
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let done = match say {
                    Say::Nothing => None,
                    Say::Content(content) => Some(encode(outgoing, |room| Ok(traffic.encrypt(content, room)?))),
                    Say::Goodbye => Some(encode(outgoing, |room| Ok(traffic.queue_close_notify(room)?))),
                };
                done.map_or(Step::Blocked, |done| done.map_or_else(Step::Broken, |()| Step::Said))
            }
            Ok(ConnectionState::PeerClosed) => {
                self.has_ended = true;
                Step::Between
            }
            Ok(_) => Step::Blocked,
            Err(error) => Step::Broken(error),
        };
        self.incoming.consume(discard);
        if let Step::Broken(error) = &step {
            self.broken = Some(error.clone());
        } else if matches!(step, Step::Blocked) && self.incoming.is_full() {
            self.broken = Some(InvalidMessage::HandshakePayloadTooLarge.into());
        } else if matches!(step, Step::Blocked) && self.beside > BESIDE {
            self.broken = Some(Error::General("more of TLS's own messages than any session needs".to_owned()));
        }
        if self.has_ended || self.broken.is_some() {
            // Nothing behind it counts (RFC 8446 section 6.1).
            self.incoming.consume(usize::MAX);
        }
        self.is_spent |= matches!(step, Step::Blocked | Step::Said) || self.incoming.is_empty();
        step
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("incoming", &self.incoming)
            .field("outgoing", &self.outgoing)
            .finish_non_exhaustive()
    }
}

/// The next record's worth of what is to be written, of several parts where the first is shorter: a head and its content
/// are one record.
fn piece<'p>(parts: &'p [IoSlice<'_>], mut skip: usize) -> Cow<'p, [u8]> {
    let mut piece = Cow::Borrowed(&[][..]);
    for part in parts {
        let skipped = skip.min(part.len());
        skip -= skipped;
        let part = &part[skipped..];
        let part = &part[..part.len().min(RECORD - piece.len())];
        if piece.is_empty() {
            piece = Cow::Borrowed(part);
        } else if !part.is_empty() {
            piece.to_mut().extend_from_slice(part);
        }
    }
    piece
}

/// Encodes at the end of a buffer, once it has as much room as that needs.
fn encode(buffer: &mut Buffer, mut encode: impl FnMut(&mut [u8]) -> Result<usize, Unfit>) -> Result<(), Error> {
    let mut len = 1;
    loop {
        match encode(buffer.room(len)) {
            Ok(encoded) => {
                buffer.fill(encoded);
                return Ok(());
            }
            Err(Unfit::Room(needed)) => len = needed,
            Err(Unfit::Error(error)) => {
                buffer.fill(0);
                return Err(error);
            }
        }
    }
}

/// Why something was not encoded.
enum Unfit {
    Error(Error),
    Room(usize),
}

impl From<EncodeError> for Unfit {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(size) => Self::Room(size.required_size),
            EncodeError::AlreadyEncoded => Self::Error(Error::General(error.to_string())),
        }
    }
}

impl From<EncryptError> for Unfit {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(size) => Self::Room(size.required_size),
            EncryptError::EncryptExhausted => Self::Error(Error::EncryptError),
        }
    }
}

#[cfg(test)]
mod tests;
