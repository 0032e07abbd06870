//! Memory that no connection of this thread needs now.
//!
//! Without it either each exchange would allocate, or each idle connection would hold its buffers. A thread's own list
//! needs no lock; what goes back on another thread stays there.

use std::cell::{Cell, RefCell};

use crate::buffer::COMFORTABLE;
use crate::fields::Line;

/// How many buffers of a kind a thread keeps. More connections may be active at once; then the rest is allocated and
/// freed.
const KEPT: usize = 64;

/// An index longer than this one is freed, not kept.
const KEPT_LINES: usize = 256;

/// Memory of a kind: what came back last, which mostly is all that is asked for, and the rest.
struct Free<T> {
    last: Cell<Vec<T>>,
    rest: RefCell<Vec<Vec<T>>>,
}

thread_local! {
    static BYTES: Free<u8> = const { Free::new() };
    static LINES: Free<Line> = const { Free::new() };
}

impl<T> Free<T> {
    const fn new() -> Self {
        Self { last: Cell::new(Vec::new()), rest: RefCell::new(Vec::new()) }
    }

    #[inline(always)]
    fn lend(&self, fits: impl Fn(&Vec<T>) -> bool) -> Option<Vec<T>> {
        let last = self.last.take();
        if last.capacity() > 0 && fits(&last) { Some(last) } else { self.lend_other(last, fits) }
    }

    #[cold]
    #[inline(never)]
    fn lend_other(&self, last: Vec<T>, fits: impl Fn(&Vec<T>) -> bool) -> Option<Vec<T>> {
        self.last.set(last);
        let mut rest = self.rest.borrow_mut();
        let at = rest.iter().rposition(fits)?;
        Some(rest.swap_remove(at))
    }

    #[inline(always)]
    fn give_back(&self, memory: Vec<T>) {
        let before = self.last.replace(memory);
        if before.capacity() > 0 {
            self.keep(before);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep(&self, memory: Vec<T>) {
        let mut rest = self.rest.borrow_mut();
        if rest.len() < KEPT - 1 {
            rest.push(memory);
        }
    }
}

/// A buffer of `size` bytes, initialised (with what, nobody may rely on).
#[inline]
pub(crate) fn lend_bytes(size: usize) -> Vec<u8> {
    match BYTES.try_with(|free| free.lend(|buffer| buffer.len() == size)) {
        Ok(Some(buffer)) => buffer,
        _ => vec![0; size],
    }
}

#[inline]
pub(crate) fn give_back_bytes(buffer: Vec<u8>) {
    if !buffer.is_empty() && buffer.len() <= COMFORTABLE {
        // A thread that is ending has no list any more: then the memory is freed.
        let _ended = BYTES.try_with(|free| free.give_back(buffer));
    }
}

/// An empty index, with memory where there is some.
#[inline]
pub(crate) fn lend_lines() -> Vec<Line> {
    LINES.try_with(|free| free.lend(|_| true)).ok().flatten().unwrap_or_default()
}

#[inline]
pub(crate) fn give_back_lines(mut lines: Vec<Line>) {
    if (1..=KEPT_LINES).contains(&lines.capacity()) {
        lines.clear();
        let _ended = LINES.try_with(|free| free.give_back(lines));
    }
}
