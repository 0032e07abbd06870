//! The client's half of a SOCKS5 handshake (RFC 1928, RFC 1929). No socket, no clock.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Asks a SOCKS5 proxy for a connection (RFC 1928), with a user name and a password where it wants them (RFC 1929). It
/// is the bytes of it: what carries them is yours.
///
/// To construct: [`connect`](Self::connect), [`connect_address`](Self::connect_address). Bytes:
/// [`transmit`](Self::transmit), [`transmitted`](Self::transmitted), [`received`](Self::received). Questions:
/// [`is_done`](Self::is_done), [`bound`](Self::bound).
///
/// > Send all that there is to send, then wait for bytes and hand them over, until it is done. What it does not consume
/// > comes from the other end of the connection.
///
/// ```
/// use std::io::{Read, Write};
/// use wireline::Socks5;
///
/// # struct Peer(&'static [u8]);
/// # impl Write for Peer {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { Ok(bytes.len()) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # impl Read for Peer {
/// #     fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
/// #         let end = self.0.len().min(if self.0.len() > 20 { 2 } else { space.len() });
/// #         (&self.0[..end]).read(space).inspect(|&n| self.0 = &self.0[n..])
/// #     }
/// # }
/// # let mut stream = Peer(b"\x05\0\x05\0\0\x01\x7f\0\0\x01\x1f\x90SSH-2.0-a");
/// let mut socks = Socks5::connect("example.org", 22, None)?;
/// let mut early = Vec::new();
/// while !socks.is_done() {
///     while !socks.transmit().is_empty() {
///         let n = stream.write(socks.transmit())?;
///         socks.transmitted(n);
///     }
///     let mut space = [0; 512];
///     let n = stream.read(&mut space)?;
///     if n == 0 {
///         return Err("the proxy closed the connection".into());
///     }
///     let consumed = socks.received(&space[..n])?;
///     early.extend_from_slice(&space[consumed..n]);
/// }
/// assert_eq!(early, b"SSH-2.0-a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Socks5 {
    step: Step,
    transmit: Vec<u8>,
    transmitted: usize,
    /// What the proxy gets when it wants a user name and a password. None when it was not offered them, or has them.
    authentication: Option<Vec<u8>>,
    request: Vec<u8>,
    /// What has come of the message that is awaited.
    message: Vec<u8>,
    /// How many bytes have come in all.
    received: u64,
}

/// What is awaited, or what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Method,
    Authentication,
    Reply,
    Done(BoundAddress),
    Failed(SocksError),
}

const VERSION: u8 = 5;
const AUTHENTICATION_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const USERNAME_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const RESERVED: u8 = 0;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
const SUCCEEDED: u8 = 0;

