//! In the steady state an exchange on an open connection allocates nothing, waiting included.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use tokio_wireline::{Connection, Request};
use wireline_testkit::{Origin, pattern};

/// How often memory was asked for in a hundred exchanges that follow three others, each awaited by a runtime of this
/// thread.
fn allocations_of(mut exchange: impl AsyncFnMut(&mut Connection)) -> u64 {
    let origin = Origin::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connection = runtime.block_on(Connection::connect(&origin.url(""))).unwrap();
    // A bound on each wait costs nothing either.
    connection.set_timeouts(common::patient());
    for _ in 0..3 {
        runtime.block_on(exchange(&mut connection));
    }
    let measured = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..100 {
                exchange(&mut connection).await;
            }
        });
    });
    measured.count_total
}

#[test]
fn a_get_allocates_nothing() {
    for target in ["/bytes/0", "/bytes/1024", "/bytes/100000", "/chunked/10000?size=100", "/status/204"] {
        let request = Request::get(target, "a").unwrap();
        // Not in the future: the runtime asks for memory for a large one.
        let mut into = vec![0; 1 << 16];
        let count = allocations_of(async |connection| {
            let mut response = connection.send(&request, ()).await.unwrap();
            while response.read_content(&mut into).await.unwrap() > 0 {}
            assert!(response.is_complete());
        });
        assert_eq!(count, 0, "{target}");
    }
}

#[test]
fn an_upload_allocates_nothing() {
    for length in [5, 100_000] {
        let content = pattern(length);
        let request = Request::builder("PUT", "/echo").host("a").content_length(length as u64).build().unwrap();
        let count = allocations_of(async |connection| {
            let mut response = connection.send(&request, &content).await.unwrap();
            loop {
                let len = response.fill_content().await.unwrap().len();
                if len == 0 {
                    break;
                }
                response.consume_content(len);
            }
        });
        assert_eq!(count, 0, "{length}");
    }
}

#[test]
fn a_pipeline_allocates_nothing() {
    let request = Request::get("/bytes/100", "a").unwrap();
    let mut into = vec![0; 1 << 16];
    let count = allocations_of(async |connection| {
        let mut pipeline = connection.pipeline();
        for _ in 0..16 {
            pipeline.queue(&request).await.unwrap();
        }
        while pipeline.in_flight() > 0 {
            let mut response = pipeline.receive().await.unwrap();
            while response.read_content(&mut into).await.unwrap() > 0 {}
        }
    });
    assert_eq!(count, 0);
}
