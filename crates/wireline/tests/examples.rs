//! Each example does what it says.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

#[path = "../../../examples/decoded.rs"]
mod decoded;
#[path = "../../../examples/fetch.rs"]
mod fetch;
#[path = "../../../examples/fetch_many.rs"]
mod fetch_many;
#[path = "../../../examples/from_python.rs"]
mod from_python;
#[path = "../../../examples/poll.rs"]
mod poll;
#[path = "../../../examples/probe.rs"]
mod probe;
#[path = "../../../examples/step_by_step.rs"]
mod step_by_step;
#[path = "../../../examples/tunnel.rs"]
mod tunnel;
#[path = "../../../examples/two_threads.rs"]
mod two_threads;
#[path = "../../../examples/upload.rs"]
mod upload;
#[path = "../../../examples/what_took_so_long.rs"]
mod what_took_so_long;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use wireline_testkit::{Origin, Script, ScriptedPeer, pattern};

#[test]
fn poll_drives_a_hundred_connections_in_one_thread() {
    let origin = Origin::start().unwrap();
    let lengths = poll::run(&origin.url(""), "/bytes/100000").unwrap();
    assert_eq!(lengths, vec![100_000; 500]);
    assert_eq!(origin.connections(), 100);
}

#[test]
fn fetch_copies_the_content_and_nothing_else() {
    let origin = Origin::start().unwrap();
    let mut content = Vec::new();
    fetch::run(&origin.url("/bytes/100000"), &mut content).unwrap();
    assert_eq!(content, pattern(100_000));
    assert_eq!(fetch::run(&origin.url("/status/404"), io::sink()).unwrap_err().to_string(), "404 Not Found");
    assert!(fetch::run(&origin.url("/reset-after/1000"), io::sink()).is_err());
}

/// A file that does not fit into the system's buffers.
const LARGE: usize = 20 << 20;

