//! What the flags make of a request, as it arrives.

mod support;

use std::io::Write;

use support::{Folder, Peer, accept, read_head, read_until, wireline, wireline_in};

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// What a server gets to see of a run with these arguments before the URL; `/a?b` is the target.
fn seen(arguments: &[&str]) -> String {
    let peer = Peer::answering(EMPTY);
    let run = wireline(&[arguments, &[&peer.url("/a?b")]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    let host = format!("Host: 127.0.0.1:{}\r\n", peer.port);
    let agent = format!("User-Agent: wireline/{}\r\n", env!("CARGO_PKG_VERSION"));
    let request = String::from_utf8(peer.join()).expect("the request is UTF-8");
    request.replace(&host, "[host]").replace(&agent, "[agent]").replace("\r\n", "|")
}

// conformance: T22 T25 T26
#[test]
fn a_plain_get() {
    assert_eq!(seen(&[]), "GET /a?b HTTP/1.1|[host][agent]Accept: */*||");
}

#[test]
fn methods() {
    assert_eq!(seen(&["DELETE"]), "DELETE /a?b HTTP/1.1|[host][agent]Accept: */*||");
    assert_eq!(seen(&["--request", "x-y"]), "x-y /a?b HTTP/1.1|[host][agent]Accept: */*||");
    assert_eq!(seen(&["-XPURGE"]), "PURGE /a?b HTTP/1.1|[host][agent]Accept: */*||");
}

#[test]
fn field_lines_are_added_replaced_and_removed() {
    assert_eq!(
        seen(&["--header", "x-b: 1", "-H", "X-A;", "-H", "x-b:  2 ", "-H", "Accept:", "-H", "USER-AGENT: me"]),
        "GET /a?b HTTP/1.1|[host]x-b: 1|X-A: |x-b: 2|USER-AGENT: me||"
    );
}

#[test]
fn the_version_the_range_and_the_target() {
    assert_eq!(seen(&["--http1.0"]), "GET /a?b HTTP/1.0|[host][agent]Accept: */*||");
    assert_eq!(seen(&["--range", "5-"]), "GET /a?b HTTP/1.1|[host][agent]Accept: */*|Range: bytes=5-||");
    assert_eq!(seen(&["OPTIONS", "--request-target", "*"]), "OPTIONS * HTTP/1.1|[host][agent]Accept: */*||");
}

#[test]
fn name_and_password_become_credentials_and_appear_nowhere_else() {
    let peer = Peer::answering(EMPTY);
    let url = peer.url("/").replace("http://", "http://us%65r:pass@");
    let run = wireline(&["--json", &url]);
    let request = String::from_utf8(peer.join()).expect("the request is UTF-8");
    assert!(request.contains("\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"), "{request}");
    assert!(!request.contains("pass@") && !run.record()["request"]["url"].to_string().contains("pass"), "{run:?}");
}

#[test]
fn content_of_known_length() {
    let folder = Folder::new();
    std::fs::write(folder.join("c=3"), "c=\n3").expect("the file can be written");
    let file = format!("@{}", folder.join("c=3").display());
    for (data, length, content) in [
        (&["a=1", "b=2"][..], 7, "a=1&b=2"),
        (&[file.as_str()], 4, "c=\n3"),
        (&["x", file.as_str()], 6, "x&c=\n3"),
        (&[""], 0, ""),
    ] {
        let peer = Peer::run(move |listener| {
            let mut stream = accept(listener);
            let mut request = read_head(&mut stream);
            let mut content = vec![0; length];
            std::io::Read::read_exact(&mut stream, &mut content).expect("the content comes");
            request.extend(content);
            stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
            String::from_utf8(request).expect("the request is UTF-8")
        });
        let mut arguments: Vec<&str> = data.iter().flat_map(|data| ["--data", data]).collect();
        let url = peer.url("/");
        arguments.extend(["--json", &url]);
        let run = wireline(&arguments);
        assert_eq!((run.status, &run.record()["request"]["content_sent"]), (0, &length.into()), "{run:?}");
        let request = peer.join();
        let end =
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{content}");
        assert!(request.starts_with("POST / ") && request.ends_with(&end), "{request}");
    }
}

#[test]
fn content_of_unknown_length_goes_in_chunks() {
    for arguments in [&["-d", "@-"][..], &["-d", "-"], &["--upload-file", "-"]] {
        let peer = Peer::run(|listener| {
            let mut stream = accept(listener);
            let mut request = read_until(&mut stream, b"\r\n0\r\n\r\n");
            stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
            request.drain(..request.windows(4).position(|end| end == b"\r\n\r\n").expect("the head ends"));
            String::from_utf8(request).expect("the request is UTF-8")
        });
        let url = peer.url("/");
        let run = wireline_in(std::path::Path::new("."), &[arguments, &[&url, "--json"]].concat(), b"piped content");
        assert_eq!((run.status, &run.record()["request"]["content_sent"]), (0, &13.into()), "{run:?}");
        assert_eq!(peer.join().to_ascii_lowercase(), "\r\n\r\nd\r\npiped content\r\n0\r\n\r\n");
    }
}

#[test]
fn a_file_is_put() {
    let folder = Folder::new();
    std::fs::write(folder.join("f"), "0123456789").expect("the file can be written");
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        let request = read_until(&mut stream, b"0123456789");
        stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
        String::from_utf8(request).expect("the request is UTF-8")
    });
    let run = wireline_in(folder.path(), &["-T", "f", &peer.url("/f")], b"");
    assert_eq!(run.status, 0, "{run:?}");
    let request = peer.join();
    assert!(
        request.starts_with("PUT /f HTTP/1.1\r\n") && request.contains("\r\nContent-Length: 10\r\n\r\n"),
        "{request}"
    );
    assert!(!request.contains("Content-Type"), "{request}");
}

