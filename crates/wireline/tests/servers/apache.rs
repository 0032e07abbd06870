//! Apache's httpd: an origin in the clear, over TLS, and over TLS with client certificates.

use std::fmt::Write;

use wireline::{CloseReason, Content, ErrorKind, Fields, Framing, Reuse, Scheme, Version};
use wireline_testkit::pattern;

use crate::curl::Judgement;
use crate::server::{HOST, SIZES, Server, arguments, connector, known_client};

/// The ports by number: HTTP, HTTPS, HTTPS for known clients, HTTP with a close behind the second answer.
const KNOWN: usize = 2;
const TWICE: usize = 3;
const BOTH: [(Scheme, usize); 2] = [(Scheme::Http, 0), (Scheme::Https, 1)];

/// Where Debian has them.
const MODULES: &str = "/usr/lib/apache2/modules";

fn apache() -> Server<4> {
    Server::start("apache2", |folder, ports @ [_, secure, known, twice]| {
        let root = folder.path().display();
        let mut conf = format!(
            "ServerRoot {root}
             ServerName localhost
             PidFile {root}/scratch/pid
             DefaultRuntimeDir {root}/scratch
             ErrorLog {root}/log
             DocumentRoot {root}/files
             DavLockDB {root}/scratch/dav
             Timeout 20
             MaxKeepAliveRequests 0
             User #65534
             Group #65534
             ThreadsPerChild 8
             MaxRequestWorkers 8
             SSLSessionCache none
             <Location /chunked>
               SetOutputFilter INCLUDES
             </Location>
             <Location /small>
               LimitRequestBody 1024
             </Location>
             <Location /gzip>
               SetOutputFilter DEFLATE
             </Location>
             <Location /br>
               SetOutputFilter BROTLI_COMPRESS
             </Location>
             Alias /gzip {root}/files
             Alias /br {root}/files
             Alias /chunked {root}/files
             Alias /small {root}/uploads
             Alias /uploads {root}/uploads
             <Directory {root}/files>
               Require all granted
               Options +Includes
             </Directory>
             <Directory {root}/uploads>
               Require all granted
               Dav On
             </Directory>
             SSLCertificateFile {root}/cert
             SSLCertificateKeyFile {root}/key
             <VirtualHost {HOST}:{secure}>
               ServerName localhost
               SSLEngine on
             </VirtualHost>
             <VirtualHost {HOST}:{known}>
               ServerName localhost
               SSLEngine on
               SSLCACertificateFile {root}/ca
               SSLVerifyClient require
             </VirtualHost>
             <VirtualHost {HOST}:{twice}>
               ServerName localhost
               MaxKeepAliveRequests 1
             </VirtualHost>\n"
        );
        for module in
            ["dav_fs", "dav", "alias", "authz_core", "brotli", "deflate", "filter", "include", "mpm_event", "ssl"]
        {
            conf.insert_str(0, &format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n"));
        }
        for port in ports {
            writeln!(conf, "Listen {HOST}:{port}").unwrap();
        }
        folder.write("conf", conf).unwrap();
        // One process: who is killed leaves nobody behind.
        arguments!["-X", "-f", folder.join("conf")]
    })
}

#[test]
fn it_keeps_the_connection_alive() {
    let server = apache();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        for _ in 0..3 {
            for size in SIZES {
                let response = connection.get(&format!("/{size}")).unwrap();
                assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
                assert_eq!(response.framing(), Framing::Length(size as u64));
                assert!(response.bytes().unwrap() == pattern(size), "{size}");
            }
        }
        assert_eq!(connection.reuse(), Reuse::Now);
        let ours = Judgement::of(connection.get("/none").unwrap());
        assert_eq!(ours.status, 404);
        assert_eq!(ours, server.curl(&[&server.url(scheme, port, "/none")]));
    }
}

#[test]
fn it_closes_after_so_many_requests() {
    let server = apache();
    let mut connection = server.connect(Scheme::Http, TWICE);
    connection.get("/1").unwrap().discard().unwrap();
    assert_eq!(connection.reuse(), Reuse::Now);
    connection.get("/1").unwrap().discard().unwrap();
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::PeerSentClose));
}

#[test]
fn it_sends_chunks_and_ranges() {
    let server = apache();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let response = connection.get("/chunked/5000000").unwrap();
        assert_eq!(response.framing(), Framing::Chunked);
        assert!(response.bytes().unwrap() == pattern(5_000_000));
        let range = connection.request("GET", "/5000000").field("Range", "bytes=-100000").build().unwrap();
        let ours = Judgement::of(connection.send(&range, ()).unwrap());
        assert!(ours.is(206, &pattern(5_000_000)[4_900_000..]), "{ours:?}");
        assert_eq!(ours, server.curl(&["--range", "-100000", &server.url(scheme, port, "/5000000")]));
    }
}

