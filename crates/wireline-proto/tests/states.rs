//! Every state of the sending half against every command: the legal ones lead where the table says, the others are
//! refused and leave the connection equal to its clone.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use wireline_proto::state::{RECEIVE, Receive, ReceiveStep, SEND, Send, SendStep};
use wireline_proto::{Config, Connection, Event, Fields, Method, Misuse, Progress, Request};

fn post() -> Request {
    Request::builder(Method::PUT, "/").host("a").content_length(3).build().unwrap()
}

fn expecting() -> Request {
    Request::builder(Method::PUT, "/").host("a").content_length(3).expect_continue().build().unwrap()
}

fn upgrade() -> Request {
    Request::builder(Method::GET, "/")
        .host("a")
        .field("Connection", "upgrade")
        .field("Upgrade", "test")
        .build()
        .unwrap()
}

fn last() -> Request {
    Request::builder(Method::GET, "/").host("a").close().build().unwrap()
}

fn get() -> Request {
    Request::get("/", "a").unwrap()
}

fn receive(connection: &mut Connection, bytes: &[u8]) {
    connection.receive_space()[..bytes.len()].copy_from_slice(bytes);
    connection.received(bytes.len());
}

/// A connection in this state, everything queued transmitted.
fn in_state(state: Send) -> Connection {
    let mut connection = Connection::new(Config::default());
    match state {
        Send::Idle => {}
        Send::AwaitingContinue => drop(connection.send_request(&expecting()).unwrap()),
        Send::Content => drop(connection.send_request(&post()).unwrap()),
        Send::SwitchPending => drop(connection.send_request(&upgrade()).unwrap()),
        Send::Closing => drop(connection.send_request(&last()).unwrap()),
        Send::Closed => connection.transmit_closed(),
        Send::Switched => {
            connection.send_request(&upgrade()).unwrap();
            transmit(&mut connection);
            receive(&mut connection, b"HTTP/1.1 101 \r\nUpgrade: test\r\n\r\n");
            assert!(connection.advance().unwrap());
            assert!(matches!(connection.event(), Event::Switched(_)));
        }
        _ => unreachable!("every state is listed above"),
    }
    transmit(&mut connection);
    connection
}

fn transmit(connection: &mut Connection) {
    let n = connection.transmit().len();
    connection.transmitted(n);
}

const STATES: [Send; 7] = [
    Send::Idle,
    Send::AwaitingContinue,
    Send::Content,
    Send::SwitchPending,
    Send::Closing,
    Send::Closed,
    Send::Switched,
];

/// A command, by the step that it stands for.
type Command = (SendStep, fn(&mut Connection) -> Result<(), Misuse>);

const COMMANDS: [Command; 9] = [
    (SendStep::Request, |connection| connection.send_request(&get()).map(drop)),
    (SendStep::LastRequest, |connection| connection.send_request(&last()).map(drop)),
    (SendStep::SwitchRequest, |connection| connection.send_request(&upgrade()).map(drop)),
    (SendStep::RequestWithContent, |connection| connection.send_request(&post()).map(drop)),
    (SendStep::RequestWithExpect, |connection| connection.send_request(&expecting()).map(drop)),
    (SendStep::Content, |connection| connection.send_content(b"abc").map(drop)),
    (SendStep::Finish, |connection| {
        if connection.content_due().length() == Some(3) {
            connection.send_content(b"abc")?;
        }
        connection.finish_request(&Fields::new())
    }),
    (SendStep::Waive, Connection::waive_continue),
    (SendStep::Abandon, Connection::abandon_content),
];

#[test]
fn each_command_in_each_state_does_what_the_table_says() {
    for state in STATES {
        for (step, command) in COMMANDS {
            let mut connection = in_state(state);
            let before = connection.clone();
            match (state.after(step), command(&mut connection)) {
                (Some(_), Ok(())) => assert_ne!(connection, before, "{step:?} in {state:?} does something"),
                (None, Err(_)) => assert_eq!(connection, before, "{step:?} in {state:?} changes nothing"),
                (Some(_), Err(misuse)) => panic!("{step:?} is legal in {state:?}, and was refused: {misuse}"),
                (None, Ok(())) => panic!("{step:?} is not legal in {state:?}, and was done"),
            }
        }
    }
}

