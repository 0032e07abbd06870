//! Origins, timeouts, TLS, proxies.

use std::net::SocketAddr;
use std::time::Duration;

use wireline::{
    Connection, Connector, ErrorKind, Fields, InvalidUrl, NoProxy, Operation, Origin, Proxy, ProxyRules, Reuse, Scheme,
    Timeouts, TlsSettings,
};
use wireline_testkit::{Origin as Server, Script, ScriptedPeer};

use super::{Tested, common};

//# Making a connection

#[test]
fn an_origin_and_its_timeouts() -> Tested {
    let server = Server::start()?;
    let port = server.address().port();

    //= PK1, HC1, DG1: `Client(host, port, timeout=60)`, `HTTPConnection(host, port)`
    let origin = Origin::new(Scheme::Http, "127.0.0.1", port)?;
    let mut connection = Connector::new().connect(&origin)?;

    assert_eq!(connection.get("/bytes/1")?.status(), 200);
    //= HC1: `HTTPConnection("host:port")`, `"[v6]:port"`; port 80 or 443; `InvalidURL` for what is none
    let given = Origin::parse("http://[::1]:8080")?;
    let (secure, target) = Origin::of_url("https://example.org/a?b")?;
    let refused = Origin::parse("http://example.org:http").unwrap_err();

    assert_eq!((given.host(), given.port()), ("::1", 8080));
    assert_eq!((secure.port(), target), (443, "/a?b"));
    assert_eq!(refused, InvalidUrl::Port);

    //= PK2: `timeout`: none blocks, 0.0 does not, seconds for each socket operation; HC2: a default for all of them
    let mut timeouts = Timeouts::default(); // each is `None`: as long as it takes
    timeouts.connect = Some(Duration::from_secs(60));
    timeouts.read = Some(Duration::from_secs(60));
    timeouts.write = Some(Duration::from_secs(60));
    timeouts.exchange = Some(Duration::from_secs(600)); // of the whole, which Python does not have
    let connector = Connector::new().timeouts(timeouts); // for every connection that it makes

    //= PK2: `set_timeout(t)` on an open connection; `socket.timeout`
    let mut connection = connector.connect(&origin)?;
    timeouts.read = Some(Duration::from_millis(10));
    connection.set_timeouts(timeouts);
    let error = connection.get("/delay/60000").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Operation::Read)); // `receive` would wait on

    //= PK2: `timeout=0.0`
    connection.set_nonblocking(true);
    let error = connection.receive().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)));

    //= HC6: `source_address=(host, port)`; HC8: no-delay, which is the default
    let connector = connector.local_address(SocketAddr::from(([127, 0, 0, 1], 0))).nodelay(true);

    let connection = connector.connect(&origin)?;
    //= HC8: `conn.sock`, `conn.host`, `conn.port`, `conn.timeout`
    let stream = connection.transport().ok_or("it is open")?; // `transport_mut` to set something about it
    let origin = connection.origin().ok_or("it was connected by name")?;
    let timeouts = connection.timeouts();

    assert_eq!(stream.local_addr().map(|address| address.ip().to_string()).as_deref(), Some("127.0.0.1"));
    assert_eq!((origin.host(), origin.port(), timeouts.connect), ("127.0.0.1", port, Some(Duration::from_secs(60))));
    Ok(())
}

#[test]
fn opening_and_closing() -> Tested {
    let server = Server::start()?;
    let address = server.url("");

    //= HC4: `connect()`, `close()`; DG1: `disconnect()`, a context manager: dropping it closes it
    let mut connection = Connection::connect(&address)?;
    connection.close();
    assert!(matches!(connection.get("/").unwrap_err().kind(), ErrorKind::Closed(_)));

    let server = Server::start()?;
    let address = server.url("");
    //= HC4: `auto_open`; HC9: after the server's `Connection: close` the next request opens a new connection
    let mut connection = Connector::new().auto_open(true).connect(&Origin::parse(&address)?)?;
    let last = connection.request("GET", "/bytes/1").close().build()?;
    connection.send(&last, ())?.bytes()?;
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
    connection.get("/bytes/2")?.bytes()?; // unasked, the same would be `ErrorKind::Closed`

    //= DG1: `reset()`
    connection.close();
    connection.get("/bytes/3")?.bytes()?;

    assert_eq!(server.connections(), 3);
    //= HC9, HC22: one connection for many exchanges, as long as it persists
    for n in 0..10 {
        connection.get(&format!("/bytes/{n}"))?.discard()?;
    }
    assert_eq!(connection.reuse(), Reuse::Now);

    assert_eq!(server.connections(), 3);
    Ok(())
}

