//! nginx: an origin in the clear, over TLS, and over TLS with client certificates.

use std::net::SocketAddr;

use wireline::{CloseReason, Content, Fields, Framing, Reuse, Scheme, Unanswered, Version};
use wireline_testkit::pattern;

use crate::curl::Judgement;
use crate::server::{HOST, SIZES, Server, arguments, connector, end_of, known_client};

/// The ports by number: HTTP, HTTPS, HTTPS for known clients.
const KNOWN: usize = 2;
const BOTH: [(Scheme, usize); 2] = [(Scheme::Http, 0), (Scheme::Https, 1)];

pub(crate) fn nginx() -> Server<3> {
    start("")
}

/// Listens at this address too, for HTTPS.
pub(crate) fn nginx_also_at(address: SocketAddr) -> Server<3> {
    start(&format!("listen {address} ssl;"))
}

fn start(listen: &str) -> Server<3> {
    Server::start("nginx", |folder, [plain, secure, known]| {
        let conf = format!(
            "daemon off; master_process off; pid scratch/pid; error_log log;
             events {{ worker_connections 64; }}
             http {{
               access_log off; client_body_temp_path scratch/1; proxy_temp_path scratch/2;
               fastcgi_temp_path scratch/3; uwsgi_temp_path scratch/4; scgi_temp_path scratch/5;
               ssl_certificate cert; ssl_certificate_key key; ssl_client_certificate ca;
               server {{
                 listen {HOST}:{plain}; listen {HOST}:{secure} ssl; {listen}
                 client_max_body_size 1k; root files;
                 location /chunked/ {{ alias files/; ssi on; ssi_types *; }}
                 location /trailers/ {{ alias files/; add_trailer X-Served-By nginx; add_trailer X-Second 2; }}
                 location /twice/ {{ alias files/; keepalive_requests 2; }}
                 location /shortly/ {{ alias files/; keepalive_timeout 20ms; }}
                 location /small/ {{ alias uploads/; dav_methods PUT; }}
                 location /uploads/ {{
                   root .; dav_methods PUT; client_max_body_size 0; client_body_buffer_size 16k;
                 }}
               }}
               server {{ listen {HOST}:{known} ssl; ssl_verify_client on; root files; }}
             }}"
        );
        folder.write("conf", conf).unwrap();
        arguments!["-e", "log", "-p", ".", "-c", "conf"]
    })
}

#[test]
fn it_keeps_the_connection_alive() {
    let server = nginx();
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
    let server = nginx();
    let mut connection = server.connect(Scheme::Http, 0);
    connection.get("/twice/1").unwrap().discard().unwrap();
    assert_eq!(connection.reuse(), Reuse::Now);
    let response = connection.get("/twice/1").unwrap();
    assert_eq!(response.fields().get("connection"), Some(&b"close"[..]));
    response.discard().unwrap();
    assert_eq!(connection.reuse(), Reuse::Never(CloseReason::PeerSentClose));
}

#[test]
fn an_idle_connection_that_it_closed_is_not_used_again() {
    let server = nginx();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        connection.get("/shortly/1").unwrap().discard().unwrap();
        assert_eq!(end_of(&mut connection), Reuse::Never(CloseReason::PeerClosed));
    }
}

#[test]
fn it_sends_chunks() {
    let server = nginx();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        for size in [1, 64 << 10, 5_000_000] {
            let response = connection.get(&format!("/chunked/{size}")).unwrap();
            assert_eq!(response.framing(), Framing::Chunked);
            assert!(response.bytes().unwrap() == pattern(size), "{size}");
        }
    }
}

