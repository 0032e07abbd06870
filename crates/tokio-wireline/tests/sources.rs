//! What gives content, and what takes it, at the edges: behind an end, and while it has nothing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_wireline::{Canceller, Connection, Connector, Content, ErrorKind, Operation, Origin, Reuse};

type Failure = Box<dyn std::error::Error>;

/// Gives what it has, once, and its end, once.
struct Once(VecDeque<Option<Vec<u8>>>);

impl Stream for Once {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.get_mut().0.pop_front().expect("it is not asked behind its end").map(Ok))
    }
}

struct Never;

impl Stream for Never {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_source_is_not_asked_behind_its_end() -> Result<(), Failure> {
    let server = wireline_testkit::Origin::start()?;
    let mut connection = Connection::connect(&server.url("")).await?;
    let request = connection.request("GET", "/bytes/3").build()?;
    let response = connection.send(&request, Content::pieces(Once([None].into()))).await?;
    assert_eq!(response.bytes().await?.len(), 3);
    let request = connection.request("PUT", "/echo").content_length(2).build()?;
    let pieces = Once([Some(b"ab".to_vec()), None].into());
    assert_eq!(connection.send(&request, Content::pieces(pieces)).await?.text().await?, "ab");
    Ok(())
}

#[tokio::test]
async fn each_response_is_heard_while_a_source_has_nothing() -> Result<(), Failure> {
    let (near, mut far) = tokio::io::duplex(4096);
    let client = tokio::spawn(async move {
        let mut connection = Connection::over(near);
        connection.set_host("a");
        let request = connection.request("PUT", "/").chunked().build()?;
        let response = connection.send(&request, Content::pieces(Never)).await?;
        Ok::<_, tokio_wireline::Error>((response.interim().len(), response.status().as_u16()))
    });
    far.read_exact(&mut [0; 55]).await?;
    for _ in 0..3 {
        far.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await?;
        // The client hears it, and waits again.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
    far.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").await?;
    assert_eq!(client.await??, (3, 413));
    Ok(())
}

#[tokio::test]
async fn a_source_that_is_to_be_empty_and_says_nothing_is_waited_for_within_the_bounds() -> Result<(), Failure> {
    let (near, far) = tokio::io::duplex(4096);
    let mut connection = Connection::over(near);
    connection.set_host("a");
    let request = connection.request("GET", "/").build()?;
    connection.set_deadline(Some(Instant::now()));
    let late = connection.send(&request, Content::pieces(Never)).await.err().ok_or("no answer")?;
    assert_eq!(late.kind(), ErrorKind::Timeout(Operation::Deadline));
    connection.set_deadline(None);
    let canceller = Canceller::new()?;
    connection.set_canceller(Some(canceller.clone()))?;
    canceller.cancel();
    let canceled = connection.send(&request, Content::pieces(Never)).await.err().ok_or("no answer")?;
    assert_eq!(canceled.kind(), ErrorKind::Canceled);
    // Nothing was sent, and the next one may be.
    assert_eq!((connection.bytes_sent(), connection.reuse()), (0, Reuse::Now));
    drop(far);
    Ok(())
}

#[tokio::test]
async fn what_the_stream_of_a_run_has_of_one_answer_is_not_the_next_ones() -> Result<(), Failure> {
    let (near, mut far) = tokio::io::duplex(4096);
    let mut connection = Connection::over(near);
    connection.set_host("a");
    let requests = ["/0", "/1"].map(|target| connection.request("GET", target).build()).into_iter();
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let mut pipeline = connection.pipeline();
    let mut run = pipeline.run(&requests, 2);
    for come in ["", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none"] {
        far.write_all(come.as_bytes()).await?;
        assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut run).poll_next(cx).is_pending())).await);
    }
    far.write_all(b"oneHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo").await?;
    let first = run.receive().await?.ok_or("an answer")?;
    assert_eq!((first.content_read(), first.text().await?.as_str()), (3, "one"));
    let second = poll_fn(|cx| Pin::new(&mut run).poll_next(cx)).await.ok_or("an answer")??;
    assert_eq!(second.content, b"two");
    Ok(())
}

#[tokio::test]
async fn a_connection_that_was_split_connects_anew_as_before() -> Result<(), Failure> {
    let server = wireline_testkit::Origin::start()?;
    let connector = Connector::new().auto_open(true);
    let connection = connector.connect(&Origin::parse(&server.url(""))?).await?;
    let (send, receive) = connection.split()?;
    let mut connection = send.unsplit(receive).expect("they belong together");
    connection.close();
    assert_eq!(connection.get("/bytes/1").await?.bytes().await?.len(), 1);
    Ok(())
}
