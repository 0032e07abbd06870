//! What neither a caller that passes on what it was given nor a server can make of the command.

mod support;

use std::io::{ErrorKind, Write};
use std::net::TcpListener;

use support::{Peer, accept, read_head, wireline};

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// A port that nobody connects to, unless something is wrong.
struct Untouched(TcpListener);

impl Untouched {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("loopback has a port"))
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.0.local_addr().expect("it is bound"))
    }

    fn is_untouched(&self) -> bool {
        self.0.set_nonblocking(true).expect("it need not wait");
        self.0.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_leaves() {
    let server = Untouched::new();
    let flags: &[&[&str]] = &[
        &["-X", "GET / HTTP/1.1\r\nX:"],
        &["-X", "GET /"],
        &["-X", "G\u{e4}T"],
        &["-H", "X: a\r\nY: b"],
        &["-H", "X: a\nY: b"],
        &["-H", "X: a\rY: b"],
        &["-H", "X\r\nY: b"],
        &["-H", "X Y: b"],
        &["-H", "X: a\r\n b"],
        &["-H", "Host: a\r\nX: b"],
        &["-H", "Host: a@b"],
        &["-H", "Transfer-Encoding: chunked", "-H", "Content-Length: 3", "-d", "abc"],
        &["--request-target", "/ HTTP/1.1\r\nX: b"],
        &["--request-target", "/a b"],
        &["--request-target", "http://u:p@a/"],
        &["-XCONNECT", "--request-target", "a:1\r\nX: b"],
        &["-XCONNECT", "--request-target", "a:1 HTTP/1.1"],
        &["--range", "0-\r\nX: b"],
    ];
    for flags in flags {
        let run = wireline(&[flags, &[server.url("/").as_str()][..]].concat());
        assert_eq!(run.status, 2, "{flags:?}: {run:?}");
    }
    for target in ["/a b", "/\r\nX: b", "/a HTTP/1.1\r\nX: b", "/\u{e4}", "/a\tb", "/\u{1b}[2J", "\r\nX: b/"] {
        let run = wireline(&[server.url(target)]);
        assert_eq!(run.status, 3, "{target:?}: {run:?}");
        assert!(!run.stderr.trim_end().contains(char::is_control), "{run:?}");
    }
    assert!(server.is_untouched());
}

/// CVE-2023-24329 and its like: two readers of one URL see one host.
#[test]
fn a_url_names_one_host() {
    let server = Untouched::new();
    let port = server.url("/").trim_end_matches('/').rsplit(':').next().expect("a port").to_owned();
    for url in [
        format!(" http://127.0.0.1:{port}/"),
        format!("\thttp://127.0.0.1:{port}/"),
        format!("http://a.test\\@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@a.test/"),
        format!("http://127.0.0.1:{port}:80/"),
        format!("http://127.0.0.1 :{port}/"),
        format!("http://127.0.0.1\t:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http://127%2e0.0.1:{port}/"),
        format!("http://\u{ff11}27.0.0.1:{port}/"),
        format!("http://[127.0.0.1]:{port}/"),
        format!("file://127.0.0.1:{port}/"),
    ] {
        let run = wireline(&[&url]);
        assert_eq!(run.status, 3, "{url:?}: {run:?}");
    }
    assert!(server.is_untouched());
}

#[test]
fn a_redirection_is_not_followed_and_takes_no_credentials_along() {
    let elsewhere = Untouched::new();
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url("/"));
    let peer = Peer::answering(answer);
    let url = peer.url("/").replace("http://", "http://user:secret@");
    let run = wireline(&["--json", "-H", "Cookie: secret", &url]);
    assert_eq!((run.status, &run.record()["response"]["status"]), (0, &302.into()), "{run:?}");
    assert!(String::from_utf8_lossy(&peer.join()).contains("Authorization: Basic "));
    assert!(elsewhere.is_untouched());
}

#[test]
fn credentials_of_one_url_are_not_sent_with_the_next() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        let mut heads = Vec::new();
        for _ in 0..3 {
            heads.push(String::from_utf8(read_head(&mut stream)).expect("the request is UTF-8"));
            stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
        }
        heads
    });
    let with = |userinfo: &str| peer.url("/").replace("http://", &format!("http://{userinfo}"));
    let run = wireline(&[with("a:secret@"), with(""), with("b:other@")]);
    assert_eq!(run.status, 0, "{run:?}");
    let heads = peer.join();
    let credentials = heads.iter().map(|head| head.lines().find(|line| line.starts_with("Authorization")));
    let expected = [Some("Authorization: Basic YTpzZWNyZXQ="), None, Some("Authorization: Basic YjpvdGhlcg==")];
    assert_eq!(credentials.collect::<Vec<_>>(), expected);
}

#[test]
fn what_a_server_says_does_not_drive_the_terminal() {
    // U+009B begins a command, and no byte of it is a control byte; the others are let through on request.
    let subtle = "HTTP/1.1 200 \u{9b}2J\r\nX-A: \u{9b}31m\r\nContent-Length: 0\r\n\r\n";
    let blunt = "HTTP/1.1 200 \x1b[2J\r\nX-A: \x1b]0;title\x07\r\nContent-Length: 0\r\n\r\n";
    for (answer, flags) in [
        (subtle, &["-v", "--wire"][..]),
        (blunt, &["-v", "--wire", "--leniency", "ctl_in_values"]),
        (blunt, &["-v", "--json"]),
    ] {
        let run = wireline(&[flags, &[Peer::answering(answer).url("/").as_str()]].concat());
        let shown = format!("{}{}", run.stderr, run.text());
        let commands: String = shown.chars().filter(|c| c.is_control() && !"\r\n\t".contains(*c)).collect();
        assert!(shown.contains("2J") && commands.is_empty(), "{shown:?}");
    }
}
