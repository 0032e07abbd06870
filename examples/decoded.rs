//! Asks for content in any coding that is known here, takes the coding off, and refuses to be blown up: a few kilobytes can be
//! made to stand for any number of gigabytes.
//!
//! ```text
//! cargo run --example decoded --features gzip,br,zstd -- https://example.org/
//! ```

use wireline::{Connector, Expansion, Origin};

/// The content as text, and how many bytes had come for it.
pub(crate) fn run(url: &str, most: u64) -> Result<(String, u64), Box<dyn std::error::Error>> {
    let (origin, target) = Origin::of_url(url)?;
    let mut connection = Connector::new().connect(&origin)?;
    // Nothing is asked for unasked: without this field a server has to guess.
    let request = connection.request("GET", target).field("Accept-Encoding", "gzip, br, zstd").build()?;
    let mut response = connection.send(&request, ())?;
    let mut expansion = Expansion::default();
    expansion.bytes = most;
    // In the charset that the response names. Content that is cut short is an error, within its coding too.
    let text = response.decoded_within(expansion)?.text_in_charset()?;
    Ok((text, response.content_read()))
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (text, came) = run(&std::env::args().nth(1).ok_or("usage: decoded URL")?, 10 << 20)?;
    println!("{text}\n{came} bytes came, {} bytes of text", text.len());
    Ok(())
}
