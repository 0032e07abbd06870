//! What a URL on the command line says: where to connect, what to ask for there, and as whom.

use std::net::Ipv6Addr;

/// A URL taken apart, with nothing in it changed: no dot segment removed, nothing decoded or encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// As given, without userinfo: what may be shown.
    pub(crate) text: String,
    /// Whether the scheme is https.
    pub(crate) secure: bool,
    /// The host as it stands in the URL, an IPv6 address in its brackets.
    pub(crate) host: String,
    /// The port, the scheme's own where none is given.
    pub(crate) port: u16,
    /// Path and query exactly as given, behind a slash (RFC 9112 section 3.2.1). The fragment is never sent.
    pub(crate) target: String,
    /// Name and password as given, percent-encoded.
    userinfo: Option<String>,
}

impl Url {
    /// Takes `given` apart.
    ///
    /// Whether the target may be sent is for the core to say. What is checked here is what decides where to connect.
    pub(crate) fn parse(given: &str) -> Result<Self, String> {
        // Userinfo is nobody's business but the server's.
        let shown = given.split_once('@').map_or_else(
            || given.to_owned(),
            |(before, behind)| {
                before
                    .split_once("://")
                    .map_or_else(|| behind.to_owned(), |(scheme, _)| format!("{scheme}://...@{behind}"))
            },
        );
        let fault = |what: &str| format!("{}: {what}", shown.escape_debug());
        let (scheme, rest) =
            given.split_once("://").ok_or_else(|| fault("no scheme: a URL begins with http:// or https://"))?;
        let secure = if scheme.eq_ignore_ascii_case("http") {
            false
        } else if scheme.eq_ignore_ascii_case("https") {
            true
        } else {
            return Err(fault("the scheme is neither http nor https"));
        };
        let hierarchy = rest.split_once('#').map_or(rest, |(before, _fragment)| before);
        let end = hierarchy.find(['/', '?']).unwrap_or(hierarchy.len());
        let (authority, path) = hierarchy.split_at(end);
        let (userinfo, host_port) =
            authority.rsplit_once('@').map_or((None, authority), |(userinfo, rest)| (Some(userinfo), rest));
        // Some parsers take a backslash for a slash, and would go to another host.
        if userinfo.is_some_and(|userinfo| userinfo.contains(|c: char| c == '\\' || c <= ' ')) {
            return Err(fault("a character that no user name or password may hold unencoded"));
        }
        let (host, port) = split_port(host_port);
        check_host(host).map_err(fault)?;
        let port = match port {
            None | Some("") => implied_port(secure),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| fault("the port is above 65535"))?
            }
            Some(_) => return Err(fault("the port is not a number")),
        };
        let behind_authority = rest.split_at(end).1;
        Ok(Self {
            text: format!("{scheme}://{host_port}{behind_authority}"),
            secure,
            host: host.to_owned(),
            port,
            target: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            userinfo: userinfo.map(ToOwned::to_owned),
        })
    }

    /// Scheme, host and port: what a connection is for.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}:{}", if self.secure { "https" } else { "http" }, self.host, self.port)
    }

    /// The host and the port, as `CONNECT` names them (RFC 9112 section 3.2.3).
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The authority without userinfo, and without a port that the scheme implies: what `Host` says.
    pub(crate) fn host_field(&self) -> String {
        if self.port == implied_port(self.secure) { self.host.clone() } else { self.authority() }
    }

    /// Name and password, decoded, with the colon between them: what Basic credentials are made of (RFC 7617).
    pub(crate) fn credentials(&self) -> Option<Vec<u8>> {
        let userinfo = self.userinfo.as_deref()?;
        let (name, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let mut credentials = percent_decode(name);
        credentials.push(b':');
        credentials.extend(percent_decode(password));
        Some(credentials)
    }

    /// The last segment of the path: the name for `-O`. None where the path ends with a slash.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let path = self.target.split_once('?').map_or(self.target.as_str(), |(path, _query)| path);
        // `..` and `.` are no names for a file, and a backslash separates folders on some systems.
        path.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | "..") && !name.contains('\\'))
    }
}

