//! One HTTP/1.1 **client connection**, done completely: blocking, over TCP, Unix sockets, TLS, or any stream that you
//! bring.
//!
//! ```
//! # let server = wireline_testkit::Origin::start()?;
//! # let address = server.url("");
//! let mut connection = wireline::Connection::connect(&address)?; // "http://127.0.0.1:8080", "https://example.org"
//! let response = connection.get("/headers")?;
//! println!("{} {:?}", response.status(), response.content_length());
//! let content = response.text()?;
//! println!("{content}");
//! # assert!(content.starts_with("GET /headers HTTP/1.1\r\nHost: 127.0.0.1:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It is for those who need what high-level clients hide: several requests in flight on one connection
//! ([`Pipeline`]), content that leaves only when the server asks for it, an answer that is heard while content is
//! still being sent, a tunnel or an upgrade ([`Switched`]), a bound on every wait ([`Timeouts`]), the exact bytes of
//! fields in their order ([`Fields`]), and an [`Error`] that says precisely what happened and, with
//! [`Connection::unanswered`], what is safe to send again.
//!
//! After a failure the connection is still there to be asked. (The match is over before that: a [`Response`] borrows the
//! connection, and so does the result that might hold one.)
//!
//! ```
//! # let server = wireline_testkit::ScriptedPeer::start([wireline_testkit::Script::new().read_head()])?;
//! # let mut connection = wireline::Connection::connect(&server.url(""))?;
//! let lost = match connection.get("/") {
//!     Ok(response) => return Ok(println!("{}", response.status())),
//!     Err(error) => error,
//! };
//! println!("{lost}");
//! for exchange in connection.unanswered() {
//!     println!("{exchange}: safe to send again: {}", exchange.is_safe_to_repeat());
//! }
//! # assert_eq!(lost.kind(), wireline::ErrorKind::Lost);
//! # assert!(connection.unanswered().all(|exchange| exchange.is_safe_to_repeat()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All that RFC 9110 and RFC 9112 say about the bytes is decided in [`proto`]; this crate moves them.
//!
//! # Memory
//!
//! What a connection holds is bounded by [`Limits`], and while nothing waits in it, it holds hardly any: buffers are lent by
//! the thread that uses it, and go back to that. The thread keeps them for whichever of its connections is next, until it
//! ends: at most 64 buffers of up to 64 KiB, as much as 64 connections need at once for heads and requests that are not
//! unusually long (2 MiB), and for TLS four buffers of 66 KiB. Nothing wipes them before they are used again.
//!
//! # Where it runs
//!
//! It runs on Unix: it needs `poll` and writes that do not wait.
//!
//! # Features
//!
//! - `ring`, on by default: `tls`, with ring as the crypto provider where no other is named.
//! - `tls`: `https`, by rustls, with the crypto provider that [`TlsSettings::provider`] names.
//! - `bundled-roots`: [`TlsSettings::bundled`], for machines without trusted roots.
//! - `tracing`: tells [`tracing`](https://docs.rs/tracing) of each step, request, response and failure, at level debug,
//!   with neither targets nor fields.
//! - `gzip` (with `deflate`), `br`, `zstd` (which wants Rust 1.87): the content codings that [`Response::decoded`] takes off.

mod canceller;
mod charset;
mod coding;
mod connect;
mod connection;
mod content;
mod driver;
mod error;
mod media_type;
mod nonblocking;
mod pipeline;
mod receiving;
mod reply;
mod response;
mod sending;
mod split;
mod switched;
mod tap;
mod timeouts;
mod timing;
mod trace;
mod transport;
mod wait;
mod writer;

#[cfg(feature = "tls")]
pub use rustls;
pub use wireline_proto as proto;
pub use wireline_proto::{
    CloseReason, Config, Deviations, ExchangeId, Field, Fields, FieldsRef, Framing, Incomplete, Interest, InvalidField,
    InvalidRequest, Leniency, Limit, Limits, Method, Misuse, Phase, Progress, Request, RequestBuilder, Reuse,
    StatusCode, Unanswered, Version, Violation,
};

pub use canceller::Canceller;
pub use coding::{Decoded, Expansion};
pub use connect::Connector;
pub use connect::connecting::Connecting;
pub use connect::lookup::{Resolver, SystemResolver};
pub use connect::no_proxy::NoProxy;
pub use connect::origin::{InvalidUrl, Origin, Scheme};
pub use connect::proxy::{InvalidProxy, Proxy, ProxyAuth, ProxyScheme, Route};
pub use connect::rules::{InvalidVariable, ProxyRules};
pub use connect::socks::{BoundAddress, Socks5, SocksError};
#[cfg(feature = "tls")]
pub use connect::tls::TlsSettings;
pub use connection::Connection;
pub use content::Content;
pub use error::{Error, ErrorKind, Stage};
pub use media_type::MediaType;
pub use nonblocking::Nonblocking;
pub use pipeline::Pipeline;
pub use pipeline::run::Run;
pub use reply::Head;
pub use response::lines::{Lines, Pieces};
pub use response::{Dropped, Response};
pub use split::{ReceiveHalf, Received, SendHalf, Turn};
pub use switched::Switched;
pub use tap::Tap;
pub use tap::transcript::Transcript;
pub use timeouts::{Operation, Timeouts};
pub use timing::{Marks, Timing};
pub use transport::bring::Bring;
pub use transport::socket::Socket;
pub use transport::stream::Stream;
#[cfg(feature = "tls")]
pub use transport::tls::Tls;
pub use transport::{Ready, Transport};
pub use writer::ContentWriter;