#[test]
fn content_waits_until_it_is_asked_for() {
    // The whole minute is not waited for: the server asks.
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        let head = read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").expect("the interim response goes out");
        let content = read_until(&mut stream, b"content");
        stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
        (head, content)
    });
    let run = wireline(&["--expect=60", "-d", "content", "--json", &peer.url("/")]);
    let record = run.record();
    assert_eq!(
        (run.status, &record["interim"][0]["status"], &record["response"]["status"]),
        (0, &100.into(), &204.into())
    );
    let (head, content) = peer.join();
    assert!(String::from_utf8_lossy(&head).contains("\r\nExpect: 100-continue\r\n"));
    assert_eq!(content, b"content");
}

#[test]
fn content_does_not_wait_longer_than_it_is_told_to() {
    for flag in ["--expect", "--expect=0", "--expect=10ms"] {
        let peer = Peer::run(|listener| {
            let mut stream = accept(listener);
            read_until(&mut stream, b"\r\n\r\ncontent");
            stream.write_all(EMPTY.as_bytes()).expect("the answer goes out");
        });
        let run = wireline(&[flag, "-d", "content", &peer.url("/")]);
        assert_eq!(run.status, 0, "{run:?}");
        peer.join();
    }
}

#[test]
fn content_that_is_refused_does_not_leave() {
    let peer = Peer::answering("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let run = wireline(&["--expect=60", "-d", "content", "--json", &peer.url("/")]);
    let record = run.record();
    assert_eq!((run.status, &record["response"]["status"]), (0, &413.into()), "{run:?}");
    assert_eq!((&record["request"]["content_sent"], &record["reuse"]["state"]), (&0.into(), &"never".into()));
    assert!(peer.join().ends_with(b"\r\n\r\n"));
}

#[test]
fn content_of_another_length_than_announced_is_refused() {
    for length in ["0", "2", "4"] {
        let peer = Peer::run(|listener| {
            let mut stream = accept(listener);
            let mut seen = Vec::new();
            std::io::Read::read_to_end(&mut stream, &mut seen).map(|_| seen)
        });
        let run = wireline(&["-d", "abc", "-H", &format!("Content-Length: {length}"), &peer.url("/")]);
        assert_eq!((run.status, peer.join().ok()), (2, Some(Vec::new())), "{run:?}");
    }
}

#[test]
fn raw_bytes_go_out_as_they_are() {
    let raw = b"HEAD /\x01 HTTP/7.7\r\n Bad : x\r\n\r\n";
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let run = wireline_in(std::path::Path::new("."), &["--raw-request", "-", "--json", &peer.url("/")], raw);
    let record = run.record();
    assert_eq!((run.status, &record["request"]["method"]), (0, &"HEAD".into()), "{run:?}");
    assert_eq!((&record["response"]["framing"], &record["error"]), (&"none".into(), &serde_json::Value::Null));
    assert_eq!(peer.join(), raw);

    let folder = Folder::new();
    std::fs::write(folder.join("raw"), "\r\nGET /\r\n\r\n").expect("the file can be written");
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let run = wireline_in(folder.path(), &["--raw-request", "raw", &peer.url("/")], b"");
    assert_eq!((run.status, run.text().as_str()), (0, "ok"), "{run:?}");
}

#[test]
fn a_request_that_could_be_read_as_two_is_refused_before_anything_is_sent() {
    // Port 9 (discard): nobody is connected to.
    for (arguments, status) in [
        (&["http://127.0.0.1:9/a b"][..], 3),
        (&["http://127.0.0.1:9/\r\nX: y"], 3),
        (&["-H", "X: a\r\nY: b", "http://127.0.0.1:9/"], 2),
        (&["-H", "Transfer-Encoding: chunked", "-H", "Content-Length: 1", "-d", "a", "http://127.0.0.1:9/"], 2),
        (&["-H", "Host: a", "-H", "Host: b", "http://127.0.0.1:9/"], 2),
    ] {
        let run = wireline(arguments);
        assert_eq!((run.status, run.stdout.as_slice()), (status, b"".as_slice()), "{run:?}");
        assert!(run.stderr.starts_with("wireline: ") && run.stderr.lines().count() == 1, "{run:?}");
    }
}
