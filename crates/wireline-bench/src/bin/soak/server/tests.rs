//! What the server sees is what was sent, and it notices what was not to be sent.

use std::net::{Ipv4Addr, TcpListener};

use super::*;
use crate::plan::{Method, Upload};

/// Serves a plan of one upload and one `GET` to a client that sends these bytes and closes.
fn record(chunked: bool, sent: &[u8]) -> Record {
    let fits = |plan: &Plan| plan.ending == Ending::Orderly && plan.exchanges.len() > 1;
    let mut plan = (0..).map(|connection| Plan::new(1, connection)).find(fits).unwrap();
    plan.connection = 0;
    plan.exchanges.truncate(2);
    plan.at = 1;
    for exchange in &mut plan.exchanges {
        (exchange.method, exchange.upload) = (Method::Get, None);
    }
    let upload = Upload { len: 5, chunked, expect: None, read_first: 5, keep_sending: false };
    (plan.exchanges[0].method, plan.exchanges[0].upload) = (Method::Put, Some(upload));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.write_all(sent).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    // Its answers fit into the buffers of a socket, or are read.
    let reader = thread::spawn(move || client.read_to_end(&mut Vec::new()));
    let record = serve(server, &plan);
    reader.join().unwrap().unwrap();
    record
}

fn upload() -> Vec<u8> {
    let mut bytes = b"PUT /0/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n".to_vec();
    bytes.extend_from_slice(content(0, 0, Side::Request, 5));
    bytes
}

const GET: &[u8] = b"GET /0/1 HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn every_byte_is_accounted_for() {
    let all = [&upload(), GET].concat();
    let head = upload().len() - 5;
    for len in 0..=all.len() {
        let record = record(false, &all[..len]);
        let (first, second) = (len.min(upload().len()), len.saturating_sub(upload().len()));
        assert_eq!((record.end, record.troubles), (End::Read, vec![]), "{len}");
        assert_eq!((record.seen[0].bytes, record.seen[1].bytes), (first as u64, second as u64), "{len}");
        assert_eq!(record.seen[0].content, first.saturating_sub(head) as u64, "{len}");
        let saw = match first {
            0 => Saw::Nothing,
            _ if first < head => Saw::PartOfHead,
            _ if first < upload().len() => Saw::Head,
            _ => Saw::All,
        };
        assert_eq!((record.seen[0].request, record.seen[0].answered), (saw, saw == Saw::All), "{len}");
    }
}

#[test]
fn content_in_chunks_is_read_too() {
    let mut bytes = b"PUT /0/0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n".to_vec();
    let (two, three) = content(0, 0, Side::Request, 5).split_at(2);
    bytes.extend_from_slice(&[two, b"\r\n3\r\n", three, b"\r\n0\r\nX: 1\r\n\r\n"].concat());
    for len in bytes.len() - 20..=bytes.len() {
        let record = record(true, &bytes[..len]);
        assert_eq!(record.seen[0].request == Saw::All, len == bytes.len());
        assert_eq!((record.seen[0].bytes, record.troubles), (len as u64, vec![]));
    }
}

#[test]
fn what_was_not_to_be_sent_is_noticed() {
    let noticed = |sent: &[u8], what: &str| {
        let troubles = record(false, sent).troubles;
        assert!(troubles.iter().any(|trouble| trouble.contains(what)), "{what}: {troubles:?}");
    };
    let mut other = upload();
    *other.last_mut().unwrap() ^= 1;
    noticed(&other, "other content at 0");
    noticed(GET, "instead of PUT /0/0 HTTP/1.1");
    noticed(b"PUT /0/0 HTTP/1.1\r\nContent-Length: 4\r\n\r\n", "another framing");
    noticed(&[&upload(), GET, GET].concat(), "a request that is not in the plan");
}
