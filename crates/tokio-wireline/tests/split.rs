//! One connection in two tasks, and what goes wrong or comes early: each half hears of it.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_wireline::wireline::Operation;
use tokio_wireline::{
    Canceller, CloseReason, Config, Connection, Connector, Error, ErrorKind, Fields, Framing, Limits, Progress,
    ReceiveHalf, Request, Reuse, SendHalf, Stage, Stream, Timeouts,
};
use wireline_testkit::{Origin, Script, Signal, pattern};

use common::{LONG, Over, given, over_tcp_and_tls};

over_tcp_and_tls! {
    one_sends_ten_thousand_and_the_other_reads_them
    a_blocked_sender_does_not_stop_the_receiver
    a_sender_waits_for_room_that_the_receiver_makes
    an_end_in_the_middle_reaches_both
    without_the_sender_the_rest_is_received
    without_the_receiver_the_buffer_is_the_bound
    a_close_is_noticed_while_nothing_is_in_flight
    a_receiver_keeps_to_its_timeout
    every_future_of_both_may_be_dropped_wherever_it_waits
    a_canceller_ends_both_waits_and_both_go_on
    halves_of_two_connections_stay_apart
    a_switch_is_received_and_then_made_in_one_piece
    an_early_answer_is_heard_by_both
    an_early_answer_followed_by_a_reset_is_heard_by_both
    an_early_answer_stops_a_sender_without_a_receiver
    content_waits_for_its_100_behind_other_exchanges
    content_leaves_when_nobody_asks_for_it
    a_wait_for_100_that_was_dropped_wakes_nobody
    a_late_100_does_not_release_the_content_behind_it
    a_final_response_instead_of_100_is_heard_by_both
    a_reset_reaches_both_while_the_sender_is_blocked
    a_sender_that_is_dropped_leaves_its_content_unsent
    a_receiver_that_is_dropped_half_way_closes
    a_sender_keeps_to_its_timeout_and_goes_on
    a_deadline_ends_both_waits
    an_exchange_that_takes_too_long_ends_both_waits
}

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

async fn origin(over: Over) -> (Origin, Connection<Stream>) {
    origin_with(over, Config::default()).await
}

async fn origin_with(over: Over, config: Config) -> (Origin, Connection<Stream>) {
    let origin = match over {
        Over::Tcp => Origin::start().unwrap(),
        Over::Tls => Origin::start_tls(common::authority().server_config().unwrap()).unwrap(),
    };
    let url = tokio_wireline::Origin::new(over.scheme(), "127.0.0.1", origin.address().port()).unwrap();
    let connector = Connector::new().timeouts(common::patient()).config(config).tls(common::roots());
    (origin, connector.connect(&url).await.unwrap())
}

fn set(connection: &mut Connection<Stream>, change: impl FnOnce(&mut Timeouts)) {
    let mut timeouts = connection.timeouts();
    change(&mut timeouts);
    connection.set_timeouts(timeouts);
}

/// Sends content until there is no more of it to send, or none is taken: how much was taken.
async fn send_content(send: &mut SendHalf, length: usize) -> Result<usize, Error> {
    let piece = pattern(100_000);
    let mut taken = 0;
    while taken < length {
        match send.send_content(&piece[..piece.len().min(length - taken)]).await? {
            0 => break,
            more => taken += more,
        }
    }
    Ok(taken)
}

/// Receives a response, however often there is no room for what the other half has queued: that is sent from here as
/// well.
async fn receive_late(receive: &mut ReceiveHalf) -> Result<u16, Error> {
    loop {
        match receive.receive().await {
            Err(error) if error.kind() == ErrorKind::Timeout(Operation::Write) => {}
            done => return done.map(|response| response.status().as_u16()),
        }
    }
}

/// Polls a future once, and drops it.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Makes a call again and again, and drops its future each time that it would wait.
macro_rules! never_waiting {
    ($call:expr) => {
        loop {
            match once($call).await {
                Some(done) => break done,
                None => tokio::task::yield_now().await,
            }
        }
    };
}

