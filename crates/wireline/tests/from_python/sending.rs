//! Requests and their content.

use std::io::{self, IoSlice, Read, Write};

use wireline::{Connection, Content, ErrorKind, Fields, Framing, InvalidRequest, Misuse, Origin, Request, Version};
use wireline_testkit::{Origin as Server, Script, ScriptedPeer};

use super::{Tested, answering, connect};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

//# Sending a request

#[test]
fn whole() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;

    //= PK7: `request(uri, method, headers)`; HC10: `request(method, url, body, headers)`
    let request = connection.request("PUT", "/echo").field("X-Trace", "7").content_length(5).build()?;
    let response = connection.send(&request, "hello")?;

    assert_eq!(response.text()?, "hello");
    //= HC15, PK15: `Host` by itself, the port only where it is not the scheme's; the builder shows it. Names in ASCII (IDNA)
    let request = connection.request("GET", "/").build()?; // as the origin has it
    let other = Request::builder("GET", "/").host("xn--bcher-kva.example").build()?; // as you have it

    assert_eq!(request.fields().get("host"), Some(server.host().as_bytes()));
    assert_eq!(other.as_bytes(), b"GET / HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n\r\n");
    //= DG3, HC15: `Accept-Encoding: identity`, `Connection: keep-alive`, `Content-MD5`: only what is asked for
    let request = connection.request("GET", "/").accept_identity().build()?;

    assert_eq!(request.fields().get("Accept-Encoding"), Some(&b"identity"[..]));
    //= HC16: an empty URL means `/`; HTTP/1.0 by `_http_vsn`
    let (origin, target) = Origin::of_url("http://example.org")?;
    let request = Request::builder("GET", target).host(origin.host_field()).version(Version::HTTP_10).build()?;
    assert_eq!(request.as_bytes(), b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n");

    Ok(())
}

// conformance: T12 T16 T26
#[test]
fn content_of_any_kind() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;
    let path = std::env::temp_dir().join(format!("wireline-from-python-{}", std::process::id()));
    std::fs::write(&path, "hello")?;

    //= HC11: bodies: bytes, `str` (UTF-8 here, which Rust's text is), a file, what can be read, an iterable of bytes
    let file = std::fs::File::open(&path)?;
    let mut reader = io::Cursor::new("hello").take(5);
    let contents: [Content<'_>; 5] = [
        Content::bytes(&[104, 101, 108, 108, 111]),
        Content::from("hello"),
        Content::file(&file), // from its position on
        Content::reader(&mut reader),
        Content::pieces(["hel", "lo"]),
    ];

    let mut chunked = 0;
    for content in contents {
        //= HC12: `Content-Length` where the length is known, for a file by `stat`; else `Transfer-Encoding: chunked`
        let request = connection.request("PUT", "/echo").framing_for(content.length()?).build()?;

        chunked += usize::from(request.framing() == Framing::Chunked);
        //= HC1: `blocksize`, for files and readers
        let response = connection.send(&request, content.block_size(8192))?;

        assert_eq!(response.text()?, "hello");
    }
    assert_eq!(chunked, 2);
    std::fs::remove_file(&path)?;
    //= HC12: nothing added where the caller gave either; 0 for no body with PATCH, POST and PUT, nothing with others
    let given = connection.request("PUT", "/").chunked().framing_for(Some(5)).build()?;
    let post = connection.request("POST", "/").framing_for(Some(0)).build()?;
    let get = connection.request("GET", "/").framing_for(Some(0)).build()?;

    assert_eq!(given.framing(), Framing::Chunked);
    assert_eq!((post.framing(), get.framing()), (Framing::Length(0), Framing::None));
    //= HC13: `encode_chunked`: off for a body that is encoded already
    let request = connection.request("PUT", "/echo").chunked().encoded().build()?;
    let response = connection.send(&request, "5\r\nhello\r\n0\r\n\r\n")?;

    assert_eq!(response.text()?, "hello");
    Ok(())
}

