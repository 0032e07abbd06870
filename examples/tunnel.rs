//! Through a proxy to anything that is not HTTP: CONNECT, and then bytes both ways, as `nc` has them. To reach an HTTP origin
//! through a proxy, a `Connector` does all of this by itself.
//!
//! ```text
//! cargo run --example tunnel -- http://127.0.0.1:3128 mail.example:25
//! ```

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::thread;

use wireline::{Connection, Request, Stream};

/// How many bytes came through the tunnel.
pub(crate) fn run(
    proxy: &str,
    authority: &str,
    mut input: impl Read + Send,
    mut output: impl Write,
) -> Result<u64, Box<dyn std::error::Error>> {
    let mut connection = Connection::connect(proxy)?;
    let request = Request::builder("CONNECT", authority).host(authority).build()?;
    let tunnel = match connection.send(&request, ())?.into_switched() {
        Ok(tunnel) => tunnel,
        // The refusal is a response as any other, and its content says why.
        Err(response) => return Err(format!("{}: {}", response.status(), response.text()?).into()),
    };
    // The other end may have spoken first, in the same segment as the proxy's answer.
    let (stream, early) = tunnel.into_parts();
    output.write_all(&early)?;
    output.flush()?;
    let Stream::Plain(socket) = stream else { return Err("one thread each way takes a socket: no TLS".into()) };
    let mut from = TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    let mut to = from.try_clone()?;
    thread::scope(|scope| {
        let sender = scope.spawn(move || {
            io::copy(&mut input, &mut to)?;
            // The end of our bytes is not the end of theirs.
            to.shutdown(Shutdown::Write)
        });
        let received = io::copy(&mut from, &mut output)?;
        sender.join().map_err(|_| "the sender panicked")??;
        Ok(early.len() as u64 + received)
    })
}

#[allow(dead_code, reason = "a test runs it by its function")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [proxy, authority] = arguments.as_slice() else { return Err("usage: tunnel PROXY HOST:PORT".into()) };
    run(proxy, authority, io::stdin(), io::stdout().lock()).map(drop)
}
