use std::ffi::OsString;

use super::*;
use crate::args::Mistake;

fn args(line: &[&str]) -> Args {
    match Args::parse(line.iter().map(OsString::from)) {
        Ok(args) => args,
        Err(Mistake::Usage(text) | Mistake::Url(text)) => panic!("{line:?}: {text}"),
    }
}

fn build_line(line: &[&str]) -> Result<Request, Failure> {
    let args = args(line);
    let upload = Upload::open(&args)?;
    build(&args, &args.urls[0], upload.as_ref())
}

/// The head, without the fields that every request has.
fn head_of(line: &[&str]) -> Result<String, Failure> {
    let wire = String::from_utf8_lossy(build_line(line)?.as_bytes()).into_owned();
    let own = format!("User-Agent: {USER_AGENT}\r\nAccept: */*\r\n");
    assert!(wire.contains(&own), "{wire}");
    Ok(wire.replace(&own, "").replace("\r\n", "|"))
}

#[test]
fn what_the_flags_say_stands_in_the_head_in_order() -> Result<(), Failure> {
    for (line, head) in [
        (&["http://h/a?b"][..], "GET /a?b HTTP/1.1|Host: h||"),
        (&["-0", "http://h:81"], "GET / HTTP/1.0|Host: h:81||"),
        (&["http://u:p@h/"], "GET / HTTP/1.1|Host: h|Authorization: Basic dTpw||"),
        (&["-H", "authorization: x", "http://u:p@h/"], "GET / HTTP/1.1|Host: h|authorization: x||"),
        (&["-H", "b: 1", "-H", "A;", "-H", "b: 2", "http://h"], "GET / HTTP/1.1|Host: h|b: 1|A: |b: 2||"),
        (&["-H", "hOsT: other", "http://h"], "GET / HTTP/1.1|hOsT: other||"),
        (&["--range", "0-9", "https://h:443"], "GET / HTTP/1.1|Host: h|Range: bytes=0-9||"),
        (&["OPTIONS", "--request-target", "*", "http://h"], "OPTIONS * HTTP/1.1|Host: h||"),
        (&["CONNECT", "https://h/x"], "CONNECT h:443 HTTP/1.1|Host: h:443||"),
        (&["CONNECT", "--request-target=o:22", "http://h"], "CONNECT o:22 HTTP/1.1|Host: o:22||"),
        (&["--request-target=http://o/a", "http://h:8080"], "GET http://o/a HTTP/1.1|Host: o||"),
        (&["-T", "/dev/null", "http://h/"], "PUT / HTTP/1.1|Host: h|Transfer-Encoding: chunked||"),
        (
            &["-d", "a=1", "-d", "b=2", "http://h"],
            "POST / HTTP/1.1|Host: h|Content-Type: application/x-www-form-urlencoded|Content-Length: 7||",
        ),
        (
            &["PATCH", "-d", "a", "-H", "content-type: x/y", "--expect", "http://h"],
            "PATCH / HTTP/1.1|Host: h|content-type: x/y|Content-Length: 1|Expect: 100-continue||",
        ),
        (
            &["-d", "a", "-H", "Content-Type:", "-H", "transfer-encoding: chunked", "http://h"],
            "POST / HTTP/1.1|Host: h|transfer-encoding: chunked||",
        ),
        (
            &["-T", "/dev/null", "-H", "expect: 100-continue", "http://h"],
            "PUT / HTTP/1.1|Host: h|expect: 100-continue|Transfer-Encoding: chunked||",
        ),
    ] {
        assert_eq!(head_of(line)?, head, "{line:?}");
    }
    Ok(())
}

#[test]
fn defaults_can_be_taken_away() -> Result<(), Failure> {
    let request = build_line(&["-0", "-H", "Host:", "-H", "user-agent:", "-H", "ACCEPT:", "http://h/"])?;
    assert_eq!(request.as_bytes(), b"GET / HTTP/1.0\r\n\r\n");
    Ok(())
}

#[test]
fn what_would_be_illegal_is_refused() {
    for (line, exit) in [
        (&["http://h/a b"][..], Exit::Url),
        (&["http://h/\u{1}"], Exit::Url),
        (&["http://h/\u{e4}"], Exit::Url),
        (&["http://h/a\r\nX: y"], Exit::Url),
        (&["--request-target", "a b", "http://h/"], Exit::Usage),
        (&["-H", "a b: c", "http://h/"], Exit::Usage),
        (&["-H", "a: b\r\nc: d", "http://h/"], Exit::Usage),
        (&["-H", "Host:", "http://h/"], Exit::Usage),
        (&["-X", "a b", "http://h/"], Exit::Usage),
        (&["-0", "-T", "/dev/null", "http://h/"], Exit::Usage),
        (&["-d", "a", "-H", "Content-Length: 1", "-H", "Transfer-Encoding: chunked", "http://h"], Exit::Usage),
        (&["TRACE", "http://u:p@h/"], Exit::Usage),
    ] {
        assert_eq!(build_line(line).map(drop).map_err(|failure| failure.exit), Err(exit), "{line:?}");
    }
}
