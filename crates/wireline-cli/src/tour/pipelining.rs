//! Several requests in flight (RFC 9112 section 9.3.2).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use wireline::{Config, Connection, Connector, ErrorKind, Request, Reuse, Stream, Timeouts};
use wireline_testkit::{Origin, pattern};

use super::{Page, Stop, connect};
use crate::output::human::span;

/// How many exchanges.
const COUNT: usize = 16;

pub(super) fn sixteen(page: &mut Page, origin: &Origin) -> Stop {
    page.stop("Sixteen GETs, pipelined and one by one");
    let (mut connection, record) = connect(&origin.url(""), Connector::new())?;
    let requests: Vec<Request> = (0..COUNT)
        .map(|n| connection.request("GET", format!("/bytes/{}", 100 + n)).build())
        .collect::<Result<_, _>>()?;

    // The first exchange warms both sides up, so that neither way pays for it.
    connection.send(&requests[0], ())?.discard()?;
    record.clear();
    let begun = Instant::now();
    let mut one_by_one = Vec::new();
    for request in &requests {
        one_by_one.push(connection.send(request, ())?.bytes()?);
    }
    let alone = (begun.elapsed(), record.counts());

    record.clear();
    let begun = Instant::now();
    let mut pipelined = Vec::new();
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.queue(request)?;
    }
    pipeline.flush()?;
    let in_flight = pipeline.in_flight();
    while pipeline.in_flight() > 0 {
        pipelined.push(pipeline.receive()?.bytes()?);
    }
    let together = (begun.elapsed(), record.counts());
    drop(pipeline);

    for (way, (took, (writes, reads))) in [("one by one", alone), ("pipelined ", together)] {
        page.text(&format!("{way}  {:>10}  {writes:>2} x write, {reads:>2} x read", span(took.as_secs_f64())));
    }
    page.check(in_flight == COUNT, "all sixteen were in flight at once");
    page.check(together.1.0 < alone.1.0, "fewer writes carried them");
    let are_right = pipelined.iter().enumerate().all(|(n, content)| *content == pattern(100 + n));
    page.check(
        are_right && one_by_one == pipelined,
        "each answer is the one to its own request, and the same both ways",
    );
    page.check(connection.unanswered().next().is_none(), "nothing is left unanswered");
    Ok(())
}

/// How many requests, how large each answer, and how large the sockets' buffers.
const MANY: usize = 500;
const LARGE: usize = 100_000;
const SMALL: usize = 24 << 10;
/// What wireline may keep of answers that nobody has received yet.
const BOUND: u32 = 256 << 10;
/// Who has been stuck for so long, on loopback, stays so.
const STUCK: Duration = Duration::from_millis(200);

pub(super) fn without_deadlock(page: &mut Page) -> Stop {
    page.stop("A pipeline that deadlocks elsewhere: each side writes, and who reads?");
    let request = Request::builder("GET", "/large").host("a").field("X-Long", "x".repeat(1000)).build()?;
    let (address, server) = stubborn_server(request.as_bytes().len())?;
    page.text(&format!(
        "{MANY} requests of 1 KB, each answered with 100 KB before the next is read. Socket buffers of 24 KiB,"
    ));
    page.text("and one thread that sends all it can before it receives anything.");

    let mut plain = small_socket(address)?;
    plain.set_write_timeout(Some(STUCK))?;
    let is_stuck = (0..MANY).position(|_| plain.write_all(request.as_bytes()).is_err());
    drop(plain);
    page.check(
        is_stuck.is_some(),
        &format!("a plain socket is stuck after {} requests: both sides wait for room", is_stuck.unwrap_or(MANY)),
    );

    let mut config = Config::default();
    config.limits.receive_buffer = BOUND;
    let mut connection = Connection::with_transport(Stream::from(small_socket(address)?), config);
    let mut timeouts = Timeouts::default();
    // A deadlock would be an error.
    timeouts.exchange = Some(Duration::from_secs(20));
    connection.set_timeouts(timeouts);
    let begun = Instant::now();
    let answer = pattern(LARGE);
    let mut pipeline = connection.pipeline();
    let (mut sent, mut right, mut full, mut most) = (0, 0, 0, 0);
    for n in 0..MANY {
        while sent < MANY {
            match pipeline.send(&request) {
                Ok(_) => sent += 1,
                // Said, not done in silence: there is an answer to receive first.
                Err(error) if error.kind() == (ErrorKind::ReceiveBufferFull { bound: BOUND }) => {
                    full += 1;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        most = most.max(pipeline.in_flight());
        let response = pipeline.receive()?;
        right += usize::from(response.exchange().index() == n as u64 && response.bytes()? == answer);
    }
    let took = begun.elapsed();
    drop(pipeline);
    page.check(
        right == MANY,
        &format!(
            "wireline reads while it writes: all {MANY} answered, whole and in order, in {}",
            span(took.as_secs_f64())
        ),
    );
    page.check(
        full > 0,
        &format!("within its bound of 256 KiB: {full} times it said that an answer has to be received first"),
    );
    page.text(&format!("At most {most} requests were in flight."));
    page.check(connection.reuse() == Reuse::Now, "the connection can carry the next request");
    drop(connection);
    let answered = server.join().unwrap_or(0);
    page.check(answered == MANY, &format!("the server answered {answered} requests"));
    Ok(())
}

/// A server with small socket buffers that answers a request of `length` bytes before it reads any of the next, for two
/// connections: how many it answered on the last.
fn stubborn_server(length: usize) -> io::Result<(SocketAddr, JoinHandle<usize>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // What is accepted has these from the one that listens.
    set_socket_send_buffer_size(&listener, SMALL)?;
    set_socket_recv_buffer_size(&listener, SMALL)?;
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").into_bytes();
    answer.extend_from_slice(&pattern(LARGE));
    let serve = move || {
        let mut answered = 0;
        for _ in 0..2 {
            let Ok((mut socket, _)) = listener.accept() else { break };
            let mut request = vec![0; length];
            answered = 0;
            while socket.read_exact(&mut request).and_then(|()| socket.write_all(&answer)).is_ok() {
                answered += 1;
            }
        }
        answered
    };
    Ok((address, thread::spawn(serve)))
}

fn small_socket(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    set_socket_send_buffer_size(&socket, SMALL)?;
    set_socket_recv_buffer_size(&socket, SMALL)?;
    Ok(socket)
}