fn large_file() -> File {
    let path =
        std::env::temp_dir().join(format!("wireline-upload-{}-{:?}", std::process::id(), std::thread::current().id()));
    File::create(&path).unwrap().set_len(LARGE as u64).unwrap();
    let file = File::open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const LONG: Duration = Duration::from_secs(20);

fn upload_to(scripts: impl IntoIterator<Item = Script>, patience: Duration) -> (Result<upload::Upload, String>, usize) {
    let peer = ScriptedPeer::start(scripts).unwrap();
    let upload = upload::run(&peer.url("/object"), &large_file(), patience).map_err(|error| error.to_string());
    (upload, peer.join().len())
}

#[test]
fn upload_hears_a_refusal_before_the_content_and_in_the_middle_of_it() {
    let origin = Origin::start().unwrap();
    let refused = upload::run(&origin.url("/refuse"), &large_file(), LONG).unwrap();
    assert_eq!((refused.status.as_u16(), refused.sent, refused.attempts), (413, 0, 1));

    let (refused, _) = upload_to([Script::new().read_head().send(CONTINUE).read(1 << 20).send(REFUSED).hold()], LONG);
    let refused = refused.unwrap();
    assert_eq!(refused.status, 413);
    assert!((1 << 20..LARGE as u64).contains(&refused.sent), "{}", refused.sent);

    let stored = upload::run(&origin.url("/echo"), &large_file(), LONG).unwrap();
    assert_eq!((stored.status.as_u16(), stored.sent), (200, LARGE as u64));
}

#[test]
fn upload_sends_again_what_is_safe_to_send_again() {
    let broken = Script::new().read_head().send(CONTINUE).read(1 << 20).reset();
    let whole = Script::new().read_head().send(CONTINUE).read(LARGE).send(CREATED);
    let (stored, connections) = upload_to([broken.clone(), whole], LONG);
    let stored = stored.unwrap();
    assert_eq!((stored.status.as_u16(), stored.sent, stored.attempts, connections), (201, LARGE as u64, 2, 2));

    // Once, and not for ever; and not at all when an answer had begun.
    assert!(upload_to([broken.clone(), broken], LONG).0.is_err());
    let begun = Script::new().read_head().send(CONTINUE).read(1 << 20).send("HTTP/1.1 5").close();
    let (given_up, connections) = upload_to([begun], LONG);
    assert!(given_up.unwrap_err().contains("bytes of content sent"));
    assert_eq!(connections, 1);
}

#[test]
fn upload_goes_on_where_a_server_made_it_wait() {
    // Long enough for a busy machine to fill the system's buffers first, short enough for ten stalls.
    let slow = Script::new().read_head().send(CONTINUE).pause(Duration::from_millis(600)).read(LARGE).send(CREATED);
    let (stored, _) = upload_to([slow], Duration::from_millis(100));
    let stored = stored.unwrap();
    assert_eq!((stored.status.as_u16(), stored.sent, stored.attempts), (201, LARGE as u64, 1));
    assert!(stored.stalls > 0);
}

#[test]
fn fetch_many_goes_on_behind_a_lost_connection() {
    let origin = Origin::start().unwrap();
    let targets: Vec<_> = (0..1000).map(|n| format!("/bytes/{n}")).collect();
    let contents = fetch_many::run(&origin.url(""), &targets).unwrap();
    assert!(contents.iter().enumerate().all(|(n, content)| *content == pattern(n)));
    assert_eq!((contents.len(), origin.connections()), (1000, 1));

    let answer = |n: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{n}");
    let some = (0..4).fold(Script::new(), |script, n| script.read_head().send(answer(n)));
    let rest = (4..10).fold(Script::new(), |script, n| script.read_head().send(answer(n)));
    let peer = ScriptedPeer::start([some.clone(), rest.hold()]).unwrap();
    let contents = fetch_many::run(&peer.url(""), &targets[..10]).unwrap();
    assert_eq!(contents.concat(), b"0123456789");
    let seen = peer.join();
    assert_eq!((seen.len(), seen[1].received().starts_with(b"GET /bytes/4 ")), (2, true));

    let cut = some.read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    let peer = ScriptedPeer::start([cut]).unwrap();
    assert!(fetch_many::run(&peer.url(""), &targets[..10]).is_err());
}

#[test]
fn tunnel_carries_bytes_both_ways() {
    let head = "CONNECT mail.test:25 HTTP/1.1\r\nHost: mail.test:25\r\n\r\n";
    let accepted = "HTTP/1.1 200 Connected\r\n\r\n220 hello\r\n";
    let script = Script::new().expect(head).send(accepted).read_to_end().send("221 bye\r\n");
    let peer = ScriptedPeer::start([script]).unwrap();
    let mut output = Vec::new();
    let received = tunnel::run(&peer.url(""), "mail.test:25", io::Cursor::new("QUIT\r\n"), &mut output).unwrap();
    assert_eq!((output.as_slice(), received), (&b"220 hello\r\n221 bye\r\n"[..], 20));
    assert!(peer.join()[0].received().ends_with(b"\r\n\r\nQUIT\r\n"));

    let script = Script::new().read_head().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nport 25");
    let peer = ScriptedPeer::start([script]).unwrap();
    let refused = tunnel::run(&peer.url(""), "mail.test:25", io::empty(), io::sink()).unwrap_err();
    assert_eq!(refused.to_string(), "403 Forbidden: port 25");
}

#[test]
fn probe_sends_what_it_says_and_shows_what_comes() {
    let origin = Origin::start().unwrap();
    let outcomes = probe::run(&origin.url("")).unwrap();
    let verdicts: Vec<_> = outcomes.iter().map(|outcome| (outcome.probe, outcome.verdict.split(' ').next())).collect();
    assert_eq!(verdicts[0], ("as it should be", Some("404")));
    assert!(verdicts[1..].iter().all(|(_, verdict)| *verdict == Some("400")), "{verdicts:?}");
    assert!(outcomes.iter().all(|outcome| outcome.bytes.starts_with(b"HTTP/1.1 4")));

    // What is no answer is told as precisely.
    let peer = ScriptedPeer::start((0..5).map(|_| Script::new().read_head().send("HTTP/1.1 20\r\n\r\n"))).unwrap();
    let outcomes = probe::run(&peer.url("")).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.verdict.contains("status code")), "{}", outcomes[0].verdict);
}

