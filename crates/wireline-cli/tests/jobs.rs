//! Many URLs over several connections at a time.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};
use support::{Folder, Peer, accept, read_head, wireline, wireline_in};
use wireline_testkit::Origin;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

fn origin() -> Origin {
    Origin::start().expect("a server")
}

/// Runs the command with these flags and a list of URLs on its standard input.
fn with_list(flags: &[&str], urls: &[String]) -> support::Run {
    wireline_in(std::path::Path::new("."), &[&["--urls=-"], flags].concat(), urls.join("\n").as_bytes())
}

/// The records of the exchanges, and the summary behind them.
fn records(run: &support::Run) -> (Vec<Value>, Value) {
    let mut records = run.records();
    let summary = records.pop().expect("there is a summary")["summary"].take();
    assert!(summary.is_object() && records.iter().all(|record| record["summary"].is_null()), "{run:?}");
    (records, summary)
}

#[test]
fn urls_come_from_the_command_line_and_then_from_a_list() {
    let (server, folder) = (origin(), Folder::new());
    let lines: Vec<_> = (2..500).map(|n| server.url(&format!("/bytes/{n}"))).collect();
    let list = folder.join("list");
    std::fs::write(&list, format!("# {0}\n\n {0} \r\n{1}", lines[0], lines[1..].join("\n"))).expect("a file");
    let list = list.display().to_string();
    let given = [server.url("/bytes/0"), server.url("/bytes/1")];
    let run = wireline(&["--jobs", "4", "--json", "--urls", &list, &given[0], &given[1]]);
    let (records, summary) = records(&run);
    assert_eq!((run.status, run.stderr.as_str(), records.len()), (0, "", 500));
    for record in &records {
        // Numbers are those of the order, whoever ends first.
        let response = &record["response"];
        assert_eq!((&response["status"], &response["content_length"]), (&json!(200), &record["exchange"]));
        assert!(record["attempts"].is_null() && record["connection"].as_u64().is_some_and(|number| number < 4));
    }
    assert_eq!(records.iter().map(|record| record["exchange"].as_u64()).collect::<BTreeSet<_>>().len(), 500);
    assert_eq!(
        (&summary["exchanges"], &summary["complete"], &summary["failed"]),
        (&500.into(), &500.into(), &0.into())
    );
    assert_eq!((&summary["connections"], &summary["repeated"]), (&server.connections().into(), &0.into()));
    assert!(server.connections() <= 4 && server.requests() == 500);
    assert!(summary["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{summary}");
}

#[test]
fn content_on_standard_output_stands_in_the_order_of_the_urls() {
    let server = origin();
    let urls: Vec<_> = (0..60)
        .map(|n| server.url(&if n % 20 == 0 { "/delay/100".to_owned() } else { format!("/bytes/{}", n * 3000) }))
        .collect();
    let one_by_one = wireline(&urls);
    for flags in [&["--jobs=1"][..], &["--jobs=8"], &["--jobs=3", "--pipeline=4"], &["--jobs", "100", "-i"]] {
        let run = with_list(flags, &urls);
        let is_longer = run.stdout.len() > one_by_one.stdout.len();
        assert_eq!((run.status, run.stderr.as_str(), is_longer), (0, "", flags.contains(&"-i")), "{flags:?}");
        assert!(is_longer || run.stdout == one_by_one.stdout, "{flags:?}");
    }
}

#[test]
fn each_connection_has_a_pipeline() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            // Nothing is answered before three requests are here.
            for _ in 0..3 {
                assert!(!read_head(&mut stream).is_empty());
            }
            for _ in 0..3 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("the answer goes out");
            }
        }
    });
    let urls: Vec<String> = (0..9).map(|n| peer.url(&format!("/{n}"))).collect();
    let run = wireline(&[vec!["--jobs=1".to_owned(), "--pipeline=9".to_owned()], urls].concat());
    assert_eq!((run.status, run.text()), (0, "ok".repeat(9)), "{run:?}");
    peer.join();
}

