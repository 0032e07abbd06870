//! The subjects without dependencies of their own: wireline, and the floors that it stands on.

mod awaited;
mod blocking;
mod core;
mod floor;

use std::process::ExitCode;

fn main() -> ExitCode {
    wireline_bench::main(&[
        ("floor", floor::measure),
        ("polling floor", floor::measure_polling),
        ("wireline", blocking::measure),
        ("polling wireline", blocking::measure_polling),
        ("tokio-wireline", awaited::measure),
        ("wireline-proto", core::measure),
    ])
}
