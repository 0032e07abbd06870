//! Content against a real server, with curl as the judge.

mod support;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use support::nginx::Nginx;

/// Starts a program with its standard output to be read here.
fn start(program: &str, arguments: &[&str]) -> Child {
    Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
}

/// Runs curl and the command side by side, and compares what they write, without holding it.
fn compare(arguments: &[&str]) -> u64 {
    let mut curl = start("curl", &[&["-sS"], arguments].concat());
    let mut ours = start(env!("CARGO_BIN_EXE_wireline"), arguments);
    let mut expected = curl.stdout.take().expect("curl has a standard output");
    let mut output = ours.stdout.take().expect("the command has a standard output");
    let mut piece = vec![0; 1 << 20];
    let mut same = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        let n = output.read(&mut piece).expect("the command writes");
        if n == 0 {
            break;
        }
        expected.read_exact(&mut same[..n]).expect("curl writes as much");
        assert!(piece[..n] == same[..n], "different within {n} bytes from {length}: {arguments:?}");
        length += n as u64;
    }
    assert_eq!(expected.read(&mut same).expect("curl ends"), 0, "curl has more: {arguments:?}");
    assert!(curl.wait().expect("curl ends").success() && ours.wait().expect("the command ends").success());
    length
}

/// Bytes that do not repeat within what a buffer holds.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn byte_for_byte_what_curl_gets() {
    let nginx = Nginx::new(|folder| {
        for (name, length) in [("0", 0), ("1", 1), ("64k", 64 << 10)] {
            std::fs::write(folder.join(name), pattern(length)).expect("a file");
        }
        // A file with holes takes no room; what is between them shows if a piece went missing or moved.
        let large = File::create(folder.join("1g")).expect("a file");
        large.set_len(1 << 30).expect("a sparse file");
        for at in (0..1 << 30).step_by((1 << 20) + 4099) {
            large.write_all_at(&at.to_string().into_bytes(), at).expect("a mark");
        }
    });
    for (name, length) in [("/0", 0), ("/1", 1), ("/64k", 64 << 10), ("/1g", 1 << 30)] {
        assert_eq!(compare(&[&nginx.url(name)]), length, "{name}");
    }
    let (file, large) = (nginx.url("/64k"), nginx.url("/1g"));
    for (range, length) in [("0-0", 1), ("100-1099", 1000), ("65000-", 536), ("-5", 5)] {
        assert_eq!(compare(&["--range", range, &file]), length, "{range}");
    }
    assert_eq!(compare(&["-r", "1000000000-", &large]), (1 << 30) - 1_000_000_000);
    // Compressed on the way, so of a length that nginx does not know beforehand: chunked.
    let chunked = compare(&["-H", "Accept-Encoding: gzip", &file]);
    assert!(chunked > 60_000, "{chunked}");
    let head = support::wireline(&["-H", "Accept-Encoding: gzip", "--json", &file]).record();
    assert_eq!(
        (&head["response"]["framing"], &head["response"]["content_length"]),
        (&"chunked".into(), &chunked.into())
    );
    // And the heads.
    assert!(compare(&["-i", &file]) > 64 << 10);
}

#[test]
fn uploads_arrive_byte_for_byte() {
    let content = pattern(3_000_000);
    for is_known in [true, false] {
        let peer = support::Peer::run(|listener| {
            let mut stream = support::accept(listener);
            let head = String::from_utf8(support::read_head(&mut stream)).expect("the head is UTF-8");
            let content = if head.contains("Content-Length: 3000000") {
                let mut content = vec![0; 3_000_000];
                stream.read_exact(&mut content).expect("the content comes");
                content
            } else {
                read_chunks(&mut stream)
            };
            std::io::Write::write_all(&mut stream, b"HTTP/1.1 204 Done\r\n\r\n").expect("the answer goes out");
            content
        });
        let folder = support::Folder::new();
        std::fs::write(folder.join("f"), &content).expect("a file");
        let name = if is_known { "f" } else { "-" };
        let stdin = if is_known { &[][..] } else { &content };
        let run = support::wireline_in(folder.path(), &["-T", name, "--json", &peer.url("/")], stdin);
        assert_eq!((run.status, &run.record()["request"]["content_sent"]), (0, &3_000_000.into()), "{run:?}");
        assert!(peer.join() == content, "what arrived differs");
    }
}

fn read_chunks(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let line = String::from_utf8(support::read_until(stream, b"\r\n")).expect("a chunk line is ASCII");
        let size = usize::from_str_radix(line.trim_end(), 16).expect("a chunk line is a size");
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).expect("the chunk comes");
        assert!(chunk.ends_with(b"\r\n"));
        content.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return content;
        }
    }
}
