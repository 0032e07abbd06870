//! Streams in memory, for what a socket does only now and then: short reads and writes, errors at a chosen call, an end
//! at a chosen byte.

mod duplex;
mod faulty;
mod split;

pub use duplex::{Pipe, duplex};
pub use faulty::FaultyStream;
pub use split::SplitStream;

#[cfg(test)]
mod tests;
