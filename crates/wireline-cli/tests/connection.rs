//! Connections: kept, pipelined, bounded, and under TLS.

mod support;

use std::io::{Read, Write};

use serde_json::{Value, json};
use support::nginx::{HOST, Nginx};
use support::{Folder, Peer, accept, read_head, wireline};
use wireline_testkit::Authority;

#[test]
fn a_connection_is_kept_for_the_next_url_of_its_origin() {
    let nginx = Nginx::new(|folder| std::fs::write(folder.join("f"), "ok").expect("a file"));
    let (file, none) = (nginx.url("/f"), nginx.url("/none"));
    let run = wireline(&["--json", &file, &none, &file]);
    let records = run.records();
    assert_eq!(run.status, 0, "{run:?}");
    let of = |key: &str| records.iter().map(|record| record[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("exchange"), of("connection")),
        (vec![json!(0), json!(1), json!(2)], vec![json!(0), json!(0), json!(0)])
    );
    assert_eq!(records.iter().map(|record| &record["response"]["status"]).collect::<Vec<_>>(), [200, 404, 200]);
}

#[test]
fn a_connection_that_cannot_be_kept_is_not_used_again() {
    for (first, reason) in [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "peer sent close"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 without keep-alive"),
    ] {
        let peer = Peer::run(move |listener| {
            let mut kept = accept(listener);
            read_head(&mut kept);
            kept.write_all(first.as_bytes()).expect("the answer goes out");
            let mut next = accept(listener);
            read_head(&mut next);
            next.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("the answer goes out");
            kept.read(&mut [0]).expect("the end of the first connection")
        });
        let run = wireline(&["--json", &peer.url("/1"), &peer.url("/2")]);
        let records = run.records();
        assert_eq!((run.status, &records[0]["reuse"]), (0, &json!({"state": "never", "reason": reason})), "{run:?}");
        assert_eq!((&records[0]["connection"], &records[1]["connection"]), (&json!(0), &json!(1)));
        assert_eq!(peer.join(), 0);
    }
}

#[test]
fn a_pipeline_sends_before_it_is_answered() {
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
    let run = wireline(&[vec!["--pipeline".to_owned(), "9".to_owned()], urls].concat());
    assert_eq!((run.status, run.text()), (0, "ok".repeat(9)), "{run:?}");
    peer.join();
}

#[test]
fn a_pipeline_against_nginx_gives_what_one_by_one_gives() {
    let nginx = Nginx::new(|folder| {
        for n in 0..16 {
            std::fs::write(folder.join(&n.to_string()), format!("{n},").repeat(n * 1000)).expect("a file");
        }
    });
    let urls: Vec<String> = (0..16).map(|n| nginx.url(&format!("/{n}"))).collect();
    let one_by_one = wireline(&urls);
    for bound in ["1", "4", "16"] {
        let run = wireline(&[vec![format!("--pipeline={bound}")], urls.clone()].concat());
        assert_eq!((run.status, &run.stdout), (0, &one_by_one.stdout), "{bound}");
    }
    let records = wireline(&[vec!["--json".to_owned(), "--pipeline=16".to_owned()], urls].concat()).records();
    assert_eq!(records.len(), 16);
    assert!(records.iter().all(|record| record["connection"] == 0 && record["error"].is_null()));
}

/// The exchanges that a lost connection leaves behind, and those that had not been sent.
#[test]
fn a_lost_pipeline_says_what_is_safe_to_send_again() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            read_head(&mut stream);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("it goes out");
        // The first is answered, so that there is room for the fourth.
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-").expect("it goes out");
        drop(stream);
        let mut next = accept(listener);
        read_head(&mut next);
        next.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast").expect("it goes out");
    });
    let urls: Vec<String> = (0..5).map(|n| peer.url(&format!("/{n}"))).collect();
    let run = wireline(&[vec!["--json".to_owned(), "--pipeline=3".to_owned()], urls].concat());
    let records = run.records();
    assert_eq!((run.status, records.len()), (18, 5), "{run:?}");
    assert_eq!((&records[0]["error"], &records[0]["unanswered"]), (&Value::Null, &Value::Null));
    assert_eq!((&records[1]["error"]["kind"], &records[1]["error"]["phase"]), (&json!("incomplete"), &json!("head")));
    // A part of the second's answer has come: its server has seen it, and may have done what it asks.
    for (lost, progress, is_safe) in
        [(&records[1], "response-begun", false), (&records[2], "sent", true), (&records[3], "sent", true)]
    {
        let unanswered = &lost["unanswered"];
        assert_eq!((&unanswered["progress"], &unanswered["safe_to_repeat"]), (&json!(progress), &json!(is_safe)));
        assert_eq!(lost["response"], Value::Null);
    }
    assert_eq!((&records[4]["connection"], &records[4]["response"]["content_length"]), (&json!(1), &json!(4)));
    peer.join();
}

