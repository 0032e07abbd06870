//! The exchanges in flight, in the order of their requests, which is that of their responses.

use std::collections::VecDeque;
use std::ops::Deref;

use crate::exchange::Exchange;

/// A longer queue than this is cut down when it is empty: it was a deep pipeline, and may be the last one.
const DEEP: usize = 64;

/// The exchanges in flight. They leave in order: those of which a byte has left stand in front of those of which none has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InFlight {
    exchanges: VecDeque<Exchange>,
    /// Of how many a byte has left.
    begun: usize,
}

impl InFlight {
    /// How much memory is held, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.exchanges.capacity() * size_of::<Exchange>()
    }

    pub(crate) fn push(&mut self, exchange: Exchange) {
        if self.exchanges.capacity() == 0 {
            // Mostly one at a time is all that there is.
            self.exchanges.reserve_exact(1);
        }
        self.exchanges.push_back(exchange);
    }

    /// The exchange at the front is over.
    pub(crate) fn pop(&mut self) {
        self.exchanges.pop_front();
        self.begun = self.begun.saturating_sub(1);
        if self.exchanges.is_empty() && self.exchanges.capacity() > DEEP {
            self.exchanges.shrink_to(4);
        }
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut Exchange> {
        self.exchanges.front_mut()
    }

    pub(crate) fn back_mut(&mut self) -> Option<&mut Exchange> {
        self.exchanges.back_mut()
    }

    /// `sent` bytes have left when `received` had come: of which requests the first ones?
    pub(crate) fn note_begun(&mut self, sent: u64, received: u64) {
        while let Some(exchange) = self.exchanges.get_mut(self.begun) {
            // A request without a byte, from a tester, has left when what stands before it has.
            let is_empty = exchange.end == Some(exchange.start);
            if exchange.start > sent || (exchange.start == sent && !is_empty) {
                break;
            }
            exchange.since = Some(received);
            self.begun += 1;
        }
    }
}

impl Deref for InFlight {
    type Target = VecDeque<Exchange>;

    fn deref(&self) -> &VecDeque<Exchange> {
        &self.exchanges
    }
}
