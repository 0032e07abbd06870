//! microsocks: a SOCKS5 proxy.

use std::io;
use std::net::{SocketAddr, TcpListener};

use wireline::{Connector, ErrorKind, Origin, Proxy, Scheme, SocksError, Stage};
use wireline_testkit::pattern;

use crate::curl::Judgement;
use crate::nginx::{nginx, nginx_also_at};
use crate::server::{HOST, Server, arguments, connector};

fn microsocks(credentials: &[&str]) -> Server<1> {
    Server::start("microsocks", |_, [port]| {
        let listen = arguments!["-i", HOST, "-p", port.to_string()];
        listen.into_iter().chain(credentials.iter().map(Into::into)).collect()
    })
}

fn through(server: &Server<1>, scheme: &str, credentials: &str) -> Connector {
    let url = format!("{scheme}://{credentials}{HOST}:{}", server.ports()[0]);
    connector().proxy(Proxy::parse(&url).unwrap())
}

fn nobody_knows(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
    Err(io::ErrorKind::NotFound.into())
}

#[test]
fn names_are_looked_up_at_our_end() {
    let (server, origin) = (microsocks(&[]), nginx());
    let port = origin.ports()[0];
    let url = Origin::new(Scheme::Http, "origin.test", port).unwrap();
    let connector = through(&server, "socks5", "").resolver(|host: &str, port| match host {
        "origin.test" => Ok(vec![SocketAddr::new(HOST.parse().unwrap(), port)]),
        _ => nobody_knows(host, port),
    });
    let mut connection = connector.connect(&url).unwrap();
    connection.get("/1").unwrap().discard().unwrap();
    let timing = connection.timing();
    assert!(timing.resolve.is_some() && timing.tunnel.is_some(), "{timing:?}");
    let ours = Judgement::of(connection.get("/5000000").unwrap());
    assert!(ours.is(200, &pattern(5_000_000)), "{ours:?}");

    let proxy = format!("socks5://{HOST}:{}", server.ports()[0]);
    let name = format!("origin.test:{port}:{HOST}");
    let judged = server.curl(&["--proxy", &proxy, "--resolve", &name, &format!("{url}/5000000")]);
    assert!(judged.is(200, &pattern(5_000_000)), "{judged:?}");
}

#[test]
fn names_are_looked_up_at_its_end() {
    let server = microsocks(&[]);
    // The proxy goes to the first address of a name, whichever that is here.
    let local = TcpListener::bind(("localhost", 0)).unwrap().local_addr().unwrap();
    let _origin = nginx_also_at(local);
    let url = Origin::new(Scheme::Https, "localhost", local.port()).unwrap();
    let connector = through(&server, "socks5h", "").resolver(nobody_knows);
    let ours = Judgement::of(connector.connect(&url).unwrap().get("/65536").unwrap());
    assert!(ours.is(200, &pattern(65536)), "{ours:?}");
    let proxy = format!("socks5h://{HOST}:{}", server.ports()[0]);
    assert_eq!(ours, server.curl(&["--proxy", &proxy, &format!("{url}/65536")]));

    let error = through(&server, "socks5", "").resolver(nobody_knows).connect(&url).unwrap_err();
    assert_eq!((error.kind(), error.stage()), (ErrorKind::NoSuchHost, Stage::Resolving), "{error}");
}

#[test]
fn it_wants_to_know_who_asks() {
    let (server, origin) = (microsocks(&["-u", "ann", "-P", "s?cret"]), nginx());
    let url = origin.origin(Scheme::Https, 1);
    let wrong = SocksError::AuthenticationRefused { status: 2 };
    for scheme in ["socks5", "socks5h"] {
        let connect = |credentials| through(&server, scheme, credentials).connect(&url);
        let ours = Judgement::of(connect("ann:s%3Fcret@").unwrap().get("/65536").unwrap());
        assert!(ours.is(200, &pattern(65536)), "{ours:?}");
        let proxy = format!("{scheme}://ann:s%3Fcret@{HOST}:{}", server.ports()[0]);
        assert_eq!(ours, server.curl(&["--proxy", &proxy, &format!("{url}/65536")]));

        for (credentials, why) in
            [("", &SocksError::NoAcceptableMethod), ("ann:wrong@", &wrong), ("bob:s%3Fcret@", &wrong)]
        {
            let error = connect(credentials).unwrap_err();
            assert_eq!((error.kind(), error.stage()), (ErrorKind::Proxy, Stage::Tunnelling), "{error}");
            assert_eq!(error.socks(), Some(why));
        }
    }
}

#[test]
fn it_says_that_nobody_is_there() {
    let server = microsocks(&[]);
    let gone = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap();
    for scheme in ["socks5", "socks5h"] {
        let url = Origin::new(Scheme::Http, HOST, gone.port()).unwrap();
        let error = through(&server, scheme, "").connect(&url).unwrap_err();
        assert_eq!((error.kind(), error.socks()), (ErrorKind::Proxy, Some(&SocksError::ConnectionRefused)), "{error}");
    }
}
