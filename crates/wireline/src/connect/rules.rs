//! Which proxy for which origin.

use std::fmt;

use crate::connect::no_proxy::NoProxy;
use crate::connect::origin::{Origin, Scheme};
use crate::connect::proxy::{InvalidProxy, Proxy};

/// Which proxy for which origin. The environment is not looked at unless [`from_env`](Self::from_env) is called.
///
/// ```
/// use wireline::{NoProxy, Origin, Proxy, ProxyRules};
///
/// let rules = ProxyRules::new()
///     .all(Proxy::parse("socks5h://127.0.0.1:9050")?)
///     .http(Proxy::parse("proxy.example:3128")?)
///     .except(NoProxy::parse("localhost, .example.org"));
///
/// let through = |url| Ok::<_, wireline::InvalidUrl>(rules.proxy_for(&Origin::parse(url)?).map(Proxy::to_string));
/// assert_eq!(through("http://example.com")?.as_deref(), Some("http://proxy.example:3128"));
/// assert_eq!(through("https://example.com")?.as_deref(), Some("socks5h://127.0.0.1:9050"));
/// assert_eq!(through("https://www.example.org")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProxyRules {
    http: Option<Proxy>,
    https: Option<Proxy>,
    all: Option<Proxy>,
    except: NoProxy,
}

impl ProxyRules {
    /// No proxy for anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The proxy for `http` origins.
    pub fn http(self, proxy: Proxy) -> Self {
        Self { http: Some(proxy), ..self }
    }

    /// The proxy for `https` origins.
    pub fn https(self, proxy: Proxy) -> Self {
        Self { https: Some(proxy), ..self }
    }

    /// The proxy for origins of the schemes that have none of their own.
    pub fn all(self, proxy: Proxy) -> Self {
        Self { all: Some(proxy), ..self }
    }

    /// The origins that are reached without a proxy.
    pub fn except(self, except: NoProxy) -> Self {
        Self { except, ..self }
    }

    /// What the environment says now: [`from_vars`](Self::from_vars) with the variables of this process.
    ///
    /// # Errors
    /// As there; a value that is not Unicode is no URL.
    pub fn from_env() -> Result<Self, InvalidVariable> {
        // What is not Unicode becomes U+FFFD, which no host has in it.
        Self::from_vars(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What variables say, as `value_of` gives them:
    ///
    /// | variable | is |
    /// | --- | --- |
    /// | `http_proxy` | the proxy for `http` origins |
    /// | `https_proxy`, `HTTPS_PROXY` | the proxy for `https` origins |
    /// | `all_proxy`, `ALL_PROXY` | the proxy for those that have none of their own; read only where one has none |
    /// | `no_proxy`, `NO_PROXY` | the origins that are reached without one: [`NoProxy::parse`] |
    ///
    /// Of two names for the same, lower case wins. An empty variable is none. `HTTP_PROXY` is never read: in a CGI
    /// program, whoever sends a request sets it, by a field named `Proxy` (CVE-2016-5385).
    ///
    /// # Errors
    /// [`InvalidVariable`] for what [`Proxy::parse`] does not take. An entry of `no_proxy` is no error:
    /// [`exceptions`](Self::exceptions) knows what was not understood.
    pub fn from_vars(value_of: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidVariable> {
        let first = |names: &[&'static str]| {
            let value = |&name: &&'static str| Some((name, value_of(name).filter(|value| !value.is_empty())?));
            names.iter().find_map(value)
        };
        let proxy = |names| {
            let parsed = |(variable, url): (_, String)| {
                Proxy::parse(&url).map_err(|reason| InvalidVariable { variable, reason })
            };
            first(names).map(parsed).transpose()
        };
        let http = proxy(&["http_proxy"])?;
        let https = proxy(&["https_proxy", "HTTPS_PROXY"])?;
        // Desktops set it to what only some programs understand (`socks://`), beside the other two.
        let all = if http.is_some() && https.is_some() { None } else { proxy(&["all_proxy", "ALL_PROXY"])? };
        let except = first(&["no_proxy", "NO_PROXY"]).map(|(_, list)| NoProxy::parse(&list)).unwrap_or_default();
        Ok(Self { http, https, all, except })
    }

    /// The proxy for an origin; none to connect to it directly.
    #[must_use]
    pub fn proxy_for(&self, origin: &Origin) -> Option<&Proxy> {
        if self.except.matches(origin) {
            return None;
        }
        let own = match origin.scheme() {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        own.as_ref().or(self.all.as_ref())
    }

    /// The origins that are reached without a proxy.
    #[must_use]
    pub fn exceptions(&self) -> &NoProxy {
        &self.except
    }
}

/// An environment variable that does not name a proxy. Its value is not in here: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidVariable {
    variable: &'static str,
    reason: InvalidProxy,
}

impl InvalidVariable {
    /// The variable's name.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Why its value is not a proxy.
    #[must_use]
    pub fn reason(&self) -> InvalidProxy {
        self.reason
    }
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not name a proxy: {}", self.variable, self.reason)
    }
}

impl std::error::Error for InvalidVariable {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(vars: &[(&str, &str)]) -> Result<ProxyRules, InvalidVariable> {
        ProxyRules::from_vars(|name| {
            let value = vars.iter().find(|(given, _)| *given == name)?.1;
            Some(value.to_owned())
        })
    }

    /// The proxies for an `http` and an `https` origin.
    fn through(vars: &[(&str, &str)]) -> [Option<String>; 2] {
        let rules = rules(vars).unwrap();
        ["http://example.org", "https://example.org"].map(|url| {
            let proxy = rules.proxy_for(&Origin::parse(url).unwrap());
            proxy.map(|proxy| proxy.host().to_owned())
        })
    }

    /// Variables, and the proxies that they make for an `http` and an `https` origin.
    type Row<'a> = (&'a [(&'a str, &'a str)], [Option<&'a str>; 2]);

    #[test]
    fn each_scheme_has_its_variable() {
        let table: &[Row<'_>] = &[
            (&[], [None, None]),
            (&[("http_proxy", "a")], [Some("a"), None]),
            (&[("HTTP_PROXY", "a")], [None, None]),
            (&[("https_proxy", "a")], [None, Some("a")]),
            (&[("HTTPS_PROXY", "a")], [None, Some("a")]),
            (&[("https_proxy", "a"), ("HTTPS_PROXY", "b")], [None, Some("a")]),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "b")], [None, Some("b")]),
            (&[("ALL_PROXY", "a")], [Some("a"), Some("a")]),
            (&[("all_proxy", "a"), ("ALL_PROXY", "b"), ("http_proxy", "c")], [Some("c"), Some("a")]),
            (&[("HTTP_PROXY", "a"), ("ALL_PROXY", "b")], [Some("b"), Some("b")]),
            (&[("all_proxy", "socks://a"), ("http_proxy", "b"), ("https_proxy", "c")], [Some("b"), Some("c")]),
            (&[("all_proxy", "a"), ("no_proxy", "*")], [None, None]),
            (&[("all_proxy", "a"), ("no_proxy", "example.org:443")], [Some("a"), None]),
            (&[("all_proxy", "a"), ("NO_PROXY", "org")], [None, None]),
            (&[("all_proxy", "a"), ("no_proxy", "com"), ("NO_PROXY", "org")], [Some("a"), Some("a")]),
            (&[("all_proxy", "a"), ("no_proxy", ""), ("NO_PROXY", "org")], [None, None]),
        ];
        for (vars, expected) in table {
            assert_eq!(through(vars).each_ref().map(Option::as_deref), *expected, "{vars:?}");
        }
    }

