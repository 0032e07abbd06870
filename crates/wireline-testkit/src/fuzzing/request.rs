//! Requests as a caller may ask for them, right or wrong.

use wireline_proto::{Config, Connection, Fields, Framing, Request, Version};

/// Reads a request as a strict server would: method, target, version and fields, or nothing (RFC 9112 section 2.1).
#[must_use]
pub fn read_request(wire: &[u8]) -> Option<(&[u8], &[u8], Version, Fields)> {
    let line = wire.windows(2).position(|end| end == b"\r\n")?;
    let mut words = wire[..line].split(|&byte| byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let version = match version {
        b"HTTP/1.1" => Version::HTTP_11,
        b"HTTP/1.0" => Version::HTTP_10,
        _ => return None,
    };
    let section = &wire[line + 2..];
    // One empty line, and nothing behind it.
    let ends = section == b"\r\n" || section.windows(4).position(|end| end == b"\r\n\r\n")? + 4 == section.len();
    (ends && words.next().is_none()).then_some((method, target, version, Fields::parse(section).ok()?))
}

/// Building a request: what is let in is what a strict server finds, and nothing else; and the connection sends exactly
/// that.
///
/// The input is a line for the method, one for the target, one of letters for what else is asked of the builder, and one
/// for each field, its name up to the first colon. VT stands for LF, which could not be told from the end of a line.
///
/// # Panics
/// When it does not hold.
pub fn request(input: &[u8]) {
    let mut lines = input.split(|&byte| byte == b'\n').map(|line| {
        let byte = |&byte: &u8| if byte == 0x0b { b'\n' } else { byte };
        line.iter().map(byte).collect::<Vec<_>>()
    });
    let mut next = || lines.next().unwrap_or_default();
    let (method, target, asked) = (next(), next(), next());
    let mut builder = Request::builder(&method[..], &target);
    for letter in &asked {
        builder = match letter {
            b'0' => builder.version(Version::HTTP_10),
            b'c' => builder.chunked(),
            b'e' => builder.expect_continue(),
            b'h' => builder.host("a"),
            b'i' => builder.idempotent(true),
            b'l' => builder.content_length(5),
            b'x' => builder.close(),
            _ => builder,
        };
    }
    let mut given = Vec::new();
    for line in lines {
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (line[..colon].to_vec(), line[colon + 1..].to_vec()),
            None => (line, Vec::new()),
        };
        builder = builder.field(&name, &value);
        given.push((name, value));
    }
    let Ok(request) = builder.build() else { return };
    let found = read_request(request.as_bytes()).expect("a strict server reads it");
    assert_eq!((found.0, found.1, found.2), (&method[..], &target[..], request.version()));
    assert!(found.3.iter().eq(request.fields().iter()), "the fields that it says are the fields that it sends");
    let ours = asked.iter().filter(|letter| b"cehlx".contains(letter)).count();
    assert!(found.3.len() <= given.len() + ours, "a field that nobody asked for");
    for (name, value) in &given {
        let is_given =
            |field: wireline_proto::Field<'_>| field.name().as_bytes() == &name[..] && field.value() == trimmed(value);
        assert!(found.3.iter().any(is_given), "{:?} is not sent", name.escape_ascii().to_string());
    }
    let mut connection = Connection::new(Config::default());
    assert!(connection.send_request(&request).is_ok(), "a request that exists can be sent");
    assert_eq!(connection.transmit(), request.as_bytes());
    // Of no bytes nothing is due but that their end is said.
    let due = if request.framing() == Framing::Length(0) { connection.content_due() } else { request.framing() };
    assert_eq!(connection.content_due(), due);
}

/// Without the white space of RFC 9110 section 5.5 around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value.iter().rposition(is_text).map_or(start, |last| last + 1);
    &value[start..end]
}
