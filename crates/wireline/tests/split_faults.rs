//! One connection in two threads, and what goes wrong or comes early: each half hears of it.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use wireline::{
    CloseReason, Connection, Error, ErrorKind, Fields, Framing, Operation, Progress, ReceiveHalf, Request, Reuse,
    SendHalf, Stream,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    an_early_answer_is_heard_by_both
    an_early_answer_followed_by_a_reset_is_heard_by_both
    an_early_answer_stops_a_sender_without_a_receiver
    content_waits_for_its_100_behind_other_exchanges
    a_late_100_does_not_release_the_content_behind_it
    a_final_response_instead_of_100_is_heard_by_both
    a_reset_reaches_both_while_the_sender_is_blocked
    a_sender_that_is_dropped_leaves_its_content_unsent
    a_sender_that_is_dropped_without_room_ends_behind_what_was_taken
    an_answer_that_is_cut_at_any_byte_is_no_answer
    a_receiver_that_is_dropped_half_way_closes
    a_sender_keeps_to_its_timeout_and_goes_on
    a_deadline_ends_both_waits
    an_exchange_that_takes_too_long_ends_both_waits
}

const WAIT: Duration = Duration::from_secs(10);
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const REFUSAL: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nless";
/// More than all the buffers on the way hold.
const LENGTH: usize = 30_000_000;

fn get(target: &str) -> Request {
    Request::get(target, "a").unwrap()
}

fn put(length: usize) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length as u64).build().unwrap()
}

fn put_on_request(target: &str, length: u64) -> Request {
    Request::builder("PUT", target).host("a").content_length(length).expect_continue().build().unwrap()
}

fn set(connection: &mut Connection<Stream>, change: impl FnOnce(&mut wireline::Timeouts)) {
    let mut timeouts = connection.timeouts();
    change(&mut timeouts);
    connection.set_timeouts(timeouts);
}

/// Sends content until there is no more of it to send, or none is taken: how much was taken.
fn send_content(send: &mut SendHalf, length: usize) -> Result<usize, Error> {
    let piece = pattern(100_000);
    let mut taken = 0;
    while taken < length {
        match send.send_content(&piece[..piece.len().min(length - taken)])? {
            0 => break,
            more => taken += more,
        }
    }
    Ok(taken)
}

/// Receives a response, however often there is no room for what the other half has queued: that is sent from here as
/// well.
fn receive_late(receive: &mut ReceiveHalf) -> Result<u16, Error> {
    loop {
        match receive.receive() {
            Err(error) if error.kind() == ErrorKind::Timeout(Operation::Write) => {}
            done => return done.map(|response| response.status().as_u16()),
        }
    }
}

fn an_early_answer_is_heard_by_both(over: Over) {
    // The peer answers and stops reading: only the answer can wake the sender.
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).hold()]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&put(LENGTH)).unwrap();
        let taken = send_content(&mut send, LENGTH).unwrap();
        let due = send.content_due();
        send.abandon().unwrap();
        (taken, due, send)
    });
    let response = receive.receive().unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.bytes().unwrap(), b"less");
    let (taken, due, send) = sender.join().unwrap();
    assert_eq!(due, Framing::Length((LENGTH - taken) as u64));
    let connection = receive.unsplit(send).unwrap();
    assert!((100_000..LENGTH as u64).contains(&connection.content_sent()), "{}", connection.content_sent());
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    assert_eq!(connection.unanswered().count(), 0);
}

fn an_early_answer_followed_by_a_reset_is_heard_by_both(over: Over) {
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).reset()]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&put(LENGTH)).unwrap();
        let taken = send_content(&mut send, LENGTH).unwrap();
        // Refused where the reset was heard before: then nothing is due any more.
        let _broken = send.abandon();
        (taken, send)
    });
    let response = receive.receive().unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.bytes().unwrap(), b"less");
    let (taken, send) = sender.join().unwrap();
    assert!(taken < LENGTH);
    let connection = receive.unsplit(send).unwrap();
    assert!(connection.content_sent() < LENGTH as u64);
    assert!(matches!(connection.reuse(), Reuse::Never(_)), "{}", connection.reuse());
    assert_eq!(connection.unanswered().count(), 0);
}

