//! No socket, no clock, no task, no lock: one HTTP/1.1 **client connection** as a state machine.
//!
//! All that RFC 9110 and RFC 9112 say about a client's bytes is decided here, once. What sits on top only moves bytes:
//! `wireline` over blocking sockets, `tokio-wireline` over asynchronous ones, and whatever you put on top yourself.
//!
//! # What you owe the connection
//!
//! > 1. Write what [`transmit`](Connection::transmit) gives; say how much left.
//! > 2. Take events until [`advance`](Connection::advance) says `false`.
//! > 3. Only then wait for bytes, read them into [`receive_space`](Connection::receive_space), and say how many came.
//! >
//! > In that order: otherwise a request waits behind answers that are here already. A write that would block is no
//! > reason to stop reading: the peer may be waiting for you to do just that.
//!
//! ```
//! use wireline_proto::{Config, Connection, Event, Request};
//! # use std::io::{self, Read, Write};
//! # struct Peer(&'static [u8]);
//! # impl Write for Peer {
//! #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> { Ok(bytes.len()) }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # impl Read for Peer { fn read(&mut self, space: &mut [u8]) -> io::Result<usize> { self.0.read(space) } }
//! # let mut stream = Peer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
//!
//! let mut connection = Connection::new(Config::default());
//! connection.send_request(&Request::get("/greeting", "example.org")?)?;
//! let mut content = Vec::new();
//! 'response: loop {
//!     while !connection.transmit().is_empty() {
//!         let n = stream.write(connection.transmit())?;
//!         connection.transmitted(n);
//!     }
//!     while connection.advance()? {
//!         match connection.event() {
//!             Event::Response(head) => assert_eq!(head.status(), 200),
//!             Event::Content(bytes) => content.extend_from_slice(bytes),
//!             Event::End(_trailers) => break 'response,
//!             _ => {}
//!         }
//!     }
//!     let n = stream.read(connection.receive_space())?;
//!     connection.received(n);
//! }
//! assert_eq!(content, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the rules are
//!
//! | question | module |
//! | --- | --- |
//! | what is legal when? | `state` |
//! | how long is this body? | `body::length` |
//! | which bytes are legal where? | `grammar` |
//! | does the connection persist? | `persistence` |
//! | what is let through on request? | [`Leniency`], in `config` |
//! | how much is too much? | [`Limits`], in `limits` |
//! | what can go wrong? | [`Error`] and [`Misuse`], in `error`; [`InvalidRequest`], in `request` |

mod body;
mod buffer;
mod config;
mod connection;
mod error;
mod event;
mod exchange;
mod fault;
mod fields;
mod free;
mod grammar;
mod head;
mod in_flight;
mod limits;
mod persistence;
mod recv;
mod request;
mod send;
#[doc(hidden)]
pub mod state;
mod status_line;

pub use body::length::Framing;
pub use config::{Config, Deviations, Leniency};
pub use connection::Connection;
pub use error::{Error, ErrorKind, Incomplete, Limit, Misuse, Phase, Violation};
pub use event::{Event, Head, Interest, ResponseHead};
pub use exchange::{CloseReason, ExchangeId, Progress, Reuse, Unanswered};
pub use fields::{Field, Fields, FieldsRef, InvalidField};
pub use http::{Method, StatusCode, Version};
pub use limits::Limits;
pub use request::{InvalidRequest, Request, RequestBuilder};