impl Socks5 {
    /// To a host that the proxy looks up: a name of at most 255 bytes, none of them white space or a control byte, sent as given. An address, without brackets, is
    /// sent as an address. `credentials` are a user name of 1 to 255 bytes and a password of at most 255; the proxy may
    /// still choose to go without.
    ///
    /// # Errors
    /// [`SocksError::Name`] and [`SocksError::Credentials`]. A name that is too long is never looked up here instead:
    /// who asks the proxy to look it up has a reason.
    pub fn connect(host: &str, port: u16, credentials: Option<(&[u8], &[u8])>) -> Result<Self, SocksError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Self::connect_address(SocketAddr::new(address, port), credentials);
        }
        let length = u8::try_from(host.len()).ok().filter(|length| *length > 0).ok_or(SocksError::Name)?;
        // A proxy that ends names at NUL would go to another host than the one that whoever checked the name has seen.
        if host.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
            return Err(SocksError::Name);
        }
        let destination = [&[NAME, length], host.as_bytes()].concat();
        Self::new(&destination, port, credentials)
    }

    /// To an address; `credentials` as in [`connect`](Self::connect).
    ///
    /// # Errors
    /// [`SocksError::Credentials`].
    pub fn connect_address(address: SocketAddr, credentials: Option<(&[u8], &[u8])>) -> Result<Self, SocksError> {
        let destination = match address.ip() {
            IpAddr::V4(ip) => [&[IPV4][..], &ip.octets()].concat(),
            IpAddr::V6(ip) => [&[IPV6][..], &ip.octets()].concat(),
        };
        Self::new(&destination, address.port(), credentials)
    }

    fn new(destination: &[u8], port: u16, credentials: Option<(&[u8], &[u8])>) -> Result<Self, SocksError> {
        let authentication = credentials.map(authentication).transpose()?;
        // RFC 1928 section 3: VER, NMETHODS, METHODS.
        let transmit = match &authentication {
            None => vec![VERSION, 1, NO_AUTHENTICATION],
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
        };
        Ok(Self {
            step: Step::Method,
            transmit,
            transmitted: 0,
            authentication,
            // RFC 1928 section 4: VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT.
            request: [&[VERSION, CONNECT, RESERVED], destination, &port.to_be_bytes()].concat(),
            message: Vec::new(),
            received: 0,
        })
    }

    /// What is to be sent now.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        &self.transmit[self.transmitted..]
    }

    /// The first `n` bytes of [`transmit`](Self::transmit) have left.
    ///
    /// # Panics
    /// When there were fewer.
    pub fn transmitted(&mut self, n: usize) {
        assert!(n <= self.transmit().len(), "{n} bytes have left, and {} were to", self.transmit().len());
        self.transmitted += n;
    }

    /// Bytes have come, in whatever pieces. Says how many of them belong to the handshake: all of them until it is
    /// done, none afterwards.
    ///
    /// # Errors
    /// [`SocksError`]. It stays: the connection to the proxy is of no more use.
    pub fn received(&mut self, bytes: &[u8]) -> Result<usize, SocksError> {
        for (consumed, &byte) in bytes.iter().enumerate() {
            match self.step {
                Step::Done(_) => return Ok(consumed),
                Step::Failed(error) => return Err(error),
                Step::Method | Step::Authentication | Step::Reply => {}
            }
            if let Err(error) = self.take(byte) {
                self.step = Step::Failed(error);
                return Err(error);
            }
        }
        Ok(bytes.len())
    }

    /// Whether the proxy has connected: the bytes that follow belong to the other end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.bound().is_some()
    }

    /// Where the proxy connected from (`BND.ADDR` and `BND.PORT`), when it is done. Many proxies say 0.0.0.0:0.
    #[must_use]
    pub fn bound(&self) -> Option<&BoundAddress> {
        match &self.step {
            Step::Done(bound) => Some(bound),
            _ => None,
        }
    }

    /// One byte. A proxy that refuses may leave out what would follow, so each is judged as soon as it is there.
    fn take(&mut self, byte: u8) -> Result<(), SocksError> {
        let offset = self.received;
        if !self.transmit().is_empty() {
            return Err(SocksError::Unsolicited { offset });
        }
        let position = self.message.len();
        self.message.push(byte);
        self.received += 1;
        let malformed = Err(SocksError::Malformed { offset, byte });
        match self.step {
            // RFC 1928 section 3: VER, METHOD.
            Step::Method => match (position, byte) {
                (0, VERSION) => {}
                (1, NO_AUTHENTICATION) => self.send_request(),
                (1, USERNAME_PASSWORD) => match self.authentication.take() {
                    Some(authentication) => self.send(Step::Authentication, authentication),
                    None => return malformed,
                },
                (1, NO_ACCEPTABLE_METHOD) => return Err(SocksError::NoAcceptableMethod),
                _ => return malformed,
            },
            // RFC 1929 section 2: VER, STATUS. Not a few proxies say here that it is version 5.
            Step::Authentication => match (position, byte) {
                (0, AUTHENTICATION_VERSION | VERSION) => {}
                (1, SUCCEEDED) => self.send_request(),
                (1, status) => return Err(SocksError::AuthenticationRefused { status }),
                _ => return malformed,
            },
            // RFC 1928 section 6: VER, REP, RSV, ATYP, BND.ADDR, BND.PORT. RSV means nothing, so it is not looked at.
            Step::Reply => match (position, byte) {
                (0, VERSION) | (1, SUCCEEDED) | (2, _) | (3, IPV4 | NAME | IPV6) => {}
                (1, code) => return Err(SocksError::of_reply(code)),
                (0 | 3, _) => return malformed,
                _ => {
                    if let Some(bound) = BoundAddress::parse(&self.message) {
                        self.step = Step::Done(bound);
                    }
                }
            },
            Step::Done(_) | Step::Failed(_) => {}
        }
        Ok(())
    }

    fn send_request(&mut self) {
        let request = std::mem::take(&mut self.request);
        self.send(Step::Reply, request);
    }

    fn send(&mut self, awaited: Step, bytes: Vec<u8>) {
        self.step = awaited;
        self.transmit = bytes;
        self.transmitted = 0;
        self.message.clear();
    }
}

