//! A request that exists can be sent: it is valid by construction and already in wire form, and its framing was
//! derived when it was built.

use std::fmt;

use http::{Method, Version};

use crate::body::length::Framing;
use crate::error::Misuse;
use crate::exchange::Role;
use crate::fields::known::KnownLines;
use crate::fields::{Fields, FieldsRef, Line};
use crate::send;

mod builder;
mod invalid;

pub use builder::RequestBuilder;
pub use invalid::InvalidRequest;

/// A request: its head in wire form, and what a connection has to know of it.
///
/// What you build is what goes out: nothing is added, dropped, reordered or changed in case. Sending it again costs
/// a copy.
///
/// ```
/// use wireline_proto::{Framing, Request};
///
/// let request = Request::builder("POST", "/upload?to=a|b")
///     .host("example.org")
///     .field("X-Trace", "7")
///     .content_length(5)
///     .build()?;
/// assert_eq!(request.framing(), Framing::Length(5));
/// assert_eq!(
///     request.as_bytes(),
///     b"POST /upload?to=a|b HTTP/1.1\r\nHost: example.org\r\nX-Trace: 7\r\nContent-Length: 5\r\n\r\n",
/// );
/// # Ok::<(), wireline_proto::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    wire: Vec<u8>,
    lines: Vec<Line>,
    known: KnownLines,
    /// Where the target and the field section are in `wire`.
    target: std::ops::Range<usize>,
    section: std::ops::Range<usize>,
    method: Method,
    version: Version,
    framing: Framing,
    role: Role,
    expects_continue: bool,
    encoded: bool,
    idempotent: bool,
    last: bool,
}

impl Request {
    /// Begins a request. The target is sent exactly as given, in any of the four forms of RFC 9112 section 3.2:
    /// origin-form (`/where?q=now`), absolute-form (`http://host/where`), authority-form (`host:port`, CONNECT alone)
    /// or asterisk-form (`*`, OPTIONS alone).
    pub fn builder(method: impl TryInto<Method>, target: impl AsRef<[u8]>) -> RequestBuilder {
        RequestBuilder::new(method.try_into().map_err(|_| InvalidRequest::Method), target.as_ref())
    }

    /// `GET`, with nothing but `Host`.
    ///
    /// # Errors
    /// As [`RequestBuilder::build`].
    pub fn get(target: impl AsRef<[u8]>, host: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        Self::builder(Method::GET, target).host(host).build()
    }

    /// The door for testers of protocols: bytes that go out as they are, head and content, whatever they are.
    ///
    /// `method` says how the response is framed. Nothing is checked and nothing is derived: after this request the
    /// connection can be reused only if the peer reads it as one request, so it is up to you.
    ///
    /// Never with bytes that somebody else gave you: this is what request smuggling is made of.
    #[must_use]
    pub fn unchecked(wire: impl Into<Vec<u8>>, method: Method) -> Self {
        let wire = wire.into();
        let role = Role::new(&method, None);
        Self {
            lines: Vec::new(),
            known: KnownLines::NONE,
            target: 0..0,
            section: wire.len()..wire.len(),
            idempotent: method.is_idempotent(),
            method,
            version: Version::HTTP_11,
            framing: Framing::None,
            role,
            expects_continue: false,
            encoded: false,
            last: false,
            wire,
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request target as given; empty for [`unchecked`](Self::unchecked).
    #[must_use]
    pub fn target(&self) -> &[u8] {
        &self.wire[self.target.clone()]
    }

    /// HTTP/1.1 or HTTP/1.0.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The field section; empty for [`unchecked`](Self::unchecked).
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        let bytes = &self.wire[self.section.clone()];
        FieldsRef { bytes, lines: &self.lines, rewritten: &[], known: &self.known, plain: true }
    }

    /// What has to follow the head: [`Framing::None`], [`Framing::Length`] or [`Framing::Chunked`].
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether content of this length is what the head announces.
    ///
    /// # Errors
    /// What [`Connection::send_content`](crate::Connection::send_content) or
    /// [`finish_request`](crate::Connection::finish_request) would say of it, before a byte has left.
    pub fn check_content(&self, length: u64) -> Result<(), Misuse> {
        match self.framing {
            Framing::Length(room) if length > room => Err(Misuse::ContentExcess { room }),
            Framing::Length(due) if length < due => Err(Misuse::ContentShort { missing: due - length }),
            Framing::None if length > 0 => Err(Misuse::NoContentDue),
            _ => Ok(()),
        }
    }

    /// Whether this trailer section can end its content; an empty one always can.
    ///
    /// # Errors
    /// What [`Connection::finish_request`](crate::Connection::finish_request) would say of it, before a byte has left.
    pub fn check_trailers(&self, trailers: &Fields) -> Result<(), Misuse> {
        match self.framing {
            _ if trailers.is_empty() => Ok(()),
            Framing::Chunked if !self.encoded => send::check_trailers(trailers),
            _ => Err(Misuse::TrailersWithoutChunks),
        }
    }

    /// Whether its content comes in chunks already: [`RequestBuilder::encoded`].
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        self.encoded
    }