#[test]
fn step_by_step() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;

    //= PK3: `send_request(uri, method, headers)`; HC14: `putrequest`, `putheader`, `endheaders`
    let mut head = connection.request("PUT", "/echo"); // `Request::builder` for `skip_host`
    for (name, value) in [("X-One", "1"), ("X-Two", "2")] {
        head = head.field(name, value);
    }
    let request = head.chunked().build()?;
    let mut writer = connection.start(&request)?;

    let mut file = io::Cursor::new("by step");
    //= PK4: `send_body(body)`, each call a chunk, an empty one ends it; HC14: `send(data)`, also a file; DG4: `write(buf)`
    writer.write_content(b"step ")?;
    io::copy(&mut file, &mut writer)?; // it is `Write`
    let response = writer.finish()?;

    assert_eq!(response.text()?, "step by step");
    //= DG4: `BodyFollowing(length)`; `ExcessBodyData`, and nothing of it is sent
    let request = connection.request("PUT", "/echo").content_length(3).build()?;
    let mut writer = connection.start(&request)?;
    let error = writer.write_content(b"four").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse(Misuse::ContentExcess { room: 3 }));

    writer.write_content(b"abc")?;
    //= HC28: trailers
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "3")?; // for `writer.finish_with(&trailers)`

    assert!(writer.finish()?.text()? == "abc" && trailers.contains("x-sum"));
    //= PK4: `NotConnectedError`
    connection.close();
    assert!(matches!(connection.start(&request).unwrap_err().kind(), ErrorKind::Closed(_)));

    Ok(())
}

#[test]
fn content_that_waits() -> Tested {
    let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    let wanted = Script::new().read_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect("large").send(OK);
    let peer = ScriptedPeer::start([wanted.read_head().send(refusal)])?;
    let mut connection = connect(&peer);

    //= DG5: `expect100=True`, and `ValueError` for it without content
    let request = connection.request("PUT", "/").content_length(5).expect_continue().build()?;
    let refused = connection.request("GET", "/").expect_continue().build();
    assert_eq!(refused.unwrap_err(), InvalidRequest::ExpectWithoutContent);

    //= DG5: `read_response()` returns the 100 (here also after `Timeouts::expect_continue`), then the body is written; PK4: `send_body` and `read_status(False)` in turn
    let mut writer = connection.start(&request)?;
    if writer.await_continue()? {
        writer.write_content(b"large")?;
    }
    assert_eq!(writer.interim()[0].status(), 100);
    assert_eq!(writer.finish()?.status(), 200);

    //= DG5: a final status instead, and the body need not be sent. `send` does all of it by itself
    let response = connection.send(&request, "large")?;
    assert_eq!((response.status().as_u16(), response.request_sent()), (413, false));

    drop(response);
    drop(connection);
    assert!(!peer.join()[0].received().ends_with(b"large"));
    Ok(())
}

#[test]
fn what_is_refused() -> Tested {
    let peer = answering([]);
    let mut connection = connect(&peer);

    //= HC17: refused before a byte leaves: control characters and spaces in method, URL, host, field name and value
    let build = |method, target, name, value| connection.request(method, target).field(name, value).build();
    assert_eq!(build("G\nT", "/", "a", "b").unwrap_err(), InvalidRequest::Method); // CVE-2020-26116
    assert_eq!(build("GET", "/a b", "a", "b").unwrap_err(), InvalidRequest::Target { at: 2 }); // CVE-2019-9740
    assert!(matches!(build("GET", "/", "a:", "b").unwrap_err(), InvalidRequest::Field(_)));
    assert!(matches!(build("GET", "/", "a", "b\r\nc: d").unwrap_err(), InvalidRequest::Field(_)));
    assert!(Origin::parse("http://a\nb").is_err()); // CVE-2019-18348

    //= HC17: the way round it, for testers
    let exactly = Request::unchecked("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", wireline::Method::GET);

    assert!(connection.send(&exactly, ()).is_err(), "the peer hangs up");
    drop(connection);
    assert_eq!(peer.join().len(), 1);
    Ok(())
}

/// A stream that counts the writes, and has one answer.
struct Counted {
    writes: usize,
    answer: io::Cursor<&'static str>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.answer.read(into)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        Ok(bytes.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_write() -> Tested {
    let stream = Counted { writes: 0, answer: io::Cursor::new(OK) };

    //= HC33: `FakeSocket`, any object with the methods of a socket
    let mut connection = Connection::over(stream);

    //= HC18: head and body leave in one write
    let request = Request::builder("PUT", "/").host("a").content_length(3).build()?;
    connection.send(&request, "abc")?;
    assert_eq!(connection.transport().map(|stream| stream.get_ref().writes), Some(1));

    Ok(())
}
