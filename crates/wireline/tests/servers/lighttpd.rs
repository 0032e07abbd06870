//! lighttpd: an origin in the clear.

use wireline::{Framing, Reuse, Scheme, Version};
use wireline_testkit::pattern;

use crate::curl::Judgement;
use crate::server::{HOST, SIZES, Server, arguments};

fn lighttpd() -> Server<1> {
    Server::start("lighttpd", |folder, [port]| {
        let root = folder.path().display();
        let conf = format!(
            "server.document-root = \"{root}/files\"
             server.bind = \"{HOST}\"
             server.port = {port}
             server.upload-dirs = (\"{root}/scratch\")
             server.max-request-size = 1
             server.max-keep-alive-requests = 100\n"
        );
        folder.write("conf", conf).unwrap();
        arguments!["-D", "-f", "conf"]
    })
}

#[test]
fn it_keeps_the_connection_alive() {
    let server = lighttpd();
    let mut connection = server.connect(Scheme::Http, 0);
    for _ in 0..3 {
        for size in SIZES {
            let response = connection.get(&format!("/{size}")).unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
            assert_eq!(response.framing(), Framing::Length(size as u64));
            assert!(response.bytes().unwrap() == pattern(size), "{size}");
        }
    }
    let range = connection.request("GET", "/65536").field("Range", "bytes=100-65000").build().unwrap();
    let ours = Judgement::of(connection.send(&range, ()).unwrap());
    assert!(ours.is(206, &pattern(65536)[100..=65000]), "{ours:?}");
    assert_eq!(ours, server.curl(&["--range", "100-65000", &server.url(Scheme::Http, 0, "/65536")]));
    let ours = Judgement::of(connection.get("/none").unwrap());
    assert_eq!(ours.status, 404);
    assert_eq!(ours, server.curl(&[&server.url(Scheme::Http, 0, "/none")]));
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn it_answers_pipelined_requests_in_order() {
    let server = lighttpd();
    let mut connection = server.connect(Scheme::Http, 0);
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
fn it_refuses_an_upload_before_it_is_complete() {
    let server = lighttpd();
    let mut connection = server.connect(Scheme::Http, 0);
    let request = connection.request("POST", "/1").content_length(50_000_000).build().unwrap();
    let response = connection.send(&request, &pattern(50_000_000)).unwrap();
    assert_eq!(response.status(), 413);
    assert!(!response.request_sent());
    response.discard().unwrap();
    assert!(matches!(connection.reuse(), Reuse::Never(_)));
}
