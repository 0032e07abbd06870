//! What the measurements share: the [`Answer`]s of their origin, and the [`Job`] that a subject is started with.
//!
//! A subject is one client in a process of its own, which does one [`Scenario`] and says in one line what it took. So
//! whatever counts by process can count it: the clocks, callgrind, strace, memcheck. Those of wireline are in the program
//! `subject` here, the peers in the workspace `bench`; `bench` starts them all, side by side, and is what
//! `cargo xtask bench` runs.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

mod answer;
mod job;
mod report;

pub use answer::Answer;
pub use job::{Failure, Job, Scenario, Subject, main, more_descriptors};
pub use report::{Report, resident};
