//! Every future is dropped at each of its suspension points, over a stream on which every call has to wait first: the call
//! that goes on completes the exchange with the same bytes, or the connection is closed and the verdict says what the
//! server saw.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_wireline::wireline::Tls;
use tokio_wireline::wireline::rustls::ServerConnection;
use tokio_wireline::{
    AsyncTransport, Bring, Config, Connection, Content, Dropped, Error, Fields, Limits, Pipeline, Progress, Request,
    Response, Reuse,
};

/// A server in memory, and the stream to it: each read, each write and each flush is pending once before it is done, and
/// then moves no more than `piece` bytes.
#[derive(Clone, Debug)]
struct Peer(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    received: Vec<u8>,
    /// What is said when so many bytes have been received.
    answers: VecDeque<(usize, Vec<u8>)>,
    to_say: VecDeque<u8>,
    piece: usize,
    turns: [bool; 3],
    reader: Option<Waker>,
    is_shut: bool,
    /// The server's end of TLS, where it is spoken.
    tls: Option<ServerConnection>,
}

const READ: usize = 0;
const WRITE: usize = 1;
const FLUSH: usize = 2;

impl Peer {
    fn new<A: AsRef<[u8]>>(piece: usize, answers: impl IntoIterator<Item = (usize, A)>) -> Self {
        Self(Rc::new(RefCell::new(State {
            received: Vec::new(),
            answers: answers.into_iter().map(|(when, answer)| (when, answer.as_ref().to_vec())).collect(),
            to_say: VecDeque::new(),
            piece,
            turns: [false; 3],
            reader: None,
            is_shut: false,
            tls: None,
        })))
    }

    /// The same with TLS.
    fn secured(self) -> Self {
        let config = common::authority().server_config().unwrap();
        self.0.borrow_mut().tls = Some(ServerConnection::new(config).unwrap());
        self
    }

    fn connect_securely(&self) -> Connection<Tls<Bring<Self>>> {
        let config = common::authority().client_config().unwrap();
        let tls = Tls::new(Bring::new(self.clone()), config, "localhost".try_into().unwrap()).unwrap();
        let mut connection = Connection::with_transport(tls, Config::default());
        connection.set_host("a");
        connection
    }

    fn connect(&self) -> Connection<Bring<Self>> {
        self.connect_with(Config::default())
    }

    fn connect_with(&self, config: Config) -> Connection<Bring<Self>> {
        let mut connection = Connection::over_with(self.clone(), config);
        connection.set_host("a");
        let mut timeouts = connection.timeouts();
        timeouts.expect_continue = None;
        connection.set_timeouts(timeouts);
        connection
    }

    fn received(&self) -> Vec<u8> {
        self.0.borrow().received.clone()
    }

    /// Every other call is pending.
    fn is_my_turn(&self, call: usize, cx: &Context<'_>) -> bool {
        let turn = &mut self.0.borrow_mut().turns[call];
        *turn = !*turn;
        if *turn {
            cx.waker().wake_by_ref();
        }
        !*turn
    }
}