async fn one_sends_ten_thousand_and_the_other_reads_them(over: Over) {
    let (origin, connection) = origin(over).await;
    ten_thousand(origin, connection).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_tasks_may_run_on_two_threads() {
    for over in [Over::Tcp, Over::Tls] {
        let (origin, connection) = origin(over).await;
        tokio::spawn(ten_thousand(origin, connection)).await.unwrap();
    }
}

async fn ten_thousand(origin: Origin, connection: Connection<Stream>) {
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        for n in 0..10_000 {
            assert_eq!(send.send(&get(&format!("/bytes/{}", n % 100))).await.unwrap().index(), n);
        }
        send
    });
    for n in 0..10_000 {
        let response = receive.receive().await.unwrap();
        assert_eq!(response.exchange().index(), n as u64);
        assert!(response.bytes().await.unwrap() == pattern(n % 100));
    }
    let mut connection = receive.unsplit(sender.await.unwrap()).unwrap();
    assert_eq!(origin.requests(), 10_000);
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.get("/bytes/3").await.unwrap().bytes().await.unwrap(), pattern(3));
}

async fn a_blocked_sender_does_not_stop_the_receiver(over: Over) {
    let go = Signal::new();
    let script =
        Script::new().read_head().read_head().send(EMPTY).wait_for(&go).patience(LONG).read(LENGTH).send(EMPTY).hold();
    let peer = over.peer([script]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&get("/")).await.unwrap();
        send.send(&put(LENGTH)).await.unwrap();
        assert_eq!(send_content(&mut send, LENGTH).await.unwrap(), LENGTH);
        send.finish(&Fields::new()).unwrap();
        send
    });
    // Nothing of the content is read before this answer has been.
    assert_eq!(receive.receive().await.unwrap().status(), 204);
    go.give();
    assert_eq!(receive.receive().await.unwrap().status(), 204);
    let connection = sender.await.unwrap().unsplit(receive).unwrap();
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
}

async fn a_sender_waits_for_room_that_the_receiver_makes(over: Over) {
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.receive_buffer = 64 << 10;
    config.limits = limits;
    let (_origin, connection) = origin_with(over, config).await;
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        let long = Request::builder("GET", "/bytes/100000").host("a").field("X", "x".repeat(4000)).build().unwrap();
        for _ in 0..300 {
            send.send(&long).await.unwrap();
        }
        send
    });
    let expected = pattern(100_000);
    for _ in 0..300 {
        assert!(receive.receive().await.unwrap().bytes().await.unwrap() == expected);
    }
    assert_eq!(receive.unsplit(sender.await.unwrap()).unwrap().reuse(), Reuse::Now);
}

async fn an_end_in_the_middle_reaches_both(over: Over) {
    let peer = over.peer([Script::new().read_head().read_head().send(EMPTY)]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    let lost = Signal::new();
    let is_lost = lost.clone();
    let sender = tokio::spawn(async move {
        send.send(&get("/0")).await.unwrap();
        send.send(&get("/1")).await.unwrap();
        given(&is_lost).await;
        let error = send.send(&get("/2")).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed(_)), "{error}");
        (send.unanswered(), send)
    });
    assert_eq!(receive.receive().await.unwrap().status(), 204);
    assert_eq!(receive.receive().await.unwrap_err().kind(), ErrorKind::Lost);
    lost.give();
    let (unanswered, send) = sender.await.unwrap();
    assert_eq!(unanswered, receive.unanswered());
    assert_eq!(unanswered.len(), 1);
    assert!(unanswered[0].is_safe_to_repeat());
    assert_eq!(receive.unsplit(send).unwrap().unanswered().count(), 1);
}

