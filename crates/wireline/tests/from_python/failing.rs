//! What goes wrong.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};

use wireline::{Connection, Connector, Error, ErrorKind, Limit, Origin, Phase, Violation};
use wireline_testkit::{Script, ScriptedPeer};

use super::{Tested, answering, connect};

//# Errors
//
// All kinds, and the exception that each stands for, are in errors.md.

/// What the answer of a peer comes to.
fn failure(answer: &str) -> Error {
    let peer = answering([answer]);
    let mut connection = connect(&peer);
    connection.get("/").and_then(|response| response.bytes()).unwrap_err()
}

#[test]
fn kinds() -> Tested {
    let head = "HTTP/1.1 200 OK\r\n";
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let what = |answer: &str| failure(answer).protocol().map(|error| error.kind());
    let is = |kind| Some(wireline::proto::ErrorKind::Violation(kind));

    //= PK12: `BadStatusLineError`, `HeadersError`, `ChunkedSizeError`: one kind each, with the byte where it is
    assert_eq!(what("HTTP/1.1 abc\r\n\r\n"), is(Violation::StatusCode));
    assert_eq!(what(&format!("{head}no colon\r\n\r\n")), is(Violation::FieldWithoutColon));
    assert_eq!(what(&format!("{head}Content-Length: five\r\n\r\n")), is(Violation::LengthInvalid));
    assert_eq!(what(&format!("{chunks}five\r\n")), is(Violation::ChunkSize));
    assert_eq!(what(&format!("{head}A: {}", "x".repeat(65_536))), Some(Limit::FieldLine.into()));

    //= PK12: `socket.error` on a lost connection; HC31: `RemoteDisconnected`; DG9: one error for it: `ConnectionClosed`
    let error = failure("");
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert_eq!(error.protocol().map(|error| error.phase()), Some(Phase::BeforeResponse)); // closed without a byte

    //= HC31: `BadStatusLine(line)`: the bytes are in the error; `UnknownProtocol(version)`
    let error = failure("HTTP/2 200 OK\r\n\r\n");
    let violation = error.protocol().ok_or("a violation")?;
    assert_eq!(violation.kind(), Violation::Version.into());
    assert_eq!((violation.offset(), violation.excerpt()), (5, &b"HTTP/2"[..]));

    //= HC31, PK12: `except HttpError`, `except HTTPException`: there is one type, and `kind` says which
    match error.kind() {
        ErrorKind::Protocol => {}                            // what came is not HTTP/1.1, or too much
        ErrorKind::Lost => panic!("ended early"),            // IncompleteRead, RemoteDisconnected, ...
        ErrorKind::Closed(_) => panic!("nothing was sent"),  // NotConnected
        ErrorKind::Timeout(_) => panic!("it took too long"), // socket.timeout
        _ => panic!("{error}"),
    }

    Ok(())
}

#[test]
fn names() -> Tested {
    let failing = |kind: io::ErrorKind| {
        let resolver = move |_: &str, _: u16| Err::<Vec<SocketAddr>, _>(io::Error::from(kind));
        Connector::new().resolver(resolver).connect(&Origin::parse("http://origin.test").expect("it is one"))
    };
    let no_such_host = failing(io::ErrorKind::NotFound).unwrap_err();
    let offline = failing(io::ErrorKind::NetworkUnreachable).unwrap_err();
    let unknown = failing(io::ErrorKind::Other).unwrap_err();

    //= DG11: `HostnameNotResolvable`, `DNSUnavailable`, `HostnameNotResolvableOrDNSUnavailable`
    assert_eq!(no_such_host.kind(), ErrorKind::NoSuchHost);
    assert_eq!(offline.kind(), ErrorKind::ResolverUnreachable);
    assert_eq!(unknown.kind(), ErrorKind::Resolve);

    //= DG11: `is_temp_network_error(exc)`
    assert!(offline.is_temporary() && !no_such_host.is_temporary());

    Ok(())
}

#[test]
fn a_lost_connection() -> Tested {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nstop\n";
    let peer = ScriptedPeer::start([Script::new().read_head().send(refusal).close()])?;
    let mut connection = connect(&peer);
    let content = vec![0; 10 << 20];

    //= DG9: a connection lost while writing lets the server's early answer be read; HC31: no `BrokenPipeError` instead of it
    let request = connection.request("PUT", "/").content_length(content.len() as u64).build()?;
    let response = connection.send(&request, &content)?;
    assert_eq!((response.status().as_u16(), response.request_sent()), (403, false));
    assert_eq!(response.text()?, "stop\n"); // data already there is still delivered

    //= DG9: `ConnectionClosed` when more is asked for
    assert!(matches!(connection.get("/").unwrap_err().kind(), ErrorKind::Closed(_) | ErrorKind::Lost));

    let peer = ScriptedPeer::start([Script::new().read_head()])?;
    let mut connection = connect(&peer);
    //= DG9: and what none of them says: whether it is safe to send again
    assert_eq!(connection.get("/").unwrap_err().kind(), ErrorKind::Lost);
    assert!(connection.unanswered().all(|exchange| exchange.is_safe_to_repeat()));

    Ok(())
}

#[test]
fn raw_bytes() -> Tested {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nfive\r\nhello";
    let peer = ScriptedPeer::start([Script::new().read_head().send(answer).send(" and more")])?;
    let (address, mut raw) = (peer.address(), Vec::new());

    //= DG7: `read_raw(n)`: the bytes on the wire, from the one on that could not be made sense of: over a stream of your own,
    //= since a connection closes its own after such an error
    let stream = TcpStream::connect(address)?;
    let mut connection = Connection::over(&stream);
    connection.set_host("origin.test");
    assert_eq!(connection.get("/")?.bytes().unwrap_err().kind(), ErrorKind::Protocol);
    raw.extend(connection.unparsed());
    (&stream).read_to_end(&mut raw)?;

    assert_eq!(String::from_utf8_lossy(&raw), "five\r\nhello and more");
    Ok(())
}
