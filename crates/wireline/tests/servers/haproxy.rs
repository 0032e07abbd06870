//! HAProxy: a gateway in front of origins that are well, slow, broken or gone.

use std::fs;

use wireline::{CloseReason, Connection, Content, ErrorKind, Fields, Framing, Reuse, Scheme, Stream};
use wireline_testkit::{Origin, Script, ScriptedPeer, pattern};

use crate::curl::Judgement;
use crate::server::{HOST, Server, arguments, end_of};

/// The ports by number: before an origin that is well, in the clear and over TLS; before one that is not, with and
/// without patience for it; before none; before one that is well, without patience for requests.
const BOTH: [(Scheme, usize); 2] = [(Scheme::Http, 0), (Scheme::Https, 1)];
const UNWELL: usize = 2;
const SLOW: usize = 3;
const GONE: usize = 4;
const HASTY: usize = 5;

fn haproxy(well: &Origin, unwell: &ScriptedPeer) -> Server<6> {
    Server::start("haproxy", |folder, [plain, secure, at_unwell, slow, gone, hasty]| {
        let both = ["cert", "key"].map(|name| fs::read_to_string(folder.join(name)).unwrap()).concat();
        folder.write("both", both).unwrap();
        let conf = format!(
            "defaults
               mode http
               retries 0
               timeout connect 5s
               timeout client 20s
               timeout server 20s
             frontend well
               bind {HOST}:{plain}
               bind {HOST}:{secure} ssl crt {both}
               http-request early-hint Link '</style.css>; rel=preload' if {{ path /hinted }}
               http-request set-path /bytes/10 if {{ path /hinted }}
               http-request deny deny_status 429 if {{ path /denied }}
               default_backend well
             backend well
               server origin {well}
             frontend unwell
               bind {HOST}:{at_unwell}
               default_backend unwell
             backend unwell
               server origin {unwell}
             frontend slow
               bind {HOST}:{slow}
               default_backend slow
             backend slow
               timeout server 20ms
               server origin {unwell}
             frontend gone
               bind {HOST}:{gone}
               default_backend gone
             backend gone
             frontend hasty
               bind {HOST}:{hasty}
               option http-buffer-request
               timeout http-request 600ms
               default_backend well\n",
            both = folder.join("both").display(),
            well = well.address(),
            unwell = unwell.address(),
        );
        folder.write("conf", conf).unwrap();
        // In the foreground.
        arguments!["-db", "-f", "conf"]
    })
}

/// In front of an origin that is well.
fn well() -> (Server<6>, Origin) {
    let (origin, nobody) = (Origin::start().unwrap(), ScriptedPeer::start([]).unwrap());
    (haproxy(&origin, &nobody), origin)
}

/// In front of one that follows a script for each of two connections; who is well has gone home.
fn unwell(script: Script) -> (Server<6>, ScriptedPeer) {
    let peer = ScriptedPeer::start([script.clone(), script]).unwrap();
    (haproxy(&Origin::start().unwrap(), &peer), peer)
}

fn get(server: &Server<6>, port: usize) -> (Connection<Stream>, Judgement) {
    let mut connection = server.connect(Scheme::Http, port);
    let ours = Judgement::of(connection.get("/").unwrap());
    (connection, ours)
}

#[test]
fn it_passes_on_what_an_origin_says() {
    let (server, _origin) = well();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let ours = Judgement::of(connection.get("/bytes/5000000").unwrap());
        assert!(ours.is(200, &pattern(5_000_000)), "{ours:?}");
        assert_eq!(ours, server.curl(&[&server.url(scheme, port, "/bytes/5000000")]));

        let mut response = connection.get("/chunked/100000?trailers=1").unwrap();
        assert_eq!(response.framing(), Framing::Chunked);
        assert_eq!(response.read_bytes(100_000).unwrap(), pattern(100_000));
        assert_eq!(response.read_content(&mut [0]).unwrap(), 0);
        // Names come in lower case from here.
        assert_eq!(response.trailers().get("X-Length"), Some(&b"100000"[..]));
        drop(response);

        let response = connection.get("/close/70000").unwrap();
        assert_eq!(response.framing(), Framing::UntilClose);
        assert!(response.bytes().unwrap() == pattern(70_000));
        assert_eq!(connection.reuse(), Reuse::Never(CloseReason::PeerSentClose));
    }
}

