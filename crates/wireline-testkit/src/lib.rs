//! To test HTTP/1.1 clients with, and the wire cases that wireline itself is tested by.
//!
//! | what | for |
//! | --- | --- |
//! | [`ScriptedPeer`] with a [`Script`] | a server on loopback that does exactly what a test says, right or wrong |
//! | [`Origin`] | a server on loopback that does it right |
//! | [`SplitStream`], [`FaultyStream`], [`duplex`] | streams in memory that are cut, fail or end where a test says |
//! | [`servers`] | servers that others wrote, each started on loopback for a test |
//! | [`faults`] | exchanges in which each call fails once, in each way, and what has to come of it |
//! | `Authority` (feature `tls`) | certificates for the servers above |
//! | [`fuzzing`] | what holds for the core whatever comes, for a fuzzer to look for what does not |
//! | [`case`], [`Layer`], [`check`] | transcripts in Markdown, and what they are put through |
//!
//! A wire case through the core, in every segmentation:
//!
//! ````
//! use std::path::Path;
//! use wireline_testkit::{CoreLayer, case::Case, check};
//!
//! let text = "\
//! ### An empty answer      <!-- rfc9110 15.3.5 -->
//! ```send
//! GET / HTTP/1.1
//! Host: a
//!
//! ```
//! ```recv
//! HTTP/1.1 204 No Content
//!
//! ```
//! ```log
//! @0 response 0: 204, 0 field lines, none
//! @27 end 0
//! reuse: now      unanswered: none
//! ```
//! ";
//! for case in Case::parse(Path::new("doc.md"), text)? {
//!     assert!(check(&CoreLayer::default(), &case)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ````

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test says what it expects by panicking"))]

#[cfg(feature = "tls")]
mod authority;
pub mod case;
mod core_layer;
mod coverage;
pub mod faults;
pub mod fuzzing;
mod layer;
mod log;
mod net;
mod origin;
mod peer;
mod runner;
pub mod servers;
mod stream;

#[cfg(feature = "tls")]
pub use authority::{Authority, Identity};
pub use core_layer::CoreLayer;
pub use coverage::not_covered;
pub use layer::{Layer, Segmentation};
pub use log::{Log, Recorder};
pub use origin::{Origin, Pattern, pattern};
pub use peer::{Conversation, Outcome, Script, ScriptedPeer, Signal};
pub use runner::{Difference, check};
pub use stream::{FaultyStream, Pipe, SplitStream, duplex};