async fn without_the_sender_the_rest_is_received(over: Over) {
    let (_origin, connection) = origin(over).await;
    let (mut send, mut receive) = connection.split().unwrap();
    for n in 0..10 {
        send.send(&get(&format!("/bytes/{n}"))).await.unwrap();
    }
    let gone = tokio::spawn(async move { drop(send) });
    for n in 0..10 {
        assert_eq!(receive.receive().await.unwrap().bytes().await.unwrap(), pattern(n));
    }
    assert_eq!(receive.receive().await.unwrap_err().kind(), ErrorKind::NothingOwed);
    gone.await.unwrap();
}

async fn without_the_receiver_the_buffer_is_the_bound(over: Over) {
    let (_origin, connection) = origin(over).await;
    let (mut send, receive) = connection.split().unwrap();
    drop(receive);
    let long = Request::builder("GET", "/bytes/1000000").host("a").field("X", "x".repeat(4000)).build().unwrap();
    let error = loop {
        if let Err(error) = send.send(&long).await {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ReceiveBufferFull { .. }), "{error}");
}

async fn a_close_is_noticed_while_nothing_is_in_flight(over: Over) {
    let peer = over.peer([Script::new().read_head().send(EMPTY)]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    send.send(&get("/")).await.unwrap();
    assert_eq!(receive.receive().await.unwrap().status(), 204);
    assert!(matches!(receive.receive().await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerClosed)));
    assert!(matches!(send.send(&get("/")).await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerClosed)));
}

async fn a_receiver_keeps_to_its_timeout(over: Over) {
    let peer = over.peer([Script::new().read_head().hold()]);
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.read = Some(Duration::from_millis(20)));
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&get("/")).await.unwrap();
    assert_eq!(receive.receive().await.unwrap_err().kind(), ErrorKind::Timeout(Operation::Read));
    assert_eq!(receive.unanswered().len(), 1);
}

async fn every_future_of_both_may_be_dropped_wherever_it_waits(over: Over) {
    const PIECES: usize = 40;
    let (origin, connection) = origin(over).await;
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        let content = pattern(PIECES * 10_000);
        for _ in 0..3 {
            never_waiting!(send.send(&get("/bytes/200000"))).unwrap();
            let echo = Request::builder("PUT", "/echo").host("a").content_length(content.len() as u64).build().unwrap();
            never_waiting!(send.send(&echo)).unwrap();
            let mut taken = 0;
            while taken < content.len() {
                taken += never_waiting!(send.send_content(&content[taken..])).unwrap();
            }
            send.finish(&Fields::new()).unwrap();
            never_waiting!(send.flush()).unwrap();
        }
        send
    });
    for _ in 0..3 {
        for expected in [pattern(200_000), pattern(PIECES * 10_000)] {
            let mut response = never_waiting!(receive.receive()).unwrap();
            let (mut content, mut piece) = (Vec::new(), [0; 5000]);
            while let 1.. = never_waiting!(response.read_content(&mut piece))
                .map(|read| {
                    content.extend_from_slice(&piece[..read]);
                    read
                })
                .unwrap()
            {}
            assert!(content == expected);
        }
    }
    assert_eq!(receive.unsplit(sender.await.unwrap()).unwrap().reuse(), Reuse::Now);
    assert_eq!((origin.requests(), origin.connections()), (6, 1));
}

async fn a_canceller_ends_both_waits_and_both_go_on(over: Over) {
    let go = Signal::new();
    let script = Script::new().read_head().wait_for(&go).patience(LONG).read(LENGTH).send(EMPTY).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let canceller = Canceller::new().unwrap();
    connection.set_canceller(Some(canceller.clone())).unwrap();
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&put(LENGTH)).await.unwrap();
    let cancel = async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        canceller.cancel();
    };
    let (sent, received, ()) = tokio::join!(send_content(&mut send, LENGTH), receive.receive(), cancel);
    assert_eq!([sent.unwrap_err().kind(), received.unwrap_err().kind()], [ErrorKind::Canceled; 2]);
    canceller.reset();
    go.give();
    let left = send.content_due().length().unwrap() as usize;
    let rest = async {
        assert_eq!(send_content(&mut send, left).await.unwrap(), left);
        send.finish(&Fields::new()).unwrap();
    };
    let ((), received) = tokio::join!(rest, receive.receive());
    assert_eq!(received.unwrap().status(), 204);
    assert_eq!(receive.unsplit(send).unwrap().reuse(), Reuse::Now);
    drop(peer);
}

