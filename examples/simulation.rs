//! A client on a network that fails, in a simulation: latencies, a network that holds everything back, one that loses
//! everything. No time passes and nothing is left to chance: the same seed is the same run, to the millisecond.
//!
//! ```text
//! cargo run --example simulation -- 42
//! ```

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_core::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_wireline::{Connection, Request};
use turmoil::net::{TcpListener, TcpStream};

const REQUESTS: usize = 16;
const DEPTH: usize = 4;
/// What goes wrong, and after how many answers.
const FAULTS: [(usize, Fault); 2] = [(3, Fault::Held), (7, Fault::Lost)];

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Whatever is sent comes when it is over.
    Held,
    /// Whatever is sent never comes.
    Lost,
}

/// Simulated, as all time here. The connection's own timeouts are in the system's time; but its futures may be dropped, so
/// that those of tokio can be put around them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What happened, line by line.
pub(crate) fn run(seed: u64) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut network = turmoil::Builder::new();
    network
        .rng_seed(seed)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(200));
    let mut sim = network.build();
    let log = Rc::new(RefCell::new(Vec::new()));
    let say = Rc::clone(&log);
    sim.host("origin", serve);
    sim.client("client", async move {
        fetch_all(&|line| say.borrow_mut().push(format!("{:>5} ms: {line}", turmoil::elapsed().as_millis()))).await
    });
    sim.run().map_err(|error| error.to_string())?;
    drop(sim);
    Ok(log.take())
}

/// Answers each request with its target, one after the other on as many connections as there are.
async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut asked = Vec::new();
            loop {
                while let Some(end) = asked.windows(4).position(|end| end == b"\r\n\r\n") {
                    let head: Vec<_> = asked.drain(..end + 4).collect();
                    let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
                    let mut answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", target.len()).into_bytes();
                    answer.extend_from_slice(target);
                    stream.write_all(&answer).await?;
                }
                if stream.read_buf(&mut asked).await? == 0 {
                    return Ok::<_, io::Error>(());
                }
            }
        });
    }
}

/// Gets an answer to each request, on as many connections as it takes.
async fn fetch_all(say: &impl Fn(&str)) -> turmoil::Result {
    let request = |n| Request::get(format!("/{n}"), "origin");
    let mut left = (0..REQUESTS).map(request).collect::<Result<Vec<_>, _>>()?;
    let mut faults = FAULTS.into_iter().peekable();
    let (mut answered, mut fault) = (0, None);
    while !left.is_empty() {
        let mut connection = Connection::over(TcpStream::connect("origin:80").await?);
        say(&format!("connected, {} requests left", left.len()));
        let mut pipeline = connection.pipeline();
        let mut run = pipeline.run(&left, DEPTH);
        loop {
            if let Some((_, next)) = faults.next_if(|(after, _)| *after == answered) {
                match next {
                    Fault::Held => turmoil::hold("client", "origin"),
                    Fault::Lost => turmoil::partition("client", "origin"),
                }
                fault = Some(next);
            }
            match timeout(PATIENCE, poll_fn(|cx| Pin::new(&mut run).poll_next(cx))).await {
                Ok(None) => break,
                Ok(Some(answer)) => {
                    answered += 1;
                    say(&format!("answer {}", String::from_utf8_lossy(&answer?.content)));
                }
                Err(_) if fault.take() == Some(Fault::Held) => {
                    say("nothing comes; the same run goes on");
                    turmoil::release("client", "origin");
                }
                Err(_) => {
                    say("nothing comes; the connection is given up");
                    break;
                }
            }
        }
        let not_sent: Vec<_> = run.rest().cloned().collect();
        let mut again = Vec::new();
        for unanswered in pipeline.unanswered() {
            // The connection has carried nothing else, so that exchanges are counted as requests are.
            let request = &left[unanswered.exchange.index() as usize];
            let is_safe = unanswered.is_safe_to_repeat();
            say(&format!(
                "{}: {:?}, safe to repeat: {is_safe}",
                String::from_utf8_lossy(request.target()),
                unanswered.progress
            ));
            again.extend(is_safe.then(|| request.clone()));
        }
        again.extend(not_sent);
        left = again;
        turmoil::repair("client", "origin");
    }
    Ok(())
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(42), |seed| seed.parse())?;
    for line in run(seed)? {
        println!("{line}");
    }
    Ok(())
}
