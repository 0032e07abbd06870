//! Injection from the caller's side: whatever a caller is made to pass on, what leaves is the one request that was asked for,
//! or nothing. And nothing that is shown of a request or a response has credentials in it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use wireline_proto::{Config, Connection, Event, Fields, InvalidRequest, Misuse, Request, Reuse};

/// What has split requests elsewhere (CVE-2019-9740, CVE-2019-9947, CVE-2019-18348, CVE-2020-26116), whole.
const ATTACKS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\r\nX: injected",
    "\nX: injected\n",
    "\rX: injected",
    " HTTP/1.1\r\nX: injected\r\nY:",
    "\r\nContent-Length: 5\r\n\r\nGET /2 HTTP/1.1",
    "\r\n X: folded",
    " ",
    "\t",
    "\0",
    "\u{10d}\u{10a}",
    "\u{560d}\u{560a}",
    "\u{85}\u{2028}",
    "%0d%0aX:%20injected",
    "\\r\\n",
    "user:password@",
    "@evil",
    "#",
    ":80:",
    "?",
];

/// `base` with each byte and each attack at each place of it.
fn tried(base: &str) -> impl Iterator<Item = Vec<u8>> {
    let inserts = (0..=255_u8).map(|byte| vec![byte]).chain(ATTACKS.iter().map(|attack| attack.as_bytes().to_vec()));
    let base = base.as_bytes().to_vec();
    inserts.flat_map(move |insert| {
        let base = base.clone();
        (0..=base.len()).map(move |at| [&base[..at], &insert[..], &base[at..]].concat())
    })
}

/// Bytes that stand in no request but in a line end, wherever they come from.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Every request that `build` lets be built is the line and the fields that `expected` says, and its input had no byte for
/// which `forbidden` is true. Both sides have to occur, or the test shows nothing.
fn each(
    base: &str,
    build: impl Fn(&[u8]) -> Result<Request, InvalidRequest>,
    forbidden: impl Fn(u8) -> bool,
    expected: impl Fn(&[u8]) -> Vec<u8>,
) {
    let (mut built, mut refused) = (0, 0);
    for input in tried(base) {
        match build(&input) {
            Err(_) => refused += 1,
            Ok(request) => {
                built += 1;
                let shown = input.escape_ascii();
                assert!(!input.iter().any(|&byte| forbidden(byte)), "{shown}: it should be refused");
                let (sent, expected) = (request.as_bytes().escape_ascii(), expected(&input));
                assert_eq!(sent.to_string(), expected.escape_ascii().to_string(), "{shown}");
                assert_eq!(expected.windows(4).filter(|end| end == b"\r\n\r\n").count(), 1, "{shown}");
            }
        }
    }
    assert!(built > 0 && refused > 0, "{built} were built, {refused} refused");
}

fn is_no_graph(byte: u8) -> bool {
    !byte.is_ascii_graphic()
}

