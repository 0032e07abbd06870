//! A request that exists can be sent: it is valid by construction and already in wire form, and its framing was
//! derived when it was built.

use std::fmt;

use http::{Method, Version};

use crate::body::length::{self, Framing, RequestFault};
use crate::exchange::Role;
use crate::fields::{Fields, FieldsRef, InvalidField, Line};
use crate::grammar::{self, HOST, TARGET};

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
    /// Where the target and the field section are in `wire`.
    target: std::ops::Range<usize>,
    section: std::ops::Range<usize>,
    method: Method,
    version: Version,
    framing: Framing,
    role: Role,
    expects_continue: bool,
    idempotent: bool,
    last: bool,
}

impl Request {
    /// Begins a request. The target is sent exactly as given, in any of the four forms of RFC 9112 section 3.2:
    /// origin-form (`/where?q=now`), absolute-form (`http://host/where`), authority-form (`host:port`, CONNECT alone)
    /// or asterisk-form (`*`, OPTIONS alone).
    pub fn builder(method: impl TryInto<Method>, target: impl AsRef<[u8]>) -> RequestBuilder {
        let method = method.try_into().map_err(|_| InvalidRequest::Method);
        RequestBuilder {
            mistake: method.as_ref().err().copied(),
            method: method.unwrap_or_default(),
            target: target.as_ref().to_vec(),
            version: Version::HTTP_11,
            host: None,
            fields: Fields::new(),
            idempotent: None,
        }
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
        let role = Self::role(&method, None);
        Self {
            lines: Vec::new(),
            target: 0..0,
            section: wire.len()..wire.len(),
            idempotent: method.is_idempotent(),
            method,
            version: Version::HTTP_11,
            framing: Framing::None,
            role,
            expects_continue: false,
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
        FieldsRef { bytes: &self.wire[self.section.clone()], lines: &self.lines, rewritten: &[] }
    }

    /// What has to follow the head: [`Framing::None`], [`Framing::Length`] or [`Framing::Chunked`].
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
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

    fn role(method: &Method, upgrade: Option<&[u8]>) -> Role {
        match (method, upgrade) {
            (&Method::CONNECT, _) => Role::Connect,
            (&Method::HEAD, None) => Role::Head,
            (_, Some(offered)) => Role::Upgrade(offered.into()),
            (_, None) => Role::Other,
        }
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

/// Builds a [`Request`]. The first mistake is kept, and [`build`](Self::build) reports it.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuilder {
    method: Method,
    target: Vec<u8>,
    version: Version,
    host: Option<Vec<u8>>,
    fields: Fields,
    idempotent: Option<bool>,
    mistake: Option<InvalidRequest>,
}

impl RequestBuilder {
    /// HTTP/1.1, the default, or HTTP/1.0.
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// `Host`, as the first field (RFC 9110 section 7.2). Empty where the target has no authority.
    pub fn host(mut self, host: impl AsRef<[u8]>) -> Self {
        if self.host.replace(host.as_ref().to_vec()).is_some() {
            self.note(InvalidRequest::HostRepeated);
        }
        self
    }

    /// A field line, behind those before it, in the case given.
    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        if let Err(invalid) = self.fields.append(name, value) {
            self.note(InvalidRequest::Field(invalid));
        }
        self
    }

    /// Field lines, behind those before them.
    pub fn fields(mut self, fields: &Fields) -> Self {
        for field in fields.iter() {
            self = self.field(field.name(), field.value());
        }
        self
    }

    /// `Content-Length`: so many bytes of content follow.
    pub fn content_length(self, length: u64) -> Self {
        self.field("Content-Length", length.to_string())
    }

    /// `Transfer-Encoding: chunked`: content of a length that is not known yet follows.
    pub fn chunked(self) -> Self {
        self.field("Transfer-Encoding", "chunked")
    }

    /// `Expect: 100-continue`: the content waits until the peer asks for it (RFC 9110 section 10.1.1).
    pub fn expect_continue(self) -> Self {
        self.field("Expect", "100-continue")
    }

    /// `Connection: close`: no request follows this one.
    pub fn close(self) -> Self {
        self.field("Connection", "close")
    }

    /// Whether sending it twice has the effect of sending it once, where the method does not say it: a POST with a
    /// key that the server recognises, say.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    fn note(&mut self, mistake: InvalidRequest) {
        self.mistake.get_or_insert(mistake);
    }