async fn halves_of_two_connections_stay_apart(over: Over) {
    let (origin, one) = origin(over).await;
    let url = tokio_wireline::Origin::new(over.scheme(), "127.0.0.1", origin.address().port()).unwrap();
    let other = Connector::new().tls(common::roots()).connect(&url).await.unwrap();
    let (send, mut receive) = one.split().unwrap();
    let (others_send, others_receive) = other.split().unwrap();
    let (mut send, others_receive) = send.unsplit(others_receive).unwrap_err();
    send.send(&get("/bytes/1")).await.unwrap();
    assert_eq!(receive.receive().await.unwrap().bytes().await.unwrap(), pattern(1));
    assert!(send.unsplit(receive).is_ok() && others_receive.unsplit(others_send).is_ok());
}

async fn a_switch_is_received_and_then_made_in_one_piece(over: Over) {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello";
    let peer = over.peer([Script::new().read_head().send(switch).expect("abc").send("xyz")]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    send.send(
        &Request::builder("GET", "/")
            .host("a")
            .field("Connection", "upgrade")
            .field("Upgrade", "echo")
            .build()
            .unwrap(),
    )
    .await
    .unwrap();
    let response = receive.receive().await.unwrap();
    assert_eq!(response.status(), 101);
    drop(response);
    let mut connection = receive.unsplit(send).unwrap();
    let mut switched = connection.response().unwrap().into_switched().unwrap();
    switched.write_all(b"abc").await.unwrap();
    let mut came = [0; 8];
    switched.read_exact(&mut came).await.unwrap();
    assert_eq!(&came, b"helloxyz");
}

async fn an_early_answer_is_heard_by_both(over: Over) {
    // The peer answers and stops reading: only the answer can wake the sender.
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).hold()]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&put(LENGTH)).await.unwrap();
        let taken = send_content(&mut send, LENGTH).await.unwrap();
        let due = send.content_due();
        send.abandon().unwrap();
        (taken, due, send)
    });
    let response = receive.receive().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.bytes().await.unwrap(), b"less");
    let (taken, due, send) = sender.await.unwrap();
    assert_eq!(due, Framing::Length((LENGTH - taken) as u64));
    let connection = receive.unsplit(send).unwrap();
    assert!((100_000..LENGTH as u64).contains(&connection.content_sent()), "{}", connection.content_sent());
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    assert_eq!(connection.unanswered().count(), 0);
}

async fn an_early_answer_followed_by_a_reset_is_heard_by_both(over: Over) {
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).reset()]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&put(LENGTH)).await.unwrap();
        let taken = send_content(&mut send, LENGTH).await.unwrap();
        // Refused where the reset was heard before: then nothing is due any more.
        let _broken = send.abandon();
        (taken, send)
    });
    let response = receive.receive().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.bytes().await.unwrap(), b"less");
    let (taken, send) = sender.await.unwrap();
    assert!(taken < LENGTH);
    let connection = receive.unsplit(send).unwrap();
    assert!(connection.content_sent() < LENGTH as u64);
    assert!(matches!(connection.reuse(), Reuse::Never(_)), "{}", connection.reuse());
    assert_eq!(connection.unanswered().count(), 0);
}

async fn an_early_answer_stops_a_sender_without_a_receiver(over: Over) {
    let peer = over.peer([Script::new().read_head().read(100_000).send(REFUSAL).hold()]);
    let (mut send, receive) = over.connect(&peer).await.split().unwrap();
    drop(receive);
    send.send(&put(LENGTH)).await.unwrap();
    assert!(send_content(&mut send, LENGTH).await.unwrap() < LENGTH);
    send.abandon().unwrap();
    assert_eq!(send.unanswered()[0].progress, Progress::ResponseBegun);
}

