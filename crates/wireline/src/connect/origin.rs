//! Whom to talk to.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

/// Whether the bytes are in the clear (RFC 9110 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `http`, port 80.
    Http,
    /// `https`, port 443: over TLS.
    Https,
}

impl Scheme {
    /// The name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where none is given.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An origin: scheme, host and port (RFC 9110 section 4.3.1).
///
/// ```
/// use wireline::Origin;
///
/// let (origin, target) = Origin::of_url("http://[::1]:8080/a/../b?q=a|b#part")?;
/// assert_eq!((origin.host(), origin.port(), target), ("::1", 8080, "/a/../b?q=a|b"));
/// assert_eq!(origin.host_field(), "[::1]:8080");
/// assert_eq!(origin.to_string(), "http://[::1]:8080");
/// # Ok::<(), wireline::InvalidUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<Parts>);

/// They are there once, however many connections lead to them.
#[derive(PartialEq, Eq, Hash)]
struct Parts {
    scheme: Scheme,
    host: String,
    port: u16,
    host_field: String,
}

impl Origin {
    /// From its parts. The host is a name, an IPv4 address, or an IPv6 address without brackets.
    ///
    /// # Errors
    /// [`InvalidUrl::Host`] for what no host can be.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Result<Self, InvalidUrl> {
        if !is_host(host) {
            return Err(InvalidUrl::Host);
        }
        let bracketed = bracketed(host);
        let host_field =
            if port == scheme.default_port() { bracketed.into_owned() } else { format!("{bracketed}:{port}") };
        Ok(Self(Arc::new(Parts { scheme, host: host.to_owned(), port, host_field })))
    }

    /// From `scheme://host` or `scheme://host:port`; a `/` may follow.
    ///
    /// # Errors
    /// [`InvalidUrl`], also for a URL that goes on: a target that would be ignored is a mistake.
    pub fn parse(url: &str) -> Result<Self, InvalidUrl> {
        match Self::of_url(url)? {
            (origin, "/") if !url.contains(['?', '#']) => Ok(origin),
            _ => Err(InvalidUrl::Target),
        }
    }

    /// The origin of a URL, and the request target that its path and query make, exactly as given but for the fragment,
    /// which is never sent. An empty path becomes `/` (RFC 9112 section 3.2.1).
    ///
    /// # Errors
    /// [`InvalidUrl`]. Userinfo is refused (RFC 9110 section 4.2.4), and so is a query without a path: what goes out
    /// would not be what was given.
    pub fn of_url(url: &str) -> Result<(Self, &str), InvalidUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl::Scheme)?;
        let scheme = [Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.name()))
            .ok_or(InvalidUrl::Scheme)?;
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let target = match target {
            "" => "/",
            query if query.starts_with('?') => return Err(InvalidUrl::Target),
            target => target,
        };
        if authority.contains('@') {
            return Err(InvalidUrl::Userinfo);
        }
        let (host, port) = split_authority(authority)?;
        let port = port.unwrap_or_else(|| scheme.default_port());
        Ok((Self::new(scheme, host, port)?, target))
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// The host: a name or an address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// What `Host` has to say: the port only where it is not the scheme's own, an IPv6 address in brackets (RFC 9110
    /// section 7.2).
    #[must_use]
    pub fn host_field(&self) -> String {
        self.host_text().to_owned()
    }

    /// Host and port, the port always: what CONNECT names (RFC 9112 section 3.2.3).
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", bracketed(self.host()), self.port())
    }

    /// The same as [`host_field`](Self::host_field), lent.
    pub(crate) fn host_text(&self) -> &str {
        &self.0.host_field
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme() == Scheme::Https
    }
}

fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') { format!("[{host}]").into() } else { host.into() }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { scheme, host, port, host_field: _ } = &*self.0;
        f.debug_struct("Origin").field("scheme", scheme).field("host", host).field("port", port).finish()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme().name(), self.host_text())
    }
}