#[test]
fn a_method_is_sent_as_given_or_refused() {
    each(
        "GET",
        |method| Request::builder(method, "/").host("a").build(),
        |byte| is_no_graph(byte) || b"\"(),/:;<=>?@[\\]{}".contains(&byte),
        |method| [method, b" / HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
    );
}

#[test]
fn a_target_is_sent_as_given_or_refused() {
    for base in ["/a?b", "http://a/b?c"] {
        each(
            base,
            |target| Request::builder("GET", target).host("a").build(),
            |byte| is_no_graph(byte) || byte == b'#',
            |target| [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
        );
    }
}

#[test]
fn the_authority_of_a_tunnel_is_sent_as_given_or_refused() {
    for base in ["a:443", "[::1]:1"] {
        each(
            base,
            |authority| Request::builder("CONNECT", authority).host(authority).build(),
            |byte| is_no_graph(byte) || b"@/?#\\\"<>^`{|}".contains(&byte),
            |authority| [b"CONNECT ", authority, b" HTTP/1.1\r\nHost: ", authority, b"\r\n\r\n"].concat(),
        );
    }
}

#[test]
fn a_host_is_sent_as_given_or_refused() {
    for base in ["a", "a.b:80", "[::1]"] {
        each(
            base,
            |host| Request::builder("GET", "/").host(host).build(),
            // White space around it is no part of it.
            |byte| is_control(byte) || byte > 0x7f || b"@/?#\\\"<>^`{|}".contains(&byte),
            |host| [b"GET / HTTP/1.1\r\nHost: ", host, b"\r\n\r\n"].concat(),
        );
    }
}

#[test]
fn a_field_is_sent_as_given_or_refused() {
    each(
        "X-Name",
        |name| Request::builder("GET", "/").host("a").field(name, "1").build(),
        |byte| is_no_graph(byte) || b"\"(),/:;<=>?@[\\]{}".contains(&byte),
        |name| [b"GET / HTTP/1.1\r\nHost: a\r\n", name, b": 1\r\n\r\n"].concat(),
    );
    let sent = |value: &[u8]| [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", value, b"\r\n\r\n"].concat();
    each("value", |value| Request::builder("GET", "/").host("a").field("X", value).build(), is_control, sent);
    // By another way in: in place of a value that is there, and copied.
    let replaced = |value: &[u8]| {
        let mut fields = Fields::parse(b"X: 1\r\n").unwrap();
        fields.set("X", value).map_err(InvalidRequest::Field)?;
        Request::builder("GET", "/").host("a").fields(&fields).build()
    };
    let trimmed = |value: &[u8]| {
        let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
        let start = value.iter().position(is_text).unwrap();
        sent(&value[start..=value.iter().rposition(is_text).unwrap()])
    };
    each("value", replaced, is_control, trimmed);
}

#[test]
fn a_trailer_section_is_sent_as_given_or_refused() {
    let request = Request::builder("PUT", "/").host("a").chunked().build().unwrap();
    let mut sent = 0;
    for (name, value) in tried("X-T").map(|name| (name, b"1".to_vec())).chain(tried("1").map(|v| (b"X".to_vec(), v))) {
        let mut trailers = Fields::new();
        if trailers.append(&name, &value).is_err() {
            continue;
        }
        assert!(!name.iter().any(|&byte| is_no_graph(byte) || byte == b':'), "{}", name.escape_ascii());
        assert!(!value.iter().any(|&byte| is_control(byte)), "{}", value.escape_ascii());
        let mut connection = Connection::new(Config::default());
        connection.send_request(&request).unwrap();
        connection.transmitted(connection.transmit().len());
        assert_eq!(connection.finish_request(&trailers), Ok(()));
        let section = [b"0\r\n", trailers.as_ref().as_bytes(), b"\r\n"].concat();
        assert_eq!(connection.transmit().escape_ascii().to_string(), section.escape_ascii().to_string());
        assert_eq!(section.windows(2).filter(|end| end == b"\r\n").count(), 3, "{}", section.escape_ascii());
        sent += 1;
    }
    assert!(sent > 0);
}

/// What a leniency let in leaves as it may be sent: no line of it ends in LF alone, and nothing in it is folded.
#[test]
fn a_section_that_was_let_through_is_not_passed_on_as_it_came() {
    let mut config = Config::default();
    config.leniency.bare_lf_in_head = true;
    config.leniency.skip_bad_fields = true;
    config.leniency.space_before_colon = true;
    for section in
        ["X: 1\nY: 2\r\n", "X: 1\r\nY: 2\n", "X : 1\r\nY: 2\r\n", "X:\r\n 1\r\nY: 2\r\n", "X: 1\r\nbad\r\nY: 2\r\n"]
    {
        let mut peer = Connection::new(config);
        peer.send_request(&Request::get("/", "a").unwrap()).unwrap();
        peer.transmitted(peer.transmit().len());
        let stream = format!("HTTP/1.1 204 No Content\r\n{section}\r\n");
        peer.receive_space()[..stream.len()].copy_from_slice(stream.as_bytes());
        peer.received(stream.len());
        assert_eq!(peer.advance(), Ok(true), "{section:?}");
        let Event::Response(head) = peer.event() else { panic!("{:?}", peer.event()) };
        let fields = head.fields().to_owned();
        let mut connection = Connection::new(Config::default());
        connection.send_request(&Request::builder("PUT", "/").host("a").chunked().build().unwrap()).unwrap();
        connection.transmitted(connection.transmit().len());
        assert_eq!(connection.finish_request(&fields), Ok(()), "{section:?}");
        assert_eq!(connection.transmit(), b"0\r\nX: 1\r\nY: 2\r\n\r\n", "{section:?}");
    }
}

/// What decides framing or routing is no trailer: whoever merges it would read another request (RFC 9110 section 6.5.1).
#[test]
fn no_trailer_changes_what_the_request_is() {
    for name in ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "Connection"] {
        let mut trailers = Fields::new();
        trailers.append(name, "1").unwrap();
        let mut connection = Connection::new(Config::default());
        connection.send_request(&Request::builder("PUT", "/").host("a").chunked().build().unwrap()).unwrap();
        let before = connection.clone();
        assert_eq!(connection.finish_request(&trailers), Err(Misuse::ForbiddenTrailer), "{name}");
        assert_eq!(connection, before);

        let mut connection = Connection::new(Config::default());
        let encoded = Request::builder("PUT", "/").host("a").chunked().encoded().build().unwrap();
        connection.send_request(&encoded).unwrap();
        let before = connection.clone();
        let section = format!("0\r\n{name}: 1\r\n\r\n");
        assert_eq!(connection.send_content(section.as_bytes()), Err(Misuse::ForbiddenTrailer), "{name}");
        assert_eq!(connection.frame_seen_content(section.as_bytes()), Err(Misuse::ForbiddenTrailer), "{name}");
        assert_eq!(connection, before);
    }
}

/// Content that is in chunks already leaves only as one chunked body: a reader comes to its end where we do.
#[test]
fn content_in_chunks_of_its_own_holds_no_second_request() {
    let request = Request::builder("PUT", "/").host("a").chunked().encoded().build().unwrap();
    let (mut sent, mut refused) = (0, 0);
    let bodies = ["0\r\n\r\n", "3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX: 1\r\n\r\n"];
    for body in bodies.iter().flat_map(|body| tried(body)) {
        let mut connection = Connection::new(Config::default());
        connection.send_request(&request).unwrap();
        connection.transmitted(connection.transmit().len());
        if connection.send_content(&body) != Ok(body.len()) || connection.finish_request(&Fields::new()).is_err() {
            refused += 1;
            continue;
        }
        sent += 1;
        let shown = body.escape_ascii();
        assert_eq!(connection.transmit().escape_ascii().to_string(), shown.to_string());
        let mut reader = Connection::new(Config::default());
        reader.send_request(&Request::get("/", "a").unwrap()).unwrap();
        reader.transmitted(reader.transmit().len());
        let stream = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &body[..]].concat();
        reader.receive_space()[..stream.len()].copy_from_slice(&stream);
        reader.received(stream.len());
        while reader.advance().unwrap_or_else(|error| panic!("{shown}: {error}")) {}
        assert_eq!(reader.reuse(), Reuse::Now, "{shown}");
    }
    assert!(sent > 0 && refused > 0, "{sent} were sent, {refused} refused");
}

#[test]
fn what_is_shown_has_no_credentials() {
    let mut builder = Request::builder("GET", "/").host("a");
    for name in ["Authorization", "PROXY-AUTHORIZATION", "cookie"] {
        builder = builder.field(name, "secret");
    }
    let request = builder.clone().build().unwrap();
    assert!(!format!("{request:?} {builder:?} {:?}", request.fields()).contains("secret"));
    let mut connection = Connection::new(Config::default());
    connection.send_request(&request).unwrap();
    assert!(!format!("{connection:?}").contains("secret"), "{connection:?}");
    connection.transmitted(connection.transmit().len());
    let head = b"HTTP/1.1 204 No Content\r\nSet-Cookie: secret\r\nX: shown\r\n\r\n";
    connection.receive_space()[..head.len()].copy_from_slice(head);
    connection.received(head.len());
    assert!(!format!("{connection:?}").contains("secret"), "{connection:?}");
    assert_eq!(connection.advance(), Ok(true));
    let Event::Response(head) = connection.event() else { panic!("{:?}", connection.event()) };
    let shown = format!("{head:?} {:?}", head.fields());
    assert!(shown.contains("shown") && !shown.contains("secret"), "{shown}");
}
