//! What comes out of a connection: events, lent from the receive buffer, one at a time.

use crate::fields::FieldsRef;

mod response_head;

pub use response_head::{Head, ResponseHead};

/// What the peer said next.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An interim response: any 1xx but a 101 that was asked for (RFC 9110 section 15.2).
    Interim(ResponseHead<'a>),
    /// The final response of the exchange at the front of the queue.
    Response(ResponseHead<'a>),
    /// Content, decoded, never empty.
    Content(&'a [u8]),
    /// The message is complete. Its trailer section, mostly empty. While a trailer section is lent the connection holds its
    /// buffers; the next [`advance`](crate::Connection::advance) gives them back.
    End(FieldsRef<'a>),
    /// 101, or 2xx to CONNECT: from here on the bytes are not HTTP. See
    /// [`into_switched`](crate::Connection::into_switched).
    Switched(ResponseHead<'a>),
    /// The peer closed between messages.
    Closed,
}

/// What a connection waits for: what to ask `poll`, `epoll` or an event loop for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interest {
    /// Read: the peer may send, and there is room for it.
    pub read: bool,
    /// Write: bytes are queued.
    pub write: bool,
}
