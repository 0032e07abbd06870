//! What wireline makes of a stream.

use wireline_proto::{Config, Connection, Error, ErrorKind, Event, FieldsRef, Request, ResponseHead, Reuse, Version};

use super::input::{Ask, Input};
use super::verdict::{After, Head, Line, Message, Verdict};

/// A verdict, and the error that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) verdict: Verdict,
    pub(crate) error: Option<Error>,
}

/// How much of a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The first head, interim or final, as the answer to a HEAD request: nothing is asked about content.
    Head,
    /// All up to the end of the first final response.
    Message,
}

pub(crate) fn read(input: &Input, scope: Scope, config: Config) -> Reading {
    let mut connection = Connection::new(config);
    let request = request(if scope == Scope::Head { Ask::Head } else { input.ask });
    connection.send_request(&request).unwrap();
    connection.transmitted(connection.transmit().len());
    let mut message = Message::default();
    let mut rest = &input.stream[..];
    let mut behind = 0;
    let is_complete = loop {
        match connection.advance() {
            Err(_) => break false,
            Ok(true) => {
                behind = connection.event_offset();
                let event = connection.event();
                if let (Scope::Head, Event::Interim(head) | Event::Response(head) | Event::Switched(head)) =
                    (scope, event)
                {
                    message.head = Some(convert(head));
                    behind += head.as_bytes().len() as u64;
                    break true;
                }
                match event {
                    Event::Interim(head) => message.interims.push(head.status().as_u16()),
                    Event::Response(head) => message.head = Some(convert(head)),
                    Event::Content(bytes) => message.content.extend_from_slice(bytes),
                    Event::End(trailers) => {
                        message.trailers = lines(trailers);
                        break true;
                    }
                    Event::Switched(head) => {
                        message.head = Some(convert(head));
                        message.after = Some(After::Switched);
                        behind += head.as_bytes().len() as u64;
                        break true;
                    }
                    other => panic!("an event that this test does not know: {other:?}"),
                }
            }
            Ok(false) if rest.is_empty() => connection.received(0),
            Ok(false) => {
                let space = connection.receive_space();
                let n = space.len().min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                connection.received(n);
                rest = &rest[n..];
            }
        }
    };
    if is_complete {
        message.surplus = input.stream[usize::try_from(behind).unwrap()..].to_vec();
        if scope == Scope::Message && message.after.is_none() {
            let persists = connection.reuse() == Reuse::Now && message.surplus.is_empty();
            message.after = Some(if persists { After::Persists } else { After::Closes });
        }
        return Reading { verdict: Verdict::Accepted(message), error: None };
    }
    let error = connection.error().cloned();
    let is_incomplete = error.as_ref().is_some_and(|error| matches!(error.kind(), ErrorKind::Incomplete(_)));
    Reading { verdict: if is_incomplete { Verdict::Incomplete(message) } else { Verdict::Refused }, error }
}

fn request(ask: Ask) -> Request {
    let builder = Request::builder(ask.method(), ask.target()).host("a:1");
    match ask {
        Ask::Upgrade => builder.field("Connection", "upgrade").field("Upgrade", "test"),
        Ask::Connect | Ask::Get | Ask::Head => builder,
    }
    .build()
    .unwrap()
}

fn convert(head: ResponseHead<'_>) -> Head {
    let version = if head.version() == Version::HTTP_10 { "1.0" } else { "1.1" };
    Head {
        version: version.to_owned(),
        status: head.status().as_u16(),
        reason: Some(head.reason().to_vec()),
        fields: lines(head.fields()),
    }
}

fn lines(fields: FieldsRef<'_>) -> Vec<Line> {
    fields.iter().map(|field| (field.name().as_bytes().to_vec(), field.value().to_vec())).collect()
}
