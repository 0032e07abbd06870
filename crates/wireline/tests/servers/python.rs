//! Python's http.server: HTTP/1.0, and a close behind each answer.

use std::io::Read;

use wireline::{CloseReason, Reuse, Scheme, Version};
use wireline_testkit::pattern;

use crate::server::{HOST, SIZES, Server, arguments};

#[test]
fn it_closes_behind_each_answer() {
    let server = Server::start("python3", |folder, [port]| {
        let options = arguments!["-m", "http.server", port.to_string(), "--bind", HOST, "--directory"];
        [options, arguments![folder.join("files")]].concat()
    });
    for size in SIZES {
        let mut connection = server.connect(Scheme::Http, 0);
        let mut response = connection.get(&format!("/{size}")).unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_10));
        assert_eq!(response.reason_text(), "OK");
        let mut content = Vec::new();
        response.read_to_end(&mut content).unwrap();
        assert!(content == pattern(size), "{size}");
        drop(response);
        assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Http10));
    }
    let judged = server.curl(&[&server.url(Scheme::Http, 0, "/5000000")]);
    assert!(judged.is(200, &pattern(5_000_000)), "{judged:?}");
}
