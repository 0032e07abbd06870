//! Whose content may be written to standard output.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tokio::sync::Notify;

/// Contents stand in the order of their URLs: each waits until all before it have ended.
///
/// It is no deadlock, since workers take URLs in order and each goes on with the first of its own: the first of all that
/// have not ended is being worked on, and it is its turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: RefCell<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// All before this one have ended.
    next: usize,
    /// Those that have ended out of turn.
    early: BTreeSet<usize>,
}

impl Turns {
    /// Waits until all before this one have ended.
    pub(super) async fn wait(&self, number: usize) {
        while self.state.borrow().next < number {
            self.ended.notified().await;
        }
    }

    pub(super) fn end(&self, number: usize) {
        let mut state = self.state.borrow_mut();
        state.early.insert(number);
        while state.early.first() == Some(&state.next) {
            state.early.pop_first();
            state.next += 1;
        }
        self.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn each_waits_for_all_before_it() {
        let turns = Turns::default();
        let mut cx = Context::from_waker(Waker::noop());
        let (mut zero, mut two) = (pin!(turns.wait(0)), pin!(turns.wait(2)));
        assert!(zero.as_mut().poll(&mut cx).is_ready());
        assert!(two.as_mut().poll(&mut cx).is_pending());
        turns.end(1);
        assert!(two.as_mut().poll(&mut cx).is_pending());
        turns.end(0);
        assert!(two.as_mut().poll(&mut cx).is_ready());
        assert_eq!((turns.state.borrow().next, turns.state.borrow().early.len()), (2, 0));
    }
}
