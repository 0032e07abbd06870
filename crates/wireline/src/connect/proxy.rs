//! A proxy: where it is, who we are to it, and what a request becomes on the way through it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use wireline_proto::{Fields, InvalidRequest, Method, Request};

use crate::connect::basic;
use crate::connect::origin::{self, InvalidUrl, Origin, Scheme};
use crate::reply::Head;

/// How to talk to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// `http`: an HTTP proxy.
    Http,
    /// `https`: an HTTP proxy, over TLS.
    Https,
    /// `socks5`: a SOCKS5 proxy that is given addresses; names are looked up here.
    Socks5,
    /// `socks5h`: a SOCKS5 proxy that looks names up.
    Socks5h,
}

impl ProxyScheme {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// The name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// The port where none is given: 80, 443 or 1080, as the schemes are registered and as Python and Go have it. curl
    /// takes 1080 for `http` too.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => Scheme::Http.default_port(),
            Self::Https => Scheme::Https.default_port(),
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    const fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }
}

/// How requests for an origin go through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// Each request is for the proxy, which forwards it: [`Proxy::forward`].
    Forward,
    /// CONNECT makes a tunnel, and everything else is for the origin: [`Proxy::connect_request`].
    Tunnel,
    /// The proxy connects to an address of the origin: [`Socks5::connect_address`](crate::Socks5::connect_address).
    SocksAddress,
    /// The proxy connects to the origin by name: [`Socks5::connect`](crate::Socks5::connect).
    SocksName,
}

/// A proxy.
///
/// ```
/// use wireline::{Origin, Proxy, Route};
///
/// let proxy = Proxy::parse("http://ann:s%3Fcret@proxy.example:3128")?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
///
/// let origin = Origin::parse("https://example.org")?;
/// assert_eq!(proxy.route(&origin), Route::Tunnel);
/// let request = proxy.connect_request(&origin, None)?.expect("nothing was refused yet");
/// assert_eq!(request.target(), b"example.org:443");
/// assert_eq!(request.fields().get("Proxy-Authorization"), Some(&b"Basic YW5uOnM/Y3JldA=="[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    scheme: ProxyScheme,
    host: String,
    port: u16,
    auth: Auth,
    connect_fields: Fields,
    tunnel_always: bool,
}

/// Who we are to the proxy.
#[derive(Clone)]
enum Auth {
    Nobody,
    Pair { user: Vec<u8>, password: Vec<u8> },
    Value(Vec<u8>),
    Asked(Arc<dyn ProxyAuth>),
}

/// Answers a proxy that asks for credentials (RFC 9110 section 11.7), for schemes that need more than a fixed value.
///
/// ```
/// use wireline::{Head, Method, ProxyAuth};
///
/// /// Offers a token when it is asked, once.
/// struct Token(&'static str);
///
/// impl ProxyAuth for Token {
///     fn authorization(&self, _method: &Method, target: &[u8], challenge: Option<&Head>) -> Option<Vec<u8>> {
///         let challenges = challenge?.fields().joined("Proxy-Authenticate")?.to_ascii_lowercase();
///         challenges.starts_with(b"bearer").then(|| format!("Bearer {}", self.0).into_bytes())
///     }
/// }
/// ```
pub trait ProxyAuth: Send + Sync {
    /// The value of `Proxy-Authorization` for a request with this method and this target, or none. First without a
    /// challenge, then with the head of each 407 (Proxy Authentication Required) that came of it; to return `None` then
    /// is to leave it at that. Whoever returns something each time keeps asking.
    fn authorization(&self, method: &Method, target: &[u8], challenge: Option<&Head>) -> Option<Vec<u8>>;
}

impl Proxy {
    /// From its parts. The host is a name, an IPv4 address, or an IPv6 address without brackets.
    ///
    /// # Errors
    /// [`InvalidProxy::Host`].
    pub fn new(scheme: ProxyScheme, host: &str, port: u16) -> Result<Self, InvalidProxy> {
        if !origin::is_host(host) {
            return Err(InvalidProxy::Host);
        }
        let (host, auth) = (host.to_owned(), Auth::Nobody);
        Ok(Self { scheme, host, port, auth, connect_fields: Fields::new(), tunnel_always: false })
    }

    /// From `scheme://user:password@host:port`, of which only the host has to be there; `http` where there is no
    /// scheme. User name and password are percent-decoded (RFC 3986 section 2.1), and used as
    /// [`basic_auth`](Self::basic_auth) does. A `/` may follow.
    ///
    /// # Errors
    /// [`InvalidProxy`]. It never holds a part of the URL: there may be a password in it.
    pub fn parse(url: &str) -> Result<Self, InvalidProxy> {
        let (scheme, rest) = match url.split_once("://") {
            None => (ProxyScheme::Http, url),
            Some((name, rest)) => {
                let known = ProxyScheme::ALL.into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.name()));
                (known.ok_or(InvalidProxy::Scheme)?, rest)
            }
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(target, "" | "/") {
            return Err(InvalidProxy::Target);
        }
        // The last `@`: RFC 3986 allows none in a password, and people write them.
        let (userinfo, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = origin::split_authority(authority)?;
        let proxy = Self::new(scheme, host, port.unwrap_or_else(|| scheme.default_port()))?;
        if userinfo.is_empty() {
            return Ok(proxy);
        }
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        proxy.basic_auth(percent_decode(user)?, percent_decode(password)?)
    }