async fn content_waits_for_its_100_behind_other_exchanges(over: Over) {
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
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.expect_continue = None);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&get("/")).await.unwrap();
        send.send(&put_on_request("/", 3)).await.unwrap();
        assert_eq!(send.content_due(), Framing::Length(3));
        // Both heads have to have left: what is in the way of the content is an answer.
        send.flush().await.unwrap();
        go.give();
        assert_eq!(send.send_content(b"abc").await.unwrap(), 3);
        send.finish(&Fields::new()).unwrap();
        send
    });
    let response = receive.receive().await.unwrap();
    assert_eq!((response.status().as_u16(), response.interim().len()), (204, 0));
    drop(response);
    let response = receive.receive().await.unwrap();
    assert_eq!((response.status().as_u16(), response.interim().len()), (204, 1));
    drop(response);
    assert_eq!(receive.unsplit(sender.await.unwrap()).unwrap().reuse(), Reuse::Now);
    assert!(peer.join()[0].is_completed());
}

async fn content_leaves_when_nobody_asks_for_it(over: Over) {
    let peer = over.peer([Script::new().read_head().expect("abc").send(EMPTY)]);
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.expect_continue = Some(Duration::from_millis(20)));
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = async {
        send.send(&put_on_request("/", 3)).await.unwrap();
        assert_eq!(send.send_content(b"abc").await.unwrap(), 3);
        send.finish(&Fields::new()).unwrap();
    };
    let (received, ()) = tokio::join!(receive.receive(), sender);
    assert_eq!(received.unwrap().status(), 204);
    assert_eq!(receive.unsplit(send).unwrap().reuse(), Reuse::Now);
}

async fn a_wait_for_100_that_was_dropped_wakes_nobody(over: Over) {
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().wait_for(&go).send(REFUSAL).read_to_end()]);
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.expect_continue = Some(Duration::from_millis(10)));
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&put_on_request("/", 3)).await.unwrap();
    assert!(once(send.send_content(b"abc")).await.is_none());
    // The one thread is free all the time, also when the content might leave.
    let later = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        go.give();
    };
    let (received, ()) = tokio::join!(receive.receive(), later);
    assert_eq!(received.unwrap().status(), 413);
    assert_eq!(send.content_sent(), 0);
}

async fn a_late_100_does_not_release_the_content_behind_it(over: Over) {
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
    let mut connection = over.connect(&peer).await;
    // The wait for a 100 is over much later than the wait of a call.
    set(&mut connection, |timeouts| {
        timeouts.read = Some(Duration::from_millis(20));
        timeouts.expect_continue = Some(Duration::from_millis(500));
    });
    let (mut send, mut receive) = connection.split().unwrap();
    let late = |error: Error| assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Read));
    // Nobody asks for the first content: it leaves when the patience is over.
    send.send(&put_on_request("/1", 3)).await.unwrap();
    let mut waits = 0;
    while let Err(error) = send.send_content(b"abc").await {
        late(error);
        waits += 1;
    }
    assert!(waits > 0);
    send.finish(&Fields::new()).unwrap();
    send.send(&put_on_request("/2", 3)).await.unwrap();
    let interim = loop {
        match receive.receive().await {
            Ok(response) => break (response.exchange().index(), response.interim().len()),
            Err(error) => late(error),
        }
    };
    assert_eq!(interim, (0, 1), "the 100 that came too late");
    late(send.send_content(b"xyz").await.unwrap_err());
    assert_eq!(send.content_due(), Framing::Length(3));
    go.give();
    while let Err(error) = send.send_content(b"xyz").await {
        late(error);
    }
    send.finish(&Fields::new()).unwrap();
    let interim = loop {
        match receive.receive().await {
            Ok(response) => break (response.exchange().index(), response.interim().len()),
            Err(error) => late(error),
        }
    };
    assert_eq!(interim, (1, 1));
    assert_eq!(receive.unsplit(send).unwrap().reuse(), Reuse::Now);
    assert!(peer.join()[0].is_completed());
}