impl fmt::Debug for Socks5 {
    /// Without the bytes: there may be a password among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socks5").field("step", &self.step).field("received", &self.received).finish_non_exhaustive()
    }
}

/// RFC 1929 section 2: VER, ULEN, UNAME, PLEN, PASSWD. A password there has at least one byte, but empty ones are in
/// use, and proxies take them.
fn authentication((user, password): (&[u8], &[u8])) -> Result<Vec<u8>, SocksError> {
    match (u8::try_from(user.len()), u8::try_from(password.len())) {
        (Ok(user_length @ 1..), Ok(password_length)) => {
            Ok([&[AUTHENTICATION_VERSION, user_length], user, &[password_length], password].concat())
        }
        _ => Err(SocksError::Credentials),
    }
}

/// Where a proxy connected from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundAddress {
    /// An address and a port.
    Address(SocketAddr),
    /// A name, in bytes as they came, and a port.
    Name(Vec<u8>, u16),
}

impl BoundAddress {
    /// From a reply that succeeded, if all of it is there.
    fn parse(reply: &[u8]) -> Option<Self> {
        let (&kind, rest) = reply.get(3..)?.split_first()?;
        match kind {
            IPV4 => {
                let (ip, port) = rest.split_first_chunk::<4>()?;
                Some(Self::Address(SocketAddr::new(Ipv4Addr::from(*ip).into(), parse_port(port)?)))
            }
            IPV6 => {
                let (ip, port) = rest.split_first_chunk::<16>()?;
                Some(Self::Address(SocketAddr::new(Ipv6Addr::from(*ip).into(), parse_port(port)?)))
            }
            _ => {
                let (&length, rest) = rest.split_first()?;
                let (name, port) = rest.split_at_checked(usize::from(length))?;
                Some(Self::Name(name.to_vec(), parse_port(port)?))
            }
        }
    }
}

fn parse_port(bytes: &[u8]) -> Option<u16> {
    bytes.try_into().ok().map(u16::from_be_bytes)
}