#[test]
fn step_by_step_sends_the_sum_behind_the_content() {
    let chunks = "2\r\na\n\r\n2\r\nb\n\r\n0\r\nX-Sum: 000003ee\r\n\r\n";
    let script = Script::new().read_head().send(CONTINUE).read(chunks.len()).send(CREATED);
    let peer = ScriptedPeer::start([script]).unwrap();
    let (status, sent) = step_by_step::run(&peer.url("/log"), io::Cursor::new("a\nb\n")).unwrap();
    assert_eq!((status.as_u16(), sent), (201, 2));
    let seen = String::from_utf8(peer.join()[0].received().to_vec()).unwrap();
    assert!(seen.ends_with(&format!("\r\n\r\n{chunks}")), "{seen}");

    let origin = Origin::start().unwrap();
    let (status, sent) = step_by_step::run(&origin.url("/refuse"), io::Cursor::new("a\nb\n")).unwrap();
    assert_eq!((status.as_u16(), sent), (413, 0));
}

#[test]
fn from_python_prints_what_python_would() {
    let origin = Origin::start().unwrap();
    let printed = from_python::run(&origin.url("")).unwrap();
    let expected = ["200 OK text/plain", "4", "4", "2", "a=1", "100 bytes, then it broke", "404"];
    assert_eq!(printed, expected);
    assert_eq!(origin.connections(), 2);
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_took_so_long_names_the_phases() {
    let origin = Origin::start().unwrap();
    let transcript = Shared::default();
    let phases = what_took_so_long::run(&origin.url("/delay/30"), transcript.clone()).unwrap();
    let names: Vec<_> = phases.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["name", "connect", "send", "wait", "receive", "total"]);
    assert!(phases[3].1 >= Duration::from_millis(30) && phases[5].1 >= phases[3].1);
    let text = String::from_utf8(transcript.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains(" #0 > GET /delay/30 HTTP/1.1\\r\\n") && text.contains(" #0 < HTTP/1.1 200 OK\\r\\n"));

    let peer = ScriptedPeer::start([Script::new().read_head()]).unwrap();
    let failed = what_took_so_long::run(&peer.url("/"), io::sink()).unwrap_err().to_string();
    assert!(failed.contains("while awaiting-response") && failed.contains("0 received"), "{failed}");
}

#[test]
fn two_threads_know_which_answer_is_whose() {
    let origin = Origin::start().unwrap();
    let targets: String = (0..500).map(|n| format!("/bytes/{n}\n")).collect();
    let mut answers = Vec::new();
    two_threads::run(&origin.url(""), targets.as_bytes(), |target, status, length| {
        assert_eq!(status, 200);
        answers.push((target, length));
    })
    .unwrap();
    assert_eq!(answers, (0..500).map(|n| (format!("/bytes/{n}"), n)).collect::<Vec<_>>());
    assert!(two_threads::run(&origin.url(""), &b"no target\n"[..], |_, _, _| {}).is_err());
}

#[test]
fn decoded_takes_the_coding_off_and_keeps_to_its_bound() {
    let text = "grün ".repeat(1000);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let content = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    let answer = [head.as_bytes(), &content].concat();
    let script = Script::new().read_head().send(answer).hold();
    let peer = ScriptedPeer::start([script.clone(), script]).unwrap();
    assert_eq!(decoded::run(&peer.url("/"), 10_000).unwrap(), (text, content.len() as u64));
    let refused = decoded::run(&peer.url("/"), 1000).unwrap_err();
    assert_eq!(refused.to_string(), "the content is more than 1000 bytes when it is decoded");
}

/// An example that is not run here could say anything.
#[test]
fn every_example_is_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join("crates").join(path)).unwrap();
    // Some are of the awaited connection.
    let here =
        ["wireline/tests/examples.rs", "tokio-wireline/tests/examples.rs", "tokio-wireline/tests/pool.rs"].map(read);
    let manifest = ["wireline/Cargo.toml", "tokio-wireline/Cargo.toml"].map(read).concat();
    let here = here.concat();
    let mut count = 0;
    for entry in std::fs::read_dir(root.join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(here.contains(&format!("examples/{name}\"]")), "{name} is not run");
        assert!(manifest.contains(&format!("path = \"../../examples/{name}\"")), "{name} cannot be run by cargo");
        count += 1;
    }
    assert!(count >= 10);
}