    /// Whether its content waits for 100 (Continue).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Whether sending it twice has the effect of sending it once (RFC 9110 section 9.2.2): by its method, unless
    /// [`RequestBuilder::idempotent`] said otherwise.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Whether the peer may leave HTTP in answer: CONNECT, or `Upgrade` (RFC 9110 sections 9.3.6 and 7.8).
    #[must_use]
    pub fn may_switch(&self) -> bool {
        self.role.may_switch()
    }

    /// Whether it is the last request of its connection: it says `Connection: close`, or is HTTP/1.0 without
    /// `Connection: keep-alive`.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.last
    }

    /// The head in wire form: request line, field section, empty line.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.wire
    }

    pub(crate) fn exchange_role(&self) -> &Role {
        &self.role
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &format_args!("{}", self.target().escape_ascii()))
            .field("version", &self.version)
            .field("fields", &self.fields())
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request in the types of the `http` crate: origin-form, or authority-form for CONNECT. Where its fields have no
    /// `Host`, one is put in front: the URI's authority, or else `default_host`. Where they have neither
    /// `Content-Length` nor `Transfer-Encoding`, `Content-Length` is put behind them when `content_length` is given.
    ///
    /// # Errors
    /// As [`RequestBuilder::build`].
    #[inline]
    pub fn from_http(
        parts: &http::request::Parts,
        default_host: Option<&str>,
        content_length: Option<u64>,
    ) -> Result<Self, InvalidRequest> {
        let authority = parts.uri.authority().map(|authority| {
            let authority = authority.as_str();
            authority.rsplit_once('@').map_or(authority, |(_, host)| host)
        });
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let target = match authority {
            Some(authority) if parts.method == Method::CONNECT => authority,
            _ if path.is_empty() => "/",
            _ => path,
        };
        let mut builder = Self::builder(parts.method.clone(), target).version(parts.version);
        if !parts.headers.contains_key(http::header::HOST) {
            if let Some(host) = authority.or(default_host) {
                builder = builder.host(host);
            }
        }
        builder = builder.fields(&Fields::from(&parts.headers));
        let is_framed = parts.headers.contains_key(http::header::CONTENT_LENGTH)
            || parts.headers.contains_key(http::header::TRANSFER_ENCODING);
        match content_length.filter(|_| !is_framed) {
            Some(length) => builder.content_length(length).build(),
            None => builder.build(),
        }
    }
}

impl TryFrom<&http::request::Parts> for Request {
    type Error = InvalidRequest;

    /// As [`from_http`](Request::from_http), with nothing given: the content's framing has to be among the fields.
    #[inline]
    fn try_from(parts: &http::request::Parts) -> Result<Self, InvalidRequest> {
        Self::from_http(parts, None, None)
    }
}

impl<T> TryFrom<&http::Request<T>> for Request {
    type Error = InvalidRequest;

    /// As from its parts: the body's framing has to be among the fields.
    fn try_from(request: &http::Request<T>) -> Result<Self, InvalidRequest> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = request.method().clone();
        parts.uri = request.uri().clone();
        parts.version = request.version();
        parts.headers = request.headers().clone();
        Self::try_from(&parts)
    }
}
