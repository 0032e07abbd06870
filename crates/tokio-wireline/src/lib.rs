//! One HTTP/1.1 **client connection**, done completely: awaited, on tokio, over TCP, Unix sockets, TLS, or any
//! `AsyncRead + AsyncWrite` that you bring.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let server = wireline_testkit::Origin::start()?;
//! # let address = server.url("");
//! use tokio_wireline::Connection;
//!
//! let mut connection = Connection::connect(&address).await?; // "http://127.0.0.1:8080", "https://example.org"
//! let response = connection.get("/headers").await?;
//! println!("{} {:?}", response.status(), response.content_length());
//! let content = response.text().await?;
//! println!("{content}");
//! # assert!(content.starts_with("GET /headers HTTP/1.1\r\nHost: 127.0.0.1:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It is [`wireline`] with `.await`: the same names, the same order of arguments, the same errors and the same verdicts.
//! Every decision is made there, by the same code; here is only the waiting. No task is spawned, there is no channel and
//! no lock: the future that you await does the work, in both directions at once. Only the two halves of
//! [`Connection::split`], which are for two tasks, share a lock, and so do the borrowers of a [`Pool`]: nobody holds one
//! while they wait.
//!
//! What does not wait is the same method: [`Connection`], [`Response`] and [`Pipeline`] lend the blocking type, which
//! answers the questions, by `Deref`.
//!
//! # Time
//!
//! Timeouts and deadlines are of the system's clock, as in the blocking connection. Under a clock of tokio's own
//! (`tokio::time::pause`, a simulation) put `tokio::time::timeout` around the futures instead.
//!
//! # Dropping a future
//!
//! Every future may be dropped at any await, and then no byte and no state is lost: the connection stands where it stood,
//! and the same call, or [`Connection::receive`], goes on. Where that cannot be, the connection is closed, so that the peer
//! takes nothing incomplete for complete, and [`unanswered`](wireline::Connection::unanswered) has the verdicts: that is
//! so for a request whose content comes from somewhere else than memory
//! ([`Content::reader`], [`Content::pieces`], [`Content::body`]). Each method says which.

mod connect;
mod connection;
mod content;
mod decoded;
mod drive;
mod pipeline;
mod pool;
mod response;
mod split;
mod switched;
mod transport;
mod writer;

pub use wireline;
#[cfg(feature = "tls")]
pub use wireline::TlsSettings;
pub use wireline::{
    Canceller, CloseReason, Config, Deviations, Dropped, Error, ErrorKind, ExchangeId, Fields, FieldsRef, Framing,
    Head, Limits, Marks, Method, Operation, Origin, Progress, Proxy, ProxyRules, Request, RequestBuilder, Reuse,
    Scheme, Stage, StatusCode, Tap, Timeouts, Timing, Transcript, Unanswered, Version,
};

pub use connect::Connector;
pub use connection::Connection;
pub use content::Content;
pub use decoded::Decoded;
pub use pipeline::{Answer, Pipeline, Run};
pub use pool::{Pool, PoolLimits, Pooled};
pub use response::{Frames, Response};
pub use split::{ReceiveHalf, Received, SendHalf};
pub use switched::Switched;
pub use transport::{AsyncTransport, Bring, Socket, Stream};
pub use writer::ContentWriter;
