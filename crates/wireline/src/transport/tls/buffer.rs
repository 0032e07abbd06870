//! Bytes that wait on either side of a TLS session, in memory that is lent only while they do: an idle connection holds
//! none.

use std::cell::RefCell;

/// A queue of bytes in one piece.
#[derive(Default)]
pub(super) struct Buffer {
    /// All of it is initialised; `start..end` is filled.
    memory: Vec<u8>,
    origin: usize,
    start: usize,
    end: usize,
    /// The last fill took all the room there was: the peer is faster than this buffer is large.
    hungry: bool,
}

/// Room for one record, the longest that there may be (RFC 5246 section 6.2.3).
const SMALL: usize = 19 << 10;

/// Room for four records of 16 KiB: from here on a longer read costs hardly less. A handshake message may have 64 KiB.
const LARGE: usize = 66 << 10;

/// How much memory of the two sizes a thread keeps for the next who needs it, in pieces: one for each side of a session.
const KEPT: usize = 4;

/// The header of a record.
const HEADER: usize = 5;

/// A line of the cache.
const ALIGNED: usize = 64;

/// How much is copied at once.
const COPIED: usize = 2 << 10;

impl Buffer {
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there is no [`space`](Self::space), whatever is moved.
    pub(super) fn is_full(&self) -> bool {
        self.memory.len() >= LARGE && self.origin + self.len() == self.memory.len()
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Lets go of the first `n` bytes, and of the memory with the last.
    pub(super) fn consume(&mut self, n: usize) {
        self.start += n.min(self.len());
        if self.is_empty() {
            give_back(std::mem::take(&mut self.memory));
            (self.origin, self.start, self.end) = (0, 0, 0);
        }
    }

    /// Room to read into, as much as the peer has been able to fill; none when a whole large buffer waits.
    pub(super) fn space(&mut self) -> &mut [u8] {
        let size = if self.hungry { LARGE } else { SMALL };
        if self.memory.len() < size {
            self.move_to(size);
        } else if self.start > self.origin {
            self.compact();
        }
        &mut self.memory[self.end..]
    }

    /// Room for so many bytes, or more.
    pub(super) fn room(&mut self, len: usize) -> &mut [u8] {
        if self.memory.len() - self.end < len {
            if self.memory.len() - self.origin - self.len() < len {
                self.move_to(2 * ALIGNED + self.len() + len);
            } else {
                self.compact();
            }
        }
        &mut self.memory[self.end..]
    }

    /// Says that the first `n` bytes of the room have been filled.
    pub(super) fn fill(&mut self, n: usize) {
        self.end += n;
        self.hungry = if self.memory.len() > SMALL { n > SMALL } else { self.end == self.memory.len() };
        self.consume(0);
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        copy(bytes, self.room(bytes.len()));
        self.end += bytes.len();
    }

    /// Takes what fits, and says how much that was.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let len = self.len().min(into.len());
        copy(&self.filled()[..len], into);
        self.consume(len);
        len
    }

    fn compact(&mut self) {
        self.memory.copy_within(self.start..self.end, self.origin);
        (self.start, self.end) = (self.origin, self.origin + self.len());
    }

    fn move_to(&mut self, size: usize) {
        let mut memory = lend(size);
        // What a record contains begins on a line of the cache, and where the allocator places memory: decrypting is a
        // little faster there, and rustls's copy of it never meets the offsets that `copy` is about.
        let origin = memory.as_ptr().align_offset(ALIGNED).min(ALIGNED) + ALIGNED - HEADER;
        copy(self.filled(), &mut memory[origin..]);
        (self.origin, self.start, self.end) = (origin, origin, origin + self.len());
        give_back(std::mem::replace(&mut self.memory, memory));
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.memory));
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// In pieces, because one copy of 16 KiB is an instruction (`rep movsb`) for which AMD's Zen 4 takes 4.6 µs instead of
/// 0.2 when the target lies 1 to 15 bytes behind the source, multiples of 4 KiB apart. For short ones the C library does
/// not use it.
pub(super) fn copy(from: &[u8], into: &mut [u8]) {
    for (from, into) in from.chunks(COPIED).zip(into.chunks_mut(COPIED)) {
        into[..from.len()].copy_from_slice(from);
    }
}

thread_local! {
    /// Memory that no session of this thread needs now.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Memory of this size at least, initialised (with what, nobody may rely on).
fn lend(size: usize) -> Vec<u8> {
    let size = if size <= SMALL { SMALL } else { size.max(LARGE) };
    let kept = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let at = spare.iter().rposition(|memory| memory.len() == size)?;
        Some(spare.swap_remove(at))
    });
    kept.ok().flatten().unwrap_or_else(|| vec![0; size])
}

fn give_back(memory: Vec<u8>) {
    if matches!(memory.len(), SMALL | LARGE) {
        // A thread that is ending has no list any more: then the memory is freed.
        let _ended = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(memory);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn what_is_pushed_is_taken_in_order() {
        let bytes = bytes(300_000);
        let (mut buffer, mut out) = (Buffer::default(), Vec::new());
        for piece in bytes.chunks(7_777) {
            buffer.push(piece);
            let mut into = vec![0; buffer.len() / 2];
            assert_eq!(buffer.take(&mut into), into.len());
            out.extend_from_slice(&into);
        }
        out.extend_from_slice(buffer.filled());
        assert!(out == bytes);
    }

    #[test]
    fn who_fills_a_small_buffer_gets_a_large_one_and_no_more() {
        let mut buffer = Buffer::default();
        let small = buffer.space().len();
        assert!(small > 16 << 10 && small < SMALL);
        buffer.fill(small);
        let more = buffer.space().len();
        assert!(small + more > 64 << 10 && small + more < LARGE, "{small} + {more}");
        buffer.fill(more);
        assert!(buffer.space().is_empty());
        buffer.consume(small);
        assert_eq!(buffer.space().len(), small, "what waits is moved to the front");
    }

    #[test]
    fn who_needs_little_again_gets_little() {
        let mut buffer = Buffer::default();
        let small = buffer.space().len();
        buffer.fill(small);
        buffer.consume(small);
        assert!(buffer.space().len() > SMALL);
        buffer.fill(1);
        buffer.consume(1);
        assert_eq!(buffer.space().len(), small);
    }

    #[test]
    fn nothing_is_held_when_nothing_waits() {
        let mut buffer = Buffer::default();
        let _ = buffer.space();
        buffer.fill(0);
        assert_eq!(buffer.memory.capacity(), 0);
        buffer.push(&bytes(100_000));
        buffer.consume(100_000);
        assert_eq!(buffer.memory.capacity(), 0);
    }

    #[test]
    fn the_content_of_the_first_record_is_aligned() {
        let mut buffer = Buffer::default();
        let _ = buffer.space();
        buffer.fill(HEADER + 1);
        let content: *const u8 = &buffer.filled()[HEADER];
        assert_eq!(content.align_offset(ALIGNED), 0);
    }
}
