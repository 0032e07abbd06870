//! From a name to a connected socket.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::timeouts::{Bound, end_of};

/// The addresses of a host.
///
/// With a bound, the look-up runs on a thread of its own, which ends when the system's resolver does: nothing can tell
/// it to stop.
pub(crate) fn resolve(host: &str, port: u16, bound: Bound) -> io::Result<Vec<SocketAddr>> {
    if let Ok(literal) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    let name = host.to_owned();
    let look_up = move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let addresses = match bound.left {
        None => look_up()?,
        Some(left) => {
            let (found, result) = mpsc::sync_channel(1);
            thread::Builder::new().name("wireline resolve".to_owned()).spawn(move || {
                // Nobody waits any more when the time is up.
                let _late = found.send(look_up());
            })?;
            result.recv_timeout(left).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))??
        }
    };
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Connects to the first address that answers. While there are others, none gets more than its share of the time.
pub(crate) fn connect(addresses: &[SocketAddr], left: Option<Duration>) -> io::Result<TcpStream> {
    let until = end_of(left);
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "no address to connect to");
    for (at, address) in addresses.iter().enumerate() {
        let stream = match until.map(|until| until.saturating_duration_since(Instant::now())) {
            None => TcpStream::connect(address),
            Some(Duration::ZERO) => return Err(io::ErrorKind::WouldBlock.into()),
            Some(left) => {
                let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
                TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)))
            }
        };
        match stream {
            Ok(stream) => {
                // A request leaves when it is complete; waiting for more of it would only delay the answer.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    let late = until.is_some() && failure.kind() == io::ErrorKind::TimedOut;
    Err(if late { io::ErrorKind::WouldBlock.into() } else { failure })
}
