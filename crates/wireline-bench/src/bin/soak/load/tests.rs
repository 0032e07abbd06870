//! A small load, with the server on a thread; and that each side notices what is wrong.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;

use super::*;

/// A server for so many connections, and what it came to.
fn start(seed: u64, connections: u32) -> (SocketAddr, JoinHandle<(u64, Vec<String>)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || runtime.block_on(server::serve(&listener, seed, connections))))
}

fn settings(connections: u32, exchanges: u64, seed: u64) -> Settings {
    let words = [("--connections", u64::from(connections)), ("--exchanges", exchanges), ("--seed", seed)];
    let words = words.iter().flat_map(|(word, value)| [(*word).to_owned(), value.to_string()]);
    crate::settings(lexopt::Parser::from_args(words)).unwrap()
}

#[test]
fn connections_at_once_are_all_answered() {
    let (address, server) = start(2026, 100);
    let outcome = client::run(settings(100, 2000, 2026), address, &Arc::default()).unwrap();
    assert_eq!(outcome.troubles, [""; 0]);
    assert_eq!((outcome.exchanges, server.join().unwrap()), (2000, (2000, vec![])));
    assert!(outcome.at_once > 1 && outcome.memory.busy >= outcome.memory.after, "{outcome}");
}

#[test]
fn other_answers_than_are_planned_are_noticed() {
    let (address, server) = start(1, 3);
    let outcome = client::run(settings(3, 30, 2), address, &Arc::default()).unwrap();
    assert_eq!(outcome.troubles.len(), 1, "{:?}", outcome.troubles);
    assert!(server.join().unwrap().0 < 30);
}

#[test]
fn another_request_than_is_planned_is_noticed() {
    let (address, server) = start(1, 1);
    let mut client = TcpStream::connect(address).unwrap();
    // It is the first of the connection, and says that it is the eighth.
    client.write_all(b"GET /0/7 HTTP/1.1\r\nHost: soak\r\n\r\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let (served, troubles) = server.join().unwrap();
    assert!(served == 0 && troubles[0].contains("instead of"), "{troubles:?}");
}

#[test]
fn descriptors_that_are_not_to_be_had_are_asked_for_in_vain() {
    // No system gives so many.
    let refused = descriptors(u32::MAX).unwrap_err().to_string();
    assert!(refused.contains("the hard limit is"), "{refused}");
}
