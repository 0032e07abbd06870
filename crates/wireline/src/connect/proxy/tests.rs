use std::sync::Mutex;

use wireline_proto::{Config, Connection, Event};

use super::*;
use crate::reply::{Reply, State};

fn proxy(url: &str) -> Proxy {
    Proxy::parse(url).unwrap()
}

fn origin(url: &str) -> Origin {
    Origin::parse(url).unwrap()
}

#[test]
fn a_url_comes_apart() {
    for (url, shown, credentials) in [
        ("a", "http://a:80", None),
        ("a:3128", "http://a:3128", None),
        ("ann@a:3128", "http://a:3128", Some(("ann", ""))),
        ("http://a/", "http://a:80", None),
        ("HTTP://a:", "http://a:80", None),
        ("https://a", "https://a:443", None),
        ("socks5://a", "socks5://a:1080", None),
        ("Socks5h://a:9050/", "socks5h://a:9050", None),
        ("http://[::1]", "http://[::1]:80", None),
        ("socks5://[::1]:1", "socks5://[::1]:1", None),
        ("http://@a", "http://a:80", None),
        ("http://ann:secret@a", "http://a:80", Some(("ann", "secret"))),
        ("http://:token@a", "http://a:80", Some(("", "token"))),
        ("http://ann:@a", "http://a:80", Some(("ann", ""))),
        ("http://ann:b:c@d@a", "http://a:80", Some(("ann", "b:c@d"))),
        ("http://a%40b:%2F%3f%23%25@a", "http://a:80", Some(("a@b", "/?#%"))),
        ("http://b%C3%BCcher:%e2%82%ac@a", "http://a:80", Some(("b\u{fc}cher", "\u{20ac}"))),
        ("socks5://a%3Ab:%01@a", "socks5://a:1080", Some(("a:b", "\u{1}"))),
    ] {
        let proxy = proxy(url);
        assert_eq!(proxy.to_string(), shown, "{url}");
        let expected = credentials.map(|(user, password)| (user.as_bytes(), password.as_bytes()));
        assert_eq!(proxy.credentials(), expected, "{url}");
        let same = Proxy::new(proxy.scheme(), proxy.host(), proxy.port()).unwrap();
        assert_eq!(same.to_string(), shown);
    }
}

#[test]
fn what_is_no_proxy_is_refused() {
    let long = "a".repeat(256);
    for (url, why) in [
        ("", InvalidProxy::Host),
        ("http://", InvalidProxy::Host),
        ("http://ann:secret@", InvalidProxy::Host),
        ("http://a b", InvalidProxy::Host),
        ("http://[a]", InvalidProxy::Host),
        ("http://b\u{fc}cher", InvalidProxy::Host),
        ("http:a", InvalidProxy::Port),
        ("a:b", InvalidProxy::Port),
        ("a:65536", InvalidProxy::Port),
        ("::1", InvalidProxy::Port),
        ("socks://a", InvalidProxy::Scheme),
        ("socks4://a", InvalidProxy::Scheme),
        ("socks4a://a", InvalidProxy::Scheme),
        ("://a", InvalidProxy::Scheme),
        ("http://a/b", InvalidProxy::Target),
        ("http://a?", InvalidProxy::Target),
        ("http://a/#", InvalidProxy::Target),
        ("http://ann:p/q@a", InvalidProxy::Target),
        ("http://ann:p%@a", InvalidProxy::Credentials),
        ("http://ann:p%4@a", InvalidProxy::Credentials),
        ("http://ann:p%+1@a", InvalidProxy::Credentials),
        ("http://%g0@a", InvalidProxy::Credentials),
        // RFC 7617 section 2: no colon in a user name, no control byte in either.
        ("http://a%3Ab:c@a", InvalidProxy::Credentials),
        ("http://ann:%0d%0aX-A:b@a", InvalidProxy::Credentials),
        ("http://ann%7f:b@a", InvalidProxy::Credentials),
        // RFC 1929 section 2: 1 to 255 bytes.
        ("socks5://:b@a", InvalidProxy::Credentials),
        (&format!("socks5://{long}:b@a"), InvalidProxy::Credentials),
        (&format!("socks5h://b:{long}@a"), InvalidProxy::Credentials),
    ] {
        assert_eq!(Proxy::parse(url).err(), Some(why), "{url}");
    }
    assert_eq!(Proxy::new(ProxyScheme::Http, "[::1]", 80).err(), Some(InvalidProxy::Host));
    assert_eq!(proxy("a").authorization("a\r\nX: b").err(), Some(InvalidProxy::Credentials));
}

