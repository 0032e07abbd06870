//! One connection in two threads.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wireline::{
    CloseReason, Config, Connection, Connector, ErrorKind, Fields, Limits, Ready, Request, Reuse, Scheme, Stream,
    Transport,
};
use wireline_testkit::{Origin, Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    one_sends_ten_thousand_and_the_other_reads_them
    a_blocked_sender_does_not_stop_the_receiver
    a_sender_waits_for_room_that_the_receiver_makes
    an_end_in_the_middle_reaches_both
    without_the_sender_the_rest_is_received
    without_the_receiver_the_buffer_is_the_bound
    a_close_is_noticed_while_nothing_is_in_flight
    a_receiver_keeps_to_its_timeout
}

const WAIT: Duration = Duration::from_secs(10);
const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn get(target: &str) -> Request {
    Request::get(target, "a").unwrap()
}

fn origin(over: Over) -> (Origin, Connection<Stream>) {
    origin_with(over, Config::default())
}

fn origin_with(over: Over, config: Config) -> (Origin, Connection<Stream>) {
    let (scheme, origin) = match over {
        Over::Tcp => (Scheme::Http, Origin::start().unwrap()),
        Over::Tls => (Scheme::Https, Origin::start_tls(common::authority().server_config().unwrap()).unwrap()),
    };
    let url = wireline::Origin::new(scheme, "127.0.0.1", origin.address().port()).unwrap();
    let connector = Connector::new().timeouts(common::patient()).config(config).tls(common::roots());
    (origin, connector.connect(&url).unwrap())
}

fn one_sends_ten_thousand_and_the_other_reads_them(over: Over) {
    let (origin, connection) = origin(over);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        for n in 0..10_000 {
            assert_eq!(send.send(&get(&format!("/bytes/{}", n % 100))).unwrap().index(), n);
        }
        send
    });
    for n in 0..10_000 {
        let response = receive.receive().unwrap();
        assert_eq!(response.exchange().index(), n as u64);
        assert!(response.bytes().unwrap() == pattern(n % 100));
    }
    let mut connection = receive.unsplit(sender.join().unwrap()).unwrap();
    assert_eq!(origin.requests(), 10_000);
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.get("/bytes/3").unwrap().bytes().unwrap(), pattern(3));
}

fn a_blocked_sender_does_not_stop_the_receiver(over: Over) {
    const LENGTH: usize = 30_000_000;
    let go = Signal::new();
    let script =
        Script::new().read_head().read_head().send(EMPTY).wait_for(&go).patience(WAIT).read(LENGTH).send(EMPTY).hold();
    let peer = over.peer([script]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    let sender = thread::spawn(move || {
        send.send(&get("/")).unwrap();
        let put = Request::builder("PUT", "/").host("a").content_length(LENGTH as u64).build().unwrap();
        send.send(&put).unwrap();
        let content = pattern(100_000);
        for _ in 0..LENGTH / content.len() {
            let mut rest = &content[..];
            while !rest.is_empty() {
                let taken = send.send_content(rest).unwrap();
                assert!(taken > 0);
                rest = &rest[taken..];
            }
        }
        send.finish(&Fields::new()).unwrap();
        send
    });
    // Nothing of the content is read before this answer has been.
    assert_eq!(receive.receive().unwrap().status(), 204);
    go.give();
    assert_eq!(receive.receive().unwrap().status(), 204);
    let connection = sender.join().unwrap().unsplit(receive).unwrap();
    assert_eq!((connection.content_sent(), connection.reuse()), (LENGTH as u64, Reuse::Now));
}

fn a_sender_waits_for_room_that_the_receiver_makes(over: Over) {
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.receive_buffer = 64 << 10;
    config.limits = limits;
    let (_origin, connection) = origin_with(over, config);
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        let long = Request::builder("GET", "/bytes/100000").host("a").field("X", "x".repeat(4000)).build().unwrap();
        for _ in 0..300 {
            send.send(&long).unwrap();
        }
        send
    });
    let expected = pattern(100_000);
    for _ in 0..300 {
        assert!(receive.receive().unwrap().bytes().unwrap() == expected);
    }
    assert_eq!(receive.unsplit(sender.join().unwrap()).unwrap().reuse(), Reuse::Now);
}

