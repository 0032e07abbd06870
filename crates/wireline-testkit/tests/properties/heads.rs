//! A section that comes at once is read by the quick way, line after plain line; one that comes byte by byte never is. The
//! same comes of both, also where a limit falls just before, at or just behind the end of a line.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::string::string_regex;
use wireline_proto::{Config, Request};
use wireline_testkit::fuzzing::{End, observe};

use crate::input;

/// Where the section stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    Trailers,
}

/// Which bound falls near the end of which line, and how near.
#[derive(Clone, Copy, Debug)]
struct Near {
    bound: Bound,
    line: Index,
    off: i64,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    /// The longest line, and the longest status line.
    Line,
    /// How many lines there may be.
    Lines,
    /// The receive buffer.
    Room,
    /// The whole section.
    Total,
}

impl Near {
    /// Puts the bound near the end of a line of this section.
    fn set(self, config: &mut Config, place: Place, lines: &[Vec<u8>]) {
        let line = self.line.index(lines.len());
        let near = |len: usize| u32::try_from((len as i64 + self.off).max(0)).unwrap();
        let before = lines[..=line].iter().map(Vec::len).sum();
        let limits = &mut config.limits;
        match (self.bound, place) {
            (Bound::Line, _) => {
                (limits.start_line, limits.field_line) = (near(lines[line].len()), near(lines[line].len()))
            }
            (Bound::Lines, Place::Head) => limits.fields = near(lines.len()),
            (Bound::Lines, Place::Trailers) => limits.trailer_fields = near(lines.len()),
            (Bound::Room, _) => limits.receive_buffer = near(before),
            (Bound::Total, Place::Head) => limits.head = near(before),
            (Bound::Total, Place::Trailers) => limits.trailers = near(before),
        }
    }
}

fn status_line() -> impl Strategy<Value = Vec<u8>> {
    let plain = string_regex("HTTP/1\\.[0-9] [1-9][0-9]{2} [ -~]{0,40}").unwrap().prop_map(String::into_bytes);
    let other =
        select(&["HTTP/1.1 200", " HTTP/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 099 a"][..]);
    prop_oneof![6 => Just(b"HTTP/1.1 200 OK".to_vec()), 3 => plain, 1 => other.prop_map(|line| line.as_bytes().to_vec())]
}

/// A field line without its end: names and values around the sixteen bytes that are looked at together.
fn field_line() -> impl Strategy<Value = Vec<u8>> {
    let known = select(&["Connection", "content-length", "TRANSFER-ENCODING", "Upgrade", "Trailer"][..]);
    let name = prop_oneof![
        4 => string_regex("[0-9A-Za-z-]{1,36}").unwrap(),
        2 => string_regex("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,36}").unwrap(),
        2 => known.prop_map(str::to_owned),
        1 => select(&[" folded", "\t", "", "no colon"][..]).prop_map(str::to_owned),
    ];
    let colon = prop_oneof![12 => Just(":"), 1 => Just(" :"), 1 => Just("")];
    let space = || prop_oneof![4 => Just(" "), 2 => Just(""), 1 => Just("\t "), 1 => Just("  ")];
    let text = vec(prop_oneof![8 => 0x21..0x7f_u8, 1 => Just(b' '), 1 => Just(b'\t'), 1 => 0x80..=0xff_u8], 0..40);
    let value =
        prop_oneof![4 => text, 1 => select(&["3", "close", "chunked"][..]).prop_map(|value| value.as_bytes().to_vec())];
    (name, colon, space(), value, space()).prop_map(|(name, colon, before, value, behind)| {
        [name.as_bytes(), colon.as_bytes(), before.as_bytes(), &value, behind.as_bytes()].concat()
    })
}

fn ended(line: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![30 => Just("\r\n"), 1 => select(&["\n", "\r", "\r\r\n", ""][..])];
    (line, end).prop_map(|(line, end)| [&line, end.as_bytes()].concat())
}

/// The lines of a section, the status line and the empty line among them.
fn lines(place: Place) -> impl Strategy<Value = Vec<Vec<u8>>> {
    (ended(status_line()), vec(ended(field_line()), 0..6)).prop_map(move |(status, fields)| {
        let status = (place == Place::Head).then_some(status);
        status.into_iter().chain(fields).chain([b"\r\n".to_vec()]).collect()
    })
}

fn near() -> impl Strategy<Value = Near> {
    let bound = select(&[Bound::Line, Bound::Lines, Bound::Room, Bound::Total][..]);
    (bound, any::<Index>(), -3..4_i64).prop_map(|(bound, line, off)| Near { bound, line, off })
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn the_quick_way_finds_what_the_slow_one_does(
        config in input::settings(),
        (place, lines) in prop_oneof![3 => Just(Place::Head), 1 => Just(Place::Trailers)]
            .prop_flat_map(|place| (Just(place), lines(place))),
        bounds in vec(near(), 0..3),
        edits in prop_oneof![2 => Just(Vec::new()), 1 => vec(input::edit(), 1..3)],
        cuts in vec(any::<Index>(), 4),
    ) {
        let mut config = config;
        for near in bounds {
            near.set(&mut config, place, &lines);
        }
        let before = match place {
            Place::Head => "",
            Place::Trailers => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        };
        let mut section = lines.concat();
        for edit in edits {
            edit.make(&mut section);
        }
        let stream = [before.as_bytes(), &section].concat();
        let requests = [Request::get("/", "a").unwrap()];
        let bytes: Vec<_> = stream.chunks(1).collect();
        let slow = observe(config, &requests, &bytes, End::InOrder, false);
        prop_assert_eq!(&observe(config, &requests, &[&stream], End::InOrder, false), &slow);
        for cut in cuts {
            // The slow way up to here, and the quick one from here on; and both the other way around.
            let (front, back) = stream.split_at(cut.index(stream.len() + 1));
            let front_slow: Vec<_> = front.chunks(1).chain([back]).collect();
            let back_slow: Vec<_> = [front].into_iter().chain(back.chunks(1)).collect();
            prop_assert_eq!(&observe(config, &requests, &front_slow, End::InOrder, false), &slow);
            prop_assert_eq!(&observe(config, &requests, &back_slow, End::InOrder, false), &slow);
        }
    }
}