impl State {
    /// Takes bytes, and says what there is to say to them.
    fn hear(&mut self, mut bytes: &[u8]) {
        let Self { tls, received, answers, to_say, .. } = self;
        match tls {
            None => received.extend_from_slice(bytes),
            Some(tls) => {
                while !bytes.is_empty() {
                    tls.read_tls(&mut bytes).unwrap();
                    let plain = tls.process_new_packets().unwrap().plaintext_bytes_to_read();
                    let before = received.len();
                    received.resize(before + plain, 0);
                    tls.reader().read_exact(&mut received[before..]).unwrap();
                }
            }
        }
        while answers.front().is_some_and(|(when, _)| *when <= received.len()) {
            let answer = answers.pop_front().into_iter().flat_map(|(_, answer)| answer);
            match tls {
                None => to_say.extend(answer),
                Some(tls) => tls.writer().write_all(&answer.collect::<Vec<_>>()).unwrap(),
            }
        }
        while let Some(tls) = tls.as_mut().filter(|tls| tls.wants_write()) {
            tls.write_tls(to_say).unwrap();
        }
        if !to_say.is_empty() {
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.is_my_turn(READ, cx) {
            return Poll::Pending;
        }
        let mut state = self.0.borrow_mut();
        if state.to_say.is_empty() {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = state.piece.min(into.remaining()).min(state.to_say.len());
        into.put_slice(&state.to_say.drain(..len).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.is_my_turn(WRITE, cx) {
            return Poll::Pending;
        }
        let state = &mut *self.0.borrow_mut();
        assert!(!state.is_shut, "nothing comes behind the end");
        let len = state.piece.min(bytes.len());
        state.hear(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_my_turn(FLUSH, cx) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().is_shut = true;
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls a future so many times, and drops it if that was not enough. Nobody polls who was not woken.
fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut future = pin!(future);
    for _ in 0..times {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return Some(done),
            Poll::Pending => assert!(bell.0.swap(false, Ordering::Relaxed), "it waits for nothing that will come"),
        }
    }
    None
}

fn to_end<T>(future: impl Future<Output = T>) -> T {
    polled(100_000, future).expect("it comes to an end")
}

/// Runs `scene` with 0, 1, 2 and more polls before the drop, until it says that nothing was dropped any more.
fn at_each_point(mut scene: impl FnMut(usize) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    for polls in 0.. {
        assert!(polls < 10_000, "it never comes to an end");
        if scene(polls) {
            assert!(polls > 1, "there was something to wait for");
            return;
        }
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n";

fn get() -> Request {
    Request::get("/", "a").unwrap()
}

/// What the connection knows of the only request, of `length` bytes, is what the peer saw.
fn check_verdict(connection: &Connection<Bring<Peer>>, peer: &Peer, length: usize) {
    let seen = peer.received().len();
    assert_eq!(connection.bytes_sent(), seen as u64);
    match connection.unanswered().next() {
        None => assert_eq!(seen, 0),
        Some(verdict) => {
            assert_eq!(verdict.sent, seen as u64);
            let heard = connection.bytes_received() > 0;
            match verdict.progress {
                Progress::NothingSent => assert_eq!(seen, 0),
                Progress::PartlySent => assert!(0 < seen && seen < length, "{seen} of {length}"),
                Progress::Sent => assert_eq!(seen, length),
                Progress::ResponseBegun => assert!(heard),
                progress => panic!("{progress:?}"),
            }
        }
    }
}

/// The response that was received, which goes on where it stands.
fn hello<S: AsyncTransport>(connection: &mut Connection<S>) {
    let response = to_end(connection.receive()).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(to_end(response.bytes()).unwrap(), b"hello");
    assert_eq!(connection.reuse(), Reuse::Now);
    assert_eq!(connection.unanswered().count(), 0);
}

/// What was received is left where it is.
fn leave<S: AsyncTransport>(response: Result<Response<'_, S>, Error>) {
    response.unwrap().suspend();
}

#[test]
fn get_goes_on_by_receive() {
    let wire = get().as_bytes().to_vec();
    at_each_point(|polls| {
        let peer = Peer::new(1, [(wire.len(), ANSWER)]);
        let mut connection = peer.connect();
        let done = polled(polls, connection.get("/")).map(leave).is_some();
        check_verdict(&connection, &peer, wire.len());
        if connection.receiving().is_none() {
            assert_eq!(polls, 0, "it begins when it is polled");
            to_end(connection.get("/")).unwrap().suspend();
        }
        hello(&mut connection);
        assert_eq!(peer.received(), wire, "once, and all of it");
        done
    });
}

/// A request with content, and what it looks like on the wire.
fn put(content: &[u8], trailers: &Fields, chunked: bool) -> (Request, Vec<u8>) {
    let builder = Request::builder("PUT", "/").host("a");
    let request = match chunked {
        true => builder.chunked().build().unwrap(),
        false => builder.content_length(content.len() as u64).build().unwrap(),
    };
    let mut wire = request.as_bytes().to_vec();
    if chunked {
        wire.extend_from_slice(format!("{:X}\r\n", content.len()).as_bytes());
        wire.extend_from_slice(content);
        wire.extend_from_slice(b"\r\n0\r\n");
        for field in trailers.iter() {
            wire.extend_from_slice(format!("{}: ", field.name()).as_bytes());
            wire.extend_from_slice(field.value());
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"\r\n");
    } else {
        wire.extend_from_slice(content);
    }
    (request, wire)
}

#[test]
fn send_from_memory_goes_on_by_resume() {
    let mut trailers = Fields::new();
    trailers.append("X-T", "1").unwrap();
    // Short content is copied behind the head, long content leaves from the caller's memory.
    for (length, piece) in [(10, 1), (5000, 131), (300_000, 50_000)] {
        let content: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
        for chunked in [false, true] {
            let trailers = if chunked { trailers.clone() } else { Fields::new() };
            let (request, wire) = put(&content, &trailers, chunked);
            let all = || Content::bytes(&content).trailers(&trailers);
            at_each_point(|polls| {
                let peer = Peer::new(piece, [(wire.len(), ANSWER)]);
                let mut connection = peer.connect();
                let done = polled(polls, connection.send(&request, all())).map(leave).is_some();
                check_verdict(&connection, &peer, wire.len());
                if polls == 0 {
                    to_end(connection.send(&request, all())).unwrap().suspend();
                } else if !done {
                    // Dropped again and again, at the same distance.
                    while polled(polls, connection.resume(all())).map(leave).is_none() {}
                }
                assert_eq!(connection.content_sent(), content.len() as u64);
                hello(&mut connection);
                assert!(peer.received() == wire, "no byte is lost, and none is sent twice");
                done
            });
        }
    }
}

#[test]
fn a_wait_for_100_goes_on_by_resume() {
    let head = Request::builder("PUT", "/").host("a").content_length(3).expect_continue().build().unwrap();
    let begun = head.as_bytes().len();
    at_each_point(|polls| {
        let peer =
            Peer::new(1, [(begun, &b"HTTP/1.1 103 \r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"[..]), (begun + 3, ANSWER)]);
        let mut connection = peer.connect();
        let done = polled(polls, connection.send(&head, "abc")).map(leave).is_some();
        check_verdict(&connection, &peer, begun + 3);
        if polls == 0 {
            to_end(connection.send(&head, "abc")).unwrap().suspend();
        } else if !done {
            to_end(connection.resume("abc")).unwrap().suspend();
        }
        assert_eq!(connection.interim().len(), 2);
        hello(&mut connection);
        assert_eq!(peer.received(), [head.as_bytes(), b"abc"].concat());
        done
    });
}

#[test]
fn an_early_answer_is_heard_wherever_send_was_dropped() {
    let (request, _) = put(&[7; 5000], &Fields::new(), false);
    let begun = request.as_bytes().len();
    at_each_point(|polls| {
        let peer = Peer::new(50, [(begun + 1000, ANSWER)]);
        let mut connection = peer.connect();
        let done = polled(polls, connection.send(&request, &[7; 5000])).map(leave).is_some();
        check_verdict(&connection, &peer, begun + 5000);
        if polls == 0 {
            to_end(connection.send(&request, &[7; 5000])).unwrap().suspend();
        } else if !done {
            to_end(connection.resume(&[7; 5000])).unwrap().suspend();
        }
        let response = to_end(connection.receive()).unwrap();
        assert!(!response.request_sent());
        assert_eq!(to_end(response.bytes()).unwrap(), b"hello");
        assert!(matches!(connection.reuse(), Reuse::Never(_)));
        assert!(peer.received().len() < begun + 5000);
        done
    });
}

/// A source on which every call has to wait first, and which gives a few bytes then.
struct Slow {
    rest: &'static [u8],
    turn: bool,
}

/// More than the smallest transmit buffer holds.
const SOURCE: &[u8] = &[b's'; 1000];

impl Slow {
    fn new() -> Self {
        Self { rest: SOURCE, turn: false }
    }

    fn poll_piece(&mut self, cx: &Context<'_>) -> Poll<&'static [u8]> {
        self.turn = !self.turn;
        if self.turn {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (piece, rest) = self.rest.split_at(self.rest.len().min(100));
        self.rest = rest;
        Poll::Ready(piece)
    }
}

impl AsyncRead for Slow {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_piece(cx).map(|piece| {
            into.put_slice(piece);
            Ok(())
        })
    }
}

impl Stream for Slow {
    type Item = io::Result<&'static [u8]>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_piece(cx).map(|piece| (!piece.is_empty()).then_some(Ok(piece)))
    }
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.poll_piece(cx);
        piece.map(|piece| (!piece.is_empty()).then(|| Ok(Frame::data(Bytes::from_static(piece)))))
    }
}

#[test]
fn send_from_elsewhere_goes_on_by_receive_or_leaves_a_closed_connection() {
    let (request, wire) = put(SOURCE, &Fields::new(), false);
    let sources: [fn() -> Content<'static>; 3] =
        [|| Content::reader(Slow::new()), || Content::pieces(Slow::new()), || Content::body(Slow::new())];
    let mut config = Config::default();
    let mut limits = Limits::default();
    limits.transmit_buffer = 256;
    config.limits = limits;
    for source in sources {
        let (mut closed, mut went_on) = (0, 0);
        at_each_point(|polls| {
            let peer = Peer::new(25, [(wire.len(), ANSWER)]);
            let mut connection = peer.connect_with(config);
            let done = polled(polls, connection.send(&request, source())).map(leave).is_some();
            check_verdict(&connection, &peer, wire.len());
            if connection.transport().is_none() {
                // The source is gone, and the peer must not take what it has for all.
                closed += 1;
                assert!(peer.0.borrow().is_shut);
                assert!(matches!(connection.reuse(), Reuse::Never(_)));
                assert_eq!(connection.unanswered().count(), 1);
                assert!(to_end(connection.receive()).is_err());
            } else {
                if connection.receiving().is_none() {
                    assert_eq!(polls, 0);
                    to_end(connection.send(&request, source())).unwrap().suspend();
                }
                went_on += 1;
                hello(&mut connection);
                assert_eq!(peer.received(), wire);
            }
            done
        });
        assert!(closed > 3 && went_on > 3, "{closed} {went_on}");
    }
}

/// A source is asked for nothing before the peer wants it, and what it gives is not wanted any more after an answer.
#[test]
fn a_source_that_is_awaited_or_refused_is_dropped_with_a_verdict() {
    let request = Request::builder("PUT", "/").host("a").content_length(1000).expect_continue().build().unwrap();
    let begun = request.as_bytes().len();
    let wire = [request.as_bytes(), SOURCE].concat();
    let goes_on: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    for (first, is_sent) in [(goes_on, true), (ANSWER, false)] {
        let mut closed = 0;
        at_each_point(|polls| {
            let peer = Peer::new(40, [(begun, first), (wire.len(), ANSWER)]);
            let mut connection = peer.connect();
            let done = polled(polls, connection.send(&request, Content::reader(Slow::new()))).map(leave).is_some();
            if connection.transport().is_none() {
                closed += 1;
                check_verdict(&connection, &peer, wire.len());
                assert!(peer.0.borrow().is_shut);
                assert_eq!(connection.unanswered().count(), 1);
                return done;
            }
            if polls == 0 {
                to_end(connection.send(&request, Content::reader(Slow::new()))).unwrap().suspend();
            }
            let response = to_end(connection.receive()).unwrap();
            assert_eq!(response.request_sent(), is_sent);
            assert_eq!(to_end(response.bytes()).unwrap(), b"hello");
            assert_eq!(connection.reuse() == Reuse::Now, is_sent);
            assert!(peer.received() == if is_sent { &wire[..] } else { request.as_bytes() });
            done
        });
        assert!(closed > 0);
    }
}

#[test]
fn receive_goes_on_by_receive() {
    let wire = get().as_bytes().to_vec();
    at_each_point(|polls| {
        let peer = Peer::new(1, [(wire.len(), ANSWER)]);
        let mut connection = peer.connect();
        polled(3, connection.get("/"));
        let done = polled(polls, connection.receive()).map(leave).is_some();
        check_verdict(&connection, &peer, wire.len());
        hello(&mut connection);
        assert_eq!(peer.received(), wire);
        done
    });
}

#[test]
fn what_reads_content_loses_none() {
    let length = get().as_bytes().len();
    for answer in [ANSWER, CHUNKED] {
        let received = |connection: &mut Connection<Bring<Peer>>| to_end(connection.get("/")).unwrap().suspend();
        at_each_point(|polls| {
            let peer = Peer::new(1, [(length, answer)]);
            let mut connection = peer.connect();
            received(&mut connection);
            let mut response = to_end(connection.receive()).unwrap();
            let (mut content, mut into, mut dropped) = (Vec::new(), [0; 64], false);
            loop {
                let read = polled(polls, response.read_content(&mut into));
                dropped |= read.is_none();
                let read = match read {
                    Some(read) => read,
                    None => to_end(response.read_content(&mut into)),
                };
                match read.unwrap() {
                    0 => break,
                    read => content.extend_from_slice(&into[..read]),
                }
            }
            assert_eq!(content, b"hello");
            assert_eq!(response.trailers().len(), usize::from(answer == CHUNKED));
            drop(response);
            assert_eq!(connection.reuse(), Reuse::Now);
            !dropped
        });
        at_each_point(|polls| {
            let peer = Peer::new(1, [(length, answer)]);
            let mut connection = peer.connect();
            received(&mut connection);
            let mut response = to_end(connection.receive()).unwrap();
            let (mut content, mut dropped) = (Vec::new(), false);
            loop {
                dropped |= polled(polls, response.fill_content()).is_none();
                let len = match to_end(response.fill_content()).unwrap() {
                    [] => break,
                    piece => {
                        content.extend_from_slice(piece);
                        piece.len()
                    }
                };
                response.consume_content(len);
            }
            assert_eq!(content, b"hello");
            !dropped
        });
        at_each_point(|polls| {
            let peer = Peer::new(1, [(length, answer)]);
            let mut connection = peer.connect();
            received(&mut connection);
            let mut response = to_end(connection.receive()).unwrap();
            let (mut content, mut dropped) = (Vec::new(), false);
            loop {
                // The trait's: what it has read before it was dropped is in `content`.
                match polled(polls.max(1), response.read_buf(&mut content)) {
                    Some(Ok(0)) => break,
                    Some(read) => drop(read.unwrap()),
                    None => dropped = true,
                }
            }
            assert_eq!(content, b"hello");
            !dropped && polls > 2
        });
        at_each_point(|polls| {
            let peer = Peer::new(1, [(length, answer)]);
            let mut connection = peer.connect();
            received(&mut connection);
            let mut frames = to_end(connection.receive()).unwrap().frames();
            let (mut content, mut trailers, mut dropped) = (Vec::new(), 0, false);
            loop {
                let next = polled(polls.max(1), poll_fn(|cx| Pin::new(&mut frames).poll_next(cx)));
                match next {
                    None => dropped = true,
                    Some(None) => break,
                    Some(Some(frame)) => match frame.unwrap().into_data() {
                        Ok(data) => content.extend_from_slice(&data),
                        Err(frame) => trailers += frame.into_trailers().unwrap().len(),
                    },
                }
            }
            assert_eq!((&content[..], trailers), (&b"hello"[..], usize::from(answer == CHUNKED)));
            !dropped && polls > 2
        });
    }
}

/// What takes the response with it drops it, and then the connection says what has become of it.
#[test]
fn what_takes_all_of_a_response_leaves_a_verdict() {
    let length = get().as_bytes().len();
    for discards in [true, false] {
        let mut closed = 0;
        at_each_point(|polls| {
            let peer = Peer::new(1, [(length, CHUNKED)]);
            let mut connection = peer.connect();
            to_end(connection.get("/")).unwrap().suspend();
            let response = to_end(connection.receive()).unwrap();
            let taken = match discards {
                true => polled(polls, response.discard()).map(Result::unwrap),
                false => polled(polls, response.bytes()).map(|bytes| bytes.unwrap().len() as u64),
            };
            assert!(taken.is_none_or(|taken| taken == 5));
            match (taken, connection.dropped()) {
                (_, None) => assert_eq!(connection.reuse(), Reuse::Now),
                (None, Some(Dropped::Drained { .. })) => assert_eq!(connection.reuse(), Reuse::Now),
                (None, Some(Dropped::Closed)) => {
                    closed += 1;
                    assert!(connection.transport().is_none() && peer.0.borrow().is_shut);
                    let verdict = connection.unanswered().next().unwrap();
                    assert_eq!(verdict.progress, Progress::ResponseBegun);
                }
                other => panic!("{other:?}"),
            }
            taken.is_some()
        });
        assert!(closed > 0);
    }
}

/// Makes a call, drops it after so many polls, and makes it again. Notes whether it was dropped.
macro_rules! again {
    ($polls:expr, $dropped:ident, $call:expr) => {
        match polled($polls, $call) {
            Some(done) => done.unwrap(),
            None => {
                $dropped = true;
                to_end($call).unwrap()
            }
        }
    };
}

/// The content of the next response, whose receiving is dropped in between.
fn received(pipeline: &mut Pipeline<'_, Bring<Peer>>, polls: usize, dropped: &mut bool) -> Vec<u8> {
    *dropped |= polled(polls, pipeline.receive()).map(leave).is_none();
    to_end(to_end(pipeline.receive()).unwrap().bytes()).unwrap()
}

#[test]
fn a_pipeline_queues_and_receives_nothing_twice() {
    let gets: Vec<_> = (0..4).map(|n| Request::get(format!("/{n}/{}", "x".repeat(200)), "a").unwrap()).collect();
    let (put, with_content) = put(b"eleven bytes", &Fields::new(), true);
    let mut wire: Vec<u8> = gets.iter().flat_map(|get| get.as_bytes().to_vec()).collect();
    let before_put = wire.len();
    // The content goes in two chunks here.
    let head = put.as_bytes().len();
    assert!(with_content.len() > head);
    wire.extend_from_slice(put.as_bytes());
    wire.extend_from_slice(b"6\r\neleven\r\n6\r\n bytes\r\n0\r\n\r\n");
    let mut config = Config::default();
    let mut limits = Limits::default();
    // Less than two requests: who queues has to wait.
    limits.transmit_buffer = 256;
    config.limits = limits;
    at_each_point(|polls| {
        let peer = Peer::new(
            25,
            [(before_put, ANSWER.repeat(2)), (before_put + head, ANSWER.repeat(2)), (wire.len(), ANSWER.to_vec())],
        );
        let mut connection = peer.connect_with(config);
        let mut pipeline = connection.pipeline();
        let mut dropped = false;
        for (n, get) in gets.iter().enumerate() {
            let id = match n % 2 {
                0 => again!(polls, dropped, pipeline.queue(get)),
                _ => again!(polls, dropped, pipeline.send(get)),
            };
            assert_eq!(id.index(), n as u64);
        }
        again!(polls, dropped, pipeline.flush());
        assert_eq!(peer.received().len(), before_put);
        assert_eq!(received(&mut pipeline, polls, &mut dropped), b"hello");
        again!(polls, dropped, pipeline.send(&put));
        for half in [b"eleven", b" bytes"] {
            let mut rest = &half[..];
            while !rest.is_empty() {
                let taken = again!(polls, dropped, pipeline.send_content(rest));
                rest = &rest[taken..];
            }
        }
        pipeline.finish(&Fields::new()).unwrap();
        for left in (0..4).rev() {
            assert_eq!(received(&mut pipeline, polls, &mut dropped), b"hello");
            assert_eq!(pipeline.in_flight(), left);
        }
        assert_eq!(peer.received(), wire);
        drop(pipeline);
        assert_eq!(connection.reuse(), Reuse::Now);
        !dropped
    });
}

#[test]
fn a_run_goes_on() {
    let gets: Vec<_> = (0..5).map(|n| Request::get(format!("/{n}"), "a").unwrap()).collect();
    let wire: Vec<u8> = gets.iter().flat_map(|get| get.as_bytes().to_vec()).collect();
    let each = wire.len() / gets.len();
    let answers = || (1..=5).map(|n| (n * each, if n % 2 == 0 { CHUNKED } else { ANSWER }));
    at_each_point(|polls| {
        let peer = Peer::new(2, answers());
        let mut connection = peer.connect();
        let mut pipeline = connection.pipeline();
        let mut run = pipeline.run(&gets, 2);
        let mut dropped = false;
        for n in 0..5 {
            dropped |= polled(polls, run.receive()).map(|found| found.unwrap().unwrap().suspend()).is_none();
            let response = to_end(run.receive()).unwrap().unwrap();
            assert_eq!(response.exchange().index(), n);
            assert_eq!(to_end(response.bytes()).unwrap(), b"hello");
        }
        assert!(to_end(run.receive()).unwrap().is_none());
        assert_eq!(peer.received(), wire);
        !dropped
    });
    at_each_point(|polls| {
        let peer = Peer::new(2, answers());
        let mut connection = peer.connect();
        let mut pipeline = connection.pipeline();
        let mut run = pipeline.run(&gets, 3);
        let (mut found, mut dropped) = (Vec::new(), false);
        loop {
            match polled(polls.max(1), poll_fn(|cx| Pin::new(&mut run).poll_next(cx))) {
                None => dropped = true,
                Some(None) => break,
                Some(Some(answer)) => {
                    let answer = answer.unwrap();
                    assert_eq!(answer.head.exchange().index(), found.len() as u64);
                    found.push(answer.content);
                }
            }
        }
        assert_eq!(found, vec![b"hello"; 5]);
        assert_eq!(peer.received(), wire);
        drop(pipeline);
        assert_eq!(connection.reuse(), Reuse::Now);
        !dropped && polls > 2
    });
}

#[test]
fn a_switched_stream_loses_nothing() {
    let request = Request::builder("GET", "/").host("a").field("Connection", "upgrade").field("Upgrade", "x").build();
    let request = request.unwrap();
    let answer = b"HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello";
    at_each_point(|polls| {
        let peer = Peer::new(1, [(request.as_bytes().len(), answer)]);
        let mut connection = peer.connect();
        let mut switched = to_end(connection.send(&request, ())).unwrap().into_switched().unwrap();
        let (mut said, mut dropped) = (Vec::new(), false);
        while said.len() < 5 {
            dropped |= polled(polls, switched.read_buf(&mut said)).is_none();
            if polls == 0 {
                to_end(switched.read_buf(&mut said)).unwrap();
            }
        }
        assert_eq!(said, b"hello");
        !dropped && polls > 2
    });
}

/// The handshake is made with the first bytes, and may be left in its middle too.
#[test]
fn tls_goes_on() {
    for (length, piece) in [(0, 60), (5000, 120), (100_000, 20_000)] {
        let content: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
        let (request, wire) = put(&content, &Fields::new(), false);
        for answer in [ANSWER, CHUNKED] {
            at_each_point(|polls| {
                let peer = Peer::new(piece, [(wire.len(), answer)]).secured();
                let mut connection = peer.connect_securely();
                let done = polled(polls, connection.send(&request, &content)).map(leave).is_some();
                if polls == 0 {
                    to_end(connection.send(&request, &content)).unwrap().suspend();
                } else if !done {
                    // What TLS has taken may not have left.
                    assert!(peer.received().len() as u64 <= connection.bytes_sent());
                    while polled(polls, connection.resume(&content)).map(leave).is_none() {}
                }
                let mut response = to_end(connection.receive()).unwrap();
                let (mut received, mut into) = (Vec::new(), [0; 3]);
                loop {
                    match polled(polls.max(1), response.read_content(&mut into)).transpose().unwrap() {
                        Some(0) => break,
                        read => received.extend_from_slice(&into[..read.unwrap_or(0)]),
                    }
                }
                assert_eq!(received, b"hello");
                drop(response);
                assert_eq!(connection.reuse(), Reuse::Now);
                assert!(peer.received() == wire);
                done
            });
        }
    }
}

#[test]
fn a_source_over_tls_goes_on_or_is_closed() {
    let (request, wire) = put(SOURCE, &Fields::new(), false);
    let (mut closed, mut went_on) = (0, 0);
    at_each_point(|polls| {
        let peer = Peer::new(200, [(wire.len(), ANSWER)]).secured();
        let mut connection = peer.connect_securely();
        let done = polled(polls, connection.send(&request, Content::body(Slow::new()))).map(leave).is_some();
        if connection.transport().is_none() {
            closed += 1;
            // What TLS has taken may not have left, but what it has not taken has not.
            let verdict = connection.unanswered().next().unwrap();
            let is_partial = matches!(verdict.progress, Progress::NothingSent | Progress::PartlySent);
            assert!(!is_partial || peer.received().len() < wire.len(), "{verdict:?}");
            assert!(peer.received().len() as u64 <= verdict.sent);
        } else {
            if connection.receiving().is_none() {
                assert_eq!(polls, 0);
                to_end(connection.send(&request, Content::body(Slow::new()))).unwrap().suspend();
            }
            went_on += 1;
            hello(&mut connection);
            assert!(peer.received() == wire);
        }
        done
    });
    assert!(closed > 1 && went_on > 1, "{closed} {went_on}");
}

/// Whether TLS has told the peer that nothing more comes.
fn has_said_goodbye(peer: &Peer) -> bool {
    let mut state = peer.0.borrow_mut();
    state.tls.as_mut().is_some_and(|tls| matches!(tls.reader().read(&mut [0]), Ok(0)))
}

#[test]
fn a_close_over_tls_waits_until_the_peer_is_told() {
    at_each_point(|polls| {
        let peer = Peer::new(7, [(get().as_bytes().len(), "HTTP/1.1 204 No Content\r\n\r\n")]).secured();
        let mut connection = peer.connect_securely();
        assert_eq!(to_end(connection.send(&get(), ())).unwrap().status(), 204);
        let done = polled(polls, connection.shutdown());
        assert_eq!(done.is_some(), peer.0.borrow().is_shut);
        if polls > 0 {
            assert!(matches!(connection.reuse(), Reuse::Never(_)));
        }
        to_end(connection.shutdown()).unwrap();
        assert!(has_said_goodbye(&peer) && peer.0.borrow().is_shut);
        assert!(connection.transport().is_none());
        done.is_some()
    });
}

#[test]
fn a_half_that_leaves_says_goodbye_over_tls_when_there_is_room() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    let put = Request::builder("PUT", "/").host("a").content_length(5).build().unwrap();
    let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let peer = Peer::new(7, [(put.as_bytes().len() + 2, answer)]).secured();
    let (mut send, mut receive) = peer.connect_securely().split().unwrap();
    to_end(send.send(&put)).unwrap();
    to_end(send.send_content(b"ab")).unwrap();
    to_end(send.flush()).unwrap();
    drop(send);
    assert_eq!(to_end(receive.receive()).unwrap().status(), 400);
    assert!(has_said_goodbye(&peer) && peer.0.borrow().is_shut);
}
