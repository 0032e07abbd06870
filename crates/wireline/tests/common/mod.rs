//! Peers and connections to them, in the clear and over TLS.
#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::sync::LazyLock;
use std::time::Duration;

use wireline::{Config, Connection, Connector, Origin, Scheme, Stream, Timeouts, TlsSettings};
use wireline_testkit::{Authority, Script, ScriptedPeer};

/// A connection that never waits for ever, so that what should not hang fails instead.
pub(crate) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.exchange = Some(Duration::from_secs(20));
    timeouts
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    Tcp,
    Tls,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new().unwrap());

pub(crate) fn authority() -> &'static Authority {
    &AUTHORITY
}

pub(crate) fn roots() -> TlsSettings {
    TlsSettings::roots_pem(AUTHORITY.root_pem().as_bytes()).unwrap()
}

impl Over {
    pub(crate) fn peer(self, scripts: impl IntoIterator<Item = Script>) -> ScriptedPeer {
        match self {
            Self::Tcp => ScriptedPeer::start(scripts).unwrap(),
            Self::Tls => ScriptedPeer::start_tls(AUTHORITY.server_config().unwrap(), scripts).unwrap(),
        }
    }

    pub(crate) fn connect(self, peer: &ScriptedPeer) -> Connection<Stream> {
        self.connect_with(peer, Config::default())
    }

    pub(crate) fn connect_with(self, peer: &ScriptedPeer, config: Config) -> Connection<Stream> {
        let scheme = match self {
            Self::Tcp => Scheme::Http,
            Self::Tls => Scheme::Https,
        };
        let origin = Origin::new(scheme, "127.0.0.1", peer.address().port()).unwrap();
        Connector::new().timeouts(patient()).config(config).tls(roots()).connect(&origin).unwrap()
    }
}

/// Runs each test in the clear and over TLS.
#[allow(unused_macros, reason = "each file of tests takes what it needs")]
macro_rules! over_tcp_and_tls {
    ($($name:ident)*) => {
        mod tcp {
            $(#[test] fn $name() { super::$name($crate::common::Over::Tcp); })*
        }
        mod tls {
            $(#[test] fn $name() { super::$name($crate::common::Over::Tls); })*
        }
    };
}
#[allow(unused_imports, reason = "each file of tests takes what it needs")]
pub(crate) use over_tcp_and_tls;
