//! A program for Python's `http.client`, in Rust. Each line has the one that it was above it.
//!
//! ```text
//! cargo run --example from_python -- http://127.0.0.1:8080
//! ```

use std::time::Duration;

use wireline::{Connector, ErrorKind, Origin, Timeouts};

pub(crate) fn run(address: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut printed = Vec::new();
    // conn = http.client.HTTPConnection(address, timeout=10)
    let mut timeouts = Timeouts::default();
    timeouts.connect = Some(Duration::from_secs(10));
    timeouts.read = Some(Duration::from_secs(10));
    timeouts.write = Some(Duration::from_secs(10));
    let connector = Connector::new().timeouts(timeouts).auto_open(true);
    let mut connection = connector.connect(&Origin::parse(address)?)?;

    // conn.request("GET", "/bytes/10")
    // response = conn.getresponse()
    let mut response = connection.get("/bytes/10")?;
    // print(response.status, response.reason, response.getheader("Content-Type", "?"))
    let content_type = response.field("Content-Type").unwrap_or_else(|| "?".into());
    printed.push(format!("{} {} {content_type}", response.status().as_u16(), response.reason_text()));
    // while chunk := response.read(4): print(len(chunk))
    loop {
        let chunk = response.read_bytes(4)?;
        if chunk.is_empty() {
            break;
        }
        printed.push(chunk.len().to_string());
    }

    // conn.request("POST", "/echo", body="a=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    // print(conn.getresponse().read().decode())
    drop(response); // what http.client finds out while it runs, the compiler does here: one response at a time
    let form = connection.request("POST", "/echo").field("Content-Type", "application/x-www-form-urlencoded");
    let request = form.content_length(3).build()?;
    printed.push(connection.send(&request, "a=1")?.text()?);

    // try: print(len(conn.getresponse().read()))
    // except http.client.IncompleteRead as error: print(len(error.partial), "bytes, then it broke")
    match connection.get("/reset-after/100")?.bytes() {
        Ok(content) => printed.push(content.len().to_string()),
        Err(error) if error.kind() == ErrorKind::Lost => {
            printed.push(format!("{} bytes, then it broke", error.partial().len()));
        }
        Err(error) => return Err(error.into()),
    }

    // conn.request("GET", "/status/404")   # opens the connection again
    // print(conn.getresponse().status)
    printed.push(connection.get("/status/404")?.status().as_u16().to_string());
    // conn.close()
    connection.close();
    Ok(printed)
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = run(&std::env::args().nth(1).ok_or("usage: from_python ORIGIN")?)?;
    println!("{}", lines.join("\n"));
    Ok(())
}
