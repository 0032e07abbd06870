//! The server: it compares each request with the one that has to come, byte for byte, and answers as the plan says.

use std::io;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, yield_now};

use super::plan::Exchange;
use crate::{Settings, say};

/// Serves so many connections until each is closed: how many exchanges it were, and what was wrong.
pub(super) fn run(settings: Settings) -> io::Result<(u64, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say(&listener.local_addr()?.to_string());
        Ok(serve(&listener, settings.seed, settings.connections).await)
    })
}

pub(super) async fn serve(listener: &TcpListener, seed: u64, connections: u32) -> (u64, Vec<String>) {
    let mut tasks = JoinSet::new();
    let (mut served, mut troubles) = (0, Vec::new());
    for _ in 0..connections {
        match listener.accept().await {
            Ok((stream, _)) => drop(tasks.spawn(serve_one(stream, seed))),
            Err(error) => {
                troubles.push(format!("no connection: {error}"));
                break;
            }
        }
    }
    while let Some(done) = tasks.join_next().await {
        let (exchanges, trouble) = done.unwrap_or_else(|error| (0, Some(error.to_string())));
        served += exchanges;
        // What is wrong with one is often wrong with thousands.
        troubles.extend(trouble.filter(|_| troubles.len() < 20));
    }
    (served, troubles)
}

/// One connection, until it is closed: how many exchanges it were, and what was wrong.
async fn serve_one(mut stream: TcpStream, seed: u64) -> (u64, Option<String>) {
    let mut served = 0;
    let error = match answer_all(&mut stream, seed, &mut served).await {
        Ok(()) => None,
        Err(error) => Some(format!("connection from {:?}, exchange {served}: {error}", stream.peer_addr())),
    };
    (served, error)
}

async fn answer_all(stream: &mut TcpStream, seed: u64, served: &mut u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some((connection, mut begun)) = introduction(stream).await? else { return Ok(()) };
    loop {
        let exchange = Exchange::new(seed, connection, *served);
        let head = exchange.request_head();
        // Only where the next request begins it may be over.
        if begun.is_empty() && stream.read_buf(&mut begun).await? == 0 {
            return Ok(());
        }
        let expected = [head.as_bytes(), exchange.sent()].concat();
        if begun.len() < expected.len() {
            let had = begun.len();
            begun.resize(expected.len(), 0);
            stream.read_exact(&mut begun[had..]).await?;
        }
        if begun != expected {
            let len = head.len().min(begun.len());
            let got = String::from_utf8_lossy(&begun[..len]).escape_debug().to_string();
            return Err(io::Error::other(format!("instead of {}: {got}", head.escape_debug())));
        }
        begun = Vec::new();
        let (answer, head) = exchange.answer();
        if exchange.is_cut {
            stream.write_all(&answer[..head]).await?;
            yield_now().await;
            stream.write_all(&answer[head..]).await?;
        } else {
            stream.write_all(&answer).await?;
        }
        *served += 1;
    }
}

/// The number of a connection stands in the target of its first request: that, and what was read to see it.
async fn introduction(stream: &mut TcpStream) -> io::Result<Option<(u32, Vec<u8>)>> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            // None was sent: the client has given up, and says so itself.
            return if line.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        line.extend_from_slice(&byte);
        if byte == *b"\n" {
            break;
        }
    }
    let number = String::from_utf8_lossy(&line).split('/').nth(1).and_then(|number| number.parse().ok());
    match number {
        Some(number) => Ok(Some((number, line))),
        None => Err(io::Error::other(format!("{:?}", String::from_utf8_lossy(&line)))),
    }
}