async fn a_final_response_instead_of_100_is_heard_by_both(over: Over) {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(refusal).read_to_end()]);
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.expect_continue = None);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&put_on_request("/", 3)).await.unwrap();
        assert_eq!(send.send_content(b"abc").await.unwrap(), 0);
        send.abandon().unwrap();
        send
    });
    assert_eq!(receive.receive().await.unwrap().status(), 417);
    let connection = receive.unsplit(sender.await.unwrap()).unwrap();
    assert_eq!((connection.content_sent(), connection.unanswered().count()), (0, 0));
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(b"\r\n\r\n"), "no byte of the content was sent");
}

async fn a_reset_reaches_both_while_the_sender_is_blocked(over: Over) {
    let blocked = Signal::new();
    let script = Script::new().read_head().read_head().read(100_000).wait_for(&blocked).reset();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    // Only to know that the sender is blocked: then it waits on, as long as it takes.
    set(&mut connection, |timeouts| timeouts.write = Some(Duration::from_millis(200)));
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&get("/")).await.unwrap();
        send.send(&put(LENGTH)).await.unwrap();
        let heard = loop {
            match send_content(&mut send, 100_000).await {
                Ok(100_000) => {}
                Err(error) if error.kind() == ErrorKind::Timeout(Operation::Write) => blocked.give(),
                done => break done,
            }
        };
        (heard, send.unanswered(), send)
    });
    let error = receive_late(&mut receive).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    let (heard, unanswered, send) = sender.await.unwrap();
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

async fn a_sender_that_is_dropped_leaves_its_content_unsent(over: Over) {
    let script = Script::new().read_head().expect("abc").send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let peer = over.peer([script.read_to_end()]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    send.send(&put(6)).await.unwrap();
    assert_eq!(send.send_content(b"abc").await.unwrap(), 3);
    send.flush().await.unwrap();
    drop(send);
    assert_eq!(receive.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
    assert_eq!(receive.unanswered()[0].progress, Progress::PartlySent);
    assert_eq!(receive.receive().await.unwrap().status(), 400);
    assert_eq!(receive.receive().await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::ContentAbandoned));
    drop(receive);
    let seen = peer.join();
    assert!(seen[0].is_completed() && seen[0].received().ends_with(b"\r\n\r\nabc"), "{:?}", seen[0]);
}

async fn a_receiver_that_is_dropped_half_way_closes(over: Over) {
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc";
    let peer = over.peer([Script::new().read_head().send(begun).hold()]);
    let (mut send, mut receive) = over.connect(&peer).await.split().unwrap();
    send.send(&get("/")).await.unwrap();
    let mut response = receive.receive().await.unwrap();
    assert_eq!(response.read_content(&mut [0; 3]).await.unwrap(), 3);
    drop(response);
    drop(receive);
    let error = send.send(&get("/")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed(_)), "{error}");
    let unanswered = send.unanswered();
    assert_eq!((unanswered.len(), unanswered[0].progress), (1, Progress::ResponseBegun));
}

