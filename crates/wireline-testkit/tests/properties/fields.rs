//! Field sections and requests are their bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::string::string_regex;
use wireline_proto::{Config, Connection, Event, Fields, Request, Version};
use wireline_testkit::fuzzing::read_request;

/// A section of fields whose names begin like this.
pub(crate) fn section(prefix: &'static str) -> impl Strategy<Value = Fields> {
    vec((name(), value()), 0..6).prop_map(move |lines| {
        let mut fields = Fields::new();
        for (name, value) in lines {
            fields.append(format!("{prefix}{name}"), value).unwrap();
        }
        fields
    })
}

fn name() -> impl Strategy<Value = String> {
    string_regex("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}").unwrap()
}

/// HTAB, and everything from SP on but DEL.
fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8, Just(b' ')], 0..20)
}

/// Bytes of which many must not stand where they are put.
fn wild() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![6 => 0x21..0x7f_u8, 1 => proptest::sample::select(&b"\r\n \t\0:#@/\x7f\x80"[..])];
    vec(byte, 0..8)
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn fields_round_trip_byte_for_byte(fields in section("")) {
        let again = Fields::parse(fields.as_bytes()).unwrap();
        prop_assert_eq!(again.as_bytes(), fields.as_bytes());
        prop_assert!(again.iter().eq(fields.iter()));
        let mut lines = Fields::new();
        for field in fields.iter() {
            lines.append(field.name(), field.value()).unwrap();
        }
        prop_assert!(lines.iter().eq(fields.iter()));
        prop_assert_eq!(fields.len(), lines.len());
    }

    #[test]
    fn fields_arrive_as_they_were_sent(fields in section("x-")) {
        let mut connection = Connection::new(Config::default());
        connection.send_request(&Request::get("/", "a").unwrap()).unwrap();
        connection.transmitted(connection.transmit().len());
        let wire = [b"HTTP/1.1 204 \r\n", fields.as_bytes(), b"\r\n"].concat();
        connection.receive_space()[..wire.len()].copy_from_slice(&wire);
        connection.received(wire.len());
        prop_assert_eq!(connection.advance(), Ok(true));
        let Event::Response(head) = connection.event() else { panic!("{:?}", connection.event()) };
        prop_assert_eq!(head.fields().as_bytes(), fields.as_bytes());
        prop_assert!(head.fields().iter().eq(fields.iter()));
        prop_assert_eq!(head.as_bytes(), &wire[..]);
    }

    // conformance: S15
    /// Whatever is let into a request, a strict server finds exactly that in it.
    #[test]
    fn a_request_that_exists_is_read_as_what_it_is(
        method in prop_oneof![Just(b"GET".to_vec()), Just(b"CONNECT".to_vec()), Just(b"OPTIONS".to_vec()), wild()],
        form in proptest::sample::select(&["/", "*", "http://a/", "http://", "a:", ""][..]),
        target in wild(),
        lines in vec((wild(), wild()), 0..3),
        old in any::<bool>(),
    ) {
        let target = [form.as_bytes(), &target].concat();
        let version = if old { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut builder = Request::builder(&method[..], &target).version(version).field("Host", "a");
        for (name, value) in &lines {
            builder = builder.field(name, value);
        }
        let Ok(request) = builder.build() else { return Ok(()) };
        let (found_method, found_target, found_version, fields) = read_request(request.as_bytes()).expect("it is a request");
        prop_assert_eq!(found_method, &method[..]);
        prop_assert_eq!(found_target, &target[..]);
        prop_assert_eq!(found_version, version);
        prop_assert_eq!(fields.len(), lines.len() + 1);
        for (field, (name, value)) in fields.iter().skip(1).zip(&lines) {
            prop_assert_eq!(field.name().as_bytes(), &name[..]);
            prop_assert_eq!(field.value(), value.trim_ascii());
        }
        prop_assert!(fields.iter().eq(request.fields().iter()));
    }
}
