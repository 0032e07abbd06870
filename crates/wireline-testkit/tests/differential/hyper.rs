//! What hyper's client makes of a stream: its HTTP/1 connection over bytes in memory, polled by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::HeaderMap;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Request, Response, Version};

use super::input::{Ask, Input};
use super::verdict::{After, Head, Line, Message, Verdict};

/// As many field lines as wireline takes, and as many bytes of a head.
const FIELDS: usize = 256;
const HEAD: usize = 256 << 10;

pub(crate) fn read(input: &Input) -> Verdict {
    let peer = Peer::new(&input.stream);
    let mut context = Context::from_waker(Waker::noop());
    let mut handshake = pin!(Builder::new().max_headers(FIELDS).max_buf_size(HEAD).handshake(peer.clone()));
    let Poll::Ready(Ok((sender, connection))) = handshake.as_mut().poll(&mut context) else {
        panic!("a handshake has nothing to wait for")
    };
    Reader { sender, connection, has_ended: false, peer, context }.read(input.ask)
}

struct Reader {
    sender: SendRequest<String>,
    connection: Connection<Peer, String>,
    has_ended: bool,
    peer: Peer,
    context: Context<'static>,
}

impl Reader {
    fn read(mut self, ask: Ask) -> Verdict {
        let interims = Arc::new(Mutex::new(Vec::new()));
        let mut request = request(ask);
        let seen = Arc::clone(&interims);
        hyper::ext::on_informational(&mut request, move |interim| seen.lock().unwrap().push(interim.status().as_u16()));
        let mut response = pin!(self.sender.send_request(request));
        let response = loop {
            if let Poll::Ready(response) = response.as_mut().poll(&mut self.context) {
                break response;
            }
            self.go_on();
        };
        let mut message = Message { interims: interims.lock().unwrap().clone(), ..Message::default() };
        let mut response = match response {
            Ok(response) => response,
            Err(error) if error.is_incomplete_message() => return Verdict::Incomplete(message),
            Err(_) => return Verdict::Refused,
        };
        message.head = Some(head(&response));
        match self.read_content(response.body_mut(), &mut message) {
            Ok(()) => {}
            Err(error) if is_incomplete(&error) => return Verdict::Incomplete(message),
            Err(_) => return Verdict::Refused,
        }
        self.poll();
        let persists = !self.has_ended && self.sender.is_ready();
        message.surplus = self.connection.into_parts().read_buf.to_vec();
        message.surplus.extend(self.peer.state().rest.iter());
        message.after = Some(if is_switched(&mut response, &mut self.context) {
            After::Switched
        } else if persists && message.surplus.is_empty() {
            After::Persists
        } else {
            After::Closes
        });
        Verdict::Accepted(message)
    }

    fn read_content(&mut self, body: &mut Incoming, message: &mut Message) -> hyper::Result<()> {
        loop {
            match Pin::new(&mut *body).poll_frame(&mut self.context) {
                Poll::Ready(None) => return Ok(()),
                Poll::Ready(Some(frame)) => {
                    self.peer.state().starves = false;
                    match frame?.into_data() {
                        Ok(content) => message.content.extend_from_slice(&content),
                        Err(frame) => message.trailers = frame.trailers_ref().map(lines).unwrap_or_default(),
                    }
                }
                Poll::Pending => self.go_on(),
            }
        }
    }

    /// Lets the connection do what it can. When it could do nothing for lack of bytes the last time either, the stream ends.
    fn go_on(&mut self) {
        assert!(!self.has_ended, "a connection has ended, and nobody was told");
        {
            let mut peer = self.peer.state();
            peer.ended |= peer.starves;
        }
        self.poll();
    }

    fn poll(&mut self) {
        self.has_ended |= self.connection.poll_without_shutdown(&mut self.context).is_ready();
    }
}

fn request(ask: Ask) -> Request<String> {
    let builder = Request::builder().method(ask.method()).uri(ask.target()).header("host", "a:1");
    match ask {
        Ask::Upgrade => builder.header("connection", "upgrade").header("upgrade", "test"),
        Ask::Connect | Ask::Get | Ask::Head => builder,
    }
    .body(String::new())
    .unwrap()
}

fn head(response: &Response<Incoming>) -> Head {
    Head {
        version: if response.version() == Version::HTTP_10 { "1.0" } else { "1.1" }.to_owned(),
        status: response.status().as_u16(),
        // It is kept only where it is not the usual one.
        reason: None,
        fields: lines(response.headers()),
    }
}

fn lines(fields: &HeaderMap) -> Vec<Line> {
    fields.iter().map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// Errors of content are not told apart but by what they stem from.
fn is_incomplete(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    error.is_incomplete_message() || source.is_some_and(|source| source.kind() == io::ErrorKind::UnexpectedEof)
}

/// Whether the connection was left to the caller. A connection that nobody asked to switch by itself says so in an error.
fn is_switched(response: &mut Response<Incoming>, context: &mut Context<'_>) -> bool {
    let switched = pin!(hyper::upgrade::on(response)).poll(context);
    matches!(switched, Poll::Ready(Err(error)) if error.to_string() == "upgrade expected but low level API in use")
}

/// A peer that takes everything, and once it was asked sends the bytes of a stream.
#[derive(Clone)]
struct Peer(Arc<Mutex<State>>);

struct State {
    rest: VecDeque<u8>,
    asked: bool,
    /// More was asked for than there is.
    starves: bool,
    ended: bool,
}

impl Peer {
    fn new(stream: &[u8]) -> Self {
        let rest = stream.iter().copied().collect();
        Self(Arc::new(Mutex::new(State { rest, asked: false, starves: false, ended: false })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Read for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut space: ReadBufCursor<'_>,
    ) -> Poll<Result<(), io::Error>> {
        let mut peer = self.state();
        if !peer.asked || (peer.rest.is_empty() && !peer.ended) {
            peer.starves = peer.asked;
            return Poll::Pending;
        }
        let n = space.remaining().min(peer.rest.len());
        let bytes: Vec<u8> = peer.rest.drain(..n).collect();
        space.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl Write for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, io::Error>> {
        self.state().asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }
}
