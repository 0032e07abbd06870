//! What comes out of a connection, however its stream is cut.

use wireline_proto::{Config, Connection, Error, Event, Fields, Framing, Request};

use super::walk::memory_bound;
use crate::{Log, Recorder};

/// How the peer's stream ends.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "there is no other way to end")]
pub enum End {
    /// It breaks.
    Broken,
    /// In order.
    InOrder,
    /// It is still open.
    NotYet,
}

/// What comes out of a connection that has sent these requests when its peer sends these pieces: the log, and the error
/// with everything that it says. With `by_pass` content goes by the buffer wherever it may.
///
/// # Panics
/// When something does not hold that always does: an error stays, content is never empty, there is room for bytes that are
/// asked for, memory is within its bound.
#[must_use]
pub fn observe(
    config: Config,
    requests: &[Request],
    pieces: &[&[u8]],
    end: End,
    by_pass: bool,
) -> (Log, Option<Error>) {
    let mut connection = Connection::new(config);
    let mut recorder = Recorder::new(true);
    for request in requests {
        match connection.send_request(request) {
            Ok(_) => send_content(&mut connection, request),
            Err(misuse) => recorder.misuse(misuse),
        }
        connection.transmitted(connection.transmit().len());
    }
    let most = connection.memory() + memory_bound(&config);
    for piece in pieces {
        receive(&mut connection, &mut recorder, piece, by_pass);
        assert!(connection.memory() <= most, "{} bytes are held", connection.memory());
    }
    match end {
        End::Broken => connection.receive_failed(),
        End::InOrder => connection.received(0),
        End::NotYet => {}
    }
    take_events(&mut connection, &mut recorder);
    recorder.verdict(connection.reuse(), connection.unanswered());
    if connection.error().is_none() {
        recorder.note(&format!("{} bytes, {:?}", connection.bytes_received(), connection.receiving()));
    }
    if let Ok(bytes) = connection.clone().into_switched() {
        recorder.switched_bytes(&bytes);
    }
    (recorder.finish(), connection.error().cloned())
}

/// All the content that is due, unless it has to wait.
fn send_content(connection: &mut Connection, request: &Request) {
    connection.transmitted(connection.transmit().len());
    if connection.content_due() != Framing::None && connection.awaiting_continue().is_none() {
        let len = request.framing().length().map_or(1, |length| usize::try_from(length).expect("of few bytes"));
        let content = if request.is_encoded() { b"0\r\n\r\n" } else { &[b'c'; 5][..len] };
        for byte in content.chunks(1) {
            assert_eq!(connection.send_content(byte), Ok(1));
            connection.transmitted(connection.transmit().len());
        }
        assert_eq!(connection.finish_request(&Fields::new()), Ok(()));
    }
}

/// The bytes come, and each event is taken as soon as there is one.
pub(super) fn receive(connection: &mut Connection, recorder: &mut Recorder, mut bytes: &[u8], by_pass: bool) {
    // How much comes after an error depends on how it is cut.
    while !bytes.is_empty() && connection.error().is_none() {
        let direct = connection.direct_content().filter(|_| by_pass);
        let n = if let Some(most) = direct {
            let n = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
            recorder.content(Some(connection.bytes_received()), &bytes[..n]);
            connection.took_content(n as u64);
            n
        } else {
            let space = connection.receive_space();
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            // Without room no more is read: into_switched has it then.
            if n == 0 {
                return;
            }
            connection.received(n);
            n
        };
        bytes = &bytes[n..];
        take_events(connection, recorder);
    }
}

pub(super) fn take_events(connection: &mut Connection, recorder: &mut Recorder) {
    while let Ok(true) = connection.advance() {
        let at = Some(connection.event_offset());
        match connection.event() {
            Event::Interim(head) => recorder.interim(at, head.exchange().index(), head.status(), head.fields()),
            Event::Response(head) => {
                let line = (head.version(), head.status());
                recorder.response(at, head.exchange().index(), line, head.fields(), head.framing());
                recorder.note(&format!("\"{}\", {}", head.as_bytes().escape_ascii(), head.reason().escape_ascii()));
            }
            Event::Content(bytes) => {
                assert!(!bytes.is_empty(), "content is never empty");
                recorder.content(at, bytes);
            }
            Event::End(trailers) => {
                recorder.end(at, trailers);
                recorder.tolerated(connection.deviations());
            }
            Event::Switched(head) => recorder.switched(at, head.exchange().index(), head.status(), head.fields()),
            Event::Closed => recorder.closed(at),
            other => panic!("an event that this test does not know: {other:?}"),
        }
    }
    if let Some(error) = connection.error().cloned() {
        assert_eq!(connection.advance(), Err(error), "an error stays");
    } else if connection.interest().read {
        assert!(!connection.receive_space().is_empty(), "more bytes are asked for, and there is no room for them");
    }
}
