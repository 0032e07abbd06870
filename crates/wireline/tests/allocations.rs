//! In the steady state an exchange on an open connection allocates nothing, and is one write and one read.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use wireline::{Config, Connection, Ready, Request, Stream, Transport};
use wireline_testkit::{Origin, pattern};

fn connect(origin: &Origin) -> Connection<Stream> {
    let mut connection = Connection::connect(&origin.url("")).unwrap();
    // A bound on each wait costs none either.
    connection.set_timeouts(common::patient());
    connection
}

fn allocations_of(mut exchange: impl FnMut()) -> u64 {
    for _ in 0..3 {
        exchange();
    }
    allocation_counter::measure(|| {
        for _ in 0..100 {
            exchange();
        }
    })
    .count_total
}

#[test]
fn a_get_allocates_nothing() {
    let origin = Origin::start().unwrap();
    let mut connection = connect(&origin);
    for target in ["/bytes/0", "/bytes/1024", "/bytes/100000", "/chunked/10000?size=100", "/status/204"] {
        let request = Request::get(target, "a").unwrap();
        let mut into = vec![0; 1 << 16];
        let count = allocations_of(|| {
            let mut response = connection.send(&request, ()).unwrap();
            while response.read_content(&mut into).unwrap() > 0 {}
            assert!(response.is_complete());
        });
        assert_eq!(count, 0, "{target}");
    }
}

#[test]
fn an_upload_allocates_nothing() {
    let origin = Origin::start().unwrap();
    let mut connection = connect(&origin);
    for length in [5, 100_000] {
        let content = pattern(length);
        let request = Request::builder("PUT", "/echo").host("a").content_length(length as u64).build().unwrap();
        let mut into = vec![0; 1 << 16];
        let count = allocations_of(|| {
            let mut response = connection.send(&request, &content).unwrap();
            while response.read_content(&mut into).unwrap() > 0 {}
        });
        assert_eq!(count, 0, "{length}");
    }
}

#[test]
fn a_pipeline_allocates_nothing() {
    let origin = Origin::start().unwrap();
    let mut connection = connect(&origin);
    let request = Request::get("/bytes/100", "a").unwrap();
    let mut into = vec![0; 1 << 16];
    let count = allocations_of(|| {
        let mut pipeline = connection.pipeline();
        for _ in 0..16 {
            pipeline.queue(&request).unwrap();
        }
        while pipeline.in_flight() > 0 {
            let mut response = pipeline.receive().unwrap();
            while response.read_content(&mut into).unwrap() > 0 {}
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn a_response_that_is_dropped_leaves_nothing_behind() {
    let origin = Origin::start().unwrap();
    let request = Request::get("/bytes/1024", "a").unwrap();
    let mut connections = [connect(&origin), connect(&origin)];
    // The first one leaves to the thread what the second one is lent.
    let kept = connections.each_mut().map(|connection| {
        allocation_counter::measure(|| assert_eq!(connection.send(&request, ()).unwrap().discard().unwrap(), 1024))
            .bytes_current
    });
    assert!(connections.iter_mut().all(|connection| connection.response().is_none()));
    assert!(kept[1] < 300, "{} bytes", kept[1]);
}

#[test]
fn a_response_that_is_suspended_is_kept() {
    let origin = Origin::start().unwrap();
    let mut connection = connect(&origin);
    connection.get("/bytes/1").unwrap().suspend();
    let response = connection.response().unwrap();
    assert_eq!((response.status().as_u16(), response.bytes().unwrap().len()), (200, 1));
    assert!(connection.response().is_none());
}

/// A stream that counts the calls made on it: each is a system call.
struct Counted(Stream, Rc<Cell<u32>>);

impl Transport for Counted {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.1.set(self.1.get() + 1);
        self.0.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        // There is nothing to flush in the clear.
        self.0.flush()
    }

    fn read(&mut self, into: &mut [u8], patience: Option<Duration>) -> io::Result<usize> {
        self.1.set(self.1.get() + 1);
        self.0.read(into, patience)
    }

    fn wait(&mut self, wanted: Ready, patience: Option<Duration>) -> io::Result<Ready> {
        self.1.set(self.1.get() + 1);
        self.0.wait(wanted, patience)
    }

    fn close(&mut self) {
        self.0.close();
    }
}

#[test]
fn an_exchange_is_one_write_and_one_read() {
    let origin = Origin::start().unwrap();
    let calls = Rc::new(Cell::new(0));
    let stream = TcpStream::connect(origin.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    let transport = Counted(stream.into(), Rc::clone(&calls));
    let mut connection = Connection::with_transport(transport, Config::default());
    connection.set_timeouts(common::patient());
    let get = Request::get("/bytes/1024", "a").unwrap();
    let put = Request::builder("PUT", "/echo").host("a").content_length(1000).build().unwrap();
    let content = pattern(1000);
    let mut into = vec![0; 1 << 16];
    for (request, content) in [(&get, &[][..]), (&put, &content)] {
        // When this thread was not run in between, the connection was not idle and is not looked at.
        let fewest = (0..50).map(|_| {
            calls.set(0);
            let mut response = connection.send(request, content).unwrap();
            while response.read_content(&mut into).unwrap() > 0 {}
            calls.get()
        });
        assert_eq!(fewest.min(), Some(2));
    }
}
