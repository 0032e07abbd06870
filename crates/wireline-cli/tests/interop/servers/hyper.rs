//! hyper's server: the site from memory, and the application.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wireline_testkit::servers::HOST;

use crate::peer::Peer;
use crate::site::{self, MODIFIED};

type Body = BoxBody<Bytes, Infallible>;

pub(super) fn start() -> Peer {
    let hyper = Hyper::start();
    let address = hyper.address();
    Peer::new("hyper", address, address, hyper)
}

/// A server on a thread of its own, gone when it is dropped.
pub(super) struct Hyper {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Hyper {
    pub(super) fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind((HOST, 0)).await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                tokio::spawn(serve(listener));
                let _dropped = stopped.await;
            });
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Hyper {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that goes away while it is being served has its reasons.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let response = Response::builder();
    let response = match request.uri().path() {
        "/app/echo" => response.body(full(request.into_body().collect().await?.to_bytes())),
        "/app/limited" => response.status(StatusCode::PAYLOAD_TOO_LARGE).body(full("too much\n")),
        "/app/stream" => response.body(stream(None)),
        "/app/trailers" => {
            let trailers = HeaderMap::from_iter([(header::HeaderName::from_static("x-pieces"), HeaderValue::from(5))]);
            response.header(header::TRAILER, "X-Pieces").body(stream(Some(trailers)))
        }
        "/app/nothing" => response.status(StatusCode::NO_CONTENT).body(full("")),
        "/folder" => response.status(StatusCode::MOVED_PERMANENTLY).header(header::LOCATION, "/folder/").body(full("")),
        _ => Ok(file(&request)),
    };
    Ok(response.unwrap())
}

/// An answer from the files.
fn file(request: &Request<Incoming>) -> Response<Body> {
    let name = request.uri().path().trim_start_matches('/').replace("%61%20", "a ");
    let response = Response::builder();
    let response = match site::files().into_iter().find(|(found, _)| *found == name) {
        None => response.status(StatusCode::NOT_FOUND).body(full("not found\n")),
        Some(_) if ![Method::GET, Method::HEAD].contains(request.method()) => {
            response.status(StatusCode::METHOD_NOT_ALLOWED).header(header::ALLOW, "GET, HEAD").body(full(""))
        }
        Some((_, content)) => {
            let etag = format!("\"{}\"", content.len());
            let response = response.header(header::ETAG, &etag).header(header::LAST_MODIFIED, MODIFIED);
            let asks = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
            let len = content.len();
            match asks(header::RANGE).map(|range| within(range, len)) {
                _ if asks(header::IF_NONE_MATCH) == Some(&*etag)
                    || asks(header::IF_MODIFIED_SINCE) == Some(MODIFIED) =>
                {
                    response.status(StatusCode::NOT_MODIFIED).body(full(""))
                }
                None => response.body(full(content)),
                Some(Some((first, last))) => response
                    .status(StatusCode::PARTIAL_CONTENT)
                    .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{len}"))
                    .body(full(content[first..=last].to_vec())),
                Some(None) => response
                    .status(StatusCode::RANGE_NOT_SATISFIABLE)
                    .header(header::CONTENT_RANGE, format!("bytes */{len}"))
                    .body(full("")),
            }
        }
    };
    response.unwrap()
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-COUNT`, the first and the last of `len` bytes.
fn within(range: &str, len: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last),
        (Ok(first), Err(_)) => (first, len),
        (Err(_), count) => (len.checked_sub(count.ok()?)?, len),
    };
    let last = last.min(len.checked_sub(1)?);
    (first <= last).then_some((first, last))
}

fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).boxed()
}

/// Content in pieces, whose length is not told.
fn stream(trailers: Option<HeaderMap>) -> Body {
    let pieces = (0..5).map(|piece| Frame::data(Bytes::from(format!("piece {piece}\n"))));
    let frames = pieces.chain(trailers.map(Frame::trailers)).map(Ok);
    StreamBody::new(futures_util::stream::iter(frames)).boxed()
}
