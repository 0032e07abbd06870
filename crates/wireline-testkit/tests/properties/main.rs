//! What holds for the core whatever comes, tried with random input that is cut down to the smallest that fails.
//!
//! `PROPTEST_CASES=100000 cargo test --release -p wireline-testkit --test properties` looks longer.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod encoding;
mod fields;
mod heads;
mod input;
mod splits;
mod walks;

use proptest::test_runner::Config;

/// More than the usual 256 cases, since each takes little time. Without files of failures beside the tests: a failure
/// becomes a wire case.
fn config() -> Config {
    let usual = Config::default();
    Config { cases: usual.cases.saturating_mul(4), failure_persistence: None, ..usual }
}
