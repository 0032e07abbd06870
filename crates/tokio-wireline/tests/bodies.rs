//! Content in all its forms, out and in, and what is left when the bytes are no longer HTTP.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream as _;
use http_body::{Body, Frame};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::time::timeout;
use tokio_wireline::{
    Bring, CloseReason, Connection, Connector, Content, ErrorKind, Fields, Origin, Progress, Request, Response, Reuse,
    Stage, Stream, Switched,
};
use wireline_testkit::{Script, Signal, pattern};

use common::{LONG, Over, over_tcp_and_tls};

over_tcp_and_tls! {
    a_body_goes_with_its_trailers
    a_reader_is_sent_to_its_end
    a_source_that_fails_closes
    a_source_that_has_nothing_yet_hears_an_early_answer
    a_stream_is_sent_buffer_by_buffer
    all_of_it_is_sent_if_it_has_to_be
    content_is_a_reader_with_a_buffer
    content_is_frames
    content_of_unknown_length_is_frames
    frames_end_at_an_error
    the_halves_of_a_switched_stream_can_be_two_tasks
    trailers_need_chunks
    what_was_switched_is_copied_both_ways
}

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn chunked() -> Request {
    Request::builder("PUT", "/").host("a").chunked().build().unwrap()
}

fn of_length(length: u64) -> Request {
    Request::builder("PUT", "/").host("a").content_length(length).build().unwrap()
}

/// A body, and a stream, of what it was given.
#[derive(Default)]
struct Given {
    pieces: VecDeque<io::Result<Bytes>>,
    trailers: Option<http::HeaderMap>,
}

impl Given {
    fn new<const N: usize>(pieces: [&'static str; N]) -> Self {
        Self { pieces: pieces.into_iter().map(|piece| Ok(piece.into())).collect(), trailers: None }
    }

    fn failing(mut self) -> Self {
        self.pieces.push_back(Err(io::Error::other("no more")));
        self
    }

    fn with_trailers(mut self) -> Self {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", "5".parse().unwrap());
        trailers.append("x-sum", "6".parse().unwrap());
        self.trailers = Some(trailers);
        self
    }
}

impl Body for Given {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let data = self.pieces.pop_front().map(|piece| piece.map(Frame::data));
        Poll::Ready(data.or_else(|| self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))))
    }
}

impl futures_core::Stream for Given {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(self.pieces.pop_front())
    }
}

async fn a_reader_is_sent_to_its_end(over: Over) {
    let content = pattern(300_000);
    let peer = over.peer([Script::new().read_head().expect(content.clone()).send(EMPTY).read_head().read(5).hold()]);
    let mut connection = over.connect(&peer).await;
    let response = connection.send(&of_length(300_000), Content::reader(&content[..])).await.unwrap();
    assert!(response.request_sent());
    drop(response);
    assert_eq!((connection.content_sent(), connection.reuse()), (300_000, Reuse::Now));
}

async fn a_stream_is_sent_buffer_by_buffer(over: Over) {
    let wire = "2\r\nab\r\n3\r\ncde\r\n0\r\nX-T: 1\r\n\r\n";
    let peer = over.peer([Script::new().read_head().expect(wire).send(EMPTY)]);
    let mut connection = over.connect(&peer).await;
    let mut trailers = Fields::new();
    trailers.append("X-T", "1").unwrap();
    let content = Content::pieces(Given::new(["ab", "", "cde", ""])).trailers(&trailers);
    assert_eq!(connection.send(&chunked(), content).await.unwrap().status(), 204);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn a_body_goes_with_its_trailers(over: Over) {
    let wire = "5\r\nhello\r\n1\r\n!\r\n0\r\nx-sum: 5\r\nx-sum: 6\r\n\r\n";
    let peer = over.peer([Script::new().read_head().expect(wire).send(EMPTY)]);
    let mut connection = over.connect(&peer).await;
    let content = Content::body(Given::new(["hello", "!"]).with_trailers());
    assert_eq!(connection.send(&chunked(), content).await.unwrap().status(), 204);
    assert_eq!(connection.reuse(), Reuse::Now);
    drop(connection);
    assert!(peer.join()[0].is_completed());
}

async fn trailers_need_chunks(over: Over) {
    let peer = over.peer([Script::new().read_to_end()]);
    let mut connection = over.connect(&peer).await;
    let content = Content::body(Given::new(["hello"]).with_trailers());
    let error = connection.send(&of_length(5), content).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(misuse) if misuse.name() == "trailers-without-chunks"), "{error}");
    assert!(connection.transport().is_none(), "the caller knows it as a failure, and so does the peer");
}