#[test]
fn urls_of_several_origins_each_have_connections_of_their_own() {
    let servers = [origin(), origin(), origin()];
    let urls: Vec<_> = (0..90).map(|n| servers[n % 3].url(&format!("/bytes/{n}"))).collect();
    let run = with_list(&["--jobs=2", "--pipeline=4", "--json"], &urls);
    let (records, _) = records(&run);
    assert_eq!((run.status, records.len()), (0, 90), "{run:?}");
    for server in &servers {
        assert!(server.connections() <= 2 && server.requests() == 30, "{server:?}");
    }
}

#[test]
fn content_goes_to_files_too() {
    let (server, folder) = (origin(), Folder::new());
    let urls = [server.url("/bytes/1"), server.url("/bytes/2"), server.url("/bytes/3")];
    let flags = ["--jobs=2", "-O", "-o", "first"];
    let run = wireline_in(folder.path(), &[&flags[..], &urls.each_ref().map(String::as_str)].concat(), b"");
    assert_eq!((run.status, run.stdout.len()), (0, 0), "{run:?}");
    for (name, len) in [("first", 1), ("2", 2), ("3", 3)] {
        assert_eq!(folder.read(name).len(), len, "{name}");
    }
}

/// A server that closes without an answer so many times, and then answers. Gives how often it was connected to.
fn failing(times: usize) -> Peer<usize> {
    Peer::run(move |listener| {
        for _ in 0..times {
            let mut stream = accept(listener);
            assert!(!read_head(&mut stream).is_empty());
        }
        let mut stream = accept(listener);
        let head = read_head(&mut stream);
        if head.is_empty() || head.starts_with(b"OVER") {
            return times;
        }
        stream.write_all(NO_CONTENT).expect("the answer goes out");
        times + 1
    })
}

/// Ends a server that still waits to be connected to.
fn end(peer: Peer<usize>) -> usize {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", peer.port)).expect("it listens");
    stream.write_all(b"OVER\r\n\r\n").expect("it reads");
    peer.join()
}

#[test]
fn what_is_safe_to_repeat_is_repeated_when_that_is_asked_for() {
    let peer = failing(2);
    let run = wireline(&["--jobs=1", "--json", "-v", "--retry", "safe", &peer.url("/")]);
    let (record, summary) = records(&run);
    assert_eq!((run.status, record.len()), (0, 1), "{run:?}");
    assert_eq!((&record[0]["attempts"], &record[0]["error"]), (&json!(3), &Value::Null));
    assert_eq!((&summary["repeated"], &summary["connections"], &summary["failed"]), (&2.into(), &3.into(), &0.into()));
    assert_eq!(run.stderr.matches("sent again, which is safe").count(), 2, "{run:?}");
    assert_eq!(peer.join(), 3);

    // As often as is said, and three times unless it is.
    for (flags, attempts) in [(&["--retry=safe"][..], 3), (&["--retry=safe", "--attempts", "2"], 2)] {
        let peer = failing(attempts);
        let run = wireline(&[flags, &["--jobs=1", "--json", &peer.url("/")]].concat());
        let (record, _) = records(&run);
        assert_eq!((run.status, &record[0]["attempts"]), (52, &attempts.into()), "{run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "one failure, told once: {run:?}");
        assert_eq!(end(peer), attempts);
    }
}

#[test]
fn nothing_is_repeated_unasked_and_nothing_that_is_not_safe() {
    for flags in [&["GET"][..], &["GET", "--retry=never"], &["POST", "--retry=safe"]] {
        let peer = failing(1);
        let url = peer.url("/");
        let run = wireline(&[flags, &["--jobs=1", "--json", &url]].concat());
        let (record, summary) = records(&run);
        assert_eq!((run.status, &summary["repeated"], &summary["failed"]), (52, &0.into(), &1.into()), "{run:?}");
        assert_eq!(record[0]["unanswered"]["safe_to_repeat"], flags[0] == "GET");
        assert_eq!(end(peer), 1, "{flags:?}");
    }
    // A response had begun.
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    let run = wireline(&["--jobs=1", "--json", "--retry=safe", &peer.url("/")]);
    assert_eq!((run.status, &records(&run).0[0]["attempts"]), (18, &json!(1)), "{run:?}");
}

// conformance: C9 C10
/// The exchanges that a lost pipeline leaves behind are sent again alone, in order, and nothing is sent twice that was
/// answered.
#[test]
fn what_a_lost_pipeline_leaves_is_sent_again_alone() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            read_head(&mut stream);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0").expect("it goes out");
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-").expect("it goes out");
        drop(stream);
        // Those behind the one that was cut: each waits for the answer before it.
        let mut stream = accept(listener);
        let mut seen = Vec::new();
        for _ in 2..5 {
            let head = read_head(&mut stream);
            stream.set_nonblocking(true).expect("it can be set");
            assert!(stream.peek(&mut [0]).is_err(), "the next request is here before the answer");
            stream.set_nonblocking(false).expect("it can be set");
            let number = head[5];
            seen.push(number);
            stream
                .write_all(&[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", &[number][..]].concat())
                .expect("it goes");
        }
        seen
    });
    let urls: Vec<String> = (0..5).map(|n| peer.url(&format!("/{n}"))).collect();
    let run = wireline(&[&["--jobs=1", "--pipeline=3", "--retry=safe"].map(ToOwned::to_owned)[..], &urls].concat());
    assert_eq!((run.status, run.text().as_str()), (18, "0234"), "{run:?}");
    assert_eq!(peer.join(), b"234");
}

