//! An upload that leaves when it is asked for, several requests behind each other, and after a failure what is safe to send
//! again. This example exists twice, awaited and not, and docs/porting.md holds the difference.

use tokio_wireline::{Connection, Error, Fields, Request};

/// The third of them breaks.
const TARGETS: [&str; 4] = ["/bytes/1", "/bytes/22", "/reset-after/333", "/bytes/4444"];

/// Says what happens, line by line.
pub(crate) async fn run(origin: &str, say: &mut impl FnMut(String)) -> Result<(), Error> {
    let mut connection = Connection::connect(origin).await?;
    upload(&mut connection, say).await?;
    step_by_step(&mut connection, say).await?;
    let left = pipeline(&mut connection, say).await?;
    // Nothing of these was answered: on another connection each gets its own.
    let mut connection = Connection::connect(origin).await?;
    for request in left {
        say(format!("again: {} bytes", connection.send(&request, ()).await?.discard().await?));
    }
    Ok(())
}

async fn upload(connection: &mut Connection, say: &mut impl FnMut(String)) -> Result<(), Error> {
    let content = "what is sent comes back";
    let length = content.len() as u64;
    let request = connection.request("PUT", "/echo").content_length(length).expect_continue().build()?;
    let mut response = connection.send(&request, content).await?;
    say(format!("{} after {} interim response", response.status(), response.interim().len()));
    let mut piece = [0; 16];
    loop {
        match response.read_content(&mut piece).await? {
            0 => break,
            read => say(format!("{read} bytes")),
        }
    }
    Ok(())
}

async fn step_by_step(connection: &mut Connection, say: &mut impl FnMut(String)) -> Result<(), Error> {
    let request = connection.request("PUT", "/echo").chunked().build()?;
    let mut pipeline = connection.pipeline();
    pipeline.send(&request).await?;
    for piece in ["piece ", "by ", "piece"] {
        pipeline.send_content(piece.as_bytes()).await?;
    }
    pipeline.finish(&Fields::new())?;
    say(pipeline.receive().await?.text().await?);
    Ok(())
}

/// The requests that are safe to send again.
async fn pipeline(connection: &mut Connection, say: &mut impl FnMut(String)) -> Result<Vec<Request>, Error> {
    let requests = TARGETS.map(|target| connection.request("GET", target).build());
    let requests = requests.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut sent = Vec::new();
    let mut pipeline = connection.pipeline();
    for request in &requests {
        sent.push(pipeline.send(request).await?);
    }
    while pipeline.in_flight() > 0 {
        match pipeline.receive().await?.bytes().await {
            Ok(content) => say(format!("{} bytes", content.len())),
            Err(error) => {
                say(format!("{} bytes, and then: {}", error.partial().len(), error.kind()));
                break;
            }
        }
    }
    let mut left = Vec::new();
    for unanswered in pipeline.unanswered() {
        let Some(number) = sent.iter().position(|exchange| *exchange == unanswered.exchange) else { continue };
        say(format!("{}: safe to send again: {}", TARGETS[number], unanswered.is_safe_to_repeat()));
        if unanswered.is_safe_to_repeat() {
            left.push(requests[number].clone());
        }
    }
    Ok(left)
}

#[tokio::main]
#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = std::env::args().nth(1).ok_or("usage: twin ORIGIN")?;
    run(&origin, &mut |line| println!("{line}")).await?;
    Ok(())
}