    /// A user name and a password: sent to an HTTP proxy unasked as Basic (RFC 7617), to a SOCKS5 proxy when it wants
    /// them (RFC 1929). Over `http` and SOCKS5 anybody on the way can read them.
    ///
    /// # Errors
    /// [`InvalidProxy::Credentials`]. For an HTTP proxy: a control byte, or a colon in the user name (RFC 7617
    /// section 2). For a SOCKS5 proxy: no user name, or more than 255 bytes of it or of the password.
    pub fn basic_auth(self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Self, InvalidProxy> {
        let (user, password) = (user.as_ref(), password.as_ref());
        let fit = if self.scheme.is_socks() {
            let [user, password] = [user, password].map(|bytes| u8::try_from(bytes.len()));
            user.is_ok_and(|length| length > 0) && password.is_ok()
        } else {
            !user.contains(&b':') && !user.iter().chain(password).any(u8::is_ascii_control)
        };
        let auth = Auth::Pair { user: user.to_vec(), password: password.to_vec() };
        if fit { Ok(Self { auth, ..self }) } else { Err(InvalidProxy::Credentials) }
    }

    /// The value of `Proxy-Authorization`, sent unasked: a token, say. Nothing for a SOCKS5 proxy.
    ///
    /// # Errors
    /// [`InvalidProxy::Credentials`] for what no field value can be (RFC 9110 section 5.5).
    pub fn authorization(self, value: impl AsRef<[u8]>) -> Result<Self, InvalidProxy> {
        let value = value.as_ref();
        Fields::new().append(AUTHORIZATION, value).map_err(|_| InvalidProxy::Credentials)?;
        Ok(Self { auth: Auth::Value(value.to_vec()), ..self })
    }

    /// Asks somebody else for the value of `Proxy-Authorization`, for each request and each refusal. Nothing for a
    /// SOCKS5 proxy.
    #[must_use]
    pub fn auth(self, auth: Arc<dyn ProxyAuth>) -> Self {
        Self { auth: Auth::Asked(auth), ..self }
    }

    /// Field lines for CONNECT, behind `Host`, which may be among them. They are for the proxy; the origin never sees
    /// them.
    #[must_use]
    pub fn connect_fields(self, fields: Fields) -> Self {
        Self { connect_fields: fields, ..self }
    }

    /// Goes through a tunnel also where the proxy could read along.
    #[must_use]
    pub fn tunnel_always(self) -> Self {
        Self { tunnel_always: true, ..self }
    }

    /// How to talk to it.
    #[must_use]
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The host: a name or an address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == ProxyScheme::Https
    }

    /// User name and password, if it was given a pair of them: what [`Socks5::connect`](crate::Socks5::connect) takes.
    #[must_use]
    pub fn credentials(&self) -> Option<(&[u8], &[u8])> {
        match &self.auth {
            Auth::Pair { user, password } => Some((user, password)),
            _ => None,
        }
    }

    /// How requests for this origin go through it. An HTTP proxy forwards what is for `http`, and makes a tunnel to
    /// everything else (RFC 9110 section 9.3.6).
    #[must_use]
    pub fn route(&self, origin: &Origin) -> Route {
        match self.scheme {
            ProxyScheme::Socks5 => Route::SocksAddress,
            ProxyScheme::Socks5h => Route::SocksName,
            ProxyScheme::Http | ProxyScheme::Https if origin.is_secure() || self.tunnel_always => Route::Tunnel,
            ProxyScheme::Http | ProxyScheme::Https => Route::Forward,
        }
    }

    /// The request for a tunnel to an origin (RFC 9110 section 9.3.6): authority-form, always with the port. After a
    /// 407 (Proxy Authentication Required), `challenge` is its head, and `None` says that there is nothing to answer
    /// it with. Without a challenge there is always a request.
    ///
    /// # Errors
    /// [`InvalidRequest`] for a field that CONNECT cannot have, or an authorization that no field value can be.
    pub fn connect_request(
        &self,
        origin: &Origin,
        challenge: Option<&Head>,
    ) -> Result<Option<Request>, InvalidRequest> {
        let target = origin.authority();
        let mut fields = self.connect_fields.clone();
        if !self.authorize(&Method::CONNECT, target.as_bytes(), challenge, &mut fields)? {
            return Ok(None);
        }
        let mut builder = Request::builder(Method::CONNECT, &target);
        if !fields.contains("host") {
            builder = builder.host(&target);
        }
        builder.fields(&fields).build().map(Some)
    }