fn an_end_in_the_middle_reaches_both(over: Over) {
    let peer = over.peer([Script::new().read_head().read_head().send(EMPTY)]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    let lost = Signal::new();
    let is_lost = lost.clone();
    let sender = thread::spawn(move || {
        send.send(&get("/0")).unwrap();
        send.send(&get("/1")).unwrap();
        assert!(is_lost.wait(WAIT));
        let error = send.send(&get("/2")).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed(_)), "{error}");
        (send.unanswered(), send)
    });
    assert_eq!(receive.receive().unwrap().status(), 204);
    assert_eq!(receive.receive().unwrap_err().kind(), ErrorKind::Lost);
    lost.give();
    let (unanswered, send) = sender.join().unwrap();
    assert_eq!(unanswered, receive.unanswered());
    assert_eq!(unanswered.len(), 1);
    assert!(unanswered[0].is_safe_to_repeat());
    assert_eq!(receive.unsplit(send).unwrap().unanswered().count(), 1);
}

fn without_the_sender_the_rest_is_received(over: Over) {
    let (_origin, connection) = origin(over);
    let (mut send, mut receive) = connection.split().unwrap();
    for n in 0..10 {
        send.send(&get(&format!("/bytes/{n}"))).unwrap();
    }
    drop(send);
    for n in 0..10 {
        assert_eq!(receive.receive().unwrap().bytes().unwrap(), pattern(n));
    }
    assert_eq!(receive.receive().unwrap_err().kind(), ErrorKind::NothingOwed);
}

fn without_the_receiver_the_buffer_is_the_bound(over: Over) {
    let (_origin, connection) = origin(over);
    let (mut send, receive) = connection.split().unwrap();
    drop(receive);
    let long = Request::builder("GET", "/bytes/1000000").host("a").field("X", "x".repeat(4000)).build().unwrap();
    let error = (0..100_000).find_map(|_| send.send(&long).err()).unwrap();
    assert!(matches!(error.kind(), ErrorKind::ReceiveBufferFull { .. }), "{error}");
}

fn a_close_is_noticed_while_nothing_is_in_flight(over: Over) {
    let peer = over.peer([Script::new().read_head().send(EMPTY)]);
    let (mut send, mut receive) = over.connect(&peer).split().unwrap();
    send.send(&get("/")).unwrap();
    assert_eq!(receive.receive().unwrap().status(), 204);
    assert!(matches!(receive.receive().unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerClosed)));
    assert!(matches!(send.send(&get("/")).unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerClosed)));
}

fn a_receiver_keeps_to_its_timeout(over: Over) {
    let peer = over.peer([Script::new().read_head().hold()]);
    let mut connection = over.connect(&peer);
    let mut timeouts = connection.timeouts();
    timeouts.read = Some(Duration::from_millis(20));
    connection.set_timeouts(timeouts);
    let (mut send, mut receive) = connection.split().unwrap();
    send.send(&get("/")).unwrap();
    assert_eq!(receive.receive().unwrap_err().kind(), ErrorKind::Timeout(wireline::Operation::Read));
    assert_eq!(receive.unanswered().len(), 1);
}

#[test]
fn a_receiver_is_never_left_waiting_for_a_sender_that_leaves() {
    let (rounds, round) = mpsc::channel();
    thread::spawn(move || {
        for spins in 0..3_000_u32 {
            let (near, far) = UnixStream::pair().unwrap();
            let (send, mut receive) = Connection::from(near).split().unwrap();
            let leaves = thread::spawn(move || {
                (0..spins % 300).for_each(|_| std::hint::spin_loop());
                drop(send);
            });
            rounds.send(receive.receive().unwrap_err().kind()).unwrap();
            leaves.join().unwrap();
            drop(far);
        }
    });
    for _ in 0..3_000 {
        assert_eq!(round.recv_timeout(WAIT).expect("it ends"), ErrorKind::NothingOwed);
    }
}

/// A transport of somebody else, which never waits.
#[derive(Debug)]
struct Foreign(UnixStream);

impl Transport for Foreign {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        self.0.read(into)
    }

    fn wait(&mut self, _: Ready, _: Option<Duration>) -> io::Result<Ready> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn close(&mut self) {}
}

impl AsFd for Foreign {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[test]
fn whatever_has_a_descriptor_can_be_split() {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let peer = thread::spawn(move || {
        for line in BufReader::new(&far).lines() {
            if line.unwrap().is_empty() {
                (&far).write_all(EMPTY.as_bytes()).unwrap();
            }
        }
    });
    let mut connection = Connection::with_transport(Foreign(near), Config::default());
    connection.set_timeouts(common::patient());
    let (mut send, mut receive) = connection.split().unwrap();
    let sender = thread::spawn(move || {
        for n in 0..1_000 {
            send.send(&get(&format!("/{n}"))).unwrap();
        }
        send
    });
    for _ in 0..1_000 {
        assert_eq!(receive.receive().unwrap().status(), 204);
    }
    let connection: Connection<Foreign> = receive.unsplit(sender.join().unwrap()).unwrap();
    assert_eq!((connection.reuse(), connection.unanswered().count()), (Reuse::Now, 0));
    drop(connection);
    peer.join().unwrap();
}