async fn a_source_that_fails_closes(over: Over) {
    let peer = over.peer(vec![Script::new().read_head().read_to_end(); 2]);
    for content in [Content::pieces(Given::new(["ab"]).failing()), Content::body(Given::new(["ab"]).failing())] {
        let mut connection = over.connect(&peer).await;
        let error = connection.send(&chunked(), content).await.unwrap_err();
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Source, Stage::Sending));
        assert_eq!(error.io_error().unwrap().to_string(), "no more");
        assert!(connection.transport().is_none());
        let verdict = connection.unanswered().next().unwrap();
        assert!(matches!(verdict.progress, Progress::NothingSent | Progress::PartlySent), "{verdict:?}");
    }
    for seen in peer.join() {
        assert!(!seen.received().ends_with(b"0\r\n\r\n"), "the peer does not take it for all");
    }
}

async fn a_source_that_has_nothing_yet_hears_an_early_answer(over: Over) {
    let answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless";
    let peer = over.peer([Script::new().read_head().expect("3\r\nabc\r\n").send(answer).hold()]);
    let mut connection = over.connect(&peer).await;
    let (source, mut writer) = tokio::io::duplex(64);
    writer.write_all(b"abc").await.unwrap();
    let sent = timeout(LONG, connection.send(&chunked(), Content::reader(source))).await.expect("the answer is here");
    let response = sent.unwrap();
    assert_eq!(response.status(), 413);
    assert!(!response.request_sent());
    assert_eq!(response.text().await.unwrap(), "less");
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
    drop(writer);
}

async fn all_of_it_is_sent_if_it_has_to_be(over: Over) {
    let (answer, content) = ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", pattern(1_000_000));
    let script = Script::new().read_head().send(answer).expect(content.clone()).read_head().send(EMPTY).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let all = Content::reader(&content[..]).keep_sending();
    let response = connection.send(&of_length(1_000_000), all).await.unwrap();
    assert!(response.request_sent());
    assert_eq!(response.text().await.unwrap(), "ok");
    assert_eq!(connection.get("/").await.unwrap().status(), 204);
}

async fn content_is_a_reader_with_a_buffer(over: Over) {
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n6\r\ntwo\nth\r\n3\r\nree\r\n0\r\n\r\n";
    let script = Script::new().read_head().send_in_pieces(answer, 7, Duration::from_millis(1)).hold();
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let mut response = connection.get("/").await.unwrap();
    let mut line = String::new();
    assert_eq!(response.read_line(&mut line).await.unwrap(), 4);
    let mut rest = String::new();
    assert_eq!(response.read_to_string(&mut rest).await.unwrap(), 9);
    assert_eq!((line.as_str(), rest.as_str()), ("one\n", "two\nthree"));
    assert_eq!(response.read(&mut [0; 9]).await.unwrap(), 0);
    assert!(response.is_complete());
}

/// The frames of a response, as a `Body`.
async fn next(body: &mut (impl Body<Data = Bytes, Error = tokio_wireline::Error> + Unpin)) -> Option<Frame<Bytes>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await.map(Result::unwrap)
}