#[test]
fn it_sends_trailers() {
    let server = nginx();
    let mut connection = server.connect(Scheme::Http, 0);
    for size in [1, 5_000_000] {
        let mut response = connection.get(&format!("/trailers/{size}")).unwrap();
        assert_eq!(response.framing(), Framing::Chunked);
        assert_eq!(response.read_bytes(size).unwrap(), pattern(size));
        assert_eq!(response.read_content(&mut [0]).unwrap(), 0);
        let trailers: Vec<_> = response.trailers().iter().map(|field| (field.name(), field.value())).collect();
        assert_eq!(trailers, [("X-Served-By", &b"nginx"[..]), ("X-Second", &b"2"[..])]);
    }
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_sends_ranges_and_heads() {
    let server = nginx();
    let mut connection = server.connect(Scheme::Http, 0);
    let range = connection.request("GET", "/5000000").field("Range", "bytes=1000000-1099999").build().unwrap();
    let ours = Judgement::of(connection.send(&range, ()).unwrap());
    assert!(ours.is(206, &pattern(5_000_000)[1_000_000..1_100_000]), "{ours:?}");
    assert_eq!(ours, server.curl(&["--range", "1000000-1099999", &server.url(Scheme::Http, 0, "/5000000")]));

    let beyond = connection.request("GET", "/5000000").field("Range", "bytes=5000000-").build().unwrap();
    let response = connection.send(&beyond, ()).unwrap();
    assert_eq!(response.status(), 416);
    assert_eq!(response.fields().get("content-range"), Some(&b"bytes */5000000"[..]));
    response.discard().unwrap();

    let head = connection.request("HEAD", "/5000000").build().unwrap();
    let response = connection.send(&head, ()).unwrap();
    assert_eq!(response.fields().get("content-length"), Some(&b"5000000"[..]));
    assert!(response.is_complete());
    drop(response);
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_answers_pipelined_requests_in_order() {
    let server = nginx();
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
fn what_it_leaves_unanswered_can_be_sent_again() {
    let server = nginx();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let request = connection.request("GET", "/twice/1").build().unwrap();
        let mut pipeline = connection.pipeline();
        let exchanges = [(); 4].map(|()| pipeline.queue(&request).unwrap());
        for _ in 0..2 {
            assert_eq!(pipeline.receive().unwrap().bytes().unwrap(), pattern(1));
        }
        assert!(pipeline.receive().is_err());
        let unanswered: Vec<_> = pipeline.unanswered().collect();
        assert_eq!(unanswered.iter().map(|one| one.exchange).collect::<Vec<_>>(), exchanges[2..]);
        assert!(unanswered.iter().all(Unanswered::is_safe_to_repeat));
        drop(pipeline);
        assert_eq!(connection.reuse(), Reuse::Never(CloseReason::PeerSentClose));
    }
}

#[test]
fn it_takes_uploads() {
    let server = nginx();
    let content = pattern(5_000_000);
    let mut trailers = Fields::new();
    trailers.append("X-Sum", "1").unwrap();
    for (scheme, port) in BOTH {
        let mut connection = server.connect(scheme, port);
        let request = connection.request("PUT", "/uploads/length").content_length(5_000_000).build().unwrap();
        assert!(connection.send(&request, &content).unwrap().status().is_success());

        let request = connection.request("PUT", "/uploads/chunks").chunked().build().unwrap();
        let pieces = Content::pieces(content.chunks(12_345)).trailers(&trailers);
        assert!(connection.send(&request, pieces).unwrap().status().is_success());

        let request = connection.request("PUT", "/uploads/asked").content_length(5_000_000).expect_continue();
        let response = connection.send(&request.build().unwrap(), &content).unwrap();
        assert!(response.status().is_success());
        assert_eq!(response.interim().iter().map(|head| head.status().as_u16()).collect::<Vec<_>>(), [100]);
        drop(response);
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
    let server = nginx();
    let content = pattern(50_000_000);
    for (scheme, port) in BOTH {
        // By its length at once, by its chunks when there are too many of them.
        for length in [Some(50_000_000), None] {
            let mut connection = server.connect(scheme, port);
            let request = connection.request("PUT", "/small/1").framing_for(length).build().unwrap();
            let response = connection.send(&request, &content).unwrap();
            assert_eq!(response.status(), 413);
            assert!(!response.request_sent());
            assert!(response.text().unwrap().contains("413"));
            assert!(matches!(connection.reuse(), Reuse::Never(_)));
        }
    }
}

#[test]
fn it_wants_no_content_that_is_too_long_to_be_asked_for() {
    let server = nginx();
    let mut connection = server.connect(Scheme::Http, 0);
    let request = connection.request("PUT", "/small/1").content_length(50_000_000).expect_continue().build().unwrap();
    let response = connection.send(&request, &pattern(50_000_000)).unwrap();
    assert_eq!((response.status().as_u16(), response.interim().len()), (413, 0));
    drop(response);
    assert_eq!(connection.content_sent(), 0);
}

#[test]
fn it_wants_to_know_who_asks() {
    let server = nginx();
    let url = server.url(Scheme::Https, KNOWN, "/65536");
    let origin = server.origin(Scheme::Https, KNOWN);
    let mut known = connector().tls(known_client()).connect(&origin).unwrap();
    let ours = Judgement::of(known.get("/65536").unwrap());
    assert!(ours.is(200, &pattern(65536)), "{ours:?}");
    assert_eq!(ours, server.curl(&["--cert", "client", "--key", "client-key", &url]));

    // nginx says so in HTTP rather than in TLS.
    let mut unknown = server.connect(Scheme::Https, KNOWN);
    let ours = Judgement::of(unknown.get("/65536").unwrap());
    assert_eq!(ours.status, 400);
    assert_eq!(ours, server.curl(&[&url]));
}