#[cfg(all(feature = "br", feature = "gzip"))]
#[test]
fn it_sends_content_codings() {
    let server = apache();
    let mut connection = server.connect(Scheme::Https, 1);
    for coding in ["gzip", "br"] {
        for size in SIZES {
            let path = format!("/{coding}/{size}");
            let request = connection.request("GET", &path).field("Accept-Encoding", coding).build().unwrap();
            let mut response = connection.send(&request, ()).unwrap();
            // It does not think that a byte would become shorter.
            if size > 1 {
                assert_eq!(response.field("Content-Encoding").unwrap(), coding);
            }
            assert!(response.decoded().unwrap().bytes().unwrap() == pattern(size), "{path}");
        }
        // Left alone unless asked for.
        let path = format!("/{coding}/5000000");
        let request = connection.request("GET", &path).field("Accept-Encoding", coding).build().unwrap();
        let ours = Judgement::of(connection.send(&request, ()).unwrap());
        let accept = format!("Accept-Encoding: {coding}");
        assert_eq!(ours, server.curl(&["--header", &accept, &server.url(Scheme::Https, 1, &path)]));
    }
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_answers_pipelined_requests_in_order() {
    let server = apache();
    let mut connection = server.connect(Scheme::Https, 1);
    let requests = SIZES.map(|size| connection.request("GET", format!("/{size}")).build().unwrap());
    let mut pipeline = connection.pipeline();
    for request in requests.iter().cycle().take(16) {
        pipeline.queue(request).unwrap();
    }
    for size in SIZES.iter().cycle().take(16) {
        assert!(pipeline.receive().unwrap().bytes().unwrap() == pattern(*size), "{size}");
    }
}

#[test]
fn it_takes_uploads() {
    let server = apache();
    let content = pattern(5_000_000);
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "1").unwrap();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let request = connection.request("PUT", "/uploads/length").content_length(5_000_000).build().unwrap();
        let response = connection.send(&request, &content).unwrap();
        assert!(response.status().is_success());
        response.discard().unwrap();

        let request = connection.request("PUT", "/uploads/chunks").chunked().build().unwrap();
        let pieces = Content::pieces(content.chunks(12_345)).trailers(&trailers);
        let response = connection.send(&request, pieces).unwrap();
        assert!(response.status().is_success());
        response.discard().unwrap();

        let request = connection.request("PUT", "/uploads/asked").content_length(5_000_000).expect_continue();
        let response = connection.send(&request.build().unwrap(), &content).unwrap();
        assert!(response.status().is_success());
        assert_eq!(response.interim().iter().map(|head| head.status().as_u16()).collect::<Vec<_>>(), [100]);
        response.discard().unwrap();
        assert_eq!(connection.reuse(), Reuse::Now);

        let url = server.url(scheme, port, "/uploads/curl");
        let judged = server.curl(&["--upload-file", "files/5000000", &url]);
        assert!(matches!(judged.status, 201 | 204), "{judged:?}");
        for name in ["length", "chunks", "asked", "curl"] {
            assert!(server.uploaded(name) == content, "{name}");
        }
    }
}

#[test]
fn it_refuses_an_upload_before_it_is_complete() {
    let server = apache();
    let content = pattern(50_000_000);
    for (scheme, port) in BOTH {
        for length in [Some(50_000_000), None] {
            let mut connection = server.connect(scheme, port);
            let request = connection.request("PUT", "/small/1").framing_for(length).build().unwrap();
            let response = connection.send(&request, &content).unwrap();
            assert_eq!(response.status(), 413);
            assert!(!response.request_sent());
            assert!(response.text().unwrap().contains("Too Large"));
            assert!(matches!(connection.reuse(), Reuse::Never(_)));
        }
    }
}

#[test]
fn it_does_not_meet_every_expectation() {
    let server = apache();
    let mut connection = server.connect(Scheme::Http, 0);
    let request = connection.request("GET", "/1").field("Expect", "200-ok").build().unwrap();
    let ours = Judgement::of(connection.send(&request, ()).unwrap());
    assert_eq!(ours.status, 417);
    assert_eq!(ours, server.curl(&["--header", "Expect: 200-ok", &server.url(Scheme::Http, 0, "/1")]));
}

#[test]
fn it_shows_the_request_that_it_got() {
    let server = apache();
    let mut connection = server.connect(Scheme::Https, 1);
    let request = connection.request("TRACE", "/a%20b?c=%2F&d").field("X-One", "a  b").build().unwrap();
    let response = connection.send(&request, ()).unwrap();
    assert_eq!(response.content_type().unwrap().essence(), "message/http");
    assert_eq!(response.bytes().unwrap(), request.as_bytes());

    let request = connection.request("OPTIONS", "*").build().unwrap();
    assert_eq!(connection.send(&request, ()).unwrap().status(), 200);
}

#[test]
fn it_wants_to_know_who_asks() {
    let server = apache();
    let url = server.url(Scheme::Https, KNOWN, "/65536");
    let origin = server.origin(Scheme::Https, KNOWN);
    let mut known = connector().tls(known_client()).connect(&origin).unwrap();
    let ours = Judgement::of(known.get("/65536").unwrap());
    assert!(ours.is(200, &pattern(65536)), "{ours:?}");
    assert_eq!(ours, server.curl(&["--cert", "client", "--key", "client-key", &url]));

    // TLS 1.3: the server's refusal comes behind a handshake that our side takes for complete.
    let error = match connector().connect(&origin) {
        Ok(mut connection) => connection.get("/1").map(drop).unwrap_err(),
        Err(error) => error,
    };
    // It may have come before the request is sent.
    assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Closed(CloseReason::StreamBroken)), "{error}");
    assert_eq!(server.curl(&[&url]).status, 0);
}
