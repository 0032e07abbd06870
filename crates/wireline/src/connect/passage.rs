//! What a connect has to know of a proxy.
//!
//! These are traits so that a program that names no proxy has none in it: no tunnel, no SOCKS, no list of exceptions. What is
//! behind them is `#[inline]` for the same reason, here and in `tunnel.rs`: it is compiled where a proxy is named, and with it
//! the driver that a tunnel talks through.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use crate::connect::connecting::{Connecting, Step, Went};
use crate::connect::origin::Origin;
use crate::connect::proxy::{Proxy, Route};
use crate::connect::rules::ProxyRules;
use crate::connect::tunnel;
use crate::error::Error;
use crate::transport::Ready;
use crate::transport::stream::Stream;
use crate::{InvalidRequest, Request};

/// Through which proxy to which origin.
pub(super) trait Way: fmt::Debug + Send + Sync {
    /// The proxy for an origin; none to connect to it directly.
    fn passage(&self, origin: &Origin) -> Option<Arc<dyn Passage>>;
}

/// A proxy on the way to an origin.
pub(crate) trait Passage: Send + Sync {
    /// Its host and port.
    fn place(&self) -> (&str, u16);

    /// Whether it is spoken to over TLS.
    fn is_secure(&self) -> bool;

    /// How an origin is reached through it.
    fn route(&self, origin: &Origin) -> Route;

    /// The step that asks it for a way to the origin, over a stream to it.
    fn ask(self: Arc<Self>, stream: Stream, connecting: &Connecting) -> Result<Step, Error>;

    /// What a request becomes that it forwards.
    fn forward(&self, request: &Request, origin: &Origin) -> Result<Option<Request>, InvalidRequest>;
}

/// What is said to a proxy before there is a way to the origin.
pub(crate) trait Asking: Send {
    /// What it waits for.
    fn wanted(&self) -> Option<(BorrowedFd<'_>, Ready)>;

    /// Goes on without waiting.
    fn go(self: Box<Self>, connecting: &mut Connecting) -> Result<Went, Error>;
}

impl Way for Proxy {
    #[inline]
    fn passage(&self, _: &Origin) -> Option<Arc<dyn Passage>> {
        Some(Arc::new(self.clone()))
    }
}

impl Way for ProxyRules {
    #[inline]
    fn passage(&self, origin: &Origin) -> Option<Arc<dyn Passage>> {
        self.proxy_for(origin)?.passage(origin)
    }
}

impl Passage for Proxy {
    #[inline]
    fn place(&self) -> (&str, u16) {
        (self.host(), self.port())
    }

    #[inline]
    fn is_secure(&self) -> bool {
        self.is_secure()
    }

    #[inline]
    fn route(&self, origin: &Origin) -> Route {
        self.route(origin)
    }

    #[inline]
    fn ask(self: Arc<Self>, stream: Stream, connecting: &Connecting) -> Result<Step, Error> {
        tunnel::begin(self, stream, connecting)
    }

    #[inline]
    fn forward(&self, request: &Request, origin: &Origin) -> Result<Option<Request>, InvalidRequest> {
        self.forward(request, origin, None)
    }
}
