//! Bytes that came before a request left are never its response, also where nobody had looked at them by then (RFC 9112
//! sections 9.2 and 11.2). Wire cases take each event at once, so they cannot show it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use wireline_proto::{
    CloseReason, Config, Connection, Error, ErrorKind, Event, Misuse, Request, Reuse, StatusCode, Violation,
};

const FIRST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
const SECOND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

fn queue(connection: &mut Connection) {
    connection.send_request(&Request::get("/", "a").unwrap()).unwrap();
}

fn transmit(connection: &mut Connection) {
    connection.transmitted(connection.transmit().len());
}

fn receive(connection: &mut Connection, bytes: &str) {
    connection.receive_space()[..bytes.len()].copy_from_slice(bytes.as_bytes());
    connection.received(bytes.len());
}

/// The final responses that come, and the error that ends them.
fn responses(connection: &mut Connection) -> (Vec<StatusCode>, Option<Error>) {
    let mut statuses = Vec::new();
    loop {
        match connection.advance() {
            Ok(true) => {
                if let Event::Response(head) = connection.event() {
                    statuses.push(head.status());
                }
            }
            Ok(false) => return (statuses, None),
            Err(error) => return (statuses, Some(error)),
        }
    }
}

// conformance: C2
#[test]
fn no_request_follows_bytes_that_nobody_has_looked_at() {
    let mut connection = Connection::new(Config::default());
    queue(&mut connection);
    transmit(&mut connection);
    receive(&mut connection, &[FIRST, SECOND].concat());
    assert_eq!(connection.advance(), Ok(true));
    assert_eq!(connection.advance(), Ok(true));
    assert_eq!(connection.advance(), Ok(true));
    assert!(matches!(connection.event(), Event::End(_)));
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Unsolicited));
    let refused = connection.send_request(&Request::get("/", "a").unwrap());
    assert_eq!(refused, Err(Misuse::Closed(CloseReason::Unsolicited)));
}

// conformance: C1 C2
#[test]
fn a_response_that_came_before_its_request_left_is_none() {
    let whole = [FIRST, SECOND].concat();
    for came_before in 0..=whole.len() {
        let mut connection = Connection::new(Config::default());
        queue(&mut connection);
        transmit(&mut connection);
        queue(&mut connection);
        let (before, after) = whole.split_at(came_before);
        if !before.is_empty() {
            receive(&mut connection, before);
        }
        transmit(&mut connection);
        if !after.is_empty() {
            receive(&mut connection, after);
        }
        let (statuses, error) = responses(&mut connection);
        if came_before <= FIRST.len() {
            assert_eq!((statuses, error), (vec![StatusCode::OK, StatusCode::NOT_FOUND], None), "{came_before}");
        } else {
            assert_eq!(statuses, [StatusCode::OK], "{came_before}");
            let error = error.unwrap();
            assert_eq!(error.kind(), ErrorKind::Violation(Violation::Unsolicited), "{came_before}");
            assert_eq!((error.offset(), error.exchange()), (FIRST.len() as u64, None), "{came_before}");
        }
    }
}

// conformance: C1 C15
/// The response of the exchange before says nothing of content that is still being sent.
#[test]
fn another_response_is_no_early_answer() {
    let mut connection = Connection::new(Config::default());
    queue(&mut connection);
    let put = Request::builder("PUT", "/").host("a").content_length(2).build().unwrap();
    let put = connection.send_request(&put).unwrap();
    transmit(&mut connection);
    receive(&mut connection, FIRST);
    assert_eq!(responses(&mut connection), (vec![StatusCode::OK], None));
    assert_eq!(connection.answered_early(), None);
    receive(&mut connection, SECOND);
    assert_eq!(responses(&mut connection), (vec![StatusCode::NOT_FOUND], None));
    assert_eq!(connection.answered_early(), Some(put));
}
