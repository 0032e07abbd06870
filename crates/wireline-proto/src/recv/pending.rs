//! The event that is lent.

use crate::body::length::Framing;
use crate::event::{Event, ResponseHead};
use crate::exchange::ExchangeId;
use crate::fields::FieldsRef;
use crate::head::Scanner;

/// The event that is lent now, and how many bytes at the front of the buffer it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    None,
    Interim { id: ExchangeId, len: usize },
    Response { id: ExchangeId, len: usize, framing: Framing },
    Content { len: usize },
    End { len: usize },
    Switched { id: ExchangeId, len: usize, framing: Framing },
    Closed,
}

impl Pending {
    pub(super) fn len(self) -> usize {
        match self {
            Self::None | Self::Closed => 0,
            Self::Interim { len, .. }
            | Self::Response { len, .. }
            | Self::Content { len }
            | Self::End { len }
            | Self::Switched { len, .. } => len,
        }
    }

    /// The event itself. `bytes` begin with it; `made_up` bytes of a head were never sent.
    pub(super) fn lend<'a>(self, bytes: &'a [u8], made_up: usize, scanner: &'a Scanner) -> Event<'a> {
        let head =
            |exchange, len: usize, framing| ResponseHead { exchange, framing, bytes: &bytes[..len], made_up, scanner };
        match self {
            Self::None => panic!("there is no event: the last advance did not return Ok(true)"),
            Self::Interim { id, len } => Event::Interim(head(id, len, Framing::None)),
            Self::Response { id, len, framing } => Event::Response(head(id, len, framing)),
            Self::Content { len } => Event::Content(&bytes[..len]),
            Self::End { len: 0 } => Event::End(FieldsRef::EMPTY),
            Self::End { len } => Event::End(scanner.fields(&bytes[..len])),
            Self::Switched { id, len, framing } => Event::Switched(head(id, len, framing)),
            Self::Closed => Event::Closed,
        }
    }
}
