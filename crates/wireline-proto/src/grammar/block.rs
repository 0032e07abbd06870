//! Sixteen bytes at a time: which of them are common where. The hot loop of a head. An answer has one bit for each byte, the
//! first byte's the lowest.

#[cfg(not(target_feature = "sse2"))]
pub(super) use bytes::Block;
#[cfg(target_feature = "sse2")]
pub(super) use sse2::Block;

pub(super) const WIDTH: usize = 16;

/// How many of 64 bytes are common in front.
#[inline(always)]
pub(super) fn common_len(bytes: &[u8; 4 * WIDTH], common: impl Fn(Block) -> u32) -> usize {
    let marks = |at: usize| bytes[at..].first_chunk().map_or(0, |block| u64::from(common(Block::new(block))) << at);
    let marks = marks(0) | marks(WIDTH) | marks(2 * WIDTH) | marks(3 * WIDTH);
    marks.trailing_ones() as usize
}

#[cfg(target_feature = "sse2")]
mod sse2 {
    use safe_arch::{add_i8_m128i, cmp_eq_mask_i8_m128i, cmp_gt_mask_i8_m128i, m128i, move_mask_i8_m128i};

    #[derive(Clone, Copy)]
    pub(in crate::grammar) struct Block(m128i);

    impl Block {
        #[inline(always)]
        pub(in crate::grammar) fn new(bytes: &[u8; super::WIDTH]) -> Self {
            Self(m128i::from(*bytes))
        }

        /// `SP / VCHAR` (RFC 5234).
        #[inline(always)]
        pub(in crate::grammar) fn text(self) -> u32 {
            marks(self.within(b' ', b'~'))
        }

        /// `ALPHA / DIGIT / "-"`.
        #[inline(always)]
        pub(in crate::grammar) fn name(self) -> u32 {
            let letters = Self(self.0 | each(0x20)).within(b'a', b'z');
            marks(letters | self.within(b'0', b'9') | cmp_eq_mask_i8_m128i(self.0, each(b'-')))
        }

        /// One comparison, with a sign: the last of the range is made the largest number, so that what is behind it is negative.
        #[inline(always)]
        fn within(self, first: u8, last: u8) -> m128i {
            let largest = i8::MAX as u8;
            let to_end = add_i8_m128i(self.0, each(largest - last));
            cmp_gt_mask_i8_m128i(to_end, each(largest - last + first - 1))
        }
    }

    #[inline(always)]
    fn each(byte: u8) -> m128i {
        m128i::from([byte; super::WIDTH])
    }

    #[inline(always)]
    fn marks(mask: m128i) -> u32 {
        move_mask_i8_m128i(mask) as u32
    }
}

#[cfg(any(test, not(target_feature = "sse2")))]
mod bytes {
    #[derive(Clone, Copy)]
    pub(in crate::grammar) struct Block([u8; super::WIDTH]);

    impl Block {
        pub(in crate::grammar) fn new(bytes: &[u8; super::WIDTH]) -> Self {
            Self(*bytes)
        }

        /// `SP / VCHAR` (RFC 5234).
        pub(in crate::grammar) fn text(self) -> u32 {
            self.marks(|byte| (b' '..=b'~').contains(&byte))
        }

        /// `ALPHA / DIGIT / "-"`.
        pub(in crate::grammar) fn name(self) -> u32 {
            self.marks(|byte| (byte | 0x20).is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-'))
        }

        /// The compiler compares all sixteen at once, since `is` has no branch; a multiplication brings the marks of eight together.
        fn marks(self, is: impl Fn(u8) -> bool) -> u32 {
            let marks = self.0.map(|byte| if is(byte) { 0x80 } else { 0 });
            let of_eight = |at: usize| marks[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
            let together = |eight: u64| (eight.wrapping_mul(0x0002_0408_1020_4081) >> 56) as u32;
            together(of_eight(0)) | together(of_eight(8)) << 8
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_processor_sees_the_same() {
        for byte in 0..=255_u8 {
            for at in 0..super::WIDTH {
                let mut block = [b'a'; super::WIDTH];
                block[at] = byte;
                let (any, here) = (super::bytes::Block::new(&block), super::Block::new(&block));
                assert_eq!((any.text(), any.name()), (here.text(), here.name()), "{byte:#x} at {at}");
            }
        }
    }
}
