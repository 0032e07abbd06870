//! What a reader makes of a stream, in one form for all of them.

use std::fmt;

/// How a stream was judged. Why a reader refuses is its own affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A response, and what it leaves behind.
    Accepted(Message),
    /// The stream ended too early, behind this much of a response.
    Incomplete(Message),
    /// It is no HTTP/1.1.
    Refused,
}

/// A final response with what came before it and what came behind it; as far as it came, where it is incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The status codes of the interim responses.
    pub(crate) interims: Vec<u16>,
    pub(crate) head: Option<Head>,
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: Vec<Line>,
    /// What becomes of the connection; nothing is known before the end.
    pub(crate) after: Option<After>,
    /// The bytes behind the message.
    pub(crate) surplus: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: String,
    pub(crate) status: u16,
    /// Not every reader tells.
    pub(crate) reason: Option<Vec<u8>>,
    pub(crate) fields: Vec<Line>,
}

/// A name and a value.
pub(crate) type Line = (Vec<u8>, Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Closes,
    Persists,
    /// What follows is not HTTP.
    Switched,
}

impl Verdict {
    /// What has come of a response.
    pub(crate) fn message(&self) -> Option<&Message> {
        match self {
            Self::Accepted(message) | Self::Incomplete(message) => Some(message),
            Self::Refused => None,
        }
    }

    pub(crate) fn message_mut(&mut self) -> Option<&mut Message> {
        match self {
            Self::Accepted(message) | Self::Incomplete(message) => Some(message),
            Self::Refused => None,
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.message()?.head.as_ref()
    }

    pub(crate) fn head_mut(&mut self) -> Option<&mut Head> {
        self.message_mut()?.head.as_mut()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(message) => write!(f, "accepted: {message}"),
            Self::Incomplete(message) if *message == Message::default() => f.write_str("incomplete"),
            Self::Incomplete(message) => write!(f, "incomplete: {message}"),
            Self::Refused => f.write_str("refused"),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.interims.iter().map(ToString::to_string).collect();
        if let Some(head) = &self.head {
            parts.push(format!("HTTP/{} {}", head.version, head.status));
            parts.extend(head.reason.as_ref().filter(|reason| !reason.is_empty()).map(|reason| shown(reason)));
            parts.extend(head.fields.iter().map(line));
        }
        if !self.content.is_empty() {
            parts.push(format!("content {}", shown(&self.content)));
        }
        if !self.trailers.is_empty() {
            parts.push(format!("trailers {}", self.trailers.iter().map(line).collect::<Vec<_>>().join(", ")));
        }
        parts.extend(self.after.map(|after| format!("{after:?}").to_lowercase()));
        if !self.surplus.is_empty() {
            parts.push(format!("surplus {}", shown(&self.surplus)));
        }
        f.write_str(&parts.join(", "))
    }
}

fn line((name, value): &Line) -> String {
    shown(&[name, &b": "[..], value].concat())
}

/// In quotes, as Rust writes it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
