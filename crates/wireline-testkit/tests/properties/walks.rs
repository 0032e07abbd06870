//! Random walks: commands, bytes and events in any order. Nothing panics, a refused step changes nothing, and memory
//! stays within the limits.

use proptest::collection::vec;
use proptest::prelude::*;
use wireline_proto::Connection;
use wireline_testkit::fuzzing::{Step, Walk, memory_bound};

use crate::input;

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![0..8_u64, Just(300), Just(u64::MAX)];
    prop_oneof![
        1 => Just(Step::Abandon),
        6 => (1..9_u8).prop_map(Step::Advance),
        2 => (1..50_u64).prop_map(Step::ByPass),
        1 => Just(Step::Close),
        4 => prop_oneof![0..8_usize, 0..10_000_usize].prop_map(Step::Content),
        1 => Just(Step::Fail),
        3 => any::<bool>().prop_map(Step::Finish),
        3 => len.prop_map(Step::Frame),
        3 => (0..400_u64).prop_map(Step::Framed),
        6 => input::stream().prop_map(Step::Receive),
        6 => input::request().prop_map(Step::Request),
        6 => prop_oneof![0..40_usize, Just(usize::MAX)].prop_map(Step::Transmit),
        1 => Just(Step::TransmitClosed),
        2 => Just(Step::Waive),
    ]
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn any_steps_in_any_order(config in input::settings(), steps in vec(step(), 1..40)) {
        let mut walk = Walk::new(config);
        for step in steps {
            walk.take(step);
        }
    }

    // conformance: F17 L12
    #[test]
    fn memory_stays_within_the_limits(
        config in input::settings(),
        request in input::request(),
        beginning in input::stream(),
        endless in input::stream(),
        takes_events in any::<bool>(),
    ) {
        let mut connection = Connection::new(config);
        connection.send_request(&request).unwrap();
        connection.transmitted(connection.transmit().len());
        let own = connection.memory();
        // Whatever the peer goes on with, and for however long.
        let stream = [beginning, endless.repeat(20_000 / endless.len().max(1))].concat();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let space = connection.receive_space();
            let n = space.len().min(rest.len()).min(777);
            space[..n].copy_from_slice(&rest[..n]);
            if n == 0 {
                break;
            }
            connection.received(n);
            rest = &rest[n..];
            while takes_events && connection.advance() == Ok(true) {}
            prop_assert!(connection.memory() <= own + memory_bound(&config), "{} bytes", connection.memory());
        }
    }
}
