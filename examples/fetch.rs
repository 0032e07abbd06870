//! A small tool: fetches a page, without a runtime.
//!
//! ```text
//! cargo run --example fetch -- https://example.org/
//! ```

use std::io::{self, Write};

use wireline::{Connector, Origin};

pub(crate) fn run(url: &str, mut to: impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let (origin, target) = Origin::of_url(url)?;
    let mut connection = Connector::new().connect(&origin)?;
    let mut response = connection.get(target)?;
    if !response.status().is_success() {
        return Err(format!("{} {}", response.status().as_u16(), response.reason_text()).into());
    }
    // Content that ends early is an error here, never the end.
    io::copy(&mut response, &mut to)?;
    Ok(())
}

#[allow(dead_code, reason = "a test runs it by its function")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(&std::env::args().nth(1).ok_or("usage: fetch URL")?, io::stdout().lock())
}