impl FromStr for Origin {
    type Err = InvalidUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUrl> {
        Self::parse(url)
    }
}

/// `host [ ":" port ]` (RFC 3986 section 3.2): the host without brackets, and the port if there is one. Whether it is a
/// host is for [`is_host`] to say.
pub(crate) fn split_authority(authority: &str) -> Result<(&str, Option<u16>), InvalidUrl> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (host, port) = literal.split_once(']').ok_or(InvalidUrl::Host)?;
            if !is_ipv6(host) {
                return Err(InvalidUrl::Host);
            }
            (host, port)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    // "host:" is a host with the default port (RFC 3986 section 3.2.3).
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| InvalidUrl::Port)?)
        }
        _ => return Err(InvalidUrl::Port),
    };
    Ok((host, port))
}

/// A name, an IPv4 address, or an IPv6 address without brackets.
pub(crate) fn is_host(host: &str) -> bool {
    if host.contains(':') { is_ipv6(host) } else { is_name(host) }
}

fn is_ipv6(host: &str) -> bool {
    // A zone names an interface of this machine; it means nothing to the peer (RFC 9844).
    host.parse::<Ipv6Addr>().is_ok()
}

/// `reg-name` of RFC 3986 section 3.2.2.
fn is_name(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    !host.is_empty() && host.bytes().all(legal)
}

/// Why this is not the URL of an HTTP origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// No host, or what no host can be.
    Host,
    /// A port that is no number below 65,536.
    Port,
    /// A scheme other than `http` and `https`, or none.
    Scheme,
    /// A target where only an origin can stand, or a query without a path.
    Target,
    /// A user name or a password: never sent in a target or in `Host`.
    Userinfo,
}

impl InvalidUrl {
    /// A short name that does not change.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Port => "port",
            Self::Scheme => "scheme",
            Self::Target => "target",
            Self::Userinfo => "userinfo",
        }
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "no host, or what no host can be",
            Self::Port => "a port that is no number below 65536",
            Self::Scheme => "a scheme other than http and https",
            Self::Target => "a target where only an origin can stand, or a query without a path",
            Self::Userinfo => "a user name or a password in a URL",
        })
    }
}

impl std::error::Error for InvalidUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_apart_without_being_changed() {
        let parts = |url| Origin::of_url(url).map(|(origin, target)| (origin.to_string(), origin.port(), target));
        let given = |origin: &str, port, target| Ok((origin.to_owned(), port, target));
        assert_eq!(parts("http://a"), given("http://a", 80, "/"));
        assert_eq!(parts("HTTPS://a:"), given("https://a", 443, "/"));
        assert_eq!(parts("http://a:443/%7E?a=b|c'#x"), given("http://a:443", 443, "/%7E?a=b|c'"));
        assert_eq!(parts("http://[::1]:81//b"), given("http://[::1]:81", 81, "//b"));
        assert_eq!(parts("http://a/b@c:d"), given("http://a", 80, "/b@c:d"));
        assert_eq!(parts("http://a#/b"), given("http://a", 80, "/"));
    }

    // conformance: T33 T34
    #[test]
    fn what_is_no_origin_is_refused() {
        for (url, why) in [
            ("a", InvalidUrl::Scheme),
            ("ftp://a", InvalidUrl::Scheme),
            ("http://", InvalidUrl::Host),
            ("http://a b", InvalidUrl::Host),
            ("http://[::1", InvalidUrl::Host),
            ("http://[a]", InvalidUrl::Host),
            ("http://[::1]x", InvalidUrl::Port),
            ("http://a:b", InvalidUrl::Port),
            ("http://a:65536", InvalidUrl::Port),
            ("http://a:+1", InvalidUrl::Port),
            ("http://u:p@a", InvalidUrl::Userinfo),
            ("http://a?b", InvalidUrl::Target),
            ("http://a/b", InvalidUrl::Target),
            ("http://a/#", InvalidUrl::Target),
        ] {
            assert_eq!(Origin::parse(url), Err(why), "{url}");
        }
    }
}
