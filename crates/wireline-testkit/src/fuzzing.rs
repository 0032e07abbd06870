//! What holds for the core whatever comes: checks of any bytes, for a fuzzer, and for the corpora that one has found.
//!
//! Each [`Target`] takes an input apart and panics when something does not hold. The folder `fuzz` has a program for
//! each, `cargo xtask fuzz` runs them, and `tests/corpora.rs` goes through their corpora in each review. Random tests walk
//! the same ways with [`Walk`] and [`observe`].
//!
//! ```
//! for target in wireline_testkit::fuzzing::TARGETS {
//!     (target.check)(b"any bytes");
//! }
//! ```

mod observe;
mod request;
mod script;
mod settings;
mod walk;

use wireline_proto::{Config, Connection, Event, Fields, Request};

pub use observe::{End, observe};
pub use request::{read_request, request};
pub use script::script;
use settings::Choices;
pub use walk::{Step, Walk, memory_bound};

/// Something to fuzz.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name: that of its program and of the folder of its corpus.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub check: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "chunked", check: chunked },
    Target { name: "fields", check: fields },
    Target { name: "request", check: request },
    Target { name: "response", check: response },
    Target { name: "script", check: script },
];

/// Longer inputs find nothing that shorter ones do not, and slow a fuzzer down.
const LONGEST: usize = 4000;

/// Responses to some requests: the same comes out however they are cut, within the bound of memory.
///
/// The first line of the input chooses settings, requests, how the stream ends and where it is cut; the rest is the
/// stream.
///
/// # Panics
/// When it does not hold.
pub fn response(input: &[u8]) {
    if input.len() > LONGEST {
        return;
    }
    let (mut choices, stream) = Choices::split(input);
    let config = choices.config();
    let requests: Vec<_> = (0..1 + choices.number() % 4).map(|_| choices.request()).collect();
    let end = [End::InOrder, End::NotYet, End::Broken][choices.number() % 3];
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in choices.cuts(stream.len()) {
        pieces.push(&stream[start..cut]);
        start = cut;
    }
    pieces.push(&stream[start..]);
    let whole = observe(config, &requests, &[stream], end, false);
    let bytes: Vec<_> = stream.chunks(1).collect();
    for pieces in [pieces, bytes] {
        for by_pass in [false, true] {
            assert_eq!(observe(config, &requests, &pieces, end, by_pass), whole, "by_pass: {by_pass}");
        }
    }
}

/// A chunked message body (RFC 9112 section 7.1), read by the core and by a second reader, which knows nothing else: they
/// find the same content and the same end.
///
/// # Panics
/// When they do not.
pub fn chunked(input: &[u8]) {
    if input.len() > LONGEST {
        return;
    }
    let mut connection = Connection::new(Config::default());
    let request = Request::get("/", "a").expect("a request");
    assert!(connection.send_request(&request).is_ok(), "the first request can be sent");
    connection.transmitted(connection.transmit().len());
    let mut rest = &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", input].concat()[..];
    let mut content = Vec::new();
    let mut ended = false;
    loop {
        match connection.advance() {
            Ok(true) => match connection.event() {
                Event::Content(bytes) => content.extend_from_slice(bytes),
                Event::End(_) => {
                    ended = true;
                    break;
                }
                _ => {}
            },
            Ok(false) if rest.is_empty() => connection.received(0),
            Ok(false) => {
                let space = connection.receive_space();
                let n = space.len().min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                connection.received(n);
                rest = &rest[n..];
            }
            Err(_) => break,
        }
    }
    let (expected, trailers) = read_chunks(input);
    assert_eq!(content.escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert!(!ended || trailers.is_some(), "an end without a last chunk");
    assert!(ended || !trailers.is_some_and(|trailers| trailers.starts_with(b"\r\n")), "a last chunk without an end");
}

/// The content of as many chunks as are right, and what stands behind the last chunk, when there is one.
fn read_chunks(mut bytes: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut content = Vec::new();
    loop {
        let Some(line_end) = bytes.windows(2).position(|end| end == b"\r\n") else { return (content, None) };
        let line = &bytes[..line_end];
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let extension = line[digits..].trim_ascii_start();
        let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        let is_extension = line.len() == digits || extension.first() == Some(&b';');
        let size = line[..digits].iter().try_fold(0_u64, |size, &digit| {
            size.checked_mul(16)?.checked_add(u64::from(char::from(digit).to_digit(16)?))
        });
        let (Some(size), true) = (size, digits > 0 && is_extension && line[digits..].iter().all(is_text)) else {
            return (content, None);
        };
        bytes = &bytes[line_end + 2..];
        if size == 0 {
            return (content, Some(bytes));
        }
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        content.extend_from_slice(&bytes[..here]);
        let Some(rest) = bytes[here..].strip_prefix(b"\r\n") else { return (content, None) };
        bytes = rest;
    }
}

/// A field section (RFC 9112 section 5): what is parsed is its bytes, and a response that has it has these fields.
///
/// # Panics
/// When it does not hold.
pub fn fields(input: &[u8]) {
    if input.len() > LONGEST {
        return;
    }
    let Ok(fields) = Fields::parse(input) else { return };
    let mut appended = Fields::new();
    for field in fields.iter() {
        assert!(appended.append(field.name(), field.value()).is_ok(), "what was parsed can be appended");
    }
    assert!(appended.iter().eq(fields.iter()), "what was appended is what was parsed");
    let again = Fields::parse(fields.as_bytes()).expect("what was parsed can be parsed");
    assert!(again.iter().eq(fields.iter()) && again.as_bytes() == fields.as_bytes(), "fields are their bytes");
    if let Some(field) = fields.iter().next() {
        let (name, others) = (field.name(), |one: &Fields| {
            one.iter().filter(|one| !one.name().eq_ignore_ascii_case(field.name())).count()
        });
        let mut changed = fields.clone();
        assert!(changed.set(name, "v").is_ok() && changed.get_all(name).eq([b"v"]), "{name} is set");
        assert_eq!((others(&changed), changed.len()), (others(&fields), others(&fields) + 1));
        assert_eq!((changed.remove(name), changed.contains(name)), (1, false));
    }
    let mut connection = Connection::new(Config::default());
    let request = Request::get("/", "a").expect("a request");
    assert!(connection.send_request(&request).is_ok(), "the first request can be sent");
    connection.transmitted(connection.transmit().len());
    let wire = [b"HTTP/1.1 204 \r\n", fields.as_bytes(), b"\r\n"].concat();
    for bytes in wire.chunks(1000) {
        connection.receive_space()[..bytes.len()].copy_from_slice(bytes);
        connection.received(bytes.len());
        let Ok(is_there) = connection.advance() else {
            let may_be_wrong = ["Content-Length", "Transfer-Encoding"].iter().any(|name| fields.contains(name));
            assert!(may_be_wrong || fields.len() > 256, "{:?}", connection.error());
            return;
        };
        if is_there {
            let Event::Response(head) = connection.event() else { panic!("{:?}", connection.event()) };
            assert!(head.fields().iter().eq(fields.iter()), "what was parsed is what comes");
            assert_eq!(head.as_bytes(), &wire[..]);
            return;
        }
    }
    panic!("a response that is complete does not come");
}
