//! Numbers that look random and are the same for the same seed, and the content made of them.

use std::sync::LazyLock;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a seed of any kind will do,
/// so each connection and each exchange has a generator of its own, and can be made again alone.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator for a seed and whatever tells it from others of the same seed.
    pub(crate) fn new(seed: u64, apart: &[u64]) -> Self {
        let mut random = Self(seed);
        for part in apart {
            random.0 = random.next() ^ part;
        }
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True so often in a hundred.
    pub(crate) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A length: mostly small, now and then large, never above `most`.
    pub(crate) fn length(&mut self, most: usize) -> usize {
        let bound = match self.below(200) {
            0..120 => 200,
            120..180 => 3_000,
            180..199 => 20_000,
            _ => LONGEST,
        };
        self.below(bound).min(most)
    }
}

/// No content is longer, in bytes.
pub(crate) const LONGEST: usize = 200_000;

/// Where content may begin in the bytes that all of it is cut from.
const BEGINNINGS: u64 = 65_537;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(0, &[]);
    std::iter::repeat_with(|| random.next().to_le_bytes()).take((LONGEST + 65_544) / 8).flatten().collect()
});

/// Whose content it is: the request's or the response's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Request,
    Response,
}

/// The content of one message: other bytes for each exchange, at no cost.
pub(crate) fn content(connection: u32, exchange: usize, side: Side, len: usize) -> &'static [u8] {
    let from = Random::new(u64::from(connection), &[exchange as u64, side as u64]).next() % BEGINNINGS;
    &BYTES[from as usize..][..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_another_something_else() {
        let numbers = |seed, apart: &[u64]| {
            let mut random = Random::new(seed, apart);
            std::iter::repeat_with(move || random.next()).take(8).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7, &[1, 2]), numbers(7, &[1, 2]));
        assert_ne!(numbers(7, &[1, 2]), numbers(7, &[2, 1]));
        assert_ne!(numbers(7, &[1]), numbers(8, &[1]));
    }

    #[test]
    fn each_exchange_has_content_of_its_own() {
        assert_eq!(content(1, 2, Side::Response, LONGEST), content(1, 2, Side::Response, LONGEST));
        assert_ne!(content(1, 2, Side::Response, 32), content(1, 3, Side::Response, 32));
        assert_ne!(content(1, 2, Side::Response, 32), content(1, 2, Side::Request, 32));
    }
}