#[test]
fn tls() -> Tested {
    let (root, identity) = (common::authority().root_pem().as_bytes(), common::authority().client()?);
    let server = Server::start_tls(common::authority().server_config_with_client_auth()?)?;
    let (chain, key) = (identity.certificate_pem().as_bytes(), &*identity.key_pem());
    let port = server.address().port();

    //= HC3: `HTTPSConnection(host)`: verified against the system's roots, ALPN `http/1.1`; DG1: `ssl_context`
    let connector = Connector::new();
    let untrusted = connector.connect(&Origin::new(Scheme::Https, "127.0.0.1", port)?);

    // `Tls` on a machine that trusts nobody.
    assert!(matches!(untrusted.unwrap_err().kind(), ErrorKind::Certificate | ErrorKind::Tls));
    let config = common::authority().client_config()?;
    //= HC3, PK1: `context=`, `https_context`; `cert_file`, `key_file`
    let tls = TlsSettings::roots_pem(root)?.client_certificate_pem(chain, key.as_bytes())?;
    let mut connection = Connector::new().tls(tls).connect(&Origin::new(Scheme::Https, "localhost", port)?)?;

    assert_eq!(connection.get("/bytes/1")?.status(), 200);
    //= HC3: a context of one's own; `check_hostname=False` and no verification
    let anybody = TlsSettings::danger_accept_any_certificate();
    let own = TlsSettings::from_rustls(config);

    assert!(Connector::new().tls(anybody).connect(&Origin::new(Scheme::Https, "127.0.0.1", port)?).is_ok());
    drop(own);
    //= DG14: `get_ssl_peercert()`, `get_ssl_cipher()`
    let session = connection.transport().and_then(|stream| stream.tls()).ok_or("it is over TLS")?;
    let certificates = session.peer_certificates();
    let cipher = session.negotiated_cipher_suite();

    assert!(certificates.is_some_and(|chain| chain.len() == 1) && cipher.is_some());
    Ok(())
}

#[test]
fn proxies() -> Tested {
    let accepted = "HTTP/1.1 200 OK\r\nVia: test\r\n\r\n";
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let refused = "HTTP/1.1 407 Auth Needed\r\nContent-Length: 0\r\n\r\n";
    let peer = ScriptedPeer::start([
        Script::new().read_head().send(accepted).read_head().send(answer),
        Script::new().read_head().send(refused),
        Script::new().read_head().send(answer),
    ])?;
    let proxy = peer.url("");

    //= HC5, DG15: `set_tunnel(host, port, headers)`, `proxy=(host, port)`: CONNECT before TLS, `Host` once, IPv6 in brackets;
    //= for an established connection there is no such call
    let mut fields = Fields::new();
    fields.append("X-Tag", "1")?; // a control byte is refused here
    let proxy = Proxy::parse(&proxy)?.connect_fields(fields).tunnel_always(); // `https` is always tunnelled
    let connector = Connector::new().proxy(proxy.clone());
    let mut connection = connector.connect(&Origin::parse("http://[2001:db8::1]:80")?)?;

    assert_eq!(connection.get("/")?.status(), 204);
    //= HC5: `get_proxy_response_headers()`
    let answer = connection.proxy_answer().ok_or("it goes through a tunnel")?;
    assert_eq!(answer.field("Via").as_deref(), Some("test"));

    drop(connection);
    //= HC5: `OSError("Tunnel connection failed: 407 Auth Needed")`
    let error = connector.connect(&Origin::parse("http://origin.test")?).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy);
    assert_eq!(error.proxy_answer().map(|answer| answer.status().as_u16()), Some(407));
    assert_eq!(error.to_string(), "the proxy refused: 407 Auth Needed");

    let proxy = Proxy::new(proxy.scheme(), proxy.host(), proxy.port())?;
    //= DG3: a plain proxy gets the target in absolute-form
    let connector = Connector::new().proxy(proxy);
    let mut connection = connector.connect(&Origin::parse("http://origin.test")?)?;
    connection.get("/a?b")?; // GET http://origin.test/a?b HTTP/1.1

    //= HC5: a proxy for some origins only, or the one that the environment names
    let rules = ProxyRules::new().all(Proxy::parse("proxy.example:3128")?).except(NoProxy::parse("localhost, .test"));
    let environment = ProxyRules::from_env(); // asked for by name: nothing else reads it

    assert!(rules.proxy_for(&Origin::parse("http://origin.test")?).is_none());
    drop((connection, environment));
    let seen = peer.join();
    let tunnel: &[u8] =
        b"CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nX-Tag: 1\r\n\r\nGET / HTTP/1.1\r\n";
    assert!(seen[0].received().starts_with(tunnel));
    assert!(seen[2].received().starts_with(b"GET http://origin.test/a?b HTTP/1.1\r\nHost: origin.test\r\n"));
    Ok(())
}