fn an_early_answer_stops_a_sender_without_a_receiver(over: Over) {
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).hold()]);
    let (mut send, receive) = over.connect(&peer).split().unwrap();
    drop(receive);
    send.send(&put(LENGTH)).unwrap();
    assert!(send_content(&mut send, LENGTH).unwrap() < LENGTH);
    send.abandon().unwrap();
    assert_eq!(send.unanswered()[0].progress, Progress::ResponseBegun);
}

fn content_waits_for_its_100_behind_other_exchanges(over: Over) {
    let go = Signal::new();
    let script = Script::new()
        .read_head()
        .read_head()
        .wait_for(&go)
        .send(EMPTY)
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .expect("abc")
        .send(EMPTY);
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    set(&mut connection, |timeouts| timeouts.expect_continue = None);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&get("/")).unwrap();
        send.send(&put_on_request("/", 3)).unwrap();
        assert_eq!(send.content_due(), Framing::Length(3));
        // Both heads have to have left: what is in the way of the content is an answer.
        send.flush().unwrap();
        go.give();
        assert_eq!(send.send_content(b"abc").unwrap(), 3);
        send.finish(&Fields::new()).unwrap();
        send
    });
    let response = receive.receive().unwrap();
    assert_eq!((response.status().as_u16(), response.interim().len()), (204, 0));
    drop(response);
    let response = receive.receive().unwrap();
    assert_eq!((response.status().as_u16(), response.interim().len()), (204, 1));
    drop(response);
    assert_eq!(receive.unsplit(sender.join().unwrap()).unwrap().reuse(), Reuse::Now);
    assert!(peer.join()[0].is_completed());
}

fn a_late_100_does_not_release_the_content_behind_it(over: Over) {
    let go = Signal::new();
    let asked = "HTTP/1.1 100 Continue\r\n\r\n";
    let script = Script::new()
        .read_head()
        .expect("abc")
        .read_head()
        .send(format!("{asked}{EMPTY}"))
        .wait_for(&go)
        .send(asked)
        .expect("xyz")
        .send(EMPTY);
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    // The wait for a 100 is over much later than the wait of a call.
    set(&mut connection, |timeouts| {
        timeouts.read = Some(Duration::from_millis(20));
        timeouts.expect_continue = Some(Duration::from_millis(500));
    });
    let (mut send, mut receive) = connection.split().unwrap();
    let late = |error: Error| assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Read));
    // Nobody asks for the first content: it leaves when the patience is over.
    send.send(&put_on_request("/1", 3)).unwrap();
    let mut waits = 0;
    while let Err(error) = send.send_content(b"abc") {
        late(error);
        waits += 1;
    }
    assert!(waits > 0);
    send.finish(&Fields::new()).unwrap();
    send.send(&put_on_request("/2", 3)).unwrap();
    let interim = loop {
        match receive.receive() {
            Ok(response) => break (response.exchange().index(), response.interim().len()),
            Err(error) => late(error),
        }
    };
    assert_eq!(interim, (0, 1), "the 100 that came too late");
    late(send.send_content(b"xyz").unwrap_err());
    assert_eq!(send.content_due(), Framing::Length(3));
    go.give();
    while let Err(error) = send.send_content(b"xyz") {
        late(error);
    }
    send.finish(&Fields::new()).unwrap();
    let interim = loop {
        match receive.receive() {
            Ok(response) => break (response.exchange().index(), response.interim().len()),
            Err(error) => late(error),
        }
    };
    assert_eq!(interim, (1, 1));
    assert_eq!(receive.unsplit(send).unwrap().reuse(), Reuse::Now);
    assert!(peer.join()[0].is_completed());
}

fn a_final_response_instead_of_100_is_heard_by_both(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(refusal).read_to_end()]);
    let mut connection = over.connect(&peer);
    set(&mut connection, |timeouts| timeouts.expect_continue = None);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&put_on_request("/", 3)).unwrap();
        assert_eq!(send.send_content(b"abc").unwrap(), 0);
        send.abandon().unwrap();
        send
    });
    assert_eq!(receive.receive().unwrap().status(), 417);
    let connection = receive.unsplit(sender.join().unwrap()).unwrap();
    assert_eq!((connection.content_sent(), connection.unanswered().count()), (0, 0));
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(b"\r\n\r\n"), "no byte of the content was sent");
}