async fn a_sender_keeps_to_its_timeout_and_goes_on(over: Over) {
    let go = Signal::new();
    let peer = over.peer([Script::new().read_head().wait_for(&go).read(LENGTH).send(EMPTY).hold()]);
    let mut connection = over.connect(&peer).await;
    set(&mut connection, |timeouts| timeouts.write = Some(Duration::from_millis(50)));
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&put(LENGTH)).await.unwrap();
        let content = pattern(LENGTH);
        let (mut taken, mut late) = (0, 0);
        while taken < LENGTH {
            match send.send_content(&content[taken..]).await {
                Ok(more) => {
                    assert!(more > 0);
                    taken += more;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write));
                    assert_eq!(error.stage(), Stage::Sending);
                    late += 1;
                    go.give();
                }
            }
        }
        send.finish(&Fields::new()).unwrap();
        (late, send)
    });
    assert_eq!(receive_late(&mut receive).await.unwrap(), 204);
    let (late, send) = sender.await.unwrap();
    assert!(late > 0);
    let connection = receive.unsplit(send).unwrap();
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
    drop(connection);
    assert!(peer.join()[0].received().ends_with(&pattern(LENGTH)));
}

/// A peer that neither reads nor answers, and what each half says in the end.
async fn both_wait(over: Over, prepare: impl FnOnce(&mut Connection<Stream>)) -> [ErrorKind; 2] {
    let peer = over.peer([Script::new().read_head().hold().patience(LONG)]);
    let mut connection = over.connect(&peer).await;
    prepare(&mut connection);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = tokio::spawn(async move {
        send.send(&put(LENGTH)).await.unwrap();
        (send_content(&mut send, LENGTH).await.unwrap_err().kind(), send)
    });
    let received = loop {
        match receive.receive().await.unwrap_err().kind() {
            // Before the sender has begun nothing is in flight.
            kind if receive.unanswered().is_empty() => assert!(matches!(kind, ErrorKind::Timeout(_)), "{kind}"),
            kind => break kind,
        }
    };
    let (sent, send) = sender.await.unwrap();
    assert_eq!(send.unanswered()[0].progress, Progress::PartlySent);
    assert!(receive.unsplit(send).unwrap().transport().is_some(), "it can go on");
    [sent, received]
}

async fn a_deadline_ends_both_waits(over: Over) {
    let kinds = both_wait(over, |connection| {
        connection.set_deadline(Some(Instant::now() + Duration::from_secs(1)));
    })
    .await;
    assert_eq!(kinds, [ErrorKind::Timeout(Operation::Deadline); 2]);
}

async fn an_exchange_that_takes_too_long_ends_both_waits(over: Over) {
    let kinds =
        both_wait(over, |connection| set(connection, |timeouts| timeouts.exchange = Some(Duration::from_secs(1))))
            .await;
    assert_eq!(kinds, [ErrorKind::Timeout(Operation::Exchange); 2]);
}

/// Each byte has to wait for room, and for another that comes: whoever is not woken hangs, and time is at its end at once.
#[tokio::test(start_paused = true)]
async fn each_half_is_woken_for_each_byte() {
    const ROUNDS: usize = 100;
    let (near, far) = tokio::io::duplex(1);
    let (mut asked, mut answers) = tokio::io::split(far);
    let server = async move {
        let mut request = [0; b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".len()];
        for _ in 0..ROUNDS {
            asked.read_exact(&mut request).await?;
            answers.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await?;
        }
        Ok::<_, io::Error>(asked.unsplit(answers))
    };
    let (mut send, mut receive) = Connection::over(near).split().unwrap();
    let sender = async move {
        for _ in 0..ROUNDS {
            send.send(&get("/")).await?;
            send.flush().await?;
        }
        Ok::<_, Error>(send)
    };
    let receiver = async move {
        for _ in 0..ROUNDS {
            let (mut response, mut content) = (receive.receive().await?, Vec::new());
            response.read_to_end(&mut content).await.unwrap();
            assert_eq!(content, b"abc");
        }
        Ok::<_, Error>(receive)
    };
    let all = async { tokio::join!(tokio::spawn(server), tokio::spawn(sender), tokio::spawn(receiver)) };
    let (server, sender, receiver) = timeout(LONG, all).await.unwrap();
    let _far = server.unwrap().unwrap();
    let connection = receiver.unwrap().unwrap().unsplit(sender.unwrap().unwrap()).unwrap();
    assert_eq!(connection.reuse(), Reuse::Now);
}
