//! What pipelining buys where the peer is far: a thousand small GETs over a relay on loopback that delays, one by one, on
//! eight connections, and in flight.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wireline::{Connection, Request};
use wireline_bench::Failure;

const REQUESTS: usize = 1000;
const ROUND_TRIPS: [u64; 3] = [1, 20, 80];
const TARGET: &str = "/fields/10";

/// How the requests are made.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Each when the one before is answered, on so many connections.
    OneByOne(usize),
    /// So many in flight on one connection.
    Pipelined(usize),
}

const WAYS: [(&str, Way); 4] = [
    ("one by one", Way::OneByOne(1)),
    ("on 8 connections", Way::OneByOne(8)),
    ("pipelined, 16 in flight", Way::Pipelined(16)),
    ("pipelined, 64 in flight", Way::Pipelined(64)),
];

/// Seconds, by way and by milliseconds of round trip. Nearly all of it is waiting, so all ways wait at once.
pub(crate) fn measure(origin: &str) -> Result<BTreeMap<String, BTreeMap<u64, f64>>, Failure> {
    let mut all: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
    for milliseconds in ROUND_TRIPS {
        let relay = &relay(origin, Duration::from_millis(milliseconds))?;
        let timed = thread::scope(|scope| {
            let started = WAYS.map(|(name, way)| (name, scope.spawn(move || time(way, relay))));
            started.map(|(name, thread)| (name, thread.join()))
        });
        for (name, seconds) in timed {
            let seconds = seconds.map_err(|_| "a thread panicked")??;
            all.entry(name.to_owned()).or_default().insert(milliseconds, (seconds * 1000.0).round() / 1000.0);
        }
    }
    Ok(all)
}

fn time(way: Way, address: &str) -> Result<f64, Failure> {
    let url = format!("http://{address}");
    let request = Request::get(TARGET, address)?;
    let start;
    match way {
        Way::OneByOne(connections) => {
            let connections = (0..connections).map(|_| Connection::connect(&url)).collect::<Result<Vec<_>, _>>()?;
            let each = REQUESTS / connections.len();
            start = Instant::now();
            thread::scope(|scope| {
                let one_by_one = |mut connection: Connection| {
                    (0..each).try_for_each(|_| connection.send(&request, ())?.discard().map(drop))
                };
                let threads: Vec<_> =
                    connections.into_iter().map(|connection| scope.spawn(move || one_by_one(connection))).collect();
                threads.into_iter().try_for_each(|thread| match thread.join() {
                    Ok(ended) => ended.map_err(Failure::from),
                    Err(_) => Err("a thread panicked".into()),
                })
            })?;
        }
        Way::Pipelined(depth) => {
            let mut connection = Connection::connect(&url)?;
            start = Instant::now();
            let mut pipeline = connection.pipeline();
            let mut run = pipeline.run(std::iter::repeat_n(&request, REQUESTS), depth);
            let mut answered = 0;
            while let Some(response) = run.receive()? {
                response.discard()?;
                answered += 1;
            }
            if answered != REQUESTS {
                return Err(format!("{answered} answers instead of {REQUESTS}").into());
            }
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The address of a relay to the origin: what goes through it arrives half a round trip later, in each direction.
fn relay(origin: &str, round_trip: Duration) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let origin = origin.to_owned();
    thread::spawn(move || -> Result<(), Failure> {
        loop {
            let (near, _) = listener.accept()?;
            let far = TcpStream::connect(&origin)?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            delay(near.try_clone()?, far.try_clone()?, round_trip / 2);
            delay(far, near, round_trip / 2);
        }
    });
    Ok(address)
}

/// One thread reads and says when, another one waits and writes: bytes on their way do not wait for each other.
fn delay(mut from: TcpStream, mut to: TcpStream, by: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read) = from.read(&mut buffer) {
            // Nobody receives when the other side is gone.
            if read == 0 || sender.send((Instant::now() + by, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The end comes late as well; that the other side went first is no news.
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_passes_on_what_came_and_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = relay(&listener.local_addr().unwrap().to_string(), Duration::from_millis(2)).unwrap();
        let mut near = TcpStream::connect(address).unwrap();
        near.write_all(b"there").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let mut came = String::new();
        far.read_to_string(&mut came).unwrap();
        assert_eq!(came, "there");
    }
}