fn a_reset_reaches_both_while_the_sender_is_blocked(over: Over) {
    let blocked = Signal::new();
    let script = Script::new().read_head().read_head().read(100_000).wait_for(&blocked).reset();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer);
    // Only to know that the sender is blocked: then it waits on, as long as it takes.
    set(&mut connection, |timeouts| timeouts.write = Some(Duration::from_millis(200)));
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&get("/")).unwrap();
        send.send(&put(LENGTH)).unwrap();
        let heard = loop {
            match send_content(&mut send, 100_000) {
                Ok(100_000) => {}
                Err(error) if error.kind() == ErrorKind::Timeout(Operation::Write) => blocked.give(),
                done => break done,
            }
        };
        (heard, send.unanswered(), send)
    });
    let error = receive_late(&mut receive).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    let (heard, unanswered, send) = sender.join().unwrap();
    // Whoever touches the stream first has the system's word for it; the other hears that it is over.
    let is_over = |error: &Error| matches!(error.kind(), ErrorKind::Lost | ErrorKind::Closed(_));
    assert!(heard.as_ref().map_or_else(is_over, |&taken| taken < 100_000), "{heard:?}");
    assert_eq!(unanswered, receive.unanswered());
    let progress: Vec<_> = unanswered.iter().map(|one| (one.progress, one.is_safe_to_repeat())).collect();
    assert_eq!(progress, [(Progress::Sent, true), (Progress::PartlySent, true)]);
    let connection = receive.unsplit(send).unwrap();
    assert!(connection.content_sent() < LENGTH as u64);
    assert!(connection.transport().is_none());
}

fn a_sender_that_is_dropped_leaves_its_content_unsent(over: Over) {
    let script = Script::new().read_head().expect("abc").send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let peer = over.peer([script.read_to_end()]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    send.send(&put(6)).unwrap();
    assert_eq!(send.send_content(b"abc").unwrap(), 3);
    drop(send);
    assert_eq!(receive.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    assert_eq!(receive.unanswered()[0].progress, Progress::PartlySent);
    assert_eq!(receive.receive().unwrap().status(), 400);
    assert_eq!(receive.receive().unwrap_err().kind(), ErrorKind::Closed(CloseReason::ContentAbandoned));
    drop(receive);
    let seen = peer.join();
    assert!(seen[0].is_completed() && seen[0].received().ends_with(b"\r\n\r\nabc"), "{:?}", seen[0]);
}

fn a_sender_that_is_dropped_without_room_ends_behind_what_was_taken(over: Over) {
    let go = Signal::new();
    // The peer answers behind our end, which over TLS is a notice that has to find room as well; it reads on when the other
    // half waits already.
    let script = Script::new().read_head().wait_for(&go).pause(Duration::from_millis(50)).read_to_end();
    let peer = over.peer([script.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]);
    let mut connection = over.connect(&peer);
    set(&mut connection, |timeouts| timeouts.write = Some(Duration::from_millis(50)));
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&put(LENGTH)).unwrap();
    let error = send_content(&mut send, LENGTH).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write));
    drop(send);
    go.give();
    assert_eq!(receive.receive().unwrap().status(), 400);
    drop(receive);
    let seen = peer.join();
    assert!(seen[0].is_completed() && seen[0].received().len() < LENGTH, "{:?}", seen[0].outcome());
}

/// Heads, and what follows them: of the letters from a to j, which are nowhere else there, the content is made.
const ANSWERS: [(&str, &str); 2] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "abcdefghij"),
    (
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n",
    ),
];

