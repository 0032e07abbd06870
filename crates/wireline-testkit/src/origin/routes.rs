//! Which answer a request gets.

use std::time::Duration;

use wireline_proto::StatusCode;

use super::Next;
use super::answer::{self, Answer, CONTENT_TOO_LARGE, Content};
use super::incoming::Incoming;
use super::request::{self, BadRequest, Request};
use crate::net::Leaving;

/// More content than this is refused.
const MOST: usize = 64 << 20;

/// Longer than this nobody is made to wait.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) fn answer(request: &Request, incoming: &mut Incoming, leaving: &Leaving) -> Result<Next, BadRequest> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let (route, argument) = match path.strip_prefix('/').unwrap_or_default().split_once('/') {
        Some((route, argument)) => (route, argument),
        None => (path.strip_prefix('/').unwrap_or_default(), ""),
    };
    if route == "refuse" {
        let status = if argument.is_empty() { Some(CONTENT_TOO_LARGE) } else { code(argument) };
        let status = status.filter(|status| !status.is_informational()).unwrap_or(StatusCode::NOT_FOUND);
        return Ok(last(status, b"refused\n").send(request, incoming)?);
    }
    if request.expects_continue && request.content != request::Content::Length(0) && incoming.buffered().is_empty() {
        answer::interim(StatusCode::CONTINUE, incoming)?;
    }
    let Some(content) = request::read_content(request.content, MOST, incoming)? else {
        return Ok(last(CONTENT_TOO_LARGE, b"too much\n").send(request, incoming)?);
    };
    let number = argument.parse::<u64>();
    let (status, content) = match (route, number) {
        ("bytes", Ok(len)) => (StatusCode::OK, Content::Pattern(len)),
        ("chunked", Ok(len)) => {
            let size = parameter(query, "size").and_then(|size| size.parse().ok()).unwrap_or(1024);
            let trailers = parameter(query, "trailers") == Some("1");
            (StatusCode::OK, Content::Chunked { len, size: size.max(1), trailers })
        }
        ("close", Ok(len)) => (StatusCode::OK, Content::UntilClose(len)),
        ("delay", Ok(milliseconds)) => {
            // What is queued for earlier requests does not wait.
            incoming.flush()?;
            leaving.wait(Duration::from_millis(milliseconds).min(LONGEST));
            (StatusCode::OK, Content::Bytes(b"done\n"))
        }
        ("echo", Err(_)) if argument.is_empty() => (StatusCode::OK, Content::Bytes(&content)),
        ("headers", Err(_)) if argument.is_empty() => (StatusCode::OK, Content::Bytes(&request.head)),
        ("reset-after", Ok(len)) => (StatusCode::OK, Content::Cut(len)),
        ("status", Ok(_)) => match code(argument) {
            Some(status) if status.is_informational() => {
                answer::interim(status, incoming)?;
                (StatusCode::OK, Content::Bytes(b""))
            }
            Some(status) => (status, Content::Bytes(b"")),
            None => (StatusCode::NOT_FOUND, Content::Bytes(b"")),
        },
        _ => (StatusCode::NOT_FOUND, Content::Bytes(b"not found\n")),
    };
    Ok(Answer { status, content, last: false }.send(request, incoming)?)
}

fn last(status: StatusCode, content: &[u8]) -> Answer<'_> {
    Answer { status, content: Content::Bytes(content), last: true }
}

fn code(digits: &str) -> Option<StatusCode> {
    StatusCode::from_bytes(digits.as_bytes()).ok()
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|parameter| parameter.split_once('=')).find(|(found, _)| *found == name).map(|p| p.1)
}