#[test]
fn the_exit_status_is_that_of_the_first_url_that_failed() {
    let server = Arc::new(origin());
    let others = Arc::clone(&server);
    let slow_failure = Peer::run(move |listener| {
        let mut stream = accept(listener);
        read_head(&mut stream);
        // It fails last.
        while others.requests() < 3 {
            std::thread::yield_now();
        }
    });
    let urls =
        [server.url("/status/200"), slow_failure.url("/"), server.url("/status/404"), server.url("/reset-after/9")];
    let run = with_list(&["--jobs=4", "--json", "--fail"], &urls);
    let (records, summary) = records(&run);
    assert_eq!((run.status, records.len(), &summary["failed"]), (52, 4, &json!(3)), "{run:?}");
    assert_eq!(with_list(&["--jobs=2", "--fail"], &urls[2..]).status, 22);
    assert_eq!(with_list(&["--jobs=2"], &urls[..1]).status, 0);
    slow_failure.join();
}

#[test]
fn a_line_that_is_no_url_has_its_record_and_the_others_go_on() {
    let server = origin();
    let urls = [server.url("/bytes/1"), "nonsense".to_owned(), "x".repeat(70_000), server.url("/bytes/2")];
    let run = with_list(&["--json", "--jobs=2"], &urls);
    let (mut records, summary) = records(&run);
    records.sort_by_key(|record| record["exchange"].as_u64());
    assert_eq!((run.status, records.len(), &summary["complete"]), (3, 4, &json!(2)), "{run:?}");
    for record in &records[1..3] {
        assert_eq!((&record["error"]["kind"], &record["error"]["exit"]), (&json!("url"), &json!(3)), "{record}");
    }
    assert_eq!(records[3]["response"]["content_length"], 2);

    let run = wireline(&["--urls", "missing"]);
    assert_eq!((run.status, run.stderr.contains("missing")), (26, true), "{run:?}");
    let run = with_list(&["--json"], &[]);
    assert_eq!((run.status, &records_of_none(&run)["exchanges"]), (0, &json!(0)), "{run:?}");
}

fn records_of_none(run: &support::Run) -> Value {
    let (records, summary) = records(run);
    assert_eq!(records.len(), 0);
    summary
}

