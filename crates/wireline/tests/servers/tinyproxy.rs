//! tinyproxy: an HTTP proxy that makes each answer the last.

use wireline::{Connector, ErrorKind, Proxy, Reuse, Scheme, Version};
use wireline_testkit::pattern;

use crate::curl::Judgement;
use crate::server::{HOST, Peer, Server, arguments, connector};

/// It makes tunnels to this origin and to no other.
fn tinyproxy(to: &Peer) -> Server<1> {
    Server::start("tinyproxy", |folder, [port]| {
        let conf = format!(
            "Listen {HOST}\nPort {port}\nTimeout 20\nMaxClients 20\nViaProxyName \"tinyproxy.test\"\n\
             BasicAuth ann s3cret\nConnectPort {}\n",
            to.origin().port()
        );
        folder.write("conf", conf).unwrap();
        // In the foreground.
        arguments!["-d", "-c", "conf"]
    })
}

fn url(server: &Server<1>, credentials: &str) -> String {
    server.url(Scheme::Http, 0, "").replace("://", &format!("://{credentials}"))
}

fn through(server: &Server<1>, credentials: &str) -> Connector {
    connector().proxy(Proxy::parse(&url(server, credentials)).unwrap())
}

#[test]
fn it_forwards_one_request() {
    let origin = Peer::plain();
    let server = tinyproxy(&origin);
    let proxy = url(&server, "ann:s3cret@");
    for path in ["/bytes/5000000", "/chunked/100000", "/close/100000", "/status/404"] {
        let mut connection = through(&server, "ann:s3cret@").connect(&origin.origin()).unwrap();
        let ours = Judgement::of(connection.get(path).unwrap());
        assert_eq!(ours, server.curl(&["--proxy", &proxy, &origin.url(path)]), "{path}");
        assert!(matches!(connection.look(), Reuse::Never(_)), "{path}");
    }
    let mut connection = through(&server, "").connect(&origin.origin()).unwrap();
    assert_eq!(connection.get("/bytes/1").unwrap().status(), 407);
}

#[test]
fn it_makes_a_tunnel() {
    let origin = Peer::secure();
    let server = tinyproxy(&origin);
    let mut connection = through(&server, "ann:s3cret@").connect(&origin.origin()).unwrap();
    let answer = connection.proxy_answer().unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_10));
    assert!(answer.fields().contains("Proxy-Agent"));
    for _ in 0..3 {
        let ours = Judgement::of(connection.get("/bytes/1000000").unwrap());
        assert!(ours.is(200, &pattern(1_000_000)), "{ours:?}");
    }
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_refuses_tunnels() {
    let origin = Peer::secure();
    let server = tinyproxy(&origin);
    let other = "https://127.0.0.1:9".to_owned();
    for (credentials, to, status) in [("", origin.url(""), 407), ("ann:s3cret@", other, 403)] {
        let error = through(&server, credentials).connect(&to.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert_eq!(error.proxy_answer().unwrap().status(), status);
        let judged = server.curl(&["--proxy", &url(&server, credentials), &to]);
        assert_eq!((judged.status, judged.connect), (0, status));
    }
}
