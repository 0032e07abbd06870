//! `--json`: what it says of each exchange.

mod support;

use std::io::{Read, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Peer, accept, read_head, wireline};

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The record of an exchange with a server that gives `answer` and closes, and the exit status.
fn record(arguments: &[&str], answer: &[u8]) -> (Value, i32) {
    let peer = Peer::answering(answer);
    let run = wireline(&[arguments, &["--json", &peer.url("/a")]].concat());
    peer.join();
    (run.record(), run.status)
}

#[test]
fn an_exchange_from_end_to_end() {
    let peer = Peer::answering(
        b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\nHTTP/1.1 200 Oui \xe0\r\nX-B: \xff\r\nx-a: 1\r\nX-B: 2\r\nContent-Length: 5\r\n\r\nhello",
    );
    let url = peer.url("/a#f");
    let host = format!("127.0.0.1:{}", peer.port);
    let mut record = wireline(&["--json", &url]).record();
    let timing = record.as_object_mut().and_then(|record| record.remove("timing")).expect("there is a timing");
    assert_eq!(
        record,
        json!({
            "exchange": 0,
            "connection": 0,
            "request": {
                "method": "GET",
                "target": "/a",
                "url": url,
                "fields": [
                    ["Host", host],
                    ["User-Agent", concat!("wireline/", env!("CARGO_PKG_VERSION"))],
                    ["Accept", "*/*"],
                ],
                "content_sent": 0,
                "complete": true,
            },
            "interim": [{"status": 103, "reason": "Early Hints", "fields": [["Link", "</s.css>"]]}],
            "response": {
                "version": "HTTP/1.1",
                "status": 200,
                "reason": "Oui \u{e0}",
                "fields": [["X-B", "\u{ff}"], ["x-a", "1"], ["X-B", "2"], ["Content-Length", "5"]],
                "framing": "length",
                "content_length": 5,
                "content_sha256": sha256(b"hello"),
                "trailers": [],
                "deviations": {},
            },
            "switched": null,
            "error": null,
            "unanswered": null,
            "reuse": {"state": "now", "reason": null},
        })
    );
    for part in ["resolve", "connect", "send", "wait", "receive", "total"] {
        assert!(timing[part].as_f64().is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{part}: {timing}");
    }
    assert_eq!(timing["tls"], Value::Null);
}

#[test]
fn each_framing() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n";
    let (value, status) = record(&[], chunked);
    assert_eq!((status, &value["response"]["framing"]), (0, &"chunked".into()));
    assert_eq!(value["response"]["content_length"], 5);
    assert_eq!(value["response"]["content_sha256"], sha256(b"abcde"));
    assert_eq!(value["response"]["trailers"], json!([["X-Sum", "7"]]));

    let (value, status) = record(&[], b"HTTP/1.0 200 OK\r\n\r\nuntil the end");
    assert_eq!((status, &value["response"]["framing"]), (0, &"close".into()));
    assert_eq!(value["response"]["version"], "HTTP/1.0");
    assert_eq!(value["response"]["content_sha256"], sha256(b"until the end"));
    assert_eq!(value["reuse"]["state"], "never");

    for (arguments, answer) in [
        (&[][..], "HTTP/1.1 204 No Content\r\n\r\n"),
        (&[], "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        (&["HEAD"], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ] {
        let (value, status) = record(arguments, answer.as_bytes());
        assert_eq!((status, &value["response"]["framing"]), (0, &"none".into()), "{answer}");
        assert_eq!((&value["response"]["content_length"], &value["error"]), (&0.into(), &Value::Null), "{answer}");
    }
}

#[test]
fn a_response_that_ends_early() {
    let (value, status) = record(&[], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    assert_eq!(status, 18);
    let error = &value["error"];
    assert_eq!((&error["kind"], &error["phase"]), (&"incomplete".into(), &"content".into()));
    assert_eq!((&error["offset"], &error["exit"]), (&41.into(), &18.into()));
    assert_eq!(
        (&value["response"]["content_length"], &value["response"]["content_sha256"]),
        (&3.into(), &sha256(b"hel").into())
    );
    assert_eq!(value["unanswered"]["progress"], "response-begun");
    assert_eq!(value["unanswered"]["safe_to_repeat"], false);
    assert_eq!(value["reuse"]["state"], "never");
}

#[test]
fn no_response_at_all() {
    let (value, status) = record(&[], b"");
    assert_eq!((status, &value["response"]), (52, &Value::Null));
    assert_eq!((&value["error"]["kind"], &value["error"]["phase"]), (&"incomplete".into(), &"before-response".into()));
    let unanswered = &value["unanswered"];
    assert_eq!((&unanswered["progress"], &unanswered["idempotent"]), (&"sent".into(), &true.into()));
    assert_eq!(unanswered["safe_to_repeat"], true);

    let (value, status) = record(&["POST"], b"HTTP/1.1 200 O");
    assert_eq!((status, &value["response"]), (18, &Value::Null));
    assert_eq!((&value["error"]["phase"], &value["error"]["offset"]), (&"head".into(), &14.into()));
    assert_eq!(value["unanswered"]["safe_to_repeat"], false);
}

#[test]
fn interim_responses_are_told_of_when_no_final_one_follows() {
    let (value, status) = record(&[], b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n");
    assert_eq!((status, &value["response"]), (52, &Value::Null));
    assert_eq!(value["interim"], json!([{"status": 102, "reason": "Processing", "fields": [["X", "y"]]}]));
}

#[test]
fn what_is_not_http_is_named_with_its_place() {
    for (answer, name, phase, offset) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"[..], "length-conflict", "head", 52),
        (b"SSH-2.0-x\r\n\r\n", "status-line", "head", 0),
        (b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n", "control-byte", "head", 20),
    ] {
        let (value, status) = record(&[], answer);
        let error = &value["error"];
        assert_eq!((status, &error["kind"], &error["name"]), (56, &"violation".into(), &name.into()));
        assert_eq!(
            (&error["phase"], &error["offset"], &error["exit"]),
            (&phase.into(), &offset.into(), &56.into()),
            "{name}"
        );
        assert_eq!((&value["response"], &value["reuse"]["state"]), (&Value::Null, &"never".into()));
    }
    let (value, status) = record(&[], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    assert_eq!((status, &value["error"]["name"]), (56, &"chunk-size".into()));
    assert_eq!((&value["response"]["status"], &value["response"]["content_length"]), (&200.into(), &3.into()));
}

#[test]
fn limits_are_named_and_can_be_set() {
    let answer = b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 0\r\n\r\n";
    let (value, status) = record(&["--limit", "fields=2"], answer);
    assert_eq!((status, &value["error"]["kind"], &value["error"]["name"]), (56, &"limit".into(), &"fields".into()));
    assert_eq!(record(&["--limit=fields=3"], answer).1, 0);
}

#[test]
fn leniency_is_counted() {
    let answer = b"HTTP/1.1 200 OK\nContent-Length : 2\r\n\r\nok";
    assert_eq!(record(&[], answer).0["error"]["name"], "space-before-colon");
    let (value, status) = record(&["--leniency", "space_before_colon"], answer);
    assert_eq!((status, &value["response"]["content_length"]), (0, &2.into()), "{value}");
    assert_eq!(value["response"]["deviations"], json!({"bare_lf_in_head": 1, "space_before_colon": 1}));
    assert_eq!(record(&["--preset", "browser"], answer).1, 0);
    assert_eq!(record(&["--preset", "strict"], answer).0["error"]["name"], "bare-lf");
}

#[test]
fn what_follows_a_switch_is_kept() {
    let upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: x/1"];
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x/1\r\n\r\n\x00\xffrest";
    let (value, status) = record(&upgrade, answer);
    assert_eq!((status, &value["switched"]), (0, &"AP9yZXN0".into()), "{value}");
    assert_eq!((&value["response"]["status"], &value["response"]["framing"]), (&101.into(), &"none".into()));
    assert_eq!(value["reuse"], json!({"state": "never", "reason": "switched protocols"}));

    let (value, status) = record(&["CONNECT"], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntunnel");
    assert_eq!((status, &value["switched"]), (0, &"dHVubmVs".into()), "{value}");
    assert!(value["request"]["target"].as_str().is_some_and(|target| target.starts_with("127.0.0.1:")));
}

/// In whatever pieces a stream arrives, the record is the same.
#[test]
fn segments_do_not_matter() {
    let answer: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    for size in [1, 7, answer.len()] {
        let peer = Peer::run(move |listener| {
            let mut stream = accept(listener);
            read_head(&mut stream);
            for piece in answer.chunks(size) {
                stream.write_all(piece).expect("a piece goes out");
            }
            let _ = stream.read(&mut [0]);
        });
        let run = wireline(&["--json", &peer.url("/")]);
        let value = run.record();
        assert_eq!((run.status, &value["interim"][0]["status"]), (0, &100.into()), "{size}");
        assert_eq!(
            (&value["response"]["content_sha256"], &value["response"]["trailers"]),
            (&sha256(b"abc").into(), &json!([["T", "1"]]))
        );
        assert_eq!(value["reuse"]["state"], "now");
        peer.join();
    }
}

#[test]
fn nothing_but_objects_on_standard_output() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..2 {
            read_head(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("the answer goes out");
        }
    });
    let run = wireline(&["--json", "-i", "-v", "--timing", "--wire", &peer.url("/1"), &peer.url("/2")]);
    let records = run.records();
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(records.iter().map(|record| &record["exchange"]).collect::<Vec<_>>(), [&json!(0), &json!(1)]);
    // The second goes over the connection of the first, so nothing is resolved or connected for it.
    assert_eq!((&records[1]["connection"], &records[1]["timing"]["connect"]), (&0.into(), &Value::Null));
    peer.join();
}

#[test]
fn an_exchange_that_cannot_be_begun_has_its_line() {
    let run = wireline(&["--json", "-T", "missing", "http://127.0.0.1:9/a"]);
    let record = run.record();
    assert_eq!((run.status, &record["error"]["kind"], &record["error"]["exit"]), (26, &"read".into(), &26.into()));
    assert_eq!((&record["request"]["target"], &record["response"]), (&"/a".into(), &Value::Null));
}

#[test]
fn a_file_that_does_not_know_its_length_goes_in_chunks() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let record = wireline(&["--json", "-T", "/proc/version", &peer.url("/")]).record();
    let fields = record["request"]["fields"].as_array().expect("there are fields");
    assert!(fields.iter().any(|field| field[0] == "Transfer-Encoding" && field[1] == "chunked"), "{record}");
}
