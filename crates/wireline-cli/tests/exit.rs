//! Each exit status, provoked.

mod support;

use std::fs::File;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use support::{Folder, Peer, accept, read_head, wireline, wireline_in};

#[test]
fn success_is_0() {
    let peer = Peer::answering("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wireline(&[peer.url("/")]).status, 0);
}

#[test]
fn wrong_use_is_2() {
    for arguments in [&[][..], &["--nonsense", "http://h/"], &["GET"], &["-o", "a", "-o", "b", "http://h/"]] {
        let run = wireline(arguments);
        assert_eq!((run.status, run.stdout.len()), (2, 0), "{run:?}");
        assert!(run.stderr.starts_with("wireline: "), "{run:?}");
    }
}

#[test]
fn a_url_that_cannot_be_used_is_3() {
    for url in ["127.0.0.1:9/", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:70000/", "http://127.0.0.1:9/ä"] {
        assert_eq!(wireline(&[url]).status, 3, "{url}");
    }
}

#[test]
fn a_name_that_is_none_is_6() {
    // A label of more than 63 bytes: no question about it ever leaves this machine.
    let run = wireline(&["--json", &format!("http://{}.invalid/", "a".repeat(64))]);
    let record = run.record();
    assert_eq!((run.status, &record["error"]["kind"]), (6, &"no-such-host".into()), "{run:?}");
    assert_eq!((&record["response"], &record["connection"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(
        (&record["unanswered"]["progress"], &record["unanswered"]["safe_to_repeat"]),
        (&"nothing-sent".into(), &true.into())
    );
}

#[test]
fn nobody_there_is_7() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let run = wireline(&["--json", &format!("http://127.0.0.1:{port}/")]);
    assert_eq!((run.status, &run.record()["error"]["kind"]), (7, &"connect".into()), "{run:?}");
}

#[test]
fn not_http_is_56() {
    let peer = Peer::answering("220 smtp ready\r\n\r\n");
    assert_eq!(wireline(&[peer.url("/")]).status, 56);
}

#[test]
fn an_early_end_is_18() {
    for answer in [
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let peer = Peer::answering(answer);
        assert_eq!(wireline(&[peer.url("/")]).status, 18, "{answer}");
    }
}

#[test]
fn output_that_cannot_be_written_is_23() {
    let content = "x".repeat(200_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n{content}");
    let folder = Folder::new();
    let peer = Peer::answering(answer.as_bytes());
    let run = wireline_in(folder.path(), &["-o", "missing/f", &peer.url("/")], b"");
    assert_eq!(run.status, 23, "{run:?}");
    // A full device is worth a word; a pipe whose reader has gone is not.
    let full = || File::options().write(true).open("/dev/full").expect("Linux has it").into();
    for (stdout, is_quiet) in [(full as fn() -> Stdio, false), (Stdio::piped, true)] {
        let peer = Peer::answering(answer.as_bytes());
        let mut command = Command::new(env!("CARGO_BIN_EXE_wireline"));
        let child = command.arg(peer.url("/")).stdout(stdout()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the command ends");
        assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(23), is_quiet), "{output:?}");
    }
}

#[test]
fn input_that_cannot_be_read_is_26() {
    let folder = Folder::new();
    for arguments in [["-T", "missing"], ["-d", "@missing"], ["-T", "."], ["--raw-request", "missing"]] {
        let run = wireline_in(folder.path(), &[arguments[0], arguments[1], "http://127.0.0.1:9/"], b"");
        assert_eq!(run.status, 26, "{run:?}");
        assert!(run.stderr.contains(arguments[1].trim_start_matches('@')), "{run:?}");
    }
}

#[test]
fn out_of_time_is_28() {
    for flag in ["--max-time=0.1", "--read-timeout=0.1"] {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"] {
            let peer = Peer::run(move |listener| {
                let mut stream = accept(listener);
                read_head(&mut stream);
                std::io::Write::write_all(&mut stream, answer.as_bytes()).expect("it goes out");
                // Until the command gives up.
                assert_eq!(std::io::Read::read(&mut stream, &mut [0]).unwrap_or(0), 0);
            });
            let run = wireline(&[flag, "--json", &peer.url("/")]);
            let record = run.record();
            assert_eq!((run.status, &record["error"]["kind"]), (28, &"timeout".into()), "{run:?}");
            assert_eq!(record["unanswered"]["idempotent"], true);
            peer.join();
        }
    }
}

#[test]
fn no_tls_is_35() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Plain HTTP only\r\n\r\n");
    });
    let run = wireline(&["--json", &peer.url("/").replace("http:", "https:")]);
    assert_eq!((run.status, &run.record()["error"]["kind"]), (35, &"tls".into()), "{run:?}");
}

#[test]
fn no_byte_of_a_response_is_52() {
    let peer = Peer::answering("");
    assert_eq!(wireline(&[peer.url("/")]).status, 52);
}

#[test]
fn content_that_cannot_be_sent_is_55() {
    let folder = Folder::new();
    let file = File::create(folder.join("large")).expect("a file");
    file.set_len(64 << 20).expect("a sparse file");
    let peer = Peer::resetting("");
    let run = wireline_in(folder.path(), &["--json", "-T", "large", &peer.url("/")], b"");
    let record = run.record();
    assert_eq!((run.status, &record["unanswered"]["progress"]), (55, &"partly-sent".into()), "{run:?}");
    assert_eq!(record["unanswered"]["safe_to_repeat"], true);
}

#[test]
fn a_reset_is_56() {
    for (answer, progress) in [("", "sent"), ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "response-begun")] {
        let peer = Peer::resetting(answer);
        let run = wireline(&["--json", &peer.url("/")]);
        let record = run.record();
        assert_eq!((run.status, &record["unanswered"]["progress"]), (56, &progress.into()), "{run:?}");
        assert_eq!(record["error"]["kind"], "incomplete");
    }
}

#[test]
fn a_file_of_certificates_that_is_none_is_77() {
    let folder = Folder::new();
    std::fs::write(folder.join("empty"), "").expect("the file can be written");
    for name in ["missing", "empty"] {
        let run = wireline_in(folder.path(), &["--cacert", name, "https://127.0.0.1:9/"], b"");
        assert_eq!(run.status, 77, "{run:?}");
    }
}

#[test]
fn of_several_failures_the_first_counts() {
    let peer = Peer::run(|listener| {
        for answer in
            ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]
        {
            let mut stream = accept(listener);
            read_head(&mut stream);
            std::io::Write::write_all(&mut stream, answer.as_bytes()).expect("it goes out");
        }
    });
    let urls = ["/1", "/2", "/3"].map(|target| peer.url(target));
    let run = wireline(&urls);
    assert_eq!((run.status, run.text().as_str(), run.stderr.lines().count()), (18, "ok", 2), "{run:?}");
    peer.join();
}
