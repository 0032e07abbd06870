//! However a stream is cut, the same comes out of it, and nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use wireline_testkit::fuzzing::{End, observe};

use crate::input;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Broken), Just(End::InOrder), Just(End::NotYet)]
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn splits_do_not_matter(
        config in input::settings(),
        requests in vec(input::request(), 1..5),
        stream in input::stream(),
        cuts in vec(any::<Index>(), 0..6),
        end in end(),
    ) {
        let whole = observe(config, &requests, &[&stream], end, false);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&stream[start..cut]);
            start = cut;
        }
        pieces.push(&stream[start..]);
        prop_assert_eq!(&observe(config, &requests, &pieces, end, false), &whole);
        prop_assert_eq!(&observe(config, &requests, &pieces, end, true), &whole);
        let bytes: Vec<_> = stream.chunks(1).collect();
        prop_assert_eq!(&observe(config, &requests, &bytes, end, false), &whole);
        prop_assert_eq!(&observe(config, &requests, &bytes, end, true), &whole);
    }
}