/// Why there is no connection through a SOCKS5 proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocksError {
    /// The proxy knows no addresses of this kind (reply X'08').
    AddressTypeNotSupported,
    /// The proxy does not believe the user name and the password (RFC 1929 section 2).
    AuthenticationRefused {
        /// What it says instead of 0; RFC 1929 gives it no meaning.
        status: u8,
    },
    /// The proxy does not connect at all (reply X'07').
    CommandNotSupported,
    /// The destination refused the connection (reply X'05').
    ConnectionRefused,
    /// Yours: no user name, or more than 255 bytes of it or of the password. Nothing has left.
    Credentials,
    /// The proxy failed (reply X'01').
    GeneralFailure,
    /// The destination's host cannot be reached (reply X'04'); for many proxies also a name that does not exist.
    HostUnreachable,
    /// This is not what a SOCKS5 proxy says.
    Malformed {
        /// The place of the byte, counted from the first one that came.
        offset: u64,
        /// The byte.
        byte: u8,
    },
    /// Yours: no name, one of more than 255 bytes, or one with white space or a control byte in it. Nothing has left.
    Name,
    /// The destination's network cannot be reached (reply X'03').
    NetworkUnreachable,
    /// The proxy takes none of the methods that were offered (method X'FF'): mostly, it wants a user name and a
    /// password.
    NoAcceptableMethod,
    /// The proxy's rules do not allow it (reply X'02').
    NotAllowed,
    /// A reply that RFC 1928 gives no meaning.
    OtherReply {
        /// The reply, X'09' to X'FF'.
        code: u8,
    },
    /// It took too many hops (reply X'06').
    TtlExpired,
    /// The proxy spoke before it had been asked.
    Unsolicited {
        /// The place of the byte, counted from the first one that came.
        offset: u64,
    },
}

impl SocksError {
    /// Whether it is about the destination rather than about us or the proxy: another address may do.
    pub(crate) fn is_about_destination(&self) -> bool {
        matches!(
            self,
            Self::AddressTypeNotSupported
                | Self::ConnectionRefused
                | Self::GeneralFailure
                | Self::HostUnreachable
                | Self::NetworkUnreachable
                | Self::TtlExpired
        )
    }

    /// RFC 1928 section 6, without X'00'.
    fn of_reply(code: u8) -> Self {
        match code {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressTypeNotSupported,
            code => Self::OtherReply { code },
        }
    }

    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressTypeNotSupported => "address-type-not-supported",
            Self::AuthenticationRefused { .. } => "authentication-refused",
            Self::CommandNotSupported => "command-not-supported",
            Self::ConnectionRefused => "connection-refused",
            Self::Credentials => "credentials",
            Self::GeneralFailure => "general-failure",
            Self::HostUnreachable => "host-unreachable",
            Self::Malformed { .. } => "malformed",
            Self::Name => "name",
            Self::NetworkUnreachable => "network-unreachable",
            Self::NoAcceptableMethod => "no-acceptable-method",
            Self::NotAllowed => "not-allowed",
            Self::OtherReply { .. } => "other-reply",
            Self::TtlExpired => "ttl-expired",
            Self::Unsolicited { .. } => "unsolicited",
        }
    }
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTypeNotSupported => f.write_str("the proxy does not support this type of address"),
            Self::AuthenticationRefused { status } => {
                write!(f, "the proxy refuses the user name and the password (status {status})")
            }
            Self::CommandNotSupported => f.write_str("the proxy does not support CONNECT"),
            Self::ConnectionRefused => f.write_str("the destination refused the proxy's connection"),
            Self::Credentials => f.write_str("a user name of 1 to 255 bytes and a password of at most 255 are needed"),
            Self::GeneralFailure => f.write_str("the proxy failed"),
            Self::HostUnreachable => f.write_str("the proxy cannot reach the host"),
            Self::Malformed { offset, byte } => {
                write!(f, "not what a SOCKS5 proxy says: byte {offset} is X'{byte:02X}'")
            }
            Self::Name => f.write_str(
                "the host's name has to be of 1 to 255 bytes, neither white space nor control bytes among them",
            ),
            Self::NetworkUnreachable => f.write_str("the proxy cannot reach the network"),
            Self::NoAcceptableMethod => f.write_str("the proxy accepts none of the authentication methods offered"),
            Self::NotAllowed => f.write_str("the proxy's rules do not allow this connection"),
            Self::OtherReply { code } => write!(f, "the proxy failed with reply X'{code:02X}', which is unassigned"),
            Self::TtlExpired => f.write_str("the proxy's connection took too many hops (TTL expired)"),
            Self::Unsolicited { offset } => write!(f, "the proxy spoke unasked, at byte {offset}"),
        }
    }
}

impl std::error::Error for SocksError {}

#[cfg(test)]
mod tests;
