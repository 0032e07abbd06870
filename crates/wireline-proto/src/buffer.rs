//! Bytes that wait, in memory that is lent only while they do: an idle connection holds none.

use crate::free;
/// A queue of bytes in one piece.
#[derive(Clone)]
pub(crate) struct Buffer {
    /// All of it is initialised; `start..end` is filled.
    memory: Vec<u8>,
    start: usize,
    end: usize,
    /// The last fill took all the room there was: the peer is faster than this buffer is large.
    hungry: bool,
    /// How much was filled at most since the memory was lent, and how much is lent next: who has needed more will do so again.
    peak: u32,
    next: u32,
}

/// Places in a buffer that is lent are small numbers.
fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Enough for most heads and for small content, little enough for thousands of connections.
const INITIAL: usize = 4 << 10;

/// Beyond this size a larger buffer does not make reading faster, so it grows only for what does not fit otherwise.
pub(crate) const COMFORTABLE: usize = 64 << 10;

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { memory: Vec::new(), start: 0, end: 0, hungry: false, peak: 0, next: INITIAL as u32 }
    }

    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Lets go of the first `n` bytes.
    pub(crate) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.len(), "no more is consumed than is there");
        self.start += n;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room to fill, at the end; empty when `max` bytes wait already.
    pub(crate) fn space(&mut self, max: usize) -> &mut [u8] {
        if self.memory.is_empty() {
            self.memory = free::lend_bytes((self.next as usize).min(max));
        }
        let full = self.end == self.memory.len();
        if full || (self.hungry && self.is_empty() && self.memory.len() < COMFORTABLE) {
            let size = (self.memory.len() * 2).min(max);
            // Moving what waits to the front is cheap when it is little. Otherwise it would be moved for every few bytes
            // that are taken from the front, so growing comes first, and at the bound there is no room. It also comes first
            // while the peer is faster than the buffer is large: then what waits is the beginning of the next message.
            let grows = self.hungry && self.memory.len() < COMFORTABLE && size > self.memory.len();
            if full && !grows && self.start >= self.memory.len() / 2 {
                self.compact();
            } else if size > self.memory.len() {
                self.grow(size);
            }
            self.hungry = false;
        }
        &mut self.memory[self.end..]
    }

    /// Whether [`space`](Self::space) would have any.
    pub(crate) fn has_room(&self, max: usize) -> bool {
        self.end < self.memory.len() || self.memory.len() < max || self.start >= self.memory.len() / 2
    }

    /// Makes room where only moving what waits to the front can: for a reader that cannot go on without more bytes.
    pub(crate) fn settle(&mut self, max: usize) {
        if self.end == self.memory.len() && self.memory.len() >= max {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.memory.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.len());
    }

    /// Says that the first `n` bytes of the room have been filled.
    ///
    /// # Panics
    /// When there was less room.
    pub(crate) fn fill(&mut self, n: usize) {
        assert!(n <= self.memory.len() - self.end, "more bytes were filled than there was room for");
        self.end += n;
        self.peak = self.peak.max(small(self.end));
        self.hungry = self.end == self.memory.len();
    }

    /// Adds bytes of our own, however many.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.memory.len() - self.end < bytes.len() {
            let size = (self.len() + bytes.len()).next_power_of_two().max(INITIAL);
            if self.memory.is_empty() {
                self.memory = free::lend_bytes(size);
            } else if self.start >= self.memory.len() / 2 && size <= self.memory.len() {
                self.compact();
            } else {
                self.grow(size.max(self.memory.len() * 2));
            }
        }
        self.memory[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Lets go of what waits behind the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start.saturating_add(len));
    }

    /// Gives the memory back if nothing waits.
    pub(crate) fn release(&mut self) {
        if self.is_empty() && !self.memory.is_empty() {
            let len = self.memory.len();
            let next = match self.peak as usize {
                // Nothing has come: that says nothing of what will.
                0 => len,
                peak if peak > len / 4 => len,
                _ => len / 2,
            };
            self.next = small(next.clamp(INITIAL, COMFORTABLE));
            free::give_back_bytes(std::mem::take(&mut self.memory));
            (self.hungry, self.peak) = (false, 0);
        }
    }

    /// How much memory is held, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.memory.capacity()
    }

    fn grow(&mut self, size: usize) {
        let mut memory = free::lend_bytes(size);
        let len = self.len();
        memory[..len].copy_from_slice(self.filled());
        free::give_back_bytes(std::mem::replace(&mut self.memory, memory));
        (self.start, self.end) = (0, len);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.memory.is_empty() {
            free::give_back_bytes(std::mem::take(&mut self.memory));
        }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl PartialEq for Buffer {
    /// What waits is what counts, not the memory that it waits in.
    fn eq(&self, other: &Self) -> bool {
        self.filled() == other.filled()
    }
}

impl Eq for Buffer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_out_in_order() {
        let mut buffer = Buffer::new();
        let mut out = Vec::new();
        let bytes: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        for piece in bytes.chunks(777) {
            buffer.push(piece);
            let n = buffer.len() / 2;
            out.extend_from_slice(&buffer.filled()[..n]);
            buffer.consume(n);
        }
        out.extend_from_slice(buffer.filled());
        assert!(out == bytes);
    }

    #[test]
    fn room_ends_at_the_bound_and_comes_back() {
        let mut buffer = Buffer::new();
        while !buffer.space(10_000).is_empty() {
            let n = buffer.space(10_000).len();
            buffer.fill(n);
        }
        assert_eq!(buffer.len(), 10_000);
        buffer.consume(1);
        assert!(buffer.space(10_000).is_empty(), "moving 9,999 bytes for one is not worth it");
        buffer.settle(10_000);
        assert_eq!(buffer.space(10_000).len(), 1, "unless nothing else helps");
        buffer.fill(1);
        buffer.consume(5_000);
        assert_eq!(buffer.space(10_000).len(), 5_000);
        assert!(buffer.held() <= 10_000);
    }

    #[test]
    fn a_fast_peer_has_more_room_the_next_time_also_when_a_little_waits() {
        let mut buffer = Buffer::new();
        let held = [(); 4].map(|()| {
            let room = buffer.space(COMFORTABLE).len();
            buffer.fill(room);
            buffer.consume(buffer.len() - 10);
            buffer.held()
        });
        assert_eq!(held, [4 << 10, 8 << 10, 16 << 10, 32 << 10]);
    }

    #[test]
    fn who_needed_more_is_lent_more_until_less_will_do() {
        let mut buffer = Buffer::new();
        let mut exchange = |len: usize| {
            let mut left = len;
            let lent = buffer.space(COMFORTABLE).len();
            while left > 0 {
                let n = buffer.space(COMFORTABLE).len().min(left);
                buffer.fill(n);
                buffer.consume(n);
                left -= n;
            }
            buffer.release();
            lent
        };
        assert_eq!(
            [30_000, 30_000, 100, 100, 100].map(&mut exchange),
            [4 << 10, 32 << 10, 32 << 10, 16 << 10, 8 << 10]
        );
    }

    #[test]
    fn an_empty_buffer_gives_its_memory_back() {
        let mut buffer = Buffer::new();
        buffer.push(b"abc");
        buffer.release();
        assert!(buffer.held() > 0);
        buffer.consume(3);
        buffer.release();
        assert_eq!(buffer.held(), 0);
    }
}