fn an_answer_that_is_cut_at_any_byte_is_no_answer(over: Over) {
    for (head, rest) in ANSWERS {
        let stream = [head, rest].concat();
        for cut in 0..stream.len() {
            for resets in [false, true] {
                let script = Script::new().read_head().expect("abc").send(&stream.as_bytes()[..cut]);
                let peer = over.peer([if resets { script.reset() } else { script }]);
                let (mut send, mut receive) = over.connect(&peer).split().unwrap();
                let sender = thread::spawn(move || {
                    send.send(&put(3)).unwrap();
                    assert_eq!(send.send_content(b"abc").unwrap(), 3);
                    // The other half may have met the end by now: then there is nothing to finish.
                    let _over = send.finish(&Fields::new());
                    send
                });
                let error = match receive.receive() {
                    Ok(response) => response.bytes().unwrap_err(),
                    Err(error) => error,
                };
                let connection = receive.unsplit(sender.join().unwrap()).unwrap();
                let came = &rest.as_bytes()[..cut.saturating_sub(head.len())];
                let came: Vec<u8> = came.iter().copied().filter(|byte| (b'a'..=b'j').contains(byte)).collect();
                let progress = connection.unanswered().next().unwrap().progress;
                let name = format!("{cut} bytes of {stream:?}, reset: {resets}; {error}");
                assert_eq!(error.kind(), ErrorKind::Lost, "{name}");
                assert!(matches!(connection.reuse(), Reuse::Never(_)), "{name}");
                if resets {
                    // What had come may be lost on the way, before anybody reads it.
                    assert!(came.starts_with(error.partial()), "{name}");
                } else {
                    let expected = if cut == 0 { Progress::Sent } else { Progress::ResponseBegun };
                    assert_eq!((error.partial(), progress), (&came[..], expected), "{name}");
                }
            }
        }
    }
}

fn a_receiver_that_is_dropped_half_way_closes(over: Over) {
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc";
    let peer = over.peer([Script::new().read_head().send(begun).hold()]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    send.send(&get("/")).unwrap();
    let mut response = receive.receive().unwrap();
    assert_eq!(response.read_content(&mut [0; 3]).unwrap(), 3);
    drop(response);
    drop(receive);
    let error = send.send(&get("/")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed(_)), "{error}");
    let unanswered = send.unanswered();
    assert_eq!((unanswered.len(), unanswered[0].progress), (1, Progress::ResponseBegun));
}

fn a_sender_keeps_to_its_timeout_and_goes_on(over: Over) {
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(LENGTH).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer);
    set(&mut connection, |timeouts| timeouts.write = Some(Duration::from_millis(50)));
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&put(LENGTH)).unwrap();
        let content = pattern(LENGTH);
        let (mut taken, mut late) = (0, 0);
        while taken < LENGTH {
            match send.send_content(&content[taken..]) {
                Ok(more) => {
                    assert!(more > 0);
                    taken += more;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write));
                    assert_eq!(error.stage(), wireline::Stage::Sending);
                    late += 1;
                    go.give();
                }
            }
        }
        send.finish(&Fields::new()).unwrap();
        (late, send)
    });
    assert_eq!(receive_late(&mut receive).unwrap(), 204);
    let (late, send) = sender.join().unwrap();
    assert!(late > 0);
    let connection = receive.unsplit(send).unwrap();
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&pattern(LENGTH)));
}

/// A peer that neither reads nor answers, and what each half says in the end.
fn both_wait(over: Over, prepare: impl FnOnce(&mut Connection<Stream>)) -> [ErrorKind; 2] {
    let peer = over.peer([Script::new().read_head().hold().patience(WAIT)]);
    let mut connection = over.connect(&peer);
    prepare(&mut connection);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&put(LENGTH)).unwrap();
        (send_content(&mut send, LENGTH).unwrap_err().kind(), send)
    });
    let received = loop {
        match receive.receive().unwrap_err().kind() {
            // Before the sender has begun nothing is in flight.
            kind if receive.unanswered().is_empty() => assert!(matches!(kind, ErrorKind::Timeout(_)), "{kind}"),
            kind => break kind,
        }
    };
    let (sent, send) = sender.join().unwrap();
    assert_eq!(send.unanswered()[0].progress, Progress::PartlySent);
    assert!(receive.unsplit(send).unwrap().transport().is_some(), "it can go on");
    [sent, received]
}

fn a_deadline_ends_both_waits(over: Over) {
    let kinds = both_wait(over, |connection| {
        connection.set_deadline(Some(Instant::now() + Duration::from_secs(1)));
    });
    assert_eq!(kinds, [ErrorKind::Timeout(Operation::Deadline); 2]);
}

fn an_exchange_that_takes_too_long_ends_both_waits(over: Over) {
    let kinds =
        both_wait(over, |connection| set(connection, |timeouts| timeouts.exchange = Some(Duration::from_secs(1))));
    assert_eq!(kinds, [ErrorKind::Timeout(Operation::Exchange); 2]);
}
