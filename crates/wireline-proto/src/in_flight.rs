//! The exchanges in flight, in the order of their requests, which is that of their responses.

use std::collections::VecDeque;
use std::ops::Deref;
use std::thread::LocalKey;

use crate::exchange::Exchange;
use crate::free::{Free, Lend, Lent};

/// A longer queue than this is not kept when it is empty: it was a deep pipeline, and may be the last one.
const DEEP: usize = 64;

/// The exchanges in flight. They leave in order: those of which a byte has left stand in front of those of which none has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InFlight(Lent<Queue>);

/// Lent while there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Queue {
    exchanges: VecDeque<Exchange>,
    /// Of how many a byte has left.
    begun: usize,
}

impl InFlight {
    /// How much memory is held, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.0.exchanges.capacity() * size_of::<Exchange>()
    }

    pub(crate) fn push(&mut self, exchange: Exchange) {
        let exchanges = &mut self.0.exchanges;
        if exchanges.capacity() == 0 {
            // Mostly one at a time is all that there is.
            exchanges.reserve_exact(1);
        }
        exchanges.push_back(exchange);
    }

    /// The exchange at the front is over.
    pub(crate) fn pop(&mut self) {
        let Some(queue) = self.0.lent() else { return };
        queue.exchanges.pop_front();
        queue.begun = queue.begun.saturating_sub(1);
        if queue.exchanges.is_empty() {
            self.0.give_back();
        }
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut Exchange> {
        self.0.lent()?.exchanges.front_mut()
    }

    pub(crate) fn back_mut(&mut self) -> Option<&mut Exchange> {
        self.0.lent()?.exchanges.back_mut()
    }

    /// `sent` bytes have left when `received` had come: of which requests the first ones?
    pub(crate) fn note_begun(&mut self, sent: u64, received: u64) {
        let Some(Queue { exchanges, begun }) = self.0.lent() else { return };
        while let Some(exchange) = exchanges.get_mut(*begun) {
            // A request without a byte, from a tester, has left when what stands before it has.
            let is_empty = exchange.end == Some(exchange.start);
            if exchange.start > sent || (exchange.start == sent && !is_empty) {
                break;
            }
            exchange.since = Some(received);
            *begun += 1;
        }
    }
}

impl Deref for InFlight {
    type Target = VecDeque<Exchange>;

    fn deref(&self) -> &VecDeque<Exchange> {
        &self.0.exchanges
    }
}

impl Queue {
    const NEW: Self = Self { exchanges: VecDeque::new(), begun: 0 };
}

impl Default for Queue {
    fn default() -> Self {
        Self::NEW
    }
}

thread_local! {
    static QUEUES: Free<Box<Queue>> = const { Free::new() };
}

impl Lend for Queue {
    const NONE: &'static Self = &Self::NEW;

    fn free() -> &'static LocalKey<Free<Box<Self>>> {
        &QUEUES
    }

    fn clear(&mut self) -> bool {
        if !self.exchanges.is_empty() {
            self.exchanges.clear();
        }
        self.begun = 0;
        self.exchanges.capacity() <= DEEP
    }
}
