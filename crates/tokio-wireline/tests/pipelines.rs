//! Several exchanges in flight.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_core::Stream as _;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use tokio_wireline::wireline::{Phase, proto};
use tokio_wireline::{
    CloseReason, Config, Connection, Connector, ErrorKind, Fields, Limits, Progress, Request, Reuse, Socket, Stream,
};
use wireline_testkit::{Origin, Script, Signal, pattern};

use common::{Over, over_tcp_and_tls};

over_tcp_and_tls! {
    sixteen_leave_together_and_come_back_in_order
    a_close_in_the_middle_leaves_the_rest_unanswered
    a_run_is_a_stream_of_answers
    a_run_ends_at_its_first_error
    a_run_keeps_to_its_depth
    a_run_tells_of_what_a_close_left_unanswered
    an_end_in_the_middle_leaves_the_rest_unanswered
    what_is_not_idempotent_waits
    content_can_follow_in_a_pipeline
    content_that_waits_behind_others_says_so
    an_upload_in_a_pipeline_that_is_answered_early_stops
    dropped_with_exchanges_in_flight_it_closes
    suspended_it_leaves_them_to_another
}

/// The next of a stream, which needs no crate of helpers.
macro_rules! next {
    ($stream:expr) => {
        poll_fn(|cx| pin!(&mut $stream).poll_next(cx)).await
    };
}