#[test]
fn each_exchange_has_its_bound() {
    let server = origin();
    let urls = [server.url("/delay/60000"), server.url("/bytes/1"), server.url("/bytes/2")];
    for flags in [&["--jobs=2", "--json", "--max-time=0.3"][..], &["--jobs=2", "--json", "--read-timeout=0.3"]] {
        let run = with_list(flags, &urls);
        let (mut records, _) = records(&run);
        records.sort_by_key(|record| record["exchange"].as_u64());
        assert_eq!((run.status, &records[0]["error"]["kind"]), (28, &json!("timeout")), "{run:?}");
        assert!(records[1..].iter().all(|record| record["error"].is_null()), "{run:?}");
    }
    // A handshake that nobody takes part in.
    let silent = Peer::run(|listener| {
        let mut stream = accept(listener);
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let run = wireline(&["--jobs=1", "--json", "--max-time=0.2", &silent.url("/").replace("http:", "https:")]);
    let (record, _) = records(&run);
    assert_eq!((run.status, &record[0]["error"]["kind"]), (28, &json!("timeout")), "{run:?}");
    assert_eq!(record[0]["unanswered"]["progress"], "nothing-sent");
}

#[test]
fn output_that_has_no_room_ends_it() {
    let server = origin();
    let mut urls = vec![server.url("/delay/200"), server.url("/bytes/100000")];
    urls.extend((0..500).map(|_| server.url("/bytes/10")));
    let run = wireline(&[&["--jobs=4", "-o", "-", "-o", "/dev/full"].map(ToOwned::to_owned)[..], &urls].concat());
    assert_eq!(run.status, 23, "{run:?}");
    assert!(run.text().starts_with("done\n"), "what came before is there: {run:?}");
    assert!(server.requests() < 500, "{server:?}");
}

#[test]
fn a_switch_and_the_wire_are_shown_as_ever() {
    let server = origin();
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x/1\r\n\r\n\x00\xffrest";
    let switching = Peer::answering(answer);
    let flags = ["--jobs=2", "--json", "--wire", "-H", "Connection: Upgrade", "-H", "Upgrade: x/1"];
    let urls = [switching.url("/"), server.url("/bytes/1")];
    let run = wireline(&[&flags[..], &urls.each_ref().map(String::as_str)].concat());
    let (mut records, _) = records(&run);
    records.sort_by_key(|record| record["exchange"].as_u64());
    assert_eq!((run.status, &records[0]["switched"]), (0, &"AP9yZXN0".into()), "{run:?}");
    assert_eq!(records[0]["reuse"], json!({"state": "never", "reason": "switched protocols"}));
    assert!(run.stderr.contains("GET /bytes/1 HTTP/1.1") && run.stderr.contains("Upgrade: x/1"), "{run:?}");
}

#[test]
fn memory_does_not_grow_with_the_list() {
    let server = origin();
    let peak = |count: usize| {
        let urls: Vec<_> = (0..count).map(|n| server.url(&format!("/bytes/{}", n % 2000))).collect();
        let run = with_list(&["--jobs=4", "--pipeline=4", "--json"], &urls);
        let (records, summary) = records(&run);
        assert_eq!((run.status, records.len()), (0, count));
        summary["peak_memory"].as_u64().expect("the system says it")
    };
    let (few, many) = (peak(200), peak(6000));
    assert!(few > 1 << 20 && many < few + (2 << 20), "{few} bytes for few, {many} for many");
    let run = with_list(&["--jobs=4", "-v"], &[server.url("/bytes/1")]);
    let last = run.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("wireline: 1 exchanges, 1 complete, 0 failed, 0 repeats, 1 connections, "), "{run:?}");
    assert!(last.ends_with(" KiB of memory"), "{run:?}");
}

#[test]
fn a_list_may_take_its_time() {
    let server = origin();
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireline"))
        .args(["--urls", "-", "--jobs", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let (mut list, mut content) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
    for _ in 0..5 {
        // The next one is not written before this one has been fetched.
        writeln!(list, "{}", server.url("/status/404?") + "&").expect("it reads");
        writeln!(list, "{}", server.url("/delay/0")).expect("it reads");
        content.read_exact(&mut [0; 5]).expect("its content");
    }
    drop(list);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(server.requests(), 10);
}

#[test]
fn a_terminal_shows_how_far_it_is_how_fast_and_what_is_left() {
    let (server, folder) = (origin(), Folder::new());
    let lines: Vec<_> = (0..30).map(|_| server.url("/delay/50")).collect();
    std::fs::write(folder.join("list"), lines.join("\n")).expect("a file");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("it can be used");
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).expect("it has a size");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name").into_string().expect("in ASCII");
    let near = || OwnedFd::from(File::options().read(true).write(true).open(&name).expect("it opens"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireline"))
        .args(["--json", "--urls", "list"])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(near())
        .spawn()
        .expect("the command starts");
    let mut shown = Vec::new();
    // Until nobody has the other side open any more.
    let mut far = File::from(terminal);
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = far.read(&mut piece) {
        shown.extend_from_slice(&piece[..read]);
    }
    assert!(child.wait().expect("it ends").success());
    let shown = String::from_utf8_lossy(&shown).into_owned();
    for part in [" of 30 ", "/s ", " left", " %"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
