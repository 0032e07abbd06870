//! Bytes and times.

use std::fs::File;

use wireline::{Connection, Transcript};
use wireline_testkit::Origin as Server;

use super::Tested;

//# Watching

#[test]
fn bytes_and_times() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;
    let path = std::env::temp_dir().join(format!("wireline-from-python-trace-{}", std::process::id()));

    //= HC7: `set_debuglevel(1)`: `send:`, `reply:`, `header:`
    connection.set_tap(Some(Box::new(Transcript::new(std::io::stderr()))));

    connection.get("/bytes/1")?.bytes()?;
    //= DG17: `DUGONG_TRACEFILE`. Credentials are in it only when asked for by name
    connection.show_all(Box::new(Transcript::new(File::create(&path)?)));

    connection.get("/bytes/1")?.bytes()?;
    assert!(std::fs::read_to_string(&path)?.contains("> GET /bytes/1 HTTP/1.1\\r\\n"));
    std::fs::remove_file(&path)?;
    //= PK14: `get_trace()`, `get_trace_str()`: how long each phase of the last exchange took
    let timing = connection.timing();
    println!("{:?} to send, {:?} until the answer, {:?} in all", timing.send, timing.wait, timing.total);

    assert!(timing.send.is_some() && timing.wait.is_some() && timing.receive.is_some() && timing.connect.is_none());
    let requests = [connection.request("GET", "/bytes/9").build()?, connection.request("GET", "/bytes/1").build()?];
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.queue(request)?;
    }
    //= PK14: the moments of any exchange in flight, the time behind other answers among them
    let exchange = pipeline.receive()?.exchange();
    let behind = pipeline.marks(exchange).and_then(|marks| marks.behind());

    pipeline.receive()?.bytes()?;
    assert!(behind.is_none_or(|behind| !behind.is_zero()) || behind == Some(std::time::Duration::ZERO));
    Ok(())
}
