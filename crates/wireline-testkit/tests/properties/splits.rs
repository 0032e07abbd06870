//! However a stream is cut, the same comes out of it, and nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use wireline_proto::{Config, Connection, Event, Fields, Framing, Request};
use wireline_testkit::{Log, Recorder};

use crate::input;

/// How the peer's stream ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Broken,
    InOrder,
    NotYet,
}

/// What comes out of a connection: the log, and the error with everything that it says.
fn observe(
    config: Config,
    requests: &[Request],
    pieces: &[&[u8]],
    end: End,
    by_pass: bool,
) -> (Log, Option<wireline_proto::Error>) {
    let mut connection = Connection::new(config);
    let mut recorder = Recorder::new(true);
    for request in requests {
        match connection.send_request(request) {
            Ok(_) => send_content(&mut connection, request.framing()),
            Err(misuse) => recorder.misuse(misuse),
        }
        connection.transmitted(connection.transmit().len());
    }
    for piece in pieces {
        receive(&mut connection, &mut recorder, piece, by_pass);
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
fn send_content(connection: &mut Connection, framing: Framing) {
    connection.transmitted(connection.transmit().len());
    if connection.content_due() != Framing::None && connection.awaiting_continue().is_none() {
        let content = [b'c'; 5];
        let len = framing.length().map_or(1, |length| usize::try_from(length).unwrap());
        for byte in content[..len].chunks(1) {
            assert_eq!(connection.send_content(byte), Ok(1));
            connection.transmitted(connection.transmit().len());
        }
        connection.finish_request(&Fields::new()).unwrap();
    }
}

fn receive(connection: &mut Connection, recorder: &mut Recorder, mut bytes: &[u8], by_pass: bool) {
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

fn take_events(connection: &mut Connection, recorder: &mut Recorder) {
    while let Ok(true) = connection.advance() {
        let at = Some(connection.event_offset());
        match connection.event() {
            Event::Interim(head) => recorder.interim(at, head.exchange().index(), head.status(), head.fields()),
            Event::Response(head) => {
                let line = (head.version(), head.status());
                recorder.response(at, head.exchange().index(), line, head.fields(), head.framing());
                recorder.note(&format!("\"{}\"", head.as_bytes().escape_ascii()));
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

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Broken), Just(End::InOrder), Just(End::NotYet)]
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn splits_do_not_matter(
        config in input::settings(),
        requests in vec(input::request(), 1..5),
        stream in input::stream(),
        cuts in vec(any::<Index>(), 0..6),
        end in end(),
    ) {
        let whole = observe(config, &requests, &[&stream], end, false);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&stream[start..cut]);
            start = cut;
        }
        pieces.push(&stream[start..]);
        prop_assert_eq!(&observe(config, &requests, &pieces, end, false), &whole);
        prop_assert_eq!(&observe(config, &requests, &pieces, end, true), &whole);
        let bytes: Vec<_> = stream.chunks(1).collect();
        prop_assert_eq!(&observe(config, &requests, &bytes, end, false), &whole);
        prop_assert_eq!(&observe(config, &requests, &bytes, end, true), &whole);
    }
}
