//! Our side ends, over a stream that needs time for it.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_wireline::{Canceller, Connection, ErrorKind, Operation, Reuse};

/// A stream that ends only when it is asked for the third time, as TLS may.
#[derive(Debug)]
struct Reluctant {
    inner: DuplexStream,
    asked: usize,
    ended: Arc<AtomicUsize>,
}

impl AsyncRead for Reluctant {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

impl AsyncWrite for Reluctant {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.asked += 1;
        if self.asked < 3 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A connection over such a stream, its other end, and how often it has ended.
fn reluctant() -> (Connection<tokio_wireline::Bring<Reluctant>>, DuplexStream, Arc<AtomicUsize>) {
    let (near, far) = tokio::io::duplex(4096);
    let ended = Arc::new(AtomicUsize::new(0));
    let mut connection = Connection::over(Reluctant { inner: near, asked: 0, ended: Arc::clone(&ended) });
    connection.set_host("a");
    (connection, far, ended)
}

#[tokio::test]
async fn a_tunnel_is_shut_down_when_the_stream_says_so() {
    let (mut connection, mut far, ended) = reluctant();
    let request = connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "x").build().unwrap();
    let peer = async {
        // The answer is owed when the request has come.
        far.read_exact(&mut [0; 4]).await.unwrap();
        far.write_all(b"HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").await.unwrap();
    };
    let ((), response) = tokio::join!(peer, connection.send(&request, ()));
    let mut switched = response.unwrap().into_switched().unwrap();
    switched.write_all(b"last").await.unwrap();
    switched.shutdown().await.unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 1);
    let mut came = Vec::new();
    far.read_to_end(&mut came).await.unwrap();
    assert!(came.ends_with(b"\r\n\r\nlast"));
}

#[tokio::test]
async fn a_sending_half_that_leaves_ends_our_side_when_the_stream_says_so() {
    let (connection, mut far, ended) = reluctant();
    let request = connection.request("PUT", "/").content_length(10).build().unwrap();
    let peer = async move {
        let mut came = Vec::new();
        // The peer answers behind the end, and not before.
        far.read_to_end(&mut came).await.unwrap();
        far.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        came
    };
    let client = async {
        let (mut send, mut receive) = connection.split().unwrap();
        send.send(&request).await.unwrap();
        send.send_content(b"abc").await.unwrap();
        drop(send);
        receive.receive().await.unwrap().status()
    };
    let (came, status) = tokio::join!(peer, client);
    assert!(came.ends_with(b"\r\n\r\nabc"));
    assert_eq!((status.as_u16(), ended.load(Ordering::Relaxed)), (400, 1));
}

#[tokio::test]
async fn a_close_that_is_awaited_ends_when_the_stream_says_so() {
    let (mut connection, mut far, ended) = reluctant();
    connection.shutdown().await.unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 1);
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    assert!(connection.transport().is_none());
    // It is closed, and stays it.
    connection.shutdown().await.unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_close_that_nobody_takes_ends_with_the_write_timeout() {
    struct Stuck(DuplexStream);

    impl AsyncRead for Stuck {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, into)
        }
    }

    impl AsyncWrite for Stuck {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    let (near, _far) = tokio::io::duplex(64);
    let mut connection = Connection::over(Stuck(near));
    let mut timeouts = connection.timeouts();
    timeouts.write = Some(Duration::from_millis(10));
    connection.set_timeouts(timeouts);
    for _ in 0..2 {
        let error = connection.shutdown().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Write));
    }
    let canceller = Canceller::new().unwrap();
    connection.set_canceller(Some(canceller.clone())).unwrap();
    canceller.cancel();
    assert_eq!(connection.shutdown().await.unwrap_err().kind(), ErrorKind::Canceled);
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
}