#[test]
fn what_cuts_one_response_short_is_why_the_others_have_none() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            read_head(&mut stream);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").expect("it goes out");
        // Until the command gives up.
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    });
    let urls: Vec<String> = (0..3).map(|n| peer.url(&format!("/{n}"))).collect();
    let flags = ["--json", "--pipeline=3", "--max-time=0.2"].map(ToOwned::to_owned);
    let records = wireline(&[flags.to_vec(), urls].concat()).records();
    for record in &records {
        assert_eq!(record["error"]["exit"], 28, "{record}");
    }
    assert_eq!(records.len(), 3);
    peer.join();
}

#[test]
fn a_pipeline_that_is_not_answered_is_out_of_time() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("the answer goes out");
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let urls: Vec<String> = (0..3).map(|n| peer.url(&format!("/{n}"))).collect();
    let flags = ["--json", "--pipeline=3", "--read-timeout=0.1"].map(ToOwned::to_owned);
    let run = wireline(&[flags.to_vec(), urls].concat());
    let records = run.records();
    assert_eq!((run.status, records.len(), &records[0]["error"]), (28, 3, &Value::Null), "{run:?}");
    for late in &records[1..] {
        assert_eq!((&late["error"]["kind"], &late["error"]["exit"]), (&json!("timeout"), &json!(28)));
        assert_eq!((&late["unanswered"]["progress"], &late["reuse"]["state"]), (&json!("sent"), &json!("not-yet")));
    }
    let _ = peer.join();
}

#[test]
fn a_pipeline_of_what_is_not_idempotent_waits_for_each_answer() {
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        for _ in 0..3 {
            read_head(&mut stream);
            stream.set_nonblocking(true).expect("it can be set");
            let waits = stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
            stream.set_nonblocking(false).expect("it can be set");
            assert!(waits, "the next request is here before the answer");
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("the answer goes out");
        }
    });
    let urls: Vec<String> = (0..3).map(|n| peer.url(&format!("/{n}"))).collect();
    let run = wireline(&[vec!["POST".to_owned()], urls, vec!["--pipeline=3".to_owned()]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    peer.join();
}

#[test]
fn a_bound_on_connecting_does_not_bound_the_answer() {
    let peer = Peer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(wireline(&["--connect-timeout", "20", &peer.url("/")]).status, 0);
    // A handshake that nobody takes part in.
    let peer = Peer::run(|listener| {
        let mut stream = accept(listener);
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let run = wireline(&["--connect-timeout", "0.1", "--json", &peer.url("/").replace("http:", "https:")]);
    assert_eq!((run.status, &run.record()["error"]["kind"]), (28, &json!("timeout")), "{run:?}");
}

// conformance: I11 I12
#[test]
fn certificates_are_verified() {
    let authority = Authority::new().expect("an authority");
    let nginx = Nginx::secure(|folder| {
        let address = HOST.parse().expect("an address");
        let server = authority.server_for([], [address]).expect("a certificate");
        std::fs::write(folder.join("cert.pem"), server.certificate_pem()).expect("a file");
        std::fs::write(folder.join("key.pem"), server.key_pem()).expect("a file");
        std::fs::write(folder.join("f"), "secret").expect("a file");
    });
    let url = nginx.url("/f").replace("http:", "https:");
    let run = wireline(&["--json", &url]);
    let record = run.record();
    assert_eq!(
        (run.status, &record["error"]["kind"], &record["response"]),
        (60, &json!("certificate"), &Value::Null),
        "{run:?}"
    );

    let folder = Folder::new();
    std::fs::write(folder.join("ca.pem"), authority.root_pem()).expect("a file");
    let ca = folder.join("ca.pem").display().to_string();
    for flags in [&["--cacert", ca.as_str()][..], &["--insecure"], &["-k"]] {
        let run = wireline(&[flags, &[&url, &url]].concat());
        assert_eq!((run.status, run.text().as_str()), (0, "secretsecret"), "{run:?}");
    }
    let record = wireline(&["-k", "--json", &url]).record();
    assert!(record["timing"]["tls"].as_f64().is_some_and(|seconds| seconds > 0.0), "{record}");
}
