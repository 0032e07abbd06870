use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::*;

/// What the origin answers to these bytes until it closes.
fn answer(request: &str) -> String {
    let origin = Origin::start().unwrap();
    exchange(&origin, request.as_bytes()).unwrap()
}

fn exchange(origin: &Origin, request: &[u8]) -> io::Result<String> {
    let mut client = TcpStream::connect(origin.address())?;
    client.set_read_timeout(Some(net::PATIENCE))?;
    client.write_all(request)?;
    let mut response = String::new();
    client.read_to_string(&mut response)?;
    Ok(response)
}

fn text(len: usize) -> String {
    String::from_utf8(pattern(len)).unwrap()
}

#[test]
fn the_pattern_is_the_same_from_every_place() {
    let whole = pattern(1000);
    let mut stream = Pattern::new(1000);
    let mut pieces = Vec::new();
    let mut buffer = [0; 37];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        pieces.extend_from_slice(&buffer[..n]);
    }
    assert_eq!(pieces, whole);
    assert!(whole[128..].starts_with(b"0000000000000080 "));
}

#[test]
fn pipelined_requests_are_answered_in_order_on_one_connection() {
    let origin = Origin::start().unwrap();
    let requests = "GET /bytes/3 HTTP/1.1\r\nHost: a\r\n\r\n\
                    HEAD /bytes/4 HTTP/1.1\r\nHost: a\r\n\r\n\
                    POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                    GET /status/204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let response = exchange(&origin, requests.as_bytes()).unwrap();
    let expected = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n000\
                    HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\
                    HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    assert_eq!(response, expected);
    assert_eq!((origin.connections(), origin.requests()), (1, 4));
}

#[test]
fn chunks_have_the_size_asked_for_and_trailers() {
    let response = answer("GET /chunked/70?size=64&trailers=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let content = text(70);
    let (first, second) = (content.get(..64).unwrap(), content.get(64..).unwrap());
    let body = format!("40\r\n{first}\r\n6\r\n{second}\r\n0\r\nX-Length: 70\r\nX-Chunks: 2\r\n\r\n");
    assert!(response.ends_with(&body), "{response}");
    assert!(response.contains("\r\nTransfer-Encoding: chunked\r\nTrailer: X-Length, X-Chunks\r\n"));
}

#[test]
fn http10_gets_no_chunks_and_closes() {
    let response = answer("GET /chunked/70 HTTP/1.0\r\n\r\n");
    assert_eq!(
        response,
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{}", text(70))
    );
}

#[test]
fn content_until_close_and_echoed_chunks() {
    assert!(answer("GET /close/9 HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("Connection: close\r\n\r\n000000000"));
    let chunked = "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                   2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n";
    assert!(answer(chunked).ends_with("Content-Length: 3\r\nConnection: close\r\n\r\nabc"));
}

#[test]
fn the_head_comes_back_as_it_went() {
    let head = "GET /headers HTTP/1.1\r\nhOST: a\r\nX:  1\r\nx: 2\r\nConnection: close\r\n\r\n";
    assert!(answer(head).ends_with(&format!("\r\n\r\n{head}")));
}

#[test]
fn content_is_asked_for_or_refused() {
    let origin = Origin::start().unwrap();
    let mut client = TcpStream::connect(origin.address()).unwrap();
    let head = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    write!(client, "PUT /echo HTTP/1.1\r\n{head}").unwrap();
    let mut interim = [0; 25];
    client.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"ok").unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("\r\n\r\nok"));
    for (target, status) in [("/refuse", "413 Content Too Large\r\n"), ("/refuse/417", "417 Expectation Failed\r\n")] {
        let response = exchange(&origin, format!("PUT {target} HTTP/1.1\r\n{head}").as_bytes()).unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
    }
}

#[test]
fn an_interim_status_is_followed_by_a_final_one() {
    let response = answer("GET /status/103 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"), "{response}");
}

#[test]
fn a_reset_comes_after_the_bytes() {
    let origin = Origin::start().unwrap();
    let error = exchange(&origin, b"GET /reset-after/10 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn what_is_no_request_is_refused() {
    for request in [
        "GET /bytes/1\r\n\r\n",
        "GET  /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /bytes/1 HTTP/1.1\r\n\r\n",
        "GET /bytes/1 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /bytes/1 HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /bytes/1 HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n",
        "GET /bytes/1 HTTP/2.0\r\nHost: a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ] {
        assert!(answer(request).starts_with("HTTP/1.1 400 "), "{request}");
    }
    assert!(answer("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 404 "));
}

#[test]
fn dropping_the_origin_does_not_wait_for_idle_clients() {
    let origin = Origin::start().unwrap();
    let mut client = TcpStream::connect(origin.address()).unwrap();
    client.write_all(b"GET /bytes/0 HTTP/1.1\r\nHost: a\r\n\r\nGET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 17]).unwrap();
    drop(origin);
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("\r\n\r\ndone\n"), "{rest}");
}
