//! Derives what a connection has to know of a request, and refuses what would be illegal on the wire.

use http::{Method, Version};

use crate::body::length::{self, Framing};
use crate::exchange::Role;
use crate::fields::{Fields, FieldsRef};
use crate::grammar::{self, Port, TARGET};
use crate::request::{InvalidRequest, Request};

/// Builds a [`Request`]. The first mistake is kept, and [`build`](Self::build) reports it.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuilder {
    method: Method,
    target: Vec<u8>,
    version: Version,
    host: Option<Vec<u8>>,
    fields: Fields,
    encoded: bool,
    idempotent: Option<bool>,
    mistake: Option<InvalidRequest>,
}

impl RequestBuilder {
    pub(super) fn new(method: Result<Method, InvalidRequest>, target: &[u8]) -> Self {
        Self {
            mistake: method.as_ref().err().copied(),
            method: method.unwrap_or_default(),
            target: target.to_vec(),
            version: Version::HTTP_11,
            host: None,
            fields: Fields::new(),
            encoded: false,
            idempotent: None,
        }
    }

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

    /// The content that follows is in chunks already, with its last chunk and its trailer section, and leaves as it is.
    /// It is looked at on its way: what is no chunked body is refused as [`ContentExcess`](crate::Misuse::ContentExcess),
    /// which says how many of its bytes are right, and what is none yet as [`ContentShort`](crate::Misuse::ContentShort),
    /// with the fewest bytes that could end it; a field that may not be a trailer is
    /// [`ForbiddenTrailer`](crate::Misuse::ForbiddenTrailer), as where the chunks are ours. Says nothing without
    /// [`chunked`](Self::chunked).
    ///
    /// ```
    /// use wireline_proto::{Config, Connection, Fields, Request};
    ///
    /// let request = Request::builder("PUT", "/").host("a").chunked().encoded().build()?;
    /// let mut connection = Connection::new(Config::default());
    /// connection.send_request(&request)?;
    /// connection.send_content(b"3;of=1\r\nabc\r\n0\r\n\r\n")?;
    /// connection.finish_request(&Fields::new())?;
    /// assert!(connection.transmit().ends_with(b"\r\n\r\n3;of=1\r\nabc\r\n0\r\n\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encoded(mut self) -> Self {
        self.encoded = true;
        self
    }

    /// The framing that content of this length wants, in bytes; `None` for one that is not known. Unless a field given
    /// before says it already: `Content-Length` where the length is known, `Transfer-Encoding: chunked` where it is not
    /// (which HTTP/1.0 does not have: [`build`](Self::build) says so). For none at all it is `Content-Length: 0` with
    /// PATCH, POST and PUT, whose content means something (RFC 9110 section 8.6), and else no field.
    ///
    /// ```
    /// use wireline_proto::{Framing, Request};
    ///
    /// let framing = |method, length| {
    ///     Request::builder(method, "/").host("a").framing_for(length).build().map(|request| request.framing())
    /// };
    /// assert_eq!(framing("PUT", Some(5))?, Framing::Length(5));
    /// assert_eq!(framing("PUT", None)?, Framing::Chunked);
    /// assert_eq!(framing("PUT", Some(0))?, Framing::Length(0));
    /// assert_eq!(framing("GET", Some(0))?, Framing::None);
    /// # Ok::<(), wireline_proto::InvalidRequest>(())
    /// ```
    pub fn framing_for(self, length: Option<u64>) -> Self {
        if self.fields.contains("content-length") || self.fields.contains("transfer-encoding") {
            return self;
        }
        match length {
            Some(0) if ![Method::PATCH, Method::POST, Method::PUT].contains(&self.method) => self,
            Some(length) => self.content_length(length),
            None => self.chunked(),
        }
    }

    /// `Accept-Encoding: identity`: the content of the response as it is, in no content coding (RFC 9110 section 12.5.3).
    /// Without the field any coding is acceptable.
    pub fn accept_identity(self) -> Self {
        self.field("Accept-Encoding", "identity")
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
    pub fn build(mut self) -> Result<Request, InvalidRequest> {
        let Derived { role, framing, expects_continue, last } = self.derive()?;
        let Self { method, target, version, fields, encoded, idempotent, .. } = self;
        let (section, lines, known) = fields.into_parts();
        let name = method.as_str().as_bytes();
        let protocol: &[u8] = if version == Version::HTTP_11 { b" HTTP/1.1\r\n" } else { b" HTTP/1.0\r\n" };
        let wire = [name, b" ", &target, protocol, &section, b"\r\n"].concat();
        let target = name.len() + 1..name.len() + 1 + target.len();
        let start = target.end + protocol.len();
        Ok(Request {
            wire,
            target,
            section: start..start + section.len(),
            lines,
            known,
            role,
            idempotent: idempotent.unwrap_or_else(|| method.is_idempotent()),
            last,
            method,
            version,
            framing,
            expects_continue,
            encoded: encoded && framing == Framing::Chunked,
        })
    }

    /// Checks it, with `Host` in its place, and says what follows from it.
    fn derive(&mut self) -> Result<Derived, InvalidRequest> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let (method, version) = (&self.method, self.version);
        if version != Version::HTTP_11 && version != Version::HTTP_10 {
            return Err(InvalidRequest::Version);
        }
        let authority = check_target(method, &self.target)?;
        if let Some(host) = &self.host {
            self.fields.prepend("Host", host).map_err(|_| InvalidRequest::HostInvalid)?;
        }
        let section = self.fields.as_ref();
        check_host(version, authority, section)?;
        let framing = length::of_request(version, section)?;
        let has_content = !matches!(framing, Framing::None | Framing::Length(0));
        check_method_rules(method, section, has_content)?;
        let expects_continue = section.has_token("expect", "100-continue");
        if expects_continue && version < Version::HTTP_11 {
            return Err(InvalidRequest::ExpectInHttp10);
        }
        if expects_continue && !has_content {
            return Err(InvalidRequest::ExpectWithoutContent);
        }
        check_hop_by_hop(section)?;
        let is_http11 = version == Version::HTTP_11;
        // A server has to ignore Upgrade in HTTP/1.0 (RFC 9110 section 7.8).
        let upgrade = if is_http11 { section.joined("upgrade") } else { None };
        let keeps_alive = is_http11 || section.has_token("connection", "keep-alive");
        let last = !keeps_alive || section.has_token("connection", "close");
        Ok(Derived { role: Role::new(method, upgrade.as_deref()), framing, expects_continue, last })
    }
}