#[test]
fn the_tables_lead_everywhere_and_never_twice() {
    for (i, (from, step, to)) in SEND.iter().enumerate() {
        assert_eq!(from.after(*step), Some(*to));
        assert!(SEND[..i].iter().all(|row| (row.0, row.1) != (*from, *step)), "{from:?} {step:?} stands twice");
    }
    for (i, (from, step, to)) in RECEIVE.iter().enumerate() {
        assert_eq!(from.after(*step), Some(*to));
        assert!(RECEIVE[..i].iter().all(|row| (row.0, row.1) != (*from, *step)), "{from:?} {step:?} stands twice");
    }
    for state in STATES {
        assert!(state == Send::Idle || SEND.iter().any(|row| row.2 == state), "{state:?} is reached");
    }
    let receive = [Receive::Head, Receive::Body, Receive::Done, Receive::Closed, Receive::Broken, Receive::Switched];
    for state in receive {
        assert!(RECEIVE.iter().any(|row| row.2 == state), "{state:?} is reached");
    }
    assert_eq!(Receive::Done.after(ReceiveStep::Request), None);
}

#[test]
fn content_beyond_and_below_the_length_is_refused_and_changes_nothing() {
    let mut connection = in_state(Send::Content);
    let before = connection.clone();
    assert_eq!(connection.send_content(b"abcd"), Err(Misuse::ContentExcess { room: 3 }));
    assert_eq!(connection.frame_content(4), Err(Misuse::ContentExcess { room: 3 }));
    assert_eq!(connection.finish_request(&Fields::new()), Err(Misuse::ContentShort { missing: 3 }));
    assert_eq!(connection, before);
}

#[test]
fn framed_content_has_its_turn_behind_the_head() {
    let mut connection = Connection::new(Config::default());
    let request = Request::builder(Method::PUT, "/").host("a").chunked().build().unwrap();
    connection.send_request(&request).unwrap();
    connection.frame_content(5).unwrap();
    assert_eq!(connection.send_content(b"x"), Err(Misuse::FramedContentOwed));
    assert_eq!(connection.finish_request(&Fields::new()), Err(Misuse::FramedContentOwed));
    assert_eq!(connection.framed_content(), 0, "the head and the chunk line go first");
    assert!(connection.transmit().ends_with(b"\r\n\r\n5\r\n"));
    transmit(&mut connection);
    assert_eq!(connection.framed_content(), 5);
    connection.transmitted_content(2);
    assert_eq!(connection.framed_content(), 3);
    connection.transmitted_content(3);
    assert_eq!(connection.transmit(), b"\r\n");
    connection.finish_request(&Fields::new()).unwrap();
    assert_eq!(connection.transmit(), b"\r\n0\r\n\r\n");
}

#[test]
fn an_answer_is_early_as_long_as_content_has_not_left() {
    let mut connection = in_state(Send::Content);
    connection.frame_content(3).unwrap();
    receive(&mut connection, b"HTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n");
    assert!(connection.advance().unwrap());
    assert!(connection.answered_early().is_some(), "three bytes are still the caller's to send");
    connection.transmitted_content(3);
    assert_eq!(connection.answered_early(), None, "all that was announced has left");
}

#[test]
fn content_may_by_pass_the_buffer() {
    let mut connection = Connection::new(Config::default());
    connection.send_request(&get()).unwrap();
    transmit(&mut connection);
    receive(&mut connection, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    assert!(connection.advance().unwrap());
    assert_eq!(connection.direct_content(), None, "three bytes are in the buffer");
    assert!(connection.advance().unwrap());
    assert!(matches!(connection.event(), Event::Content(b"abc")));
    assert_eq!(connection.direct_content(), Some(7));
    connection.took_content(6);
    assert_eq!(connection.direct_content(), Some(1));
    connection.took_content(1);
    assert!(connection.advance().unwrap());
    assert!(matches!(connection.event(), Event::End(trailers) if trailers.is_empty()));
    assert_eq!(connection.event_offset(), 49);
    assert_eq!(connection.content_received(), 10);
}

#[test]
fn requests_that_had_not_left_when_the_peer_said_close_are_taken_back() {
    let mut connection = Connection::new(Config::default());
    connection.send_request(&get()).unwrap();
    connection.send_request(&get()).unwrap();
    let first = connection.transmit().len() / 2;
    connection.transmitted(first + 3);
    connection.send_request(&get()).unwrap();
    receive(&mut connection, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert!(connection.advance().unwrap());
    assert_eq!(connection.transmit().len(), first - 3, "the rest of the second request, and no more");
    assert!(connection.advance().unwrap());
    let verdicts: Vec<_> = connection.unanswered().map(|exchange| exchange.progress).collect();
    assert_eq!(verdicts, [Progress::PartlySent, Progress::NothingSent]);
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut connection = Connection::new(Config::default());
    connection.send_request(&get()).unwrap();
    transmit(&mut connection);
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 500_000, b'x');
    let mut rest = &answer[..];
    while !rest.is_empty() {
        let space = connection.receive_space();
        let n = space.len().min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        connection.received(n);
        rest = &rest[n..];
    }
    assert!(connection.memory() > 500_000, "nobody took an event");
    while connection.advance().unwrap() {}
    assert!(connection.memory() < 1024, "{} bytes are held", connection.memory());
}
