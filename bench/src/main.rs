//! The peers, each doing the exchanges that wireline's subjects do, as its own documentation recommends.

mod attohttpc;
mod awc;
mod curl;
mod httparse;
mod hyper;
mod isahc;
mod minreq;
mod reqwest;
mod ureq;

use std::io::Read;
use std::process::ExitCode;

use wireline_bench::Failure;

fn main() -> ExitCode {
    wireline_bench::main(&[
        ("attohttpc", attohttpc::measure),
        ("awc", awc::measure),
        ("curl", curl::measure),
        ("httparse", httparse::measure),
        ("hyper", hyper::measure),
        ("isahc", isahc::measure),
        ("minreq", minreq::measure),
        ("reqwest", reqwest::measure),
        ("reqwest blocking", reqwest::measure_blocking),
        ("ureq", ureq::measure),
    ])
}

/// As much as a read asks for, as wireline's subject does.
const BUFFER: usize = 64 << 10;

/// Reads content to its end.
fn drain(mut content: impl Read, buffer: &mut [u8]) -> Result<u64, Failure> {
    let mut received = 0;
    loop {
        match content.read(buffer)? {
            0 => return Ok(received),
            read => received += read as u64,
        }
    }
}