    /// The request, with its framing, its expectation and whether it switches or closes derived from its fields.
    ///
    /// # Errors
    /// [`InvalidRequest`] for whatever would be illegal on the wire, or could be read as two requests. There is no way
    /// around it but [`Request::unchecked`].
    pub fn build(self) -> Result<Request, InvalidRequest> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let Self { method, target, version, host, mut fields, idempotent, .. } = self;
        if version != Version::HTTP_11 && version != Version::HTTP_10 {
            return Err(InvalidRequest::Version);
        }
        check_target(&method, &target)?;
        if let Some(host) = host {
            let rest = std::mem::take(&mut fields);
            fields.append("Host", host).map_err(|_| InvalidRequest::HostInvalid)?;
            for field in rest.iter() {
                fields.append(field.name(), field.value()).map_err(InvalidRequest::Field)?;
            }
        }
        let section = fields.as_ref();
        check_host(version, section)?;
        let framing = length::of_request(version, section)?;
        let has_content = !matches!(framing, Framing::None | Framing::Length(0));
        check_method_rules(&method, section, has_content)?;
        let expects_continue = section.has_token("expect", "100-continue");
        if expects_continue && version < Version::HTTP_11 {
            return Err(InvalidRequest::ExpectInHttp10);
        }
        if expects_continue && !has_content {
            return Err(InvalidRequest::ExpectWithoutContent);
        }
        let upgrade = section.joined("upgrade");
        check_hop_by_hop(section)?;
        // A server has to ignore Upgrade in HTTP/1.0 (RFC 9110 section 7.8).
        let upgrade = upgrade.as_deref().filter(|_| version == Version::HTTP_11);
        let keeps_alive = version == Version::HTTP_11 || section.has_token("connection", "keep-alive");

        let mut wire = Vec::with_capacity(method.as_str().len() + target.len() + section.as_bytes().len() + 13);
        wire.extend_from_slice(method.as_str().as_bytes());
        wire.push(b' ');
        let target_start = wire.len();
        wire.extend_from_slice(&target);
        let target = target_start..wire.len();
        wire.extend_from_slice(if version == Version::HTTP_11 { b" HTTP/1.1\r\n" } else { b" HTTP/1.0\r\n" });
        let request = Request {
            role: Request::role(&method, upgrade),
            idempotent: idempotent.unwrap_or_else(|| method.is_idempotent()),
            last: !keeps_alive || section.has_token("connection", "close"),
            section: wire.len()..wire.len() + section.as_bytes().len(),
            lines: Vec::new(),
            wire: Vec::new(),
            target,
            method,
            version,
            framing,
            expects_continue,
        };
        let (section, lines) = fields.into_parts();
        wire.extend_from_slice(&section);
        wire.extend_from_slice(b"\r\n");
        Ok(Request { wire, lines, ..request })
    }
}

/// RFC 9112 section 3.2: no white space, no control byte, no fragment; and the form that the method asks for.
fn check_target(method: &Method, target: &[u8]) -> Result<(), InvalidRequest> {
    if let Some(at) = grammar::first_not(target, TARGET) {
        return Err(InvalidRequest::Target { at });
    }
    let authority = |bytes: &[u8]| !bytes.is_empty() && grammar::first_not(bytes, HOST).is_none();
    match target {
        _ if *method == Method::CONNECT => match memchr::memrchr(b':', target).map(|colon| target.split_at(colon)) {
            Some((host, port)) if authority(host) && port.len() > 1 && port[1..].iter().all(u8::is_ascii_digit) => {
                Ok(())
            }
            _ if memchr::memchr(b'@', target).is_some() => Err(InvalidRequest::UserinfoInTarget),
            _ => Err(InvalidRequest::TargetForm),
        },
        b"*" if *method == Method::OPTIONS => Ok(()),
        [b'/', ..] => Ok(()),
        _ => {
            let scheme = memchr::memmem::find(target, b"://").ok_or(InvalidRequest::TargetForm)?;
            let rest = &target[scheme + 3..];
            let end = rest.iter().position(|&byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            if memchr::memchr(b'@', &rest[..end]).is_some() {
                return Err(InvalidRequest::UserinfoInTarget);
            }
            let name = &target[..scheme];
            let is_scheme = name.first().is_some_and(u8::is_ascii_alphabetic)
                && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            if is_scheme && authority(&rest[..end]) { Ok(()) } else { Err(InvalidRequest::TargetForm) }
        }
    }
}

/// RFC 9112 section 3.2: exactly one `Host` in an HTTP/1.1 request, at most one in any, and a valid one.
fn check_host(version: Version, fields: FieldsRef<'_>) -> Result<(), InvalidRequest> {
    let mut hosts = fields.get_all("host");
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(InvalidRequest::HostRepeated),
        (Some(host), None) if grammar::first_not(host, HOST).is_some() => Err(InvalidRequest::HostInvalid),
        (None, None) if version == Version::HTTP_11 => Err(InvalidRequest::HostMissing),
        (Some(_) | None, None) => Ok(()),
    }
}

/// RFC 9110 sections 9.3.6 (CONNECT has no content) and 9.3.8 (TRACE has neither content nor credentials).
fn check_method_rules(method: &Method, fields: FieldsRef<'_>, has_content: bool) -> Result<(), InvalidRequest> {
    if has_content && matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(InvalidRequest::ContentForbidden);
    }
    let secrets = ["authorization", "proxy-authorization", "cookie"];
    if *method == Method::TRACE && secrets.iter().any(|name| fields.contains(name)) {
        return Err(InvalidRequest::CredentialsInTrace);
    }
    Ok(())
}

