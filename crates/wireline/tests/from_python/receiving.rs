//! Responses and their content.

use std::io::{BufRead, Read};

use wireline::{
    CloseReason, Config, Connection, Connector, ErrorKind, Fields, Framing, Leniency, Limits, Origin, Phase, Reuse,
    Scheme, StatusCode, Version, proto,
};
use wireline_testkit::Origin as Server;

use super::{Tested, answering, connect};

//# The head of a response

#[test]
fn heads() -> Tested {
    let peer = answering(["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\nVary: a\r\nvary: b\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"]);
    let mut connection = connect(&peer);

    //= PK5: `read_status()` skips interim responses; HC20: `getresponse()`; DG6: `read_response()`
    let mut response = connection.get("/")?;
    assert_eq!(response.status(), 200);

    //= PK5: `read_status(skip_100=False)`
    assert_eq!(response.interim()[0].status(), 103);

    //= PK6: `read_headers()`, `read_response()`: what can be kept of a response is its head
    let head = response.head().clone();
    assert_eq!((head.status(), head.fields().get("content-length")), (StatusCode::OK, Some(&b"5"[..])));

    //= PK10: `status`, `headers`, `content_length`, `chunked`, `has_read`
    assert_eq!(response.content_length(), Some(5));
    assert_ne!(response.framing(), Framing::Chunked);
    assert_eq!(response.content_read(), 0);

    //= HC20: `version`, `reason`, `length` (what is left), `will_close`
    assert_eq!((response.version(), response.reason()), (Version::HTTP_11, &b"Fine"[..]));
    assert_eq!(response.content_left(), Some(5));
    assert_eq!(response.reuse(), Reuse::Never(CloseReason::PeerSentClose));

    //= DG6: `HTTPResponse.method`, `.path`: a response names the exchange that it belongs to
    assert_eq!(response.exchange().index(), 0); // as `Pipeline::queue` did

    //= HC26: `getheader(name, default)`, repeated lines joined with `, `
    assert_eq!(response.field("Vary").unwrap_or_default(), "a, b");
    assert_eq!(response.field("Age").as_deref().unwrap_or("0"), "0");

    //= HC26: `getheaders()`, in order and case; `headers.get_all`, `headers.get_content_type()`, `get_content_charset()`
    let names: Vec<_> = response.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["Vary", "vary", "Content-Type", "Content-Length", "Connection"]);
    assert_eq!(response.fields().get_all("vary").collect::<Vec<_>>(), [b"a", b"b"]);
    let content_type = response.content_type().ok_or("it has one")?;
    assert_eq!((content_type.essence(), content_type.charset()), ("text/html", Some("utf-8")));

    //= DG16: `CaseInsensitiveDict` keeps the case given
    let mut fields = Fields::new();
    fields.append("X-Trace", "7")?;
    assert_eq!((fields.get("x-trace"), fields.as_bytes()), (Some(&b"7"[..]), &b"X-Trace: 7\r\n"[..]));

    //= HC27: `isclosed()`, `closed`; `getcode()`, `info()` and the like are questions above; `flush()` does nothing
    assert!(!response.is_complete());
    response.read_bytes(5)?;
    assert!(response.is_complete());

    drop(response);
    //= HC27: `geturl()`, `fileno()`, `close()`
    let url = connection.origin().map(|origin| format!("{origin}/"));
    let descriptor = connection.fd();
    assert!(url.is_some() && descriptor.is_none()); // the server said `close`

    Ok(())
}

#[test]
fn the_end_of_http() -> Tested {
    let peer = answering(["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello"]);
    let mut connection = connect(&peer);

    //= HC27: the socket of a response after 101 or CONNECT, by `fileno()` or `fp`; what came behind the head is read first
    let request = connection.request("GET", "/").field("Connection", "upgrade").field("Upgrade", "echo").build()?;
    let mut stream = connection.send(&request, ())?.into_switched().map_err(|_| "it went on in HTTP")?;
    let mut hello = [0; 5];
    stream.read_exact(&mut hello)?; // it is `Read` and `Write`; `into_parts` for the stream itself

    assert_eq!(&hello, b"hello");
    Ok(())
}

#[test]
fn names_of_things() -> Tested {
    //= HC32: `HTTP_PORT`, `HTTPS_PORT`, a constant for every status, `responses`
    assert_eq!((Scheme::Http.default_port(), Scheme::Https.default_port()), (80, 443));
    assert_eq!((StatusCode::NOT_FOUND.as_u16(), StatusCode::NOT_FOUND.canonical_reason()), (404, Some("Not Found")));

    //= HC32: `parse_headers(fp)`
    let fields = Fields::parse(b"A: 1\r\nB: 2\r\n\r\n")?;

    assert_eq!(fields.len(), 2);
    //= HC32: `_MAXLINE`, `_MAXHEADERS`; HC29, DG19: more of either is an error, and so is too much of anything else
    let mut config = Config::default();
    config.limits.field_line = 65_536;
    config.limits.fields = 100; // also `start_line`, `head`, `trailers`, `interim_responses`, ...
    let connector = Connector::new().config(config);

    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(65_536));
    let peer = answering([long.as_str()]);
    let mut connection = connector.connect(&Origin::parse(&peer.url(""))?)?;
    //= HC29: `LineTooLong`; PK12: `LineTooLongError`
    let error = connection.get("/").unwrap_err();
    assert_eq!(error.protocol().map(|error| error.kind()), Some(wireline::Limit::FieldLine.into()));

    assert_eq!(Limits::DEFAULT.field_line, 65_536);
    Ok(())
}

//# The content of a response