#[test]
fn an_origin_has_one_route() {
    let (plain, secure) = (origin("http://a"), origin("https://a"));
    for (url, http, https) in [
        ("http://p", Route::Forward, Route::Tunnel),
        ("https://p", Route::Forward, Route::Tunnel),
        ("socks5://p", Route::SocksAddress, Route::SocksAddress),
        ("socks5h://p", Route::SocksName, Route::SocksName),
    ] {
        assert_eq!((proxy(url).route(&plain), proxy(url).route(&secure)), (http, https), "{url}");
    }
    assert_eq!(proxy("http://p").tunnel_always().route(&plain), Route::Tunnel);
    assert_eq!(proxy("socks5://p").tunnel_always().route(&plain), Route::SocksAddress);
}

fn connect(proxy: &Proxy, url: &str) -> String {
    let request = proxy.connect_request(&origin(url), None).unwrap().unwrap();
    String::from_utf8(request.as_bytes().to_vec()).unwrap()
}

// conformance: T4 T35
#[test]
fn a_tunnel_is_asked_for_by_host_and_port() {
    let fields = Fields::parse(b"User-Agent: a\r\nproxy-authorization: mine\r\nX-B: c\r\n").unwrap();
    assert_eq!(connect(&proxy("p"), "https://a"), "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    assert_eq!(connect(&proxy("p"), "http://[::1]"), "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    assert_eq!(
        connect(&proxy("p").connect_fields(fields.clone()), "https://a"),
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nUser-Agent: a\r\nproxy-authorization: mine\r\nX-B: c\r\n\r\n",
    );
    assert_eq!(
        connect(&proxy("ann:b@p").connect_fields(fields), "https://a"),
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nUser-Agent: a\r\nProxy-Authorization: Basic YW5uOmI=\r\nX-B: c\r\n\r\n",
    );
    assert_eq!(
        connect(&proxy("p").authorization("Bearer x").unwrap(), "https://a"),
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nProxy-Authorization: Bearer x\r\n\r\n",
    );
    let host = Fields::parse(b"X-A: b\r\nhost: A:443\r\n").unwrap();
    assert_eq!(
        connect(&proxy("p").connect_fields(host.clone()), "https://a"),
        "CONNECT a:443 HTTP/1.1\r\nX-A: b\r\nhost: A:443\r\n\r\n",
    );
    let other = proxy("p").connect_fields(host).connect_request(&origin("https://b"), None);
    assert_eq!(other, Err(InvalidRequest::HostMismatch));
}

#[test]
fn basic_credentials_are_those_of_rfc_7617() {
    // The examples of RFC 7617 sections 2 and 2.1.
    for (user, password, value) in [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
    ] {
        let proxy = proxy("p").basic_auth(user, password).unwrap();
        let request = proxy.connect_request(&origin("https://a"), None).unwrap().unwrap();
        assert_eq!(request.fields().get("Proxy-Authorization"), Some(value.as_bytes()));
    }
}

/// A GET for `http://a`, changed.
fn request(method: &str, target: &str) -> wireline_proto::RequestBuilder {
    Request::builder(method, target).host("a")
}

