//! Squid: an HTTP proxy, in the clear and over TLS, for everybody and for those it knows.

use std::sync::Arc;

use wireline::{
    Connection, Connector, Error, ErrorKind, Fields, Head, Method, NoProxy, Origin, Proxy, ProxyAuth, ProxyRules,
    Reuse, Scheme, Stage, Stream,
};
use wireline_testkit::pattern;

use crate::common::roots;
use crate::curl::Judgement;
use crate::server::{HOST, Peer, Server, arguments, connector};

/// The ports by number: for everybody, for those it knows, and for those over TLS.
const OPEN: usize = 0;
const LOCKED: usize = 1;
const SECURE: usize = 2;

/// `ann` with the password `s?cret`, as `openssl passwd -apr1` has it.
const PASSWORDS: &str = "ann:$apr1$abcdefgh$TNM3FtEvp0AaDAajjSLFa.\n";

/// Where Debian has what looks into such a file.
const NCSA: &str = "/usr/lib/squid/basic_ncsa_auth";

fn squid() -> Server<3> {
    Server::start("squid", |folder, [open, locked, secure]| {
        let root = folder.path().display();
        folder.write("passwords", PASSWORDS).unwrap();
        let conf = format!(
            "http_port {HOST}:{open}\n\
             http_port {HOST}:{locked}\n\
             https_port {HOST}:{secure} tls-cert={root}/cert tls-key={root}/key\n\
             auth_param basic program {NCSA} {root}/passwords\n\
             auth_param basic children 1 startup=0 idle=1\n\
             auth_param basic realm wireline\n\
             acl locked localport {locked} {secure}\n\
             acl known proxy_auth REQUIRED\n\
             acl forbidden port 9\n\
             acl unwanted browser unwanted\n\
             http_access deny forbidden\n\
             http_access deny unwanted\n\
             http_access deny locked !known\n\
             http_access allow all\n\
             visible_hostname squid.test\n\
             dns_nameservers 127.0.0.1\n\
             cache deny all\n\
             access_log none\n\
             cache_log {root}/log\n\
             pid_filename none\n\
             pinger_enable off\n\
             coredump_dir {root}/scratch\n"
        );
        folder.write("conf", conf).unwrap();
        // No daemon, one process. Its name is what it calls its shared memory by.
        arguments!["-N", "-n", folder.name(), "-f", folder.join("conf")]
    })
}

/// As it is written for people, with credentials if there is an `@`.
fn url(server: &Server<3>, port: usize, credentials: &str) -> String {
    let scheme = if port == SECURE { Scheme::Https } else { Scheme::Http };
    format!("{}://{credentials}{HOST}:{}", scheme.name(), server.ports()[port])
}

fn through(server: &Server<3>, port: usize, credentials: &str) -> Connector {
    connector().proxy(Proxy::parse(&url(server, port, credentials)).unwrap()).proxy_tls(roots())
}

/// In the clear, over TLS.
fn origins() -> [Peer; 2] {
    [Peer::plain(), Peer::secure()]
}

