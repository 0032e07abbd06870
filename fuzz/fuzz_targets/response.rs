//! `cargo xtask fuzz response`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wireline_testkit::fuzzing::response(input));