async fn a_run_is_a_stream_of_answers(over: Over) {
    let answers: String = (0..50)
        .map(|n| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{n:02}\r\n0\r\nX-N: {n}\r\n\r\n"))
        .collect();
    let script = (0..50).fold(Script::new(), |script, _| script.read_head());
    let script = script.send_in_pieces(answers, 100, Duration::from_micros(200)).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run((0..50).map(|n| get(&format!("/{n}"))), 50);
    for n in 0..50 {
        let answer = next!(run).unwrap().unwrap();
        assert_eq!((answer.head.exchange().index(), answer.head.status().as_u16()), (n, 200));
        assert_eq!(answer.content, format!("{n:02}").as_bytes());
        assert_eq!(answer.trailers.get("x-n"), Some(n.to_string().as_bytes()));
    }
    assert!(next!(run).is_none() && next!(run).is_none());
    drop(pipeline);
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn a_run_ends_at_its_first_error(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n0";
    let peer = over.peer([Script::new().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run((0..9).map(|n| get(&format!("/{n}"))), 2);
    let error = next!(run).unwrap().unwrap_err();
    assert_eq!((error.kind(), error.partial()), (ErrorKind::Lost, &b"0"[..]));
    assert!(next!(run).is_none());
    assert_eq!(run.rest().count(), 7);
    let progress: Vec<_> = pipeline.unanswered().map(|one| one.progress).collect();
    assert_eq!(progress, [Progress::ResponseBegun, Progress::Sent]);
}

async fn a_run_tells_of_what_a_close_left_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0";
    let peer = over.peer([Script::new().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run([get("/0"), get("/1")], 2);
    assert_eq!(run.receive().await.unwrap().unwrap().text().await.unwrap(), "0");
    // All requests have been sent, and none is in flight: that is not all there is to say.
    assert_eq!(run.receive().await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
}

fn get(target: &str) -> Request {
    Request::get(target, "a").unwrap()
}

async fn sixteen_leave_together_and_come_back_in_order(over: Over) {
    let requests: Vec<_> = (0..16).map(|i| get(&format!("/{i}"))).collect();
    let all: Vec<u8> = requests.iter().flat_map(|request| request.as_bytes().to_vec()).collect();
    let answers: String =
        (0..16).map(|i| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{i}", i.to_string().len())).collect();
    let peer = over.peer([Script::new().expect(all).send(answers)]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    for request in &requests {
        pipeline.queue(request).await.unwrap();
    }
    assert_eq!(pipeline.in_flight(), 16);
    for i in 0..16 {
        let response = pipeline.receive().await.unwrap();
        assert_eq!(response.exchange().index(), i);
        assert_eq!(response.text().await.unwrap(), i.to_string());
        assert!(pipeline.timing().total > Duration::ZERO);
    }
    assert_eq!(pipeline.receive().await.unwrap_err().kind(), ErrorKind::NothingOwed);
    drop(pipeline);
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn a_close_in_the_middle_leaves_the_rest_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0";
    let peer = over.peer([Script::new().read_head().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    for i in 0..3 {
        pipeline.send(&get(&format!("/{i}"))).await.unwrap();
    }
    assert_eq!(pipeline.receive().await.unwrap().text().await.unwrap(), "0");
    assert_eq!(pipeline.receive().await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
    let unanswered: Vec<_> = pipeline.unanswered().collect();
    assert_eq!(unanswered.len(), 2);
    assert!(unanswered.iter().all(|one| one.progress == Progress::Sent && one.is_safe_to_repeat()));
    assert_eq!(pipeline.send(&get("/3")).await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
}

async fn an_end_in_the_middle_leaves_the_rest_unanswered(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1";
    let peer = over.peer([Script::new().read_head().read_head().read_head().send(answer)]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    for i in 0..3 {
        pipeline.send(&get(&format!("/{i}"))).await.unwrap();
    }
    assert_eq!(pipeline.receive().await.unwrap().text().await.unwrap(), "0");
    let error = pipeline.receive().await.unwrap().text().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert_eq!(error.exchange().unwrap().index(), 1);
    assert_eq!(error.partial(), b"1");
    let progress: Vec<_> = pipeline.unanswered().map(|one| one.progress).collect();
    assert_eq!(progress, [Progress::ResponseBegun, Progress::Sent]);
}

async fn what_is_not_idempotent_waits(over: Over) {
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(answer).read_head().send(answer)]);
    let mut connection = over.connect(&peer).await;
    let post = Request::builder("POST", "/").host("a").build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).await.unwrap();
    let refused = pipeline.send(&post).await.unwrap_err().kind();
    assert!(matches!(refused, ErrorKind::Misuse(misuse) if misuse.name() == "not-idempotent"), "{refused}");
    drop(pipeline.receive().await.unwrap());
    pipeline.send(&post).await.unwrap();
    assert_eq!(pipeline.receive().await.unwrap().status(), 204);
}

async fn content_can_follow_in_a_pipeline(over: Over) {
    let go = Signal::new();
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let script = Script::new()
        .read_head()
        .expect("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .give(&go)
        .expect("2\r\nde\r\n0\r\nX-T: 1\r\n\r\n")
        .read_head()
        .send(answer.repeat(3));
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let put = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let mut trailers = Fields::new();
    trailers.append("X-T", "1").unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).await.unwrap();
    pipeline.send(&put).await.unwrap();
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 3);
    // It left at once: the peer has it before the rest is given.
    common::given(&go).await;
    let early = pipeline.send(&get("/")).await.unwrap_err().kind();
    assert!(matches!(early, ErrorKind::Misuse(misuse) if misuse.name() == "content-unfinished"), "{early}");
    assert_eq!(pipeline.send_content(b"de").await.unwrap(), 2);
    pipeline.finish(&trailers).unwrap();
    pipeline.send(&get("/")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(pipeline.receive().await.unwrap().status(), 204);
    }
    drop(pipeline);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn content_that_waits_behind_others_says_so(over: Over) {
    let script = Script::new()
        .read_head()
        .read_head()
        .send("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        .expect("abc")
        .send("HTTP/1.1 204 No Content\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let put = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).await.unwrap();
    pipeline.send(&put).await.unwrap();
    assert_eq!(pipeline.send_content(b"abc").await.unwrap_err().kind(), ErrorKind::ReceiveFirst);
    drop(pipeline.receive().await.unwrap());
    assert_eq!(pipeline.send_content(b"abc").await.unwrap(), 3);
    pipeline.finish(&Fields::new()).unwrap();
    let response = pipeline.receive().await.unwrap();
    assert_eq!(response.interim().len(), 1);
    assert_eq!(response.status(), 204);
}

async fn an_upload_in_a_pipeline_that_is_answered_early_stops(over: Over) {
    let answers = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    let peer = over.peer([Script::new().read_head().read_head().send(answers).hold()]);
    let mut connection = over.connect(&peer).await;
    let put = Request::builder("PUT", "/").host("a").content_length(50_000_000).build().unwrap();
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).await.unwrap();
    pipeline.send(&put).await.unwrap();
    assert_eq!(pipeline.receive().await.unwrap().status(), 204);
    let content = pattern(100_000);
    let mut sent = 0;
    loop {
        match pipeline.send_content(&content).await.unwrap() {
            0 => break,
            taken => sent += taken,
        }
    }
    assert!(sent < 50_000_000);
    let response = pipeline.receive().await.unwrap();
    assert_eq!(response.status(), 413);
    drop(response);
    pipeline.abandon().unwrap();
    assert_eq!(pipeline.reuse(), Reuse::Never(CloseReason::ContentAbandoned));
}

async fn suspended_it_leaves_them_to_another(over: Over) {
    let answer = |n: u32| format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{n}");
    let peer = over.peer([Script::new().read_head().read_head().send(answer(0) + &answer(1)).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    pipeline.queue(&get("/0")).await.unwrap();
    pipeline.send(&get("/1")).await.unwrap();
    assert_eq!(pipeline.receive().await.unwrap().text().await.unwrap(), "0");
    pipeline.suspend();
    assert_eq!(connection.unanswered().count(), 1);
    let mut pipeline = connection.pipeline();
    assert_eq!(pipeline.receive().await.unwrap().text().await.unwrap(), "1");
    pipeline.suspend();
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn dropped_with_exchanges_in_flight_it_closes(over: Over) {
    let peer = over.peer([Script::new().read_head().read_to_end()]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/")).await.unwrap();
    drop(pipeline);
    assert!(connection.transport().is_none());
    assert_eq!(connection.unanswered().count(), 1);
    assert!(matches!(connection.get("/").await.unwrap_err().kind(), ErrorKind::Closed(_)));
    assert!(peer.join()[0].is_completed());
}

/// Small beside what is in flight, but not so small against a packet on loopback that the system itself trickles.
const SMALL: usize = 24 << 10;

/// Answers each of `count` requests of `length` bytes with `answer` before it reads any of the next; its socket
/// buffers are small.
fn stubborn_server(count: usize, length: usize, answer: Vec<u8>) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Accepted sockets have these from the one that listens.
    set_socket_send_buffer_size(&listener, SMALL).unwrap();
    set_socket_recv_buffer_size(&listener, SMALL).unwrap();
    let serve = move || {
        let (mut socket, _) = listener.accept()?;
        let mut request = vec![0; length];
        for _ in 0..count {
            socket.read_exact(&mut request)?;
            socket.write_all(&answer)?;
        }
        Ok(())
    };
    (address, thread::spawn(serve))
}

/// Each of 10,000 requests is answered with 100 KB before the next is read, the socket buffers are small on both sides,
/// and one thread sends all it can before it receives anything: somebody has to read while it writes.
#[tokio::test]
async fn it_cannot_deadlock() {
    // Long requests, so that they do not all fit into what the system holds of them.
    let request = Request::builder("GET", "/").host("a").field("X-Long", "x".repeat(1000)).build().unwrap();
    let expected = pattern(100_000);
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    answer.extend_from_slice(&expected);
    let (address, server) = stubborn_server(10_000, request.as_bytes().len(), answer);
    let stream = TcpStream::connect(address).unwrap();
    set_socket_send_buffer_size(&stream, SMALL).unwrap();
    set_socket_recv_buffer_size(&stream, SMALL).unwrap();
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.receive_buffer = 256 << 10;
    config.limits = limits;
    stream.set_nonblocking(true).unwrap();
    let stream = Stream::Plain(Socket::from(tokio::net::TcpStream::from_std(stream).unwrap()));
    let mut connection = Connection::with_transport(stream, config);
    connection.set_timeouts(common::patient());
    let mut pipeline = connection.pipeline();
    let (mut sent, mut received, mut full) = (0, 0, 0);
    while received < 10_000 {
        if sent < 10_000 {
            match pipeline.send(&request).await {
                Ok(id) => {
                    assert_eq!(id.index(), sent);
                    sent += 1;
                    continue;
                }
                Err(error) => {
                    assert_eq!(
                        error.kind(),
                        ErrorKind::ReceiveBufferFull { bound: 256 << 10 },
                        "{error} {sent} {received} {full}"
                    );
                    full += 1;
                }
            }
        }
        let response = pipeline.receive().await.unwrap();
        assert_eq!(response.exchange().index(), received);
        assert!(response.bytes().await.unwrap() == expected);
        received += 1;
    }
    assert!(full > 0, "the bound was reached");
    drop(pipeline);
    assert_eq!(connection.reuse(), Reuse::Now);
    server.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_pipeline_lists_what_never_left() {
    let over = Over::Tcp;
    let peer = over.peer([Script::new().read_head().reset()]);
    let mut connection = over.connect(&peer).await;
    let mut pipeline = connection.pipeline();
    pipeline.send(&get("/0")).await.unwrap();
    let error = pipeline.receive().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(matches!(
        error.protocol().map(proto::Error::kind),
        Some(proto::ErrorKind::Incomplete(incomplete)) if incomplete.phase == Phase::BeforeResponse
    ));
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionReset);
    assert!(matches!(pipeline.send(&get("/1")).await.unwrap_err().kind(), ErrorKind::Closed(_)));
    assert_eq!(pipeline.unanswered().count(), 1);
}

async fn a_run_keeps_to_its_depth(over: Over) {
    let posted = "POST /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let script = Script::new()
        .read_head()
        .read_head()
        .send("HTTP/1.1 204 No Content\r\n\r\n")
        .read_head()
        .send("HTTP/1.1 204 No Content\r\n\r\n".repeat(2))
        .expect(posted)
        .send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let requests = ["GET", "GET", "GET", "POST", "GET", "GET"];
    let requests = requests
        .iter()
        .enumerate()
        .map(|(n, method)| Request::builder(*method, format!("/{n}")).host("a").build().unwrap());
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run(requests, 2);
    for n in 0..4 {
        let response = run.receive().await.unwrap().unwrap();
        assert_eq!(response.exchange().index(), n);
        assert!(response.unanswered().count() <= 2);
    }
    assert_eq!(run.receive().await.unwrap_err().kind(), ErrorKind::Closed(CloseReason::PeerSentClose));
    let rest: Vec<_> = run.rest().map(|request| request.target().to_vec()).collect();
    assert_eq!(rest, [b"/4", b"/5"]);
}

/// Each exchange in a task of its own, on whichever thread: nobody waits who was not told whom to wake.
#[test]
fn many_connections_on_few_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for over in [Over::Tcp, Over::Tls] {
        let origin = match over {
            Over::Tcp => Origin::start(),
            Over::Tls => Origin::start_tls(common::authority().server_config().unwrap()),
        };
        let origin = origin.unwrap();
        let to = tokio_wireline::Origin::new(over.scheme(), "127.0.0.1", origin.address().port()).unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..8).map(|seed| tokio::spawn(exchanges(to.clone(), seed))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

async fn exchanges(origin: tokio_wireline::Origin, seed: usize) {
    let connector = Connector::new().timeouts(common::patient()).tls(common::roots());
    let mut connection = connector.connect(&origin).await.unwrap();
    for n in 0..20 {
        let length = (seed * 7919 + n * 104_729) % 200_000;
        let task = tokio::spawn(async move {
            let put = connection.request("PUT", "/echo").content_length(length as u64).build().unwrap();
            let content = pattern(length);
            assert!(connection.send(&put, &content).await.unwrap().bytes().await.unwrap() == content);
            let gets: Vec<_> =
                (0..8).map(|n| connection.request("GET", format!("/bytes/{}", n * n * 100)).build().unwrap()).collect();
            let mut pipeline = connection.pipeline();
            let mut run = pipeline.run(&gets, 4);
            for n in 0..8 {
                let content = run.receive().await.unwrap().unwrap().bytes().await.unwrap();
                assert_eq!(content, pattern(n * n * 100));
                tokio::task::yield_now().await;
            }
            drop(pipeline);
            connection
        });
        connection = task.await.unwrap();
    }
    assert_eq!(connection.reuse(), Reuse::Now);
}
