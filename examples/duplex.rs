//! A connection without a network: one end of a pipe in memory is the client's, and the other that of a server of twenty
//! lines. That is how a program's own client code is tested.
//!
//! ```text
//! cargo run --example duplex
//! ```

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio_wireline::{Bring, Connection, Error, Fields};

/// Answers each request with its target, in chunks, and says in a trailer field how many there were before.
pub(crate) async fn serve(stream: DuplexStream) -> io::Result<u32> {
    let mut stream = BufReader::new(stream);
    let mut served = 0;
    loop {
        let (mut head, mut len) = (String::new(), 1);
        // Up to the empty line, or the end of all requests.
        while len > 0 && !head.ends_with("\r\n\r\n") {
            len = stream.read_line(&mut head).await?;
        }
        let Some(target) = head.split(' ').nth(1) else { return Ok(served) };
        let chunk = format!("{:x}\r\n{target}\r\n", target.len());
        let answer =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\nX-Served: {served}\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
        served += 1;
    }
}

/// What each target is answered with, and the trailer section behind it.
pub(crate) async fn ask(stream: DuplexStream, targets: &[&str]) -> Result<Vec<(String, Fields)>, Error> {
    let mut connection: Connection<Bring<DuplexStream>> = Connection::over(stream);
    connection.set_host("in-memory");
    let mut answers = Vec::new();
    for target in targets {
        let mut response = connection.get(target).await?;
        let mut text = String::new();
        loop {
            let piece = response.fill_content().await?;
            if piece.is_empty() {
                break;
            }
            text.push_str(&String::from_utf8_lossy(piece));
            let len = piece.len();
            response.consume_content(len);
        }
        answers.push((text, response.trailers().to_owned()));
    }
    Ok(answers)
}

pub(crate) async fn run(targets: &[&str]) -> Result<(Vec<(String, Fields)>, u32), Box<dyn std::error::Error>> {
    // So little room that both sides have to wait for each other all the time.
    let (near, far) = tokio::io::duplex(8);
    let (answers, served) = tokio::join!(ask(near, targets), serve(far));
    Ok((answers?, served?))
}

#[tokio::main(flavor = "current_thread")]
#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (answers, served) = run(&["/one", "/two", "/three"]).await?;
    for (text, trailers) in answers {
        println!("{text}, behind it: {trailers:?}");
    }
    println!("{served} served");
    Ok(())
}
