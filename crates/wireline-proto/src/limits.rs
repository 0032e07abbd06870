//! How much is too much: every bound, its default and the reason for it.

/// The bounds on what a peer can make this connection read, keep or wait for, in bytes unless it says otherwise.
///
/// A bound that is passed gives the [`Limit`](crate::Limit) of the same name. Together they bound the memory of a
/// connection whatever the peer sends: [`receive_buffer`](Self::receive_buffer) for its bytes, twice
/// [`head`](Self::head) where values were folded, and forty bytes for each of [`fields`](Self::fields). Most of it is lent
/// by the thread, which keeps for its next connection what one needs no more: 64 buffers of up to 64 KiB at most, and as
/// much as 64 heads need that are not unusually long (2 MiB).
///
/// ```
/// use wireline_proto::{Config, Connection, Limits};
///
/// let mut limits = Limits::default();
/// limits.head = 16 * 1024;
/// let mut config = Config::default();
/// config.limits = limits;
/// let connection = Connection::new(config);
/// # let _ = connection;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A status line with its line end: 8 KiB. RFC 9112 section 3 recommends 8,000 for the request line, and a
    /// client must accept what it would itself send (RFC 9110 section 2.3). http.client: 64 KiB.
    pub start_line: u32,
    /// A field line with its line end: 64 KiB. http.client: the same; aiohttp: 8,190.
    pub field_line: u32,
    /// A status line with its field section: 256 KiB. Node.js: 16 KiB, curl: 300 KiB, Go: 10 MiB.
    pub head: u32,
    /// Field lines in a head: 256. http.client and hyper: 100, ureq: 128.
    pub fields: u32,
    /// Interim responses before a final one: 32. RFC 9110 section 15.2 allows any number; without a bound a peer
    /// holds a client for ever without tripping a read time-out (CVE-2021-3737). CPython: 100.
    pub interim_responses: u32,
    /// All interim responses before a final one: 256 KiB, as one head.
    pub interim_bytes: u32,
    /// A chunk line with its extensions and its line end: 4 KiB. RFC 9112 section 7.1.1 asks for a bound.
    pub chunk_line: u32,
    /// All chunk extensions of a response may have this much, 16 KiB, and one byte more for each byte of content.
    /// Without it a peer sends a megabyte for each byte of content (Go CVE-2023-39326, Node.js CVE-2024-22019).
    pub chunk_extensions: u32,
    /// A trailer section: 64 KiB.
    pub trailers: u32,
    /// Field lines in a trailer section: 100.
    pub trailer_fields: u32,
    /// Empty lines that are dropped before a status line: 2, for servers that end a message with one CRLF too
    /// many (RFC 9112 section 9.2 permits it). One more is the violation `status-line`, or `unsolicited`.
    pub leading_empty_lines: u32,
    /// The receive buffer: 1 MiB. It starts at 4 KiB and grows when a head or a fast peer needs it; at the bound
    /// [`receive_space`](crate::Connection::receive_space) is empty until events are taken. At least 256 bytes. What has to be in one piece, a head, a trailer
    /// section or a chunk line, has to be shorter: its bound is cut down to one byte less than this.
    pub receive_buffer: u32,
    /// The transmit buffer: 64 KiB, and at least 256 bytes. [`send_content`](crate::Connection::send_content) takes no more than fits. The
    /// head of a request always fits: it is the caller's own.
    pub transmit_buffer: u32,
}

impl Limits {
    /// What [`default`](Default::default) gives.
    pub const DEFAULT: Self = Self {
        start_line: 8 << 10,
        field_line: 64 << 10,
        head: 256 << 10,
        fields: 256,
        interim_responses: 32,
        interim_bytes: 256 << 10,
        chunk_line: 4 << 10,
        chunk_extensions: 16 << 10,
        trailers: 64 << 10,
        trailer_fields: 100,
        leading_empty_lines: 2,
        receive_buffer: 1 << 20,
        transmit_buffer: 64 << 10,
    };
}

impl Limits {
    /// A bound on a section or a line, which is kept in one piece: one byte past it has to fit into the receive buffer,
    /// or nobody would see that it was passed.
    pub(crate) fn in_one_piece(&self, bound: u32) -> usize {
        bound.min(self.room() - 1) as usize
    }

    /// How large the receive buffer may grow.
    pub(crate) fn room(&self) -> u32 {
        self.receive_buffer.max(SMALLEST_BUFFER)
    }

    /// How much may wait in the transmit buffer.
    pub(crate) fn transmit_room(&self) -> u32 {
        self.transmit_buffer.max(SMALLEST_BUFFER)
    }
}

/// A buffer below this size could not hold the shortest lines, or the framing of a chunk.
const SMALLEST_BUFFER: u32 = 256;

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