const fn implied_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// `host:port`, where the host may be an IPv6 address in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let behind_address = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority.rfind(':').filter(|colon| *colon >= behind_address) {
        Some(colon) => {
            let (host, port) = authority.split_at(colon);
            (host, port.strip_prefix(':'))
        }
        None => (authority, None),
    }
}

/// RFC 3986 section 3.2.2: `[` IPv6 `]`, or a name (an IPv4 address looks like one).
fn check_host(host: &str) -> Result<(), &'static str> {
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.strip_suffix(']').ok_or("an IPv6 address without its closing bracket")?;
        return address.parse::<Ipv6Addr>().map(drop).map_err(|_| "what stands in brackets is no IPv6 address");
    }
    if host.is_empty() {
        return Err("no host");
    }
    if !host.is_ascii() {
        return Err("the host is not ASCII: give its xn-- form");
    }
    // Of reg-name's characters those that occur in names; percent-encoding of a host resolves nowhere.
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if host.bytes().all(is_legal) { Ok(()) } else { Err("a character that no host may hold") }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(given: &str) -> Url {
        Url::parse(given).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn the_target_is_what_stands_there() {
        for (given, target) in [
            ("http://h", "/"),
            ("http://h/", "/"),
            ("http://h?q", "/?q"),
            ("http://h/a/../b/%7E?q=a|b'", "/a/../b/%7E?q=a|b'"),
            ("http://h//a//", "//a//"),
            ("http://h/a#f?x/y", "/a"),
            ("http://h#f", "/"),
            ("http://h/a?b#c#d", "/a?b"),
            ("http://h/a@b:c", "/a@b:c"),
            ("http://h?u=http://x@y/", "/?u=http://x@y/"),
        ] {
            assert_eq!(url(given).target, target, "{given}");
        }
    }

    #[test]
    fn where_to_connect() {
        for (given, origin) in [
            ("http://h", "http://h:80"),
            ("HTTPS://h", "https://h:443"),
            ("http://h:/x", "http://h:80"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]/", "http://[::1]:80"),
            ("https://[2001:db8::7]:8443/a:b]", "https://[2001:db8::7]:8443"),
            ("http://u:p@h:1/", "http://h:1"),
        ] {
            assert_eq!(url(given).origin(), origin, "{given}");
        }
    }

    #[test]
    fn refused() {
        for given in [
            "h/a",
            "ftp://h/",
            "http://",
            "http:///a",
            "http://:80/",
            "http://h:http/",
            "http://h:+80/",
            "http://h:65536/",
            "http://[::1/",
            "http://[v1.x]/",
            "http://[::1]x:80/",
            "http://::1/",
            "http://a b/",
            "http://a\\@b/",
            "http://a%41/",
            "http://\u{e4}/",
            "http://h\r\nX: y/",
        ] {
            assert!(Url::parse(given).is_err(), "{given}");
        }
    }

    #[test]
    fn userinfo_is_kept_apart() {
        let with = url("http://us%65r:p%40ss:x@h:1/a?b#c");
        assert_eq!(with.credentials().as_deref(), Some(b"user:p@ss:x".as_slice()));
        assert_eq!(with.text, "http://h:1/a?b#c");
        assert_eq!(url("http://name@h/").credentials().as_deref(), Some(b"name:".as_slice()));
        assert_eq!(url("http://a@b@h/%").credentials().as_deref(), Some(b"a@b:".as_slice()));
        assert_eq!(url("http://h/").credentials(), None);
        assert_eq!(percent_decode("%4g%"), b"%4g%");
    }

    #[test]
    fn a_file_is_named_after_the_last_segment() {
        for (given, name) in [
            ("http://h/a/b.txt?x=/y", Some("b.txt")),
            ("http://h/a/", None),
            ("http://h", None),
            ("http://h/..", None),
            ("http://h/a%20b", Some("a%20b")),
        ] {
            assert_eq!(url(given).file_name(), name, "{given}");
        }
    }
}