async fn content_is_frames(over: Over) {
    let (go, answer) = (Signal::new(), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    let peer = over.peer([Script::new().read_head().send(answer).wait_for(&go).send("def").hold()]);
    let mut connection = over.connect(&peer).await;
    let mut frames = connection.get("/").await.unwrap().frames();
    assert_eq!(frames.response().status(), 200);
    assert_eq!(Body::size_hint(&frames).exact(), Some(6));
    let mut content = Vec::new();
    while content.len() < 3 {
        content.extend_from_slice(next(&mut frames).await.unwrap().data_ref().unwrap());
        assert_eq!(Body::size_hint(&frames).exact(), Some(6 - content.len() as u64));
    }
    assert!(!frames.is_end_stream());
    go.give();
    while let Some(frame) = next(&mut frames).await {
        content.extend_from_slice(frame.data_ref().unwrap());
    }
    assert_eq!(content, b"abcdef");
    assert!(frames.is_end_stream() && next(&mut frames).await.is_none());
    drop(frames);
    assert_eq!(connection.reuse(), Reuse::Now);
}

async fn content_of_unknown_length_is_frames(over: Over) {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\nx-sum: 4\r\n\r\n";
    let peer = over.peer([Script::new().read_head().send(answer).hold()]);
    let mut connection = over.connect(&peer).await;
    let mut frames = connection.get("/").await.unwrap().frames();
    assert_eq!((Body::size_hint(&frames).lower(), Body::size_hint(&frames).upper()), (0, None));
    // The same as a `Stream`.
    let mut items = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut frames).poll_next(cx)).await {
        items.push(frame.unwrap());
    }
    assert!(frames.is_end_stream());
    let trailers = items.pop().unwrap().into_trailers().unwrap();
    assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["3", "4"]);
    let content: Vec<u8> = items.into_iter().flat_map(|frame| frame.into_data().unwrap()).collect();
    assert_eq!(content, b"abc");
}

async fn frames_end_at_an_error(over: Over) {
    let peer = over.peer([Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")]);
    let mut connection = over.connect(&peer).await;
    let mut frames = connection.get("/").await.unwrap().frames();
    let mut came = 0;
    let error = loop {
        match poll_fn(|cx| Pin::new(&mut frames).poll_next(cx)).await.expect("an error comes first") {
            Ok(frame) => came += frame.into_data().unwrap().len(),
            Err(error) => break error,
        }
    };
    assert_eq!((came, error.kind()), (3, ErrorKind::Lost));
    assert!(poll_fn(|cx| Pin::new(&mut frames).poll_next(cx)).await.is_none());
}

async fn switched(over: Over, script: Script) -> (wireline_testkit::ScriptedPeer, Switched<Stream>) {
    let peer = over.peer([script]);
    let mut connection = over.connect(&peer).await;
    let request = Request::builder("GET", "/").host("a").field("Connection", "upgrade").field("Upgrade", "x");
    let response = connection.send(&request.build().unwrap(), ()).await.unwrap();
    let stream = response.into_switched().unwrap();
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Switched));
    (peer, stream)
}

fn switching() -> Script {
    Script::new().read_head().send("HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nfirst")
}

async fn what_was_switched_is_copied_both_ways(over: Over) {
    let script = switching().expect("ping").send("pong").read_to_end();
    let (peer, mut stream) = switched(over, script).await;
    let (mut near, mut far) = tokio::io::duplex(16);
    let (copied, said) = tokio::join!(tokio::io::copy_bidirectional(&mut stream, &mut far), async {
        near.write_all(b"ping").await.unwrap();
        let mut said = [0; 9];
        near.read_exact(&mut said).await.unwrap();
        near.shutdown().await.unwrap();
        said
    });
    assert_eq!((copied.unwrap(), &said), ((9, 4), b"firstpong"));
    drop(stream);
    assert!(peer.join()[0].is_completed());
}

