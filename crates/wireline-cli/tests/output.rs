//! Where things are shown.

mod support;

use std::io::Write;

use support::{Folder, Peer, accept, read_head, wireline, wireline_in};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\n\r\nabc";

#[test]
fn content_goes_to_standard_output_and_nothing_else_does() {
    let peer = Peer::answering(OK);
    let run = wireline(&[peer.url("/")]);
    assert_eq!((run.status, run.text().as_str(), run.stderr.as_str()), (0, "abc", ""));
}

#[test]
fn content_goes_to_files() {
    let folder = Folder::new();
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            read_head(&mut stream);
            stream.write_all(OK.as_bytes()).expect("the answer goes out");
        }
    });
    let urls = [peer.url("/1"), peer.url("/dir/two?x=/y"), peer.url("/3")];
    let arguments = ["--output", "one", &urls[0], "--remote-name", "-O", &urls[1], &urls[2]];
    let run = wireline_in(folder.path(), &arguments, b"");
    assert_eq!((run.status, run.stdout.len()), (0, 0), "{run:?}");
    for name in ["one", "two", "3"] {
        assert_eq!(folder.read(name), b"abc", "{name}");
    }
    peer.join();
}

#[test]
fn an_empty_response_makes_an_empty_file_and_no_response_makes_none() {
    let folder = Folder::new();
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wireline_in(folder.path(), &["-o", "empty", &peer.url("/")], b"").status, 0);
    assert_eq!(folder.read("empty"), b"");
    let peer = Peer::answering("");
    assert_eq!(wireline_in(folder.path(), &["-o", "none", &peer.url("/")], b"").status, 52);
    assert!(!folder.join("none").exists());
}

#[test]
fn what_came_of_a_response_that_ends_early_is_kept() {
    let folder = Folder::new();
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    let run = wireline_in(folder.path(), &["-o", "part", &peer.url("/")], b"");
    assert_eq!((run.status, folder.read("part").as_slice()), (18, b"abc".as_slice()));
}

#[test]
fn a_path_without_a_name_gives_no_file() {
    let run = wireline(&["-O", "http://127.0.0.1:9/dir/"]);
    assert_eq!(run.status, 23, "{run:?}");
}

#[test]
fn heads_before_the_content() {
    let answer = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OK}");
    for flag in ["--include", "-i"] {
        let peer = Peer::answering(answer.as_bytes());
        let run = wireline(&[flag, &peer.url("/")]);
        assert_eq!((run.status, run.text()), (0, answer.clone()), "{run:?}");
    }
}

#[test]
fn both_heads_on_standard_error_byte_for_byte() {
    let peer = Peer::answering(OK);
    let port = peer.port;
    let run = wireline(&["--verbose", "-H", "Authorization: Secret x", "-H", "User-Agent:", &peer.url("/")]);
    let expected = format!(
        "> GET / HTTP/1.1\r\n> Host: 127.0.0.1:{port}\r\n> Accept: */*\r\n> Authorization: Secret x\r\n> \r\n\
         < HTTP/1.1 200 OK\r\n< Content-Length: 3\r\n< X-A: 1\r\n< \r\n"
    );
    assert_eq!((run.status, run.stderr), (0, expected));
}

#[test]
fn every_byte_both_ways() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: key\r\n\r\na\x07c";
    for (flags, shown) in [(&["--wire"][..], false), (&["--wire", "--show-credentials"], true)] {
        let peer = Peer::answering(answer);
        let run = wireline(&[flags, &["-H", "Cookie: secret", &peer.url("/")]].concat());
        assert_eq!((run.status, run.text().as_str()), (0, "a\x07c"), "{run:?}");
        let wire = &run.stderr;
        assert!(wire.contains(r" #0 > GET / HTTP/1.1\r\n") && wire.contains(r" #0 < HTTP/1.1 200 OK\r\n"), "{wire}");
        assert!(wire.contains(r"a\x07c"), "{wire}");
        assert_eq!((wire.contains("secret"), wire.contains("key")), (shown, shown), "{wire}");
        // Each first line has its time: seconds, to the microsecond.
        let times = wire.lines().filter_map(|line| line.split_whitespace().next()?.parse::<f64>().ok()).count();
        assert!(times >= 2, "{wire}");
    }
}

#[test]
fn times_on_standard_error() {
    let peer = Peer::answering(OK);
    let run = wireline(&["--timing", &peer.url("/")]);
    assert_eq!((run.status, run.text().as_str()), (0, "abc"));
    for part in ["timing: resolve ", ", connect ", ", send ", ", wait ", ", receive ", ", total "] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert!(!run.stderr.contains("tls"), "{run:?}");
}

#[test]
fn json_leaves_content_to_the_file() {
    let folder = Folder::new();
    let peer = Peer::answering(OK);
    let run = wireline_in(folder.path(), &["--json", "-o", "f", &peer.url("/")], b"");
    assert_eq!((run.status, folder.read("f").as_slice()), (0, b"abc".as_slice()), "{run:?}");
    assert_eq!(run.record()["response"]["content_length"], 3);
}

#[test]
fn failing_statuses() {
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    for (flags, status, text) in [(&[][..], 0, "gone"), (&["--fail"], 22, ""), (&["-f"], 22, "")] {
        let peer = Peer::answering(answer);
        let run = wireline(&[flags, &[&peer.url("/")]].concat());
        assert_eq!((run.status, run.text().as_str()), (status, text), "{run:?}");
        assert_eq!(run.stderr.contains("404"), status == 22, "{run:?}");
    }
    let peer = Peer::answering("HTTP/1.1 399 Odd\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(wireline(&["-f", &peer.url("/")]).status, 0);
}

#[test]
fn help_and_version() {
    for flag in ["--help", "-h"] {
        let run = wireline(&[flag]);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert!(run.text().contains("Usage: wireline [FLAG...] [METHOD] URL..."), "{run:?}");
    }
    for flag in ["--version", "-V"] {
        assert_eq!(wireline(&[flag]).text(), concat!("wireline ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}