#[test]
fn a_forwarded_request_names_its_origin_and_is_else_the_same() {
    let origin = origin("http://a");
    let forwarded = |proxy: &Proxy, request: &Request| proxy.forward(request, &origin, None).map(Option::unwrap);
    for (given, target) in [("/", "http://a/"), ("/b?c=d//e", "http://a/b?c=d//e"), ("http://a/b", "http://a/b")] {
        let given = request("GET", given).field("X-B", "c").build().unwrap();
        let sent = forwarded(&proxy("p"), &given).unwrap();
        assert_eq!(sent.as_bytes(), format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-B: c\r\n\r\n").as_bytes());
    }
    let asterisk = request("OPTIONS", "*").build().unwrap();
    assert_eq!(forwarded(&proxy("p"), &asterisk).unwrap(), asterisk);
    let tunnel = Request::builder("CONNECT", "b:1").host("b:1").build().unwrap();
    assert_eq!(forwarded(&proxy("p"), &tunnel).unwrap(), tunnel);
    let unchecked = Request::unchecked("GET / HTTP/1.1\n\n", Method::GET);
    assert_eq!(forwarded(&proxy("ann@p"), &unchecked).unwrap(), unchecked);

    let post = request("POST", "/").idempotent(true).chunked().expect_continue().close().build().unwrap();
    let sent = forwarded(&proxy("ann:b@p"), &post).unwrap();
    assert_eq!((sent.framing(), sent.expects_continue()), (post.framing(), true));
    assert!(sent.is_idempotent() && sent.closes());
    assert_eq!(sent.fields().get("proxy-authorization"), Some(&b"Basic YW5uOmI="[..]));
    let old = request("GET", "/").version(http::Version::HTTP_10).build().unwrap();
    assert_eq!(forwarded(&proxy("p"), &old).unwrap().as_bytes(), b"GET http://a/ HTTP/1.0\r\nHost: a\r\n\r\n");

    let elsewhere = Request::get("/", "b").unwrap();
    assert_eq!(forwarded(&proxy("p"), &elsewhere), Err(InvalidRequest::HostMismatch));
    let trace = request("TRACE", "/").build().unwrap();
    assert_eq!(forwarded(&proxy("ann@p"), &trace), Err(InvalidRequest::CredentialsInTrace));
}

#[test]
fn an_ipv6_origin_is_named_in_brackets() {
    let request = Request::get("/b", "[::1]:81").unwrap();
    let sent = proxy("p").forward(&request, &origin("http://[::1]:81"), None).unwrap().unwrap();
    assert_eq!(sent.target(), b"http://[::1]:81/b");
}

/// The head of a 407.
fn challenge() -> Head {
    let mut connection = Connection::new(Config::default());
    connection.send_request(&Request::get("/", "a").unwrap()).unwrap();
    connection.transmitted(connection.transmit().len());
    let head = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Count n=1\r\nContent-Length: 0\r\n\r\n";
    connection.receive_space()[..head.len()].copy_from_slice(head);
    connection.received(head.len());
    assert!(connection.advance().unwrap());
    let mut reply = Reply::default();
    match connection.event() {
        Event::Response(head) => reply.set_head(&head, State::Ended),
        other => panic!("{other:?}"),
    }
    reply.head().clone()
}

/// Answers twice, and says with what it was asked.
#[derive(Default)]
struct Twice(Mutex<Vec<String>>);

impl ProxyAuth for Twice {
    fn authorization(&self, method: &Method, target: &[u8], challenge: Option<&Head>) -> Option<Vec<u8>> {
        let mut asked = self.0.lock().unwrap();
        let challenge = challenge.map(|head| (head.status(), head.fields().joined("proxy-authenticate")));
        asked.push(format!("{method} {} {}", target.escape_ascii(), challenge.is_some()));
        (challenge?.1.is_some() && asked.len() < 4).then(|| format!("Count {}", asked.len()).into_bytes())
    }
}

#[test]
fn what_was_refused_is_not_sent_again() {
    let (origin, challenge) = (origin("http://a"), challenge());
    let get = Request::get("/", "a").unwrap();
    for proxy in [proxy("p"), proxy("ann:b@p"), proxy("p").authorization("x").unwrap()] {
        assert_eq!(proxy.connect_request(&origin, Some(&challenge)), Ok(None));
        assert_eq!(proxy.forward(&get, &origin, Some(&challenge)), Ok(None));
    }
    let unchecked = Request::unchecked("GET / HTTP/1.1\n\n", Method::GET);
    assert_eq!(proxy("p").forward(&unchecked, &origin, Some(&challenge)), Ok(None));
}

#[test]
fn somebody_else_answers_each_challenge() {
    let asked = Arc::new(Twice::default());
    let proxy = proxy("p").auth(Arc::clone(&asked) as Arc<dyn ProxyAuth>);
    let (origin, challenge) = (origin("http://a"), challenge());
    let get = Request::get("/b", "a").unwrap();
    let value = |request: Option<Request>| {
        request.map(|request| request.fields().get("proxy-authorization").map(<[u8]>::to_vec))
    };
    assert_eq!(value(proxy.connect_request(&origin, None).unwrap()), Some(None));
    assert_eq!(value(proxy.connect_request(&origin, Some(&challenge)).unwrap()), Some(Some(b"Count 2".to_vec())));
    assert_eq!(value(proxy.forward(&get, &origin, Some(&challenge)).unwrap()), Some(Some(b"Count 3".to_vec())));
    assert_eq!(value(proxy.forward(&get, &origin, Some(&challenge)).unwrap()), None);
    let expected = ["CONNECT a:80 false", "CONNECT a:80 true", "GET http://a/b true", "GET http://a/b true"];
    assert_eq!(*asked.0.lock().unwrap(), expected);
}

#[test]
fn an_answer_that_no_field_can_be_is_refused() {
    struct Bad;
    impl ProxyAuth for Bad {
        fn authorization(&self, _: &Method, _: &[u8], _: Option<&Head>) -> Option<Vec<u8>> {
            Some(b"a\r\nX: b".to_vec())
        }
    }
    let refused = proxy("p").auth(Arc::new(Bad)).connect_request(&origin("http://a"), None);
    assert!(matches!(refused, Err(InvalidRequest::Field(_))), "{refused:?}");
}

#[test]
fn credentials_are_not_in_debug_output() {
    let fields = Fields::parse(b"X-Key: secret\r\n").unwrap();
    for (proxy, auth) in [
        (proxy("ann:secret@p"), "user name and password, not shown"),
        (proxy("p").authorization("Bearer secret").unwrap(), "a value, not shown"),
        (proxy("p").auth(Arc::new(Twice::default())), "asked for"),
    ] {
        let shown = format!("{:?} {proxy}", proxy.clone().connect_fields(fields.clone()));
        let expected = format!(
            "Proxy {{ url: http://p:80, auth: {auth}, connect_fields: [\"X-Key\"], tunnel_always: false }} http://p:80"
        );
        assert_eq!(shown, expected);
    }
}
