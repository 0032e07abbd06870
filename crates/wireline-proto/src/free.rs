//! Memory that no connection of this thread needs now.
//!
//! Without it either each exchange would allocate, or each idle connection would hold its buffers. A thread's own list
//! needs no lock; what goes back on another thread stays there.

use std::cell::RefCell;

use crate::buffer::COMFORTABLE;
use crate::fields::Line;

/// How many buffers of a kind a thread keeps. More connections may be active at once; then the rest is allocated and
/// freed.
const KEPT: usize = 64;

/// An index longer than this one is freed, not kept.
const KEPT_LINES: usize = 256;

thread_local! {
    static BYTES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static LINES: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of `size` bytes, initialised (with what, nobody may rely on).
pub(crate) fn lend_bytes(size: usize) -> Vec<u8> {
    let kept = BYTES.try_with(|free| {
        let mut free = free.borrow_mut();
        let at = free.iter().rposition(|buffer| buffer.len() == size)?;
        Some(free.swap_remove(at))
    });
    kept.ok().flatten().unwrap_or_else(|| vec![0; size])
}

pub(crate) fn give_back_bytes(buffer: Vec<u8>) {
    if !buffer.is_empty() && buffer.len() <= COMFORTABLE {
        keep(&BYTES, buffer);
    }
}

/// An empty index, with memory where there is some.
pub(crate) fn lend_lines() -> Vec<Line> {
    LINES.try_with(|free| free.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

pub(crate) fn give_back_lines(mut lines: Vec<Line>) {
    if (1..=KEPT_LINES).contains(&lines.capacity()) {
        lines.clear();
        keep(&LINES, lines);
    }
}

fn keep<T>(list: &'static std::thread::LocalKey<RefCell<Vec<Vec<T>>>>, memory: Vec<T>) {
    // A thread that is ending has no list any more: then the memory is freed.
    let _ended = list.try_with(|free| {
        let mut free = free.borrow_mut();
        if free.len() < KEPT {
            free.push(memory);
        }
    });
}
