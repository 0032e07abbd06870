//! Real servers and proxies, each started on loopback by the test that talks to it; curl judges the same requests.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod apache;
mod curl;
mod haproxy;
mod lighttpd;
mod microsocks;
mod nginx;
mod python;
mod server;
mod squid;
mod tinyproxy;