/// RFC 9110 sections 7.8 and 10.1.4: `Upgrade` and `TE` are named in `Connection`, and `TE` does not list chunked.
fn check_hop_by_hop(fields: FieldsRef<'_>) -> Result<(), InvalidRequest> {
    if fields.contains("upgrade") && !fields.has_token("connection", "upgrade") {
        return Err(InvalidRequest::UpgradeWithoutConnection);
    }
    if fields.has_token("te", "chunked") {
        return Err(InvalidRequest::TeChunked);
    }
    if fields.contains("te") && !fields.has_token("connection", "te") {
        return Err(InvalidRequest::TeWithoutConnection);
    }
    Ok(())
}

/// Declares the mistakes with their names and texts.
macro_rules! mistakes {
    ($($(#[$inner:meta])* $variant:ident $({ $field:ident: $type:ty })? = $name:literal, $text:literal;)*) => {
        /// A request that cannot be sent: it would be illegal, or could be read as something else. Nothing has left.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum InvalidRequest {
            $($(#[$inner])* #[doc = concat!("`", $name, "`: ", $text, ".")] $variant $({
                #[doc = "The place of the byte, counted from the start of the target."] $field: $type
            })?,)*
            /// `field-line`, `field-name`, `field-value`: a field that cannot be sent.
            Field(InvalidField),
        }

        impl InvalidRequest {
            /// Every name that [`name`](Self::name) can give.
            pub const NAMES: &'static [&'static str] = &[$($name,)* "field-name", "field-value"];

            /// A short name that does not change: what the wire cases print.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant $({ $field: _ })? => $name,)*
                    Self::Field(InvalidField::Line { .. }) => "field-line",
                    Self::Field(InvalidField::Name { .. }) => "field-name",
                    Self::Field(InvalidField::Value { .. }) => "field-value",
                }
            }
        }

        impl fmt::Display for InvalidRequest {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant $({ $field })? => {
                        f.write_str($text)?;
                        $(write!(f, " at byte {}", $field)?;)?
                        Ok(())
                    })*
                    Self::Field(invalid) => invalid.fmt(f),
                }
            }
        }
    };
}

mistakes! {
    CodingInHttp10 = "coding-in-http10", "Transfer-Encoding in an HTTP/1.0 request";
    CodingUnsupported = "coding-unsupported", "a Transfer-Encoding that does not end in one chunked";
    ContentForbidden = "content-forbidden", "content in a CONNECT or TRACE request";
    CredentialsInTrace = "credentials-in-trace", "credentials in a TRACE request, which is sent back as it came";
    ExpectInHttp10 = "expect-in-http10", "Expect: 100-continue in an HTTP/1.0 request";
    ExpectWithoutContent = "expect-without-content", "Expect: 100-continue in a request without content";
    HostInvalid = "host-invalid", "a Host that is no host with an optional port";
    HostMissing = "host-missing", "an HTTP/1.1 request without Host";
    HostRepeated = "host-repeated", "more than one Host";
    LengthInvalid = "length-invalid", "a Content-Length that is not decimal digits alone, or does not fit into 64 bits";
    LengthRepeated = "length-repeated", "more than one Content-Length";
    LengthWithCoding = "length-with-coding", "Content-Length and Transfer-Encoding together";
    Method = "method", "a method that is no token";
    Target { at: usize } = "target", "a byte that no request target may hold (white space, a control byte, #, or above 0x7E)";
    TargetForm = "target-form", "a request target that is in none of the four forms, or not in the one of its method";
    TeChunked = "te-chunked", "TE lists chunked";
    TeWithoutConnection = "te-without-connection", "TE without Connection: TE";
    UpgradeWithoutConnection = "upgrade-without-connection", "Upgrade without Connection: upgrade";
    UserinfoInTarget = "userinfo-in-target", "userinfo in the request target";
    Version = "version", "an HTTP version other than 1.0 and 1.1";
}

impl std::error::Error for InvalidRequest {}

impl From<RequestFault> for InvalidRequest {
    fn from(fault: RequestFault) -> Self {
        match fault {
            RequestFault::CodingInHttp10 => Self::CodingInHttp10,
            RequestFault::CodingUnsupported => Self::CodingUnsupported,
            RequestFault::LengthInvalid => Self::LengthInvalid,
            RequestFault::LengthRepeated => Self::LengthRepeated,
            RequestFault::LengthWithCoding => Self::LengthWithCoding,
        }
    }
}

impl TryFrom<&http::request::Parts> for Request {
    type Error = InvalidRequest;

    /// Origin-form, with `Host` from the URI's authority where the fields have none; authority-form for CONNECT. The
    /// content's framing has to be among the fields.
    fn try_from(parts: &http::request::Parts) -> Result<Self, InvalidRequest> {
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
            if let Some(host) = authority {
                builder = builder.host(host);
            }
        }
        builder.fields(&Fields::from(&parts.headers)).build()
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
