//! Each server with the same site: its files, and under `/app` an application. Where a server has no applications of its
//! own, it is a gateway to that of [`hyper`].

mod apache;
mod caddy;
mod haproxy;
mod hyper;
mod lighttpd;
mod nginx;
mod node;
mod python;
mod squid;

use std::ffi::OsString;
use std::net::SocketAddr;

use wireline_testkit::servers::{Folder, HOST, Server};

use crate::peer::Peer;
use crate::site;
use hyper::Hyper;

/// A server by its name.
pub(crate) type Start = fn() -> Peer;

/// All of them.
pub(crate) const SERVERS: [(&str, Start); 9] = [
    ("nginx", nginx::start),
    ("apache", apache::start),
    ("haproxy", haproxy::start),
    ("squid", squid::start),
    ("lighttpd", lighttpd::start),
    ("caddy", caddy::start),
    ("node", node::start),
    ("python", python::start),
    ("hyper", hyper::start),
];

/// Starts a program in a folder with the files, before the application. `configure` is told the folder, the port to
/// listen on, and where the application is, and gives the arguments.
fn start(name: &'static str, program: &str, configure: impl Fn(&Folder, u16, SocketAddr) -> Vec<OsString>) -> Peer {
    let hyper = Hyper::start();
    let application = hyper.address();
    let server = Server::start(program, |folder, [port]| {
        site::fill(folder)?;
        Ok(configure(folder, port, application))
    });
    let server = server.unwrap_or_else(|error| panic!("{error}: run cargo xtask setup"));
    let address = SocketAddr::new(HOST.parse().unwrap(), server.ports()[0]);
    Peer::new(name, address, application, (server, hyper))
}