    /// What a request for an `http` origin becomes for a proxy that forwards it: a target in origin-form becomes
    /// absolute-form (RFC 9112 section 3.2.2), and credentials are added, in the place of those that are there. Another
    /// target stays, `*` too (RFC 9112 section 3.2.4), and so does all of a request that is
    /// [`unchecked`](Request::unchecked). `challenge` and `None` are as in [`connect_request`](Self::connect_request).
    ///
    /// # Errors
    /// [`InvalidRequest`]: [`HostMismatch`](InvalidRequest::HostMismatch) for a `Host` that does not name the origin,
    /// [`CredentialsInTrace`](InvalidRequest::CredentialsInTrace) for TRACE with credentials, and an authorization that
    /// no field value can be.
    pub fn forward(
        &self,
        request: &Request,
        origin: &Origin,
        challenge: Option<&Head>,
    ) -> Result<Option<Request>, InvalidRequest> {
        let target = match request.target() {
            [] => return Ok(challenge.is_none().then(|| request.clone())),
            path @ [b'/', ..] => [origin.to_string().as_bytes(), path].concat(),
            other => other.to_vec(),
        };
        let mut fields = request.fields().to_owned();
        if !self.authorize(request.method(), &target, challenge, &mut fields)? {
            return Ok(None);
        }
        let builder = Request::builder(request.method().clone(), target).version(request.version()).fields(&fields);
        builder.idempotent(request.is_idempotent()).build().map(Some)
    }

    /// Adds the credentials. Says whether it makes sense to send the request: not with those that were refused.
    fn authorize(
        &self,
        method: &Method,
        target: &[u8],
        challenge: Option<&Head>,
        fields: &mut Fields,
    ) -> Result<bool, InvalidRequest> {
        let value = match &self.auth {
            Auth::Asked(auth) => auth.authorization(method, target, challenge),
            _ if challenge.is_some() => None,
            Auth::Nobody => None,
            Auth::Pair { user, password } => Some(basic::credentials(user, password)),
            Auth::Value(value) => Some(value.clone()),
        };
        match value {
            None => Ok(challenge.is_none()),
            Some(value) => fields.set(AUTHORIZATION, value).map(|()| true).map_err(InvalidRequest::Field),
        }
    }
}

const AUTHORIZATION: &str = "Proxy-Authorization";

/// RFC 3986 section 2.1. A `%` that begins nothing is refused: what was meant is anybody's guess.
fn percent_decode(text: &str) -> Result<Vec<u8>, InvalidProxy> {
    let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
    let mut rest = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(InvalidProxy::Credentials),
            },
            byte => byte,
        });
    }
    Ok(decoded)
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(url: &str) -> Result<Self, InvalidProxy> {
        Self::parse(url)
    }
}

impl fmt::Display for Proxy {
    /// The URL, without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.scheme.name(), &self.host);
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{}", self.port)
        } else {
            write!(f, "{scheme}://{host}:{}", self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    /// Without credentials, and without the values of fields: who knows what a proxy takes for credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = match self.auth {
            Auth::Nobody => "none",
            Auth::Pair { .. } => "user name and password, not shown",
            Auth::Value(_) => "a value, not shown",
            Auth::Asked(_) => "asked for",
        };
        let names: Vec<&str> = self.connect_fields.as_ref().iter().map(|field| field.name()).collect();
        f.debug_struct("Proxy")
            .field("url", &format_args!("{self}"))
            .field("auth", &format_args!("{auth}"))
            .field("connect_fields", &names)
            .field("tunnel_always", &self.tunnel_always)
            .finish()
    }
}

/// Why this is not a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidProxy {
    /// A user name or a password that cannot be sent, or that is not percent-encoded.
    Credentials,
    /// No host, or what no host can be.
    Host,
    /// A port that is no number below 65,536.
    Port,
    /// A scheme other than `http`, `https`, `socks5` and `socks5h`. `socks` does not say which version.
    Scheme,
    /// A path, a query or a fragment. In a password, `/`, `?` and `#` are written `%2F`, `%3F` and `%23`.
    Target,
}

impl InvalidProxy {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Host => "host",
            Self::Port => "port",
            Self::Scheme => "scheme",
            Self::Target => "target",
        }
    }
}

impl From<InvalidUrl> for InvalidProxy {
    fn from(invalid: InvalidUrl) -> Self {
        match invalid {
            InvalidUrl::Host => Self::Host,
            InvalidUrl::Port => Self::Port,
            InvalidUrl::Scheme => Self::Scheme,
            InvalidUrl::Target => Self::Target,
            InvalidUrl::Userinfo => Self::Credentials,
        }
    }
}

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "a user name or a password that cannot be sent, or is not percent-encoded",
            Self::Host => "no host, or what no host can be",
            Self::Port => "a port that is no number below 65536",
            Self::Scheme => "a scheme other than http, https, socks5 and socks5h",
            Self::Target => "a path, query or fragment (in a password, write %2F, %3F or %23)",
        })
    }
}

impl std::error::Error for InvalidProxy {}

#[cfg(test)]
mod tests;