#[test]
fn contents() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;
    let mut response = connection.get("/chunked/100000?size=1000&trailers=1")?;

    //= PK8: `read_body(size)`: exactly so much, less only at the end; across chunks, PK13. HC23: `read(amt)`
    let some = response.read_bytes(1500)?;
    assert_eq!((some.len(), response.content_read()), (1500, 1500));

    let mut buffer = [0; 100];
    //= DG7: `read(n)`: up to n; 0 at the end. HC23: `read1(n)`
    let read = response.read_content(&mut buffer)?;

    assert!(read > 0);
    //= HC23, DG7: `readinto(buf)`: full, but for the end
    let read = response.read_full(&mut buffer)?;

    assert_eq!(read, 100);
    //= HC23: `peek()`; `io.BufferedReader` over it: a response is `Read` and `BufRead`
    let peeked = response.fill_content()?.len();
    response.consume_content(peeked);
    std::io::copy(&mut response.by_ref().take(100), &mut std::io::sink())?;

    //= PK9: `readlines(delimiter)`, HC23: `readline(limit)`, `readlines()`, iteration
    let line = response.content_lines(b"\n").at_most(65_536).next().transpose()?;
    let until = response.by_ref().split(b'\n').next().transpose()?; // as every `BufRead`

    assert!(line.is_some() && until.is_some());
    //= PK13: the pieces as they come; chunk extensions say nothing
    let piece = response.content_pieces().next().transpose()?;

    assert!(piece.is_some());
    //= HC28, PK13: trailers, which are skipped there
    while response.read_content(&mut buffer)? > 0 {}
    assert_eq!(response.trailers().get("X-Length"), Some(&b"100000"[..]));

    drop(response);
    //= PK8: `read_body(None)`; HC23: `read()`; DG7: `readall()`
    let content = connection.get("/bytes/10")?.bytes()?; // `text()` for a `str`, and `TextIOWrapper`

    assert_eq!(content.len(), 10);
    //= DG7: `discard()`
    let length = connection.get("/bytes/10")?.discard()?;

    assert_eq!(length, 10);
    //= HC30: an enormous length is not reserved for, and can be refused
    let mut response = connection.get("/bytes/1000000000")?;
    assert_eq!(response.bytes_up_to(1_000_000).unwrap_err().kind(), ErrorKind::TooLong { bound: 1_000_000 });

    drop(response);
    Ok(())
}

#[test]
fn ends() -> Tested {
    let peer = answering([
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nup to the end",
    ]);
    let mut connection = connect(&peer);

    //= HC24: HEAD, 204, 304: no content, whatever the fields say; PK10: `content_length` is 0 then
    let request = connection.request("HEAD", "/").build()?;
    assert_eq!(connection.send(&request, ())?.content_length(), Some(0));
    assert!(connection.get("/")?.is_complete());

    //= PK11, DG8: neither a length nor chunks: up to the close, as RFC 9112 section 6.3 has it
    let response = connection.get("/")?;
    assert_eq!(response.framing(), Framing::UntilClose);
    assert_eq!(response.text()?, "up to the end");

    let peer = answering(["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"]);
    let mut connection = connect(&peer);
    //= HC25: `IncompleteRead(partial, expected)`, from every method that reads; DG10: never partial data in silence
    let error = connection.get("/")?.bytes().unwrap_err();
    assert_eq!((error.kind(), error.partial()), (ErrorKind::Lost, &b"hello"[..]));
    let Some(proto::ErrorKind::Incomplete(incomplete)) = error.protocol().map(|error| error.kind()) else {
        panic!("it is incomplete")
    };
    assert_eq!((incomplete.phase, incomplete.missing), (Phase::Content, Some(5)));

    Ok(())
}

#[test]
fn what_is_let_through() -> Tested {
    let peer = answering(["hello"]);
    let origin = Origin::parse(&peer.url(""))?;

    //= HC21: `strict=False`: what is no status line is HTTP/0.9, and its bytes are the content; HC33: `LineAndFileWrapper`
    let mut config = Config::default();
    config.leniency.http09 = true;
    let mut connection = Connector::new().config(config).connect(&origin)?;
    let response = connection.get("/")?;
    assert_eq!((response.version(), response.text()?.as_str()), (Version::HTTP_09, "hello"));

    let peer = answering(["HTTP/1.1 200 OK\nContent-Length: -1\n\nhello"]);
    let origin = Origin::parse(&peer.url(""))?;
    //= HC28: a length that is none counts as none; the rest of what http.client lets through, each a switch of its own
    let mut config = Config::default();
    config.leniency = Leniency::HTTP_CLIENT;
    let mut connection = Connector::new().config(config).connect(&origin)?;
    assert_eq!(connection.get("/")?.text()?, "hello");
    assert_eq!(connection.deviations().invalid_length_reads_to_close, 1);

    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    let peer = answering([endless.as_str()]);
    let mut connection = connect(&peer);
    //= HC30: endless interim responses (CVE-2021-3737)
    let error = connection.get("/").unwrap_err();
    assert_eq!(error.protocol().map(|error| error.kind()), Some(wireline::Limit::InterimResponses.into()));

    Ok(())
}

#[test]
fn the_1_5_interface() -> Tested {
    let server = Server::start()?;
    let mut connection = Connection::connect(&server.url(""))?;
    let mut file = Vec::new();

    //= HC33: `HTTP`: `getreply()` gives code, message and headers, `getfile()` what is read from
    let mut response = connection.get("/bytes/3")?;
    let (status, reason, fields) =
        (response.status(), response.reason_text().into_owned(), response.fields().to_owned());
    response.read_to_end(&mut file)?;

    assert_eq!((status.as_u16(), reason.is_empty(), fields.is_empty(), file.len()), (200, false, false, 3));
    Ok(())
}
