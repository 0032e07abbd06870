//! Peers and connections to them, in the clear and over TLS.
#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::sync::LazyLock;
use std::time::Duration;

use tokio_wireline::{Config, Connection, Connector, Origin, Scheme, Stream, Timeouts, TlsSettings};
use wireline_testkit::{Authority, Script, ScriptedPeer, Signal};

/// No wait lasts for ever, so that what should not hang fails instead.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Timeouts of a connection that never waits for ever.
pub(crate) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.exchange = Some(LONG);
    timeouts
}

/// Waits for a signal without keeping the runtime from its work.
pub(crate) async fn given(signal: &Signal) {
    let signal = signal.clone();
    assert!(tokio::task::spawn_blocking(move || signal.wait(LONG)).await.unwrap(), "the signal was never given");
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
    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Tcp => Scheme::Http,
            Self::Tls => Scheme::Https,
        }
    }

    pub(crate) fn peer(self, scripts: impl IntoIterator<Item = Script>) -> ScriptedPeer {
        match self {
            Self::Tcp => ScriptedPeer::start(scripts).unwrap(),
            Self::Tls => ScriptedPeer::start_tls(AUTHORITY.server_config().unwrap(), scripts).unwrap(),
        }
    }

    pub(crate) async fn connect(self, peer: &ScriptedPeer) -> Connection<Stream> {
        self.connect_with(peer, Config::default()).await
    }

    pub(crate) async fn connect_with(self, peer: &ScriptedPeer, config: Config) -> Connection<Stream> {
        let origin = Origin::new(self.scheme(), "127.0.0.1", peer.address().port()).unwrap();
        Connector::new().timeouts(patient()).config(config).tls(roots()).connect(&origin).await.unwrap()
    }
}

/// Runs each test in the clear and over TLS, each in a runtime of one thread.
#[allow(unused_macros, reason = "each file of tests takes what it needs")]
macro_rules! over_tcp_and_tls {
    ($($name:ident)*) => {
        mod tcp {
            $(#[tokio::test] async fn $name() { super::$name($crate::common::Over::Tcp).await; })*
        }
        mod tls {
            $(#[tokio::test] async fn $name() { super::$name($crate::common::Over::Tls).await; })*
        }
    };
}
#[allow(unused_imports, reason = "each file of tests takes what it needs")]
pub(crate) use over_tcp_and_tls;
