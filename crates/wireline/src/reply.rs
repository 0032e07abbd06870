//! The response that is being received, as far as the connection has to keep it.

use http::{StatusCode, Version};
use wireline_proto::{ExchangeId, Fields, FieldsRef, Framing, InvalidField, ResponseHead};

use crate::receiving::saving::Saving;

/// The head of a response: its status line and its field section, kept.
#[derive(Clone, Debug)]
pub struct Head(wireline_proto::Head);

impl Head {
    /// The exchange that it belongs to.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.0.as_ref().exchange()
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.as_ref().status()
    }

    /// HTTP/1.1 or HTTP/1.0; HTTP/0.9 only where it was let through.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.as_ref().version()
    }

    /// The reason phrase, mostly empty or of no interest, in no particular charset (RFC 9112 section 4).
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.0.as_ref().reason()
    }

    /// The field section, in order, as it came.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        self.0.as_ref().fields()
    }

    /// How the end of the message body is found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.0.as_ref().framing()
    }

    /// The bytes of the head as they came, the empty line included.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref().as_bytes()
    }

    /// The same as the `http` crate has it, which keeps neither the case nor the order of all fields.
    ///
    /// # Errors
    /// A field that a `HeaderMap` does not take.
    #[inline]
    pub fn to_http(&self) -> Result<http::Response<()>, InvalidField> {
        self.0.as_ref().to_http()
    }
}

/// How far a response has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none, or not any more.
    #[default]
    None,
    /// Its head has not.
    Awaited,
    /// Its content comes next, or its end.
    Content,
    /// A piece of content is lent by the core; this much of its length has been taken.
    Lent { taken: usize, len: usize },
    /// All of it, or all that there will be.
    Ended,
    /// Its head, and the bytes behind it are not HTTP.
    Switched,
}

#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) state: State,
    head: Option<Head>,
    /// Few responses have any.
    beside: Option<Box<Beside>>,
    pub(crate) content_read: u64,
    pub(crate) saving: Saving,
}

/// What stands before the head of a response and behind its content.
#[derive(Debug, Default)]
struct Beside {
    interim: Vec<Head>,
    trailers: Fields,
}

impl Reply {
    /// Another one is awaited, unless this one has not been received yet.
    pub(crate) fn begin(&mut self) {
        if matches!(self.state, State::None | State::Ended) {
            self.state = State::Awaited;
            self.content_read = 0;
            self.beside = None;
        }
    }

    pub(crate) fn trailers(&self) -> FieldsRef<'_> {
        const NONE: &Fields = &Fields::new();
        self.beside.as_ref().map_or(NONE, |beside| &beside.trailers).as_ref()
    }

    pub(crate) fn set_trailers(&mut self, trailers: FieldsRef<'_>) {
        self.beside.get_or_insert_default().trailers = trailers.to_owned();
    }

    pub(crate) fn interim(&self) -> &[Head] {
        self.beside.as_ref().map_or(&[], |beside| &beside.interim)
    }

    /// It was let go of, or never begins, and nobody can take it up again. The memory of its head is kept where another
    /// response is owed.
    pub(crate) fn forget(&mut self, is_last: bool) {
        self.state = State::None;
        if is_last {
            self.head = None;
        }
        self.saving = Saving::default();
    }

    pub(crate) fn add_interim(&mut self, head: &ResponseHead<'_>) {
        self.beside.get_or_insert_default().interim.push(Head(head.to_owned()));
    }

    pub(crate) fn set_head(&mut self, head: &ResponseHead<'_>, state: State) {
        self.state = state;
        match &mut self.head {
            Some(kept) => head.clone_into(&mut kept.0),
            none => *none = Some(Head(head.to_owned())),
        }
    }

    /// The head has come.
    pub(crate) fn is_received(&self) -> bool {
        !matches!(self.state, State::None | State::Awaited)
    }

    /// The head has come, and the end has not.
    pub(crate) fn is_begun(&self) -> bool {
        matches!(self.state, State::Content | State::Lent { .. })
    }

    pub(crate) fn head(&self) -> &Head {
        self.head.as_ref().expect("a response is handed out when its head has come")
    }
}
