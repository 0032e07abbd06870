//! A server that is up, and how it is reached.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Duration;

use wireline::{Fields, Proxy, Timeouts};

/// A server and what belongs to it, which goes with it.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// `HOST:PORT` of the site: its own, or that behind a proxy.
    pub(crate) site: String,
    /// `HOST:PORT` of the application, which a tunnel would lead to.
    pub(crate) application: String,
    /// Targets are in absolute-form.
    pub(crate) is_proxy: bool,
    /// What runs for it.
    _alive: Box<dyn Any + Send>,
}

impl Peer {
    /// A server whose site is its own.
    pub(crate) fn new(
        name: &'static str,
        address: SocketAddr,
        application: SocketAddr,
        alive: impl Any + Send,
    ) -> Self {
        let (site, application) = (address.to_string(), application.to_string());
        Self { name, address, site, application, is_proxy: false, _alive: Box::new(alive) }
    }

    /// The same as a proxy, whose site is the application.
    pub(crate) fn before_its_application(self) -> Self {
        Self { site: self.application.clone(), is_proxy: true, ..self }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A path as the target of a request.
    pub(crate) fn target(&self, path: &str) -> String {
        if self.is_proxy { format!("http://{}{path}", self.site) } else { path.to_owned() }
    }

    /// The way to its site, if it is a proxy.
    pub(crate) fn proxy(&self) -> Option<Proxy> {
        self.is_proxy.then(|| Proxy::parse(&self.url("")).unwrap())
    }

    /// It as a proxy that makes a tunnel, whether it is one or not.
    pub(crate) fn tunnel(&self) -> Proxy {
        let mut fields = Fields::new();
        fields.append("User-Agent", "interop").unwrap();
        Proxy::parse(&self.url("")).unwrap().connect_fields(fields).tunnel_always()
    }
}

/// Nothing takes so long unless it hangs.
pub(crate) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.exchange = Some(Duration::from_secs(20));
    timeouts
}
