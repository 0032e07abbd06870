//! Real servers on loopback, started here: nginx, and Python's http.server.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use wireline::{CloseReason, Connection, Connector, Framing, Origin, Reuse, Scheme, Stream, Version};
use wireline_testkit::pattern;

/// A directory of a test's own, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wireline-servers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("files")).unwrap();
        for size in SIZES {
            fs::write(path.join("files").join(size.to_string()), pattern(size)).unwrap();
        }
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

const SIZES: [usize; 4] = [0, 1, 64 << 10, 5_000_000];

struct Server {
    child: Child,
    plain: u16,
    secure: u16,
    _directory: Directory,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Server {
    fn connect(&self, scheme: Scheme) -> Connection<Stream> {
        let port = if scheme == Scheme::Https { self.secure } else { self.plain };
        let origin = Origin::new(scheme, "127.0.0.1", port).unwrap();
        Connector::new().timeouts(common::patient()).tls(common::roots()).connect(&origin).unwrap()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn nginx() -> Server {
    // Somebody else may take a port between the question and its use.
    for _ in 0..5 {
        let directory = Directory::new();
        let (plain, secure) = (free_port(), free_port());
        let identity = common::authority().server().unwrap();
        fs::write(directory.0.join("cert.pem"), identity.certificate_pem()).unwrap();
        fs::write(directory.0.join("key.pem"), identity.key_pem()).unwrap();
        fs::write(directory.0.join("nginx.conf"), nginx_conf(&directory.0, plain, secure)).unwrap();
        let mut child = Command::new("nginx")
            .arg("-e")
            .arg(directory.0.join("error.log"))
            .arg("-p")
            .arg(&directory.0)
            .arg("-c")
            .arg(directory.0.join("nginx.conf"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nginx does not start ({error}): install the package nginx-light or nginx"));
        let until = Instant::now() + Duration::from_secs(10);
        while child.try_wait().unwrap().is_none() && Instant::now() < until {
            if TcpStream::connect(("127.0.0.1", secure)).is_ok() {
                return Server { child, plain, secure, _directory: directory };
            }
            std::thread::yield_now();
        }
        let _gone = child.kill();
        let _reaped = child.wait();
    }
    panic!("nginx does not listen");
}

fn nginx_conf(directory: &Path, plain: u16, secure: u16) -> String {
    let directory = directory.display();
    format!(
        "daemon off; master_process off; pid {directory}/pid;
        events {{ worker_connections 64; }}
        http {{
          access_log off; keepalive_timeout 60s; client_max_body_size 1k;
          client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
          uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
          server {{
            listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl;
            ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
            location / {{ root {directory}/files; }}
            location /chunked/ {{ alias {directory}/files/; ssi on; ssi_types *; }}
          }}
        }}"
    )
}

#[test]
fn nginx_keeps_the_connection_alive() {
    let server = nginx();
    for scheme in [Scheme::Http, Scheme::Https] {
        let mut connection = server.connect(scheme);
        for _ in 0..3 {
            for size in SIZES {
                let response = connection.get(&format!("/{size}")).unwrap();
                assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
                assert_eq!(response.framing(), Framing::Length(size as u64));
                assert!(response.bytes().unwrap() == pattern(size), "{size}");
            }
        }
        assert_eq!(connection.reuse(), Reuse::Now);
        assert_eq!(connection.get("/none").unwrap().status(), 404);
    }
}

#[test]
fn nginx_sends_chunks() {
    let server = nginx();
    for scheme in [Scheme::Http, Scheme::Https] {
        let mut connection = server.connect(scheme);
        for size in [1, 64 << 10, 5_000_000] {
            let response = connection.get(&format!("/chunked/{size}")).unwrap();
            assert_eq!(response.framing(), Framing::Chunked);
            assert!(response.bytes().unwrap() == pattern(size), "{size}");
        }
    }
}

#[test]
fn nginx_sends_ranges_and_heads() {
    let server = nginx();
    let mut connection = server.connect(Scheme::Http);
    let range = connection.request("GET", "/5000000").field("Range", "bytes=1000000-1099999").build().unwrap();
    let response = connection.send(&range, ()).unwrap();
    assert_eq!(response.status(), 206);
    assert!(response.bytes().unwrap() == pattern(5_000_000)[1_000_000..1_100_000]);
    let head = connection.request("HEAD", "/5000000").build().unwrap();
    let response = connection.send(&head, ()).unwrap();
    assert_eq!(response.fields().get("content-length"), Some(&b"5000000"[..]));
    assert!(response.is_complete());
    drop(response);
    assert_eq!(connection.reuse(), Reuse::Now);
}

#[test]
fn nginx_answers_pipelined_requests_in_order() {
    let server = nginx();
    let mut connection = server.connect(Scheme::Https);
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
fn nginx_refuses_an_upload_before_it_is_complete() {
    let server = nginx();
    for scheme in [Scheme::Http, Scheme::Https] {
        let mut connection = server.connect(scheme);
        let request = connection.request("POST", "/1").content_length(50_000_000).build().unwrap();
        let response = connection.send(&request, &pattern(50_000_000)).unwrap();
        assert_eq!(response.status(), 413);
        assert!(!response.request_sent());
        assert!(response.text().unwrap().contains("413"));
        assert!(matches!(connection.reuse(), Reuse::Never(_)));
    }
}

#[test]
fn python_closes_behind_each_answer() {
    let directory = Directory::new();
    let mut child = Command::new("python3")
        .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"])
        .arg(directory.0.join("files"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("python3 does not start ({error}): install the package python3"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.split(" port ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let server = Server { child, plain: port, secure: 0, _directory: directory };
    for size in SIZES {
        let mut connection = server.connect(Scheme::Http);
        let mut response = connection.get(&format!("/{size}")).unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_10));
        assert_eq!(response.reason_text(), "OK");
        let mut content = Vec::new();
        response.read_to_end(&mut content).unwrap();
        assert!(content == pattern(size), "{size}");
        drop(response);
        assert_eq!(connection.reuse(), Reuse::Never(CloseReason::Http10));
    }
}
