//! `br` (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Coder, Step};

pub(super) struct Br(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>);

impl Br {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        // Strict: a window of 16 MiB at most, as the RFC has it.
        Self(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
    }
}

impl Coder for Br {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, &'static str> {
        let (mut taken, mut given, mut total) = (0, 0, 0);
        let (mut left, mut room) = (input.len(), output.len());
        let result = BrotliDecompressStream(
            &mut left,
            &mut taken,
            input,
            &mut room,
            &mut given,
            output,
            &mut total,
            &mut self.0,
        );
        match result {
            BrotliResult::ResultFailure => Err("broken brotli"),
            result => Ok(Step { taken, given, is_over: matches!(result, BrotliResult::ResultSuccess) }),
        }
    }

    fn begin_again(&mut self) -> bool {
        false
    }
}
