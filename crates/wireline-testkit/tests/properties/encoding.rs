//! What is encoded and decoded again is what it was.

use proptest::collection::vec;
use proptest::prelude::*;
use wireline_proto::{Config, Connection, Event, Fields, Framing, Request};

use crate::fields;

/// A piece of content: how long it is, and whether only its framing goes through the connection.
type Piece = (usize, bool);

/// A connection that sends, and what has left it.
struct Sending {
    connection: Connection,
    wire: Vec<u8>,
    /// A write takes so much.
    step: usize,
}

impl Sending {
    fn transmit(&mut self) {
        while !self.connection.transmit().is_empty() {
            let n = self.connection.transmit().len().min(self.step);
            self.wire.extend_from_slice(&self.connection.transmit()[..n]);
            self.connection.transmitted(n);
        }
    }

    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let waiting = !self.connection.transmit().is_empty();
            let n = self.connection.send_content(bytes).unwrap();
            assert!(n > 0 || waiting, "nothing waits, and nothing is taken");
            bytes = &bytes[n..];
            if !bytes.is_empty() {
                self.transmit();
            }
        }
    }

    fn frame(&mut self, bytes: &[u8]) {
        self.connection.frame_content(bytes.len() as u64).unwrap();
        self.transmit();
        for own in bytes.chunks(self.step) {
            assert!(self.connection.framed_content() >= own.len() as u64);
            self.wire.extend_from_slice(own);
            self.connection.transmitted_content(own.len() as u64);
        }
        assert_eq!(self.connection.framed_content(), 0);
    }
}

/// The message body that goes out when this content is sent.
fn encode(framing: Framing, content: &[u8], pieces: &[Piece], trailers: &Fields, bound: u32, step: usize) -> Vec<u8> {
    let mut config = Config::default();
    config.limits.transmit_buffer = bound;
    let request = Request::builder("PUT", "/").host("a");
    let request =
        if let Framing::Length(length) = framing { request.content_length(length) } else { request.chunked() };
    let request = request.build().unwrap();
    let mut sending = Sending { connection: Connection::new(config), wire: Vec::new(), step };
    sending.connection.send_request(&request).unwrap();
    let mut rest = content;
    for &(len, framed) in pieces {
        let (now, later) = rest.split_at(len.min(rest.len()));
        // A length of 0 leaves nothing to frame.
        if framed && sending.connection.content_due() != Framing::None {
            sending.frame(now)
        } else {
            sending.send(now)
        }
        rest = later;
    }
    sending.send(rest);
    if sending.connection.content_due() != Framing::None {
        sending.connection.finish_request(trailers).unwrap();
    }
    sending.transmit();
    assert_eq!(sending.connection.bytes_sent(), sending.wire.len() as u64);
    sending.wire.strip_prefix(request.as_bytes()).unwrap().to_vec()
}

/// The content and the trailer section of a message with this body.
fn decode(framing: Framing, body: &[u8]) -> (Vec<u8>, Fields) {
    let framing = match framing {
        Framing::Length(length) => format!("Content-Length: {length}"),
        _ => "Transfer-Encoding: chunked".to_owned(),
    };
    let mut connection = Connection::new(Config::default());
    connection.send_request(&Request::get("/", "a").unwrap()).unwrap();
    connection.transmitted(connection.transmit().len());
    let wire = [format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes(), body].concat();
    let mut rest = &wire[..];
    let mut content = Vec::new();
    loop {
        while connection.advance().unwrap() {
            match connection.event() {
                Event::Content(bytes) => content.extend_from_slice(bytes),
                Event::End(trailers) => {
                    assert!(rest.is_empty() && connection.unparsed().is_empty(), "the end is the end");
                    return (content, trailers.to_owned());
                }
                _ => {}
            }
        }
        assert!(!rest.is_empty(), "the message has an end");
        let space = connection.receive_space();
        let n = space.len().min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        connection.received(n);
        rest = &rest[n..];
    }
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn content_and_trailers_arrive_as_they_left(
        // Any bytes, repeated: a long content is long to make up at random.
        (bytes, times) in (vec(any::<u8>(), 0..200), 0..60_usize),
        pieces in vec((0..3000_usize, any::<bool>()), 0..8),
        trailers in fields::section("x-"),
        is_chunked in any::<bool>(),
        bound in 1..5000_u32,
        step in 1..5000_usize,
    ) {
        let content = bytes.repeat(times);
        let framing = if is_chunked { Framing::Chunked } else { Framing::Length(content.len() as u64) };
        let trailers = if is_chunked { trailers } else { Fields::new() };
        let body = encode(framing, &content, &pieces, &trailers, bound, step);
        let (decoded, found) = decode(framing, &body);
        prop_assert!(decoded == content);
        prop_assert_eq!(found.as_bytes(), trailers.as_bytes());
    }
}