    #[test]
    fn what_names_no_proxy_is_named_without_its_value() {
        for (variable, value, reason) in [
            ("http_proxy", "http://zoe:secret@host:port", InvalidProxy::Port),
            ("HTTPS_PROXY", "http://zoe:sec/ret@host", InvalidProxy::Target),
            ("all_proxy", "socks://zoe:secret@host", InvalidProxy::Scheme),
            ("ALL_PROXY", "http://zoe:secret%@host", InvalidProxy::Credentials),
            ("https_proxy", "http://zoe:secret@", InvalidProxy::Host),
            ("https_proxy", "\u{fffd}", InvalidProxy::Host),
        ] {
            let invalid = rules(&[(variable, value)]).unwrap_err();
            assert_eq!((invalid.variable(), invalid.reason()), (variable, reason), "{value}");
            let said = format!("{invalid} {invalid:?}");
            assert!(said.starts_with(&format!("{variable} does not name a proxy: ")), "{said}");
            assert!(!said.contains("sec") && !said.contains("zoe"), "{said}");
        }
    }

    #[test]
    fn what_is_not_understood_can_be_asked_for() {
        let rules = rules(&[("no_proxy", "a,http://b,10.0.0.0/33")]).unwrap();
        assert_eq!(rules.exceptions().not_understood(), ["http://b", "10.0.0.0/33"]);
    }

    #[test]
    fn the_environment_is_read_when_asked() {
        // A process cannot safely change its own environment, so the test runs itself in another one.
        const CHILD: &str = "WIRELINE_TEST_CHILD";
        if std::env::var_os(CHILD).is_some() {
            let rules = ProxyRules::from_env().unwrap();
            let through = |url| rules.proxy_for(&Origin::parse(url).unwrap()).map(Proxy::to_string);
            assert_eq!(through("http://example.org").as_deref(), Some("http://a:1"));
            assert_eq!(through("https://example.org").as_deref(), Some("socks5h://b:2"));
            assert_eq!(through("http://example.com"), None);
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "connect::rules::tests::the_environment_is_read_when_asked"])
            .env_clear()
            .envs([(CHILD, "1"), ("http_proxy", "a:1"), ("HTTPS_PROXY", "socks5h://b:2"), ("no_proxy", "example.com")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}