/// What follows from a request.
struct Derived {
    role: Role,
    framing: Framing,
    expects_continue: bool,
    last: bool,
}

/// RFC 9112 section 3.2: no white space, no control byte, no fragment; and the form that the method asks for. Gives the
/// authority where the target has one.
fn check_target<'a>(method: &Method, target: &'a [u8]) -> Result<Option<Authority<'a>>, InvalidRequest> {
    if let Some(at) = grammar::first_not(target, TARGET) {
        return Err(InvalidRequest::Target { at });
    }
    match target {
        _ if *method == Method::CONNECT => check_authority(target, Port::Required, None).map(Some),
        b"*" if *method == Method::OPTIONS => Ok(None),
        [b'/', ..] => Ok(None),
        _ => {
            let scheme = target.windows(3).position(|at| at == b"://").ok_or(InvalidRequest::TargetForm)?;
            let (name, rest) = (&target[..scheme], &target[scheme + 3..]);
            let is_scheme = name.first().is_some_and(u8::is_ascii_alphabetic)
                && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            if !is_scheme {
                return Err(InvalidRequest::TargetForm);
            }
            let end = rest.iter().position(|&byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            let default_port = DEFAULT_PORTS.iter().find(|(scheme, _)| name.eq_ignore_ascii_case(scheme));
            check_authority(&rest[..end], Port::Optional, default_port.map(|(_, port)| *port)).map(Some)
        }
    }
}

/// The authority of a request target.
struct Authority<'a> {
    bytes: &'a [u8],
    /// What its scheme adds where no port is named, with the colon.
    default_port: Option<&'static [u8]>,
}

impl<'a> Authority<'a> {
    /// Host and port in a form in which two that mean the same are the same, but for case.
    fn normal(&self, authority: &'a [u8]) -> &'a [u8] {
        let stripped = self.default_port.and_then(|port| authority.strip_suffix(port));
        stripped.or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
    }
}

/// The schemes that have a default port here (RFC 9110 section 4.2).
const DEFAULT_PORTS: &[(&[u8], &[u8])] = &[(b"http", b":80"), (b"https", b":443")];

fn check_authority<'a>(
    bytes: &'a [u8],
    port: Port,
    default_port: Option<&'static [u8]>,
) -> Result<Authority<'a>, InvalidRequest> {
    if bytes.contains(&b'@') {
        Err(InvalidRequest::UserinfoInTarget)
    } else if grammar::host(bytes, port).is_some_and(|host| !host.is_empty()) {
        Ok(Authority { bytes, default_port })
    } else {
        Err(InvalidRequest::TargetForm)
    }
}

/// RFC 9112 section 3.2: exactly one `Host` in an HTTP/1.1 request, at most one in any, a valid one, and the target's
/// authority where that has one. Two authorities in a request are what gets it routed two ways.
fn check_host(version: Version, authority: Option<Authority<'_>>, fields: FieldsRef<'_>) -> Result<(), InvalidRequest> {
    let mut hosts = fields.get_all("host");
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(InvalidRequest::HostRepeated),
        (None, None) if version == Version::HTTP_11 => return Err(InvalidRequest::HostMissing),
        (None, None) => return Ok(()),
        (Some(host), None) => host,
    };
    if grammar::host(host, Port::Optional).is_none() {
        return Err(InvalidRequest::HostInvalid);
    }
    match authority {
        Some(other) if !other.normal(host).eq_ignore_ascii_case(other.normal(other.bytes)) => {
            Err(InvalidRequest::HostMismatch)
        }
        Some(_) | None => Ok(()),
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
    // A member is `transfer-coding [ weight ]`.
    if fields.has_element("te", &|coding| grammar::without_parameters(coding).eq_ignore_ascii_case(b"chunked")) {
        return Err(InvalidRequest::TeChunked);
    }
    if fields.has_element("connection", &|option| grammar::is_named(option, END_TO_END)) {
        return Err(InvalidRequest::ConnectionOption);
    }
    if fields.contains("te") && !fields.has_token("connection", "te") {
        return Err(InvalidRequest::TeWithoutConnection);
    }
    Ok(())
}

/// Fields that every recipient has to see: `Connection` must not name them (RFC 9110 section 7.6.1), or an intermediary
/// takes them away and the next one reads another request.
const END_TO_END: &[&str] = &[
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "transfer-encoding",
];
