//! Field lines with nothing remarkable in them, as nearly all are: one pass over each, and no other word about them. Whatever
//! else there is, is left to the reader that knows what to say of it.

use crate::fields::Line;
use crate::fields::known::{Known, KnownLines};
use crate::grammar;

/// How long a line may be, in bytes, and how many lines there may be in all.
pub(super) struct Bounds {
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// Takes the plain lines in front of `bytes`, which stand at `start` of their section, and says what is behind them.
#[inline(never)]
pub(super) fn take_lines<'a>(
    bytes: &'a [u8],
    start: usize,
    bounds: &Bounds,
    index: &mut Vec<Line>,
    all_known: &mut KnownLines,
) -> &'a [u8] {
    let mut rest = bytes;
    let mut at = place(start);
    while index.len() < bounds.lines {
        let Some((name_len, text_len)) = grammar::plain_line(rest) else { break };
        let len = text_len + 2;
        if len > bounds.line {
            break;
        }
        let (line, next) = rest.split_at(len);
        let (name, value) = (&line[..name_len], &line[name_len + 1..text_len]);
        let (skipped, value_len) = match value {
            // One space in front of it and none behind it: most have no other.
            [b' ', first, .., last] if *first > b' ' && *last > b' ' => (1, value.len() - 1),
            _ => {
                let value = grammar::without_ows(value);
                (value.start, value.len())
            }
        };
        let known = Known::of(name);
        all_known.note(known, index.len());
        index.push(Line {
            name: at,
            name_len: place(name_len),
            value: at + place(name_len + 1 + skipped),
            value_len: place(value_len),
            rewritten: false,
            known,
        });
        at += place(len);
        rest = next;
    }
    rest
}

/// Places fit into 32 bits, since the limits on a section do.
pub(super) fn place(at: usize) -> u32 {
    debug_assert!(u32::try_from(at).is_ok(), "a section is within its limits, which are 32 bits wide");
    at as u32
}