#[test]
fn it_forwards_requests_in_absolute_form() {
    let (server, [plain, _]) = (squid(), origins());
    let mut connection = through(&server, OPEN, "").connect(&plain.origin()).unwrap();
    assert!(connection.proxy_answer().is_none());
    let head = connection.get("/headers").unwrap().text().unwrap();
    assert!(head.starts_with("GET /headers HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("Host: {}\r\n", plain.host())) && head.contains("squid.test"), "{head}");

    let proxy = url(&server, OPEN, "");
    for path in ["/bytes/5000000", "/chunked/100000", "/status/404"] {
        let ours = Judgement::of(connection.get(path).unwrap());
        assert_eq!(ours, server.curl(&["--proxy", &proxy, &plain.url(path)]));
    }
    let request = connection.request("PUT", "/echo").content_length(5_000_000).expect_continue().build().unwrap();
    let ours = Judgement::of(connection.send(&request, &pattern(5_000_000)).unwrap());
    assert!(ours.is(200, &pattern(5_000_000)), "{ours:?}");
    let request = connection.request("PUT", "/echo").chunked().build().unwrap();
    let ours = Judgement::of(connection.send(&request, &pattern(100_000)).unwrap());
    assert!(ours.is(200, &pattern(100_000)), "{ours:?}");
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_makes_tunnels() {
    let (server, [plain, secure]) = (squid(), origins());
    for (port, credentials) in [(OPEN, ""), (LOCKED, "ann:s%3Fcret@"), (SECURE, "ann:s%3Fcret@")] {
        let mut connection = through(&server, port, credentials).connect(&secure.origin()).unwrap();
        assert_eq!(connection.proxy_answer().unwrap().status(), 200);
        assert_eq!(connection.proxy_answer().unwrap().reason(), b"Connection established");
        let head = connection.get("/headers").unwrap().text().unwrap();
        assert_eq!(head, format!("GET /headers HTTP/1.1\r\nHost: {}\r\n\r\n", secure.host()));
        let timing = connection.timing();
        assert!(timing.tunnel.is_some() && timing.tls.is_some(), "{timing:?}");
        let ours = Judgement::of(connection.get("/bytes/5000000").unwrap());
        assert!(ours.is(200, &pattern(5_000_000)), "{ours:?}");
        assert_eq!(connection.reuse(), Reuse::Now);

        let proxy = url(&server, port, credentials);
        let judged = server.curl(&["--proxy", &proxy, &secure.url("/bytes/5000000")]);
        assert_eq!(judged.connect, 200);
        assert!(judged.is(200, &pattern(5_000_000)), "{judged:?}");
    }
    // Also where it could read along.
    let proxy = Proxy::parse(&url(&server, OPEN, "")).unwrap().tunnel_always();
    let mut connection = connector().proxy(proxy).connect(&plain.origin()).unwrap();
    let head = connection.get("/headers").unwrap().text().unwrap();
    assert_eq!(head, format!("GET /headers HTTP/1.1\r\nHost: {}\r\n\r\n", plain.host()));
}

#[test]
fn it_looks_names_up() {
    let (server, [plain, secure]) = (squid(), origins());
    // At our end there is nobody to ask.
    let connector = through(&server, OPEN, "").resolver(|_: &str, _: u16| Err(std::io::ErrorKind::NotFound.into()));
    for peer in [plain, secure] {
        let origin = Origin::new(peer.scheme, "localhost", peer.origin().port()).unwrap();
        let mut connection = connector.connect(&origin).unwrap();
        assert!(Judgement::of(connection.get("/bytes/1").unwrap()).is(200, &pattern(1)));
    }
}

#[test]
fn it_wants_to_know_who_asks_for_a_tunnel() {
    let (server, [_, secure]) = (squid(), origins());
    for credentials in ["", "ann:wrong@", "bob:s%3Fcret@"] {
        for port in [LOCKED, SECURE] {
            let error = through(&server, port, credentials).connect(&secure.origin()).unwrap_err();
            assert_refused(&error, 407);
            let challenge = error.proxy_answer().unwrap().fields().get("Proxy-Authenticate");
            assert_eq!(challenge, Some(&b"Basic realm=\"wireline\""[..]));
            let judged = server.curl(&["--proxy", &url(&server, port, credentials), &secure.url("/bytes/1")]);
            assert_eq!((judged.status, judged.connect), (0, 407));
        }
    }
    assert_eq!(secure.served.requests(), 0);
}

#[test]
fn it_wants_to_know_whose_requests_it_forwards() {
    let (server, [plain, _]) = (squid(), origins());
    let connect = |port, credentials| -> Connection<Stream> {
        through(&server, port, credentials).connect(&plain.origin()).unwrap()
    };
    for port in [LOCKED, SECURE] {
        let mut stranger = connect(port, "");
        let response = stranger.get("/bytes/1").unwrap();
        assert_eq!(response.field("Proxy-Authenticate").unwrap(), "Basic realm=\"wireline\"");
        assert_eq!(Judgement::of(response).status, 407);
        assert_eq!(server.curl(&["--proxy", &url(&server, port, ""), &plain.url("/bytes/1")]).status, 407);
        assert_eq!(plain.served.requests(), 0);
    }
    for port in [LOCKED, SECURE] {
        let mut known = connect(port, "ann:s%3Fcret@");
        for _ in 0..3 {
            let head = known.get("/headers").unwrap().text().unwrap();
            assert!(head.starts_with("GET /headers HTTP/1.1\r\n"), "{head}");
            assert!(!head.to_ascii_lowercase().contains("proxy-authorization"), "{head}");
        }
        assert_eq!(known.reuse(), Reuse::Now);
    }
}

/// Says who we are when it is asked, and not before.
struct Asked;

impl ProxyAuth for Asked {
    fn authorization(&self, _method: &Method, _target: &[u8], challenge: Option<&Head>) -> Option<Vec<u8>> {
        // `ann:s?cret`
        challenge.map(|_| b"Basic YW5uOnM/Y3JldA==".to_vec())
    }
}

#[test]
fn a_challenge_can_be_answered() {
    let (server, [_, secure]) = (squid(), origins());
    for port in [LOCKED, SECURE] {
        let proxy = Proxy::parse(&url(&server, port, "")).unwrap().auth(Arc::new(Asked));
        let connector = connector().proxy(proxy).proxy_tls(roots());
        let mut connection = connector.connect(&secure.origin()).unwrap();
        assert_eq!(connection.proxy_answer().unwrap().status(), 200);
        assert!(Judgement::of(connection.get("/bytes/1").unwrap()).is(200, &pattern(1)));
    }
}

#[test]
fn it_does_not_go_everywhere() {
    let (server, [_, nobody]) = (squid(), origins());
    let gone = nobody.url("");
    drop(nobody);
    for (address, status) in [("https://127.0.0.1:9", 403), (&gone, 503)] {
        let error = through(&server, OPEN, "").connect(&address.parse().unwrap()).unwrap_err();
        assert_refused(&error, status);
        assert!(error.proxy_answer().unwrap().fields().contains("X-Squid-Error"), "{error}");
        let judged = server.curl(&["--proxy", &url(&server, OPEN, ""), address]);
        assert_eq!((judged.status, judged.connect), (0, status));
    }
}

#[test]
fn fields_for_the_proxy_are_for_nobody_else() {
    let (server, [_, secure]) = (squid(), origins());
    let connect = |user_agent| {
        let mut fields = Fields::new();
        fields.append("User-Agent", user_agent).unwrap();
        let proxy = Proxy::parse(&url(&server, OPEN, "")).unwrap().connect_fields(fields);
        connector().proxy(proxy).connect(&secure.origin())
    };
    assert_refused(&connect("unwanted").unwrap_err(), 403);
    let head = connect("wanted").unwrap().get("/headers").unwrap().text().unwrap();
    assert_eq!(head, format!("GET /headers HTTP/1.1\r\nHost: {}\r\n\r\n", secure.host()));
}

#[test]
fn rules_say_who_is_reached_through_it() {
    let (server, [plain, _]) = (squid(), origins());
    let rules = ProxyRules::new().all(Proxy::parse(&url(&server, OPEN, "")).unwrap());
    for (except, proxied) in [("", true), ("127.0.0.0/8", false), ("example.org", true), ("*", false)] {
        let connector = connector().proxy_rules(rules.clone().except(NoProxy::parse(except)));
        let mut connection = connector.connect(&plain.origin()).unwrap();
        let head = connection.get("/headers").unwrap().text().unwrap();
        assert_eq!(head.contains("squid.test"), proxied, "{except}: {head}");
    }
}

#[test]
fn it_is_believed_no_more_than_others_over_tls() {
    let (server, [plain, _]) = (squid(), origins());
    let proxy = Proxy::parse(&url(&server, SECURE, "ann:s%3Fcret@")).unwrap();
    // The roots for origins say nothing about proxies.
    let error = connector().proxy(proxy).connect(&plain.origin()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Certificate | ErrorKind::Tls), "{error}");
    assert_eq!(error.stage(), Stage::Securing);
}

fn assert_refused(error: &Error, status: u16) {
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Proxy, Stage::Tunnelling), "{error}");
    assert_eq!(error.proxy_answer().unwrap().status(), status);
}