/// One reads a little while the other has no room to write: either is woken for itself.
async fn the_halves_of_a_switched_stream_can_be_two_tasks(over: Over) {
    let content = pattern(20_000_000);
    let trickle = switching().send_in_pieces("x".repeat(40), 1, Duration::from_millis(2));
    let (peer, stream) = switched(over, trickle.read(content.len()).send("done").read_to_end()).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        writer.write_all(&content).await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    let reading = tokio::spawn(async move {
        let mut said = [0; 49];
        reader.read_exact(&mut said).await.unwrap();
        said
    });
    let (wrote, read) = timeout(LONG, async { (writing.await, reading.await) }).await.expect("both are woken");
    assert!(read.unwrap().ends_with(b"xxdone"));
    wrote.unwrap().shutdown().await.unwrap();
    assert!(peer.join()[0].is_completed());
}

/// A stream with buffers of its own: what is in them has to be sent while the answer is awaited.
#[tokio::test]
async fn a_stream_that_buffers_is_flushed_while_content_is_awaited() {
    let (near, far) = tokio::io::duplex(64);
    let mut connection = Connection::over(BufStream::with_capacity(16, 4096, near));
    let content = pattern(20_000);
    let request = of_length(20_000);
    let head = request.as_bytes().len();
    // It echoes as it goes.
    let server = async move {
        let (mut from, mut to) = tokio::io::split(far);
        from.read_exact(&mut vec![0; head]).await.unwrap();
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n").await.unwrap();
        tokio::io::copy(&mut from.take(20_000), &mut to).await.unwrap();
        to
    };
    let client = async {
        let response = connection.send(&request, Content::bytes(&content).keep_sending()).await.unwrap();
        read_directly(response).await
    };
    let (_open, received) = timeout(LONG, async { tokio::join!(server, client) }).await.expect("it is flushed");
    assert!(received == content);
    assert_eq!(connection.reuse(), Reuse::Now);
}

/// Into memory that is large enough to be read into without a detour.
async fn read_directly<T>(mut response: Response<'_, Bring<T>>) -> Vec<u8>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut received, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match response.read_content(&mut piece).await.unwrap() {
            0 => return received,
            read => received.extend_from_slice(&piece[..read]),
        }
    }
}

fn is_sent<T: Send>(future: T) -> T {
    future
}

/// A connection goes from task to task, and from thread to thread, in the middle of an exchange as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_future_can_be_sent() {
    let (asked, go) = (Signal::new(), Signal::new());
    let script =
        Script::new().read_head().give(&asked).wait_for(&go).send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let peer = Over::Tls.peer([script.read_head().expect("ab").send(EMPTY).hold()]);
    let origin = Origin::new(Over::Tls.scheme(), "127.0.0.1", peer.address().port()).unwrap();
    let connector = Connector::new().timeouts(common::patient()).tls(common::roots());
    let mut connection = is_sent(connector.connect(&origin)).await.unwrap();
    let first = tokio::spawn(async move {
        assert!(timeout(Duration::from_millis(20), is_sent(connection.get("/"))).await.is_err());
        connection
    });
    let mut connection = first.await.unwrap();
    common::given(&asked).await;
    let second = tokio::spawn(async move {
        let response = is_sent(connection.receive()).await.unwrap();
        assert_eq!(is_sent(response.text()).await.unwrap(), "ok");
        connection
    });
    // It waits in another task by now, or soon.
    tokio::time::sleep(Duration::from_millis(5)).await;
    go.give();
    let mut connection = timeout(LONG, second).await.expect("the right task is woken").unwrap();
    let request = of_length(2);
    let content = Content::reader(&b"ab"[..]);
    assert_eq!(is_sent(connection.send(&request, content)).await.unwrap().status(), 204);
    let mut pipeline = connection.pipeline();
    drop(is_sent(pipeline.queue(&request)));
    drop(is_sent(pipeline.receive()));
    drop(is_sent(pipeline.run([request], 1).receive()));
}
