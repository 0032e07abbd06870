//! Several exchanges at a time, states, readiness.

use std::time::Duration;

use wireline::{Connection, Connector, ErrorKind, Nonblocking, Origin, Request, Reuse};
use wireline_testkit::{Origin as Server, Script, ScriptedPeer};

use super::{Tested, answering, connect};

//# Several requests at a time, states, readiness

#[test]
fn pipelines() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;

    //= DG2: many requests sent before a response is read; `response_pending()`. HC19: a second one before the first is read
    let requests = [connection.request("GET", "/bytes/1").build()?, connection.request("GET", "/chunked/2").build()?];
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.send(request)?;
    }
    while pipeline.in_flight() > 0 {
        println!("{} bytes", pipeline.receive()?.discard()?);
    }

    drop(pipeline);
    let host = server.host();
    let request = connection.request("GET", "/bytes/100000").field("X-Bulk", "x".repeat(10_000)).build()?;
    let mut other = Connection::connect(&server.url(""))?;
    //= DG18: sending without reading until both sides wait for each other: here it is an error, and the way on is to receive
    let mut pipeline = other.pipeline();
    let error = loop {
        if let Err(error) = pipeline.send(&request) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ReceiveBufferFull { .. }));
    pipeline.receive()?.discard()?;

    assert_eq!(connection.reuse(), Reuse::Now);
    //= DG18: as many in flight as you say, and no more
    let requests = (0..100).map(|n| Request::get(format!("/bytes/{n}"), &host).expect("a legal target"));
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run(requests, 16);
    while let Some(response) = run.receive()? {
        response.discard()?;
    }

    drop(run);
    drop(pipeline);
    //= DG20: one thread only sends, the other only reads
    let requests: Vec<_> = (0..100).map(|n| Request::get(format!("/bytes/{n}"), &host)).collect::<Result<_, _>>()?;
    let (mut send, mut receive) = connection.split()?;
    let sender = std::thread::spawn(move || requests.iter().try_for_each(|request| send.send(request).map(drop)));
    for n in 0..100 {
        assert_eq!(receive.receive()?.bytes()?.len(), n);
    }

    sender.join().expect("it does not panic")?;
    Ok(())
}

#[test]
fn states() -> Tested {
    let peer = answering(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]);
    let mut connection = connect(&peer);

    //= HC19: `ResponseNotReady`; PK5: `ResponseNotReadyError`
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::NothingOwed);

    //= HC19: `CannotSendRequest`, `CannotSendHeader`: what borrows the connection has only the steps that come next
    let response = connection.get("/")?; // connection.get("/") does not compile here,
    drop(response); // but here

    Ok(())
}

#[test]
fn readiness() -> Tested {
    let script = Script::new().read_head().send("HTTP/1.1 204 No Content\r\n\r\n").hold();
    let peer = ScriptedPeer::start([script])?;

    //= DG12: coroutines that yield `PollNeeded(fd, mask)`: calls that do not wait, and are made again
    let mut connection = Connection::connect(&peer.url(""))?;
    connection.set_nonblocking(true);
    let mut answer = connection.get("/").map(|response| response.status());
    while let Err(ErrorKind::WouldBlock(_)) = answer.as_ref().map_err(wireline::Error::kind) {
        let (fd, mask, until) = (connection.fd(), connection.interest(), connection.until());
        poll(fd.ok_or("it is open")?, mask, until)?; // yours, or an event loop's
        answer = connection.receive().map(|response| response.status());
    }

    assert_eq!(answer?, 204);
    //= DG12: connecting in the same way
    let mut connecting = Connector::new().begin(&Origin::parse(&peer.url(""))?);
    connecting.set_nonblocking(true);
    let waits_for = connecting.wanted(); // after `finish` was `WouldBlock`

    assert!(waits_for.is_empty(), "it has not begun");
    //= DG13: `AioFuture`: what an adapter to a runtime needs to know of a connection, and of all that borrows it
    let (transport, until) = (Nonblocking::transport_mut(&mut connection).is_some(), Nonblocking::until(&connection));

    assert!(transport && until.is_none());
    Ok(())
}

fn poll(
    fd: std::os::fd::BorrowedFd<'_>,
    wanted: wireline::Interest,
    until: Option<std::time::Instant>,
) -> std::io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec};
    assert!(wanted.read && until.is_none());
    let patience = Timespec::try_from(Duration::from_secs(10)).expect("it is short");
    rustix::event::poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&patience))?;
    Ok(())
}
