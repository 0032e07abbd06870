//! Memory that no connection of this thread needs now.
//!
//! Without it either each exchange would allocate, or each idle connection would hold its buffers. A thread's own list
//! needs no lock; what goes back on another thread stays there.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

use crate::buffer::COMFORTABLE;

/// How many of a kind a thread keeps. More connections may be active at once; then the rest is allocated and freed.
const KEPT: usize = 64;

/// The bytes of a section that is larger than this are freed, not kept.
const KEPT_BYTES: usize = 4 << 10;

/// Memory of a kind: what came back last, which mostly is all that is asked for, and the rest.
pub(crate) struct Free<T> {
    last: Cell<Option<T>>,
    rest: RefCell<Vec<T>>,
}

thread_local! {
    static BYTES: Free<Vec<u8>> = const { Free::new() };
}

impl<T> Free<T> {
    pub(crate) const fn new() -> Self {
        Self { last: Cell::new(None), rest: RefCell::new(Vec::new()) }
    }

    #[inline(always)]
    fn lend(&self, fits: impl Fn(&T) -> bool) -> Option<T> {
        match self.last.take() {
            Some(last) if fits(&last) => Some(last),
            last => self.lend_other(last, fits),
        }
    }

    #[cold]
    #[inline(never)]
    fn lend_other(&self, last: Option<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
        self.last.set(last);
        let mut rest = self.rest.borrow_mut();
        let at = rest.iter().rposition(fits)?;
        Some(rest.swap_remove(at))
    }

    #[inline(always)]
    fn give_back(&self, memory: T) {
        if let Some(before) = self.last.replace(Some(memory)) {
            self.keep(before);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep(&self, memory: T) {
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

/// Whether the memory of a section's bytes is worth keeping: a large one was needed once.
pub(crate) fn is_small(bytes: &Vec<u8>) -> bool {
    bytes.capacity() <= KEPT_BYTES
}

/// What can be lent: a connection needs it now and then, and again with the memory that it has grown to.
pub(crate) trait Lend: Default + 'static {
    /// What there is while none is lent.
    const NONE: &'static Self;

    /// Where the thread keeps those that nobody needs.
    fn free() -> &'static LocalKey<Free<Box<Self>>>;

    /// Makes it as new, but for its memory. `false`: it has too much of that to be kept.
    fn clear(&mut self) -> bool;
}

/// One that is lent as soon as it is to change, until it is let go of.
///
/// Dropped, it gives back what it has, so that there is nothing left to free: without `ManuallyDrop` the code for that would
/// be wherever something is dropped that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lent<T: Lend>(ManuallyDrop<Option<Box<T>>>);

impl<T: Lend> Lent<T> {
    pub(crate) const NONE: Self = Self(ManuallyDrop::new(None));

    /// The one that is lent now, to change it only where there is one.
    pub(crate) fn lent(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    #[inline]
    pub(crate) fn give_back(&mut self) {
        if let Some(mut lent) = self.0.take() {
            if lent.clear() {
                let _ended = T::free().try_with(|free| free.give_back(lent));
            }
        }
    }

    /// In one place, since it is in the way of everything that is dropped.
    #[inline(never)]
    fn let_go(&mut self) {
        self.give_back();
    }
}

impl<T: Lend> Deref for Lent<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::NONE)
    }
}

impl<T: Lend> DerefMut for Lent<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| T::free().try_with(|free| free.lend(|_| true)).ok().flatten().unwrap_or_default())
    }
}

impl<T: Lend> Drop for Lent<T> {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.let_go();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Note(String);

    thread_local! {
        static NOTES: Free<Box<Note>> = const { Free::new() };
    }

    impl Lend for Note {
        const NONE: &'static Self = &Self(String::new());

        fn free() -> &'static LocalKey<Free<Box<Self>>> {
            &NOTES
        }

        fn clear(&mut self) -> bool {
            self.0.clear();
            self.0.capacity() <= 100
        }
    }

    #[test]
    fn what_goes_back_is_lent_as_new_unless_it_is_large() {
        let mut note = Lent::<Note>::NONE;
        let has_memory = [10, 10, 1000, 10].map(|len| {
            assert!(note.lent().is_none() && note.0.is_none());
            let has_memory = note.deref_mut().0.capacity() > 0;
            assert_eq!(note.lent().map(|note| note.0.as_str()), Some(""));
            note.deref_mut().0 += &"x".repeat(len);
            note.give_back();
            has_memory
        });
        assert_eq!(has_memory, [false, true, true, false]);
    }
}