#[test]
fn it_passes_on_what_we_say() {
    let (server, _origin) = well();
    let content = pattern(5_000_000);
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "1").unwrap();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let request = connection.request("PUT", "/echo").chunked().build().unwrap();
        let pieces = Content::pieces(content.chunks(12_345)).trailers(&trailers);
        assert!(connection.send(&request, pieces).unwrap().bytes().unwrap() == content);

        let request = connection.request("PUT", "/echo").content_length(5_000_000).expect_continue().build().unwrap();
        let response = connection.send(&request, &content).unwrap();
        assert_eq!(response.interim().iter().map(|head| head.status().as_u16()).collect::<Vec<_>>(), [100]);
        let ours = Judgement::of(response);
        assert!(ours.is(200, &content), "{ours:?}");
        assert_eq!(connection.reuse(), Reuse::Now);
        let url = server.url(scheme, port, "/echo");
        assert_eq!(ours, server.curl(&["--upload-file", "files/5000000", &url]));
    }
}

#[test]
fn it_hints_early() {
    let (server, _origin) = well();
    let mut connection = server.connect(Scheme::Http, 0);
    let response = connection.get("/hinted").unwrap();
    let [hint] = response.interim() else { panic!("{:?}", response.interim()) };
    assert_eq!(hint.status(), 103);
    assert_eq!(hint.fields().get("Link"), Some(&b"</style.css>; rel=preload"[..]));
    assert!(Judgement::of(response).is(200, &pattern(10)));
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_says_what_is_wrong_and_goes_on() {
    let (server, _peer) = unwell(Script::new().read_head().hold());
    let (connection, ours) = get(&server, SLOW);
    assert_eq!(ours.status, 504);
    assert_eq!(ours, server.curl(&[&server.url(Scheme::Http, SLOW, "/")]));
    assert_eq!(connection.reuse(), Reuse::Now);

    let (mut connection, ours) = get(&server, GONE);
    assert_eq!(ours.status, 503);
    assert_eq!(ours, server.curl(&[&server.url(Scheme::Http, GONE, "/")]));
    assert_eq!(connection.get("/").unwrap().status(), 503);
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_refuses_one_request_and_passes_on_the_next() {
    let (server, origin) = well();
    let mut connection = server.connect(Scheme::Https, 1);
    for _ in 0..2 {
        assert_eq!(connection.get("/denied").unwrap().status(), 429);
        let ours = Judgement::of(connection.get("/bytes/1000").unwrap());
        assert!(ours.is(200, &pattern(1000)), "{ours:?}");
    }
    assert_eq!(origin.requests(), 2);
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_says_that_an_origin_makes_no_sense() {
    let (server, _peer) = unwell(Script::new().read_head().send("220 mail.example ready\r\n"));
    let (connection, ours) = get(&server, UNWELL);
    assert_eq!(ours.status, 502);
    assert_eq!(ours, server.curl(&[&server.url(Scheme::Http, UNWELL, "/")]));
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn content_that_an_origin_cuts_short_is_incomplete() {
    for head in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let (server, _peer) = unwell(Script::new().read_head().send(format!("HTTP/1.1 200 OK\r\n{head}")));
        let mut connection = server.connect(Scheme::Http, UNWELL);
        let error = connection.get("/").unwrap().bytes().unwrap_err();
        assert_eq!((error.kind(), error.partial()), (ErrorKind::Lost, &b"abc"[..]), "{error}");
    }
}

#[test]
fn a_time_out_that_nobody_asked_for_is_no_response() {
    let (server, origin) = well();
    let mut connection = server.connect(Scheme::Http, HASTY);
    // 408 (Request Timeout), though no request was begun.
    assert_eq!(end_of(&mut connection), Reuse::Never(CloseReason::Unsolicited));
    let error = connection.get("/bytes/1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed(CloseReason::Unsolicited));
    assert_eq!((connection.bytes_sent(), origin.requests()), (0, 0));
}

#[test]
fn a_request_that_takes_too_long_is_timed_out() {
    let (server, origin) = well();
    let mut connection = server.connect(Scheme::Http, HASTY);
    let request = connection.request("PUT", "/echo").content_length(2).build().unwrap();
    let mut writer = connection.start(&request).unwrap();
    assert_eq!(writer.write_content(b"a").unwrap(), 1);
    std::io::Write::flush(&mut writer).unwrap();
    let response = writer.abandon().unwrap();
    assert_eq!((response.status().as_u16(), response.request_sent()), (408, false));
    response.discard().unwrap();
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
    assert_eq!(origin.requests(), 0);
}
