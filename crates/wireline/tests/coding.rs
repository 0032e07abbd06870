//! Content codings: taken off as asked, whole or not at all, and never into more than there is room for.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::io::{self, BufRead, Read, Write};

use flate2::Compression;
use wireline::{Bring, Connection, Error, ErrorKind, Expansion, Request};
use wireline_testkit::pattern;

/// A peer that has answered already, some bytes at a read.
struct Canned {
    answer: io::Cursor<Vec<u8>>,
    step: usize,
    /// Every other read has nothing yet.
    is_reluctant: bool,
    is_asked: bool,
}

impl Read for Canned {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_asked = !self.is_asked;
        if self.is_reluctant && self.is_asked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = into.len().min(self.step);
        self.answer.read(&mut into[..len])
    }
}

impl Write for Canned {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Canneds = Connection<Bring<Canned>>;

/// A connection whose peer answers with this content, in chunks of `step` bytes, which also come one by one.
fn peer(fields: &str, content: &[u8], step: usize) -> Canneds {
    let mut answer = format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in content.chunks(step) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    raw(answer, step)
}

fn raw(answer: Vec<u8>, step: usize) -> Canneds {
    Connection::over(Canned { answer: io::Cursor::new(answer), step, is_reluctant: false, is_asked: false })
}

fn get() -> Request {
    Request::get("/", "a").unwrap()
}

fn decoded(codings: &str, content: &[u8], step: usize, expansion: Expansion) -> Result<Vec<u8>, Error> {
    let mut connection = peer(&format!("Content-Encoding: {codings}\r\n"), content, step);
    let mut response = connection.send(&get(), ()).unwrap();
    response.decoded_within(expansion)?.bytes()
}

/// As much as anybody likes.
fn unbounded() -> Expansion {
    let mut expansion = Expansion::default();
    (expansion.bytes, expansion.ratio) = (u64::MAX, u64::MAX);
    expansion
}

type Encode = fn(&[u8]) -> Vec<u8>;

/// The codings, and the formats that one of them has.
const CODINGS: &[(&str, Encode)] = &[
    ("gzip", gzip),
    ("x-gzip", gzip_with_everything),
    ("deflate", zlib),
    ("deflate", bare_deflate),
    ("br", br),
    ("zstd", zstd),
];

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// With every optional part that a header may have.
fn gzip_with_everything(content: &[u8]) -> Vec<u8> {
    let plain = gzip(content);
    let mut all = vec![0x1F, 0x8B, 8, 0b1_1111, 1, 2, 3, 4, 0, 3, 2, 0, b'a', b'b'];
    all.extend_from_slice(b"name\0comment\0");
    let mut crc = flate2::Crc::new();
    crc.update(&all);
    all.extend_from_slice(&crc.sum().to_le_bytes()[..2]);
    all.extend_from_slice(&plain[10..]);
    all
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bare_deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn br(content: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    encoder.write_all(content).unwrap();
    encoder.into_inner()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

// conformance: I15
#[test]
fn each_coding_is_taken_off() {
    for (coding, encode) in CODINGS {
        for len in [0, 1, 64, 1_000, 300_000] {
            let content = pattern(len);
            for step in [1, 7, 100_000] {
                let found = decoded(coding, &encode(&content), step, unbounded()).unwrap();
                assert!(found == content, "{coding} {len} {step}");
            }
        }
    }
}

#[test]
fn each_way_to_read_gives_the_same() {
    let content = pattern(100_000);
    for (coding, encode) in CODINGS {
        let fields = format!("Content-Encoding: {}\r\n", coding.to_uppercase());
        let encoded = encode(&content);
        let mut connection = peer(&fields, &encoded, 1_000);
        let mut response = connection.send(&get(), ()).unwrap();
        let mut reader = response.decoded().unwrap();
        let mut lines = Vec::new();
        while reader.read_until(b'\n', &mut lines).unwrap() > 0 && lines.len() < 10_000 {}
        let mut bytes = [0; 3];
        reader.read_exact(&mut bytes).unwrap();
        let mut all = [&lines[..], &bytes].concat();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == content, "{coding}");
        assert_eq!(reader.read(&mut bytes).unwrap(), 0);
        drop(reader);
        assert!(response.is_complete());
        assert_eq!(response.content_read(), encoded.len() as u64);
    }
}

#[test]
fn nothing_is_lost_where_nothing_waits() {
    let content = pattern(2_000);
    for (coding, encode) in CODINGS {
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n").into_bytes();
        let step = answer.len();
        answer.extend_from_slice(&encode(&content));
        // The head is there at the first read.
        let answer = io::Cursor::new(answer);
        let mut connection = Connection::over(Canned { answer, step, is_reluctant: true, is_asked: true });
        let mut response = connection.send(&get(), ()).unwrap();
        let mut reader = response.decoded().unwrap();
        let mut found = Vec::new();
        let mut waits = 0;
        loop {
            let mut piece = [0; 100];
            match reader.read_content(&mut piece) {
                Ok(0) => break,
                Ok(len) => found.extend_from_slice(&piece[..len]),
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::WouldBlock(_)), "{error}");
                    waits += 1;
                }
            }
        }
        assert!(waits > 1, "{coding}");
        assert_eq!(found, content, "{coding}");
    }
}

#[test]
fn what_can_be_decoded_is_given_before_a_wait() {
    let content = pattern(100_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&content).unwrap();
    gzip.flush().unwrap();
    let mut br = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    br.write_all(&content).unwrap();
    br.flush().unwrap();
    for (coding, begun) in [("gzip", gzip.get_ref()), ("br", br.get_ref())] {
        let fields = format!("Content-Encoding: {coding}\r\nContent-Length: {}", begun.len() + 1);
        let mut answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").into_bytes();
        answer.extend_from_slice(begun);
        // The byte that is missing: nobody knows yet that it does not come.
        let mut connection = raw(answer, 10_000);
        let mut response = connection.send(&get(), ()).unwrap();
        let error = response.decoded().unwrap().bytes().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{coding}: {error}");
        assert!(error.partial() == content, "{coding}: {} bytes", error.partial().len());
    }
}

#[test]
fn several_codings_are_taken_off_in_order() {
    let content = pattern(10_000);
    for (outer, encode_outer) in CODINGS {
        for (inner, encode_inner) in CODINGS {
            let encoded = encode_outer(&encode_inner(&content));
            let found = decoded(&format!("{inner}, identity,, {outer}"), &encoded, 50, unbounded()).unwrap();
            assert!(found == content, "{inner}, {outer}");
            // On lines of their own.
            let fields = format!("Content-Encoding: {inner}\r\nContent-Encoding: {outer}\r\n");
            let mut connection = peer(&fields, &encoded, 5_000);
            let mut response = connection.send(&get(), ()).unwrap();
            assert!(response.decoded().unwrap().bytes().unwrap() == content, "{inner}, {outer}");
        }
    }
}

#[test]
fn content_in_no_coding_is_what_came() {
    let content = pattern(100_000);
    for fields in ["", "Content-Encoding: identity\r\n", "Content-Encoding: ,\r\n"] {
        let mut connection = peer(fields, &content, 5_000);
        let mut response = connection.send(&get(), ()).unwrap();
        assert!(response.decoded().unwrap().bytes().unwrap() == content);
    }
    // Content that is in a coding is left alone unless that is asked for.
    let encoded = gzip(&content);
    let mut connection = peer("Content-Encoding: gzip\r\n", &encoded, 5_000);
    assert_eq!(connection.send(&get(), ()).unwrap().bytes().unwrap(), encoded);
    // And no content is in no coding.
    let mut connection = raw(b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n".to_vec(), 100);
    assert_eq!(connection.send(&get(), ()).unwrap().decoded().unwrap().bytes().unwrap(), b"");
}

#[test]
fn a_coding_that_is_not_known_is_named_and_nothing_is_read() {
    for (codings, why) in [
        ("gzip, Foo", "cannot decode the content: the coding Foo is not known here"),
        ("compress", "cannot decode the content: the coding compress is not known here"),
        ("gzip,gzip,gzip,gzip,gzip,gzip", "cannot decode the content: more than 5 codings"),
    ] {
        let mut connection = peer(&format!("Content-Encoding: {codings}\r\n"), b"abc", 9);
        let mut response = connection.send(&get(), ()).unwrap();
        let error = response.decoded().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Coding, why));
        assert_eq!(response.bytes().unwrap(), b"abc");
    }
}

#[test]
fn content_that_ends_before_its_coding_is_an_error_at_each_byte() {
    let content = pattern(200);
    for (coding, encode) in CODINGS {
        let encoded = encode(&content);
        for cut in 1..encoded.len() {
            let error = decoded(coding, &encoded[..cut], 1_000, unbounded()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Coding, "{coding} {cut}");
            assert!(content.starts_with(error.partial()), "{coding} {cut}");
            assert!(error.to_string().ends_with("the content ends before its coding does"), "{coding} {cut}: {error}");
        }
        let both = gzip(&encoded);
        for cut in 1..both.len() {
            let error = decoded(&format!("{coding}, gzip"), &both[..cut], 1_000, unbounded()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Coding, "{coding}, gzip {cut}");
        }
        // Inside of a coding that is whole.
        let error = decoded(&format!("{coding}, gzip"), &gzip(&encoded[..9]), 1_000, unbounded()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Coding, "{coding}, gzip");
    }
}

#[test]
fn a_connection_that_is_lost_is_no_matter_of_coding() {
    let content = pattern(100_000);
    for (coding, encode) in CODINGS {
        let encoded = encode(&content);
        let length = encoded.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n");
        let mut answer = head.into_bytes();
        answer.extend_from_slice(&encoded[..length - 1]);
        let mut connection = raw(answer, 10_000);
        let mut response = connection.send(&get(), ()).unwrap();
        let error = response.decoded().unwrap().bytes().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{coding}");
        assert!(content.starts_with(error.partial()));
        assert!(!error.partial().is_empty() || *coding == "zstd", "{coding}");
    }
}

#[test]
fn what_stands_behind_the_coding_is_an_error() {
    let content = pattern(200);
    for (coding, encode) in CODINGS {
        for step in [1, 1_000] {
            let mut encoded = encode(&content);
            encoded.extend_from_slice(b"?");
            let error = decoded(coding, &encoded, step, unbounded()).unwrap_err();
            assert_eq!((error.kind(), error.partial()), (ErrorKind::Coding, &content[..]), "{coding}");
        }
    }
    let error = decoded("br", &[br(b"a"), br(b"b")].concat(), 99, unbounded()).unwrap_err();
    assert!(error.to_string().ends_with("the content goes on behind the end of its coding"), "{error}");
    // RFC 1952 section 2.2 and RFC 8878 section 3: members and frames may follow each other.
    for (coding, encode) in [("gzip", gzip as Encode), ("zstd", zstd)] {
        let skipped =
            if coding == "zstd" { &b"\x50\x2A\x4D\x18\x03\0\0\0abc\x5F\x2A\x4D\x18\0\0\0\0"[..] } else { b"" };
        let encoded = [&encode(b"one "), skipped, &encode(b""), &encode(b"two"), skipped].concat();
        for step in [1, 1_000] {
            assert_eq!(decoded(coding, &encoded, step, unbounded()).unwrap(), b"one two", "{coding}");
        }
    }
}

#[test]
fn whatever_is_damaged_never_passes_a_checksum() {
    let content = pattern(300);
    for (coding, encode) in CODINGS {
        let encoded = encode(&content);
        let has_checksum = *coding != "br" && encode(b"") != bare_deflate(b"");
        for at in 0..encoded.len() {
            for bit in 0..8 {
                let mut damaged = encoded.clone();
                damaged[at] ^= 1 << bit;
                match decoded(coding, &damaged, 1_000, Expansion::default()) {
                    Ok(found) => assert!(!has_checksum || found == content, "{coding} {at} {bit}"),
                    Err(error) => {
                        let kind = error.kind();
                        assert!(matches!(kind, ErrorKind::Coding | ErrorKind::Expansion { .. }), "{coding} {kind}");
                    }
                }
            }
        }
    }
}

/// A frame of blocks that each stand for 128 KiB, in four bytes.
fn zstd_bomb(blocks: usize) -> Vec<u8> {
    let mut frame = b"\x28\xB5\x2F\xFD\x00\x38".to_vec();
    for at in 1..=blocks {
        let header: u32 = (128 << 10) << 3 | 1 << 1 | u32::from(at == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn bombs_are_defused() {
    const SIZE: usize = 24 << 20;
    let zeros = vec![0; SIZE];
    let double = gzip(&gzip(&zeros));
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("br", br(&zeros)),
        ("zstd", zstd_bomb(SIZE / (128 << 10))),
        ("gzip, gzip", double),
    ];
    for (coding, bomb) in &bombs {
        assert!(bomb.len() < 100_000, "{coding}: {} bytes", bomb.len());
        let error = decoded(coding, bomb, 10_000, Expansion::default()).unwrap_err();
        let ErrorKind::Expansion { bound } = error.kind() else { panic!("{coding}: {error}") };
        assert!(bound >= 1 << 20 && bound <= 200 * bomb.len().max(6_000) as u64, "{coding}: {bound}");
        assert!(error.partial().len() as u64 <= bound, "{coding}");
        // By its absolute bound, at which it still passes.
        let mut expansion = unbounded();
        expansion.bytes = SIZE as u64 - 1;
        let error = decoded(coding, bomb, 10_000, expansion).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expansion { bound: SIZE as u64 - 1 }, "{coding}");
        expansion.bytes = SIZE as u64;
        // However much it is, memory is taken for a window of it.
        let mut connection = peer(&format!("Content-Encoding: {coding}\r\n"), bomb, 10_000);
        let memory = allocation_counter::measure(|| {
            let mut response = connection.send(&get(), ()).unwrap();
            let mut reader = response.decoded_within(expansion).unwrap();
            let mut total = 0;
            loop {
                let len = reader.fill_content().unwrap().len();
                if len == 0 {
                    break;
                }
                total += len;
                reader.consume_content(len);
            }
            assert_eq!(total, SIZE, "{coding}");
        });
        assert!(memory.bytes_max < 18 << 20, "{coding}: {} bytes of memory", memory.bytes_max);
    }
}

#[test]
fn little_content_may_be_much_more() {
    let zeros = vec![0; 1 << 20];
    for (coding, encode) in CODINGS {
        assert!(decoded(coding, &encode(&zeros), 10_000, Expansion::default()).unwrap() == zeros, "{coding}");
    }
}

#[test]
fn a_failure_stays() {
    let mut connection = peer("Content-Encoding: gzip\r\n", b"no gzip at all", 99);
    let mut response = connection.send(&get(), ()).unwrap();
    let mut reader = response.decoded().unwrap();
    for _ in 0..2 {
        let error = reader.fill_content().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Coding, "cannot decode the content: no gzip header")
        );
        let error = Error::from_io(reader.read(&mut [0; 9]).unwrap_err()).unwrap();
        assert_eq!(error.kind(), ErrorKind::Coding);
    }
}

/// A block of 64 KB whose sequences stand for 4 GiB, behind one that they repeat.
fn zstd_block_bomb() -> Vec<u8> {
    const SEQUENCES: usize = 0x7F00;
    // No literals; so many sequences, each of no literals, an old offset and the longest match.
    let mut block = vec![0, 0xFF, 0, 0, 0x54, 0, 0, 52];
    block.resize(block.len() + 2 * SEQUENCES, 0xFF);
    block.push(1);
    let header =
        |length: usize, kind: u32, last: u32| (u32::try_from(length).unwrap() << 3 | kind << 1 | last).to_le_bytes();
    [&b"\x28\xB5\x2F\xFD\x00\x38"[..], &header(8, 0, 0)[..3], b"abcdefgh", &header(block.len(), 2, 1)[..3], &block]
        .concat()
}

#[test]
fn a_block_is_no_longer_than_it_may_be() {
    let bomb = zstd_block_bomb();
    let memory = allocation_counter::measure(|| {
        let error = decoded("zstd", &bomb, 10_000, Expansion::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Coding);
    });
    assert!(memory.bytes_max < 18 << 20, "{} bytes of memory", memory.bytes_max);
}

#[test]
fn zstd_that_wants_too_much_is_refused() {
    for (frame, why) in [
        // A window of 9 MiB, one of 16 TiB, and content of 8 MiB and a byte in a segment of its own.
        (&b"\x28\xB5\x2F\xFD\x00\x69\x01\0\0"[..], "a window of more than 8 MiB"),
        (b"\x28\xB5\x2F\xFD\x00\xF8\x01\0\0", "a window of more than 8 MiB"),
        (b"\x28\xB5\x2F\xFD\xA0\x01\0\x80\0\x01\0\0", "a window of more than 8 MiB"),
        (b"\x28\xB5\x2F\xFD\x01\x38\x07\x01\0\0", "needs a dictionary"),
        // A block of 128 KiB and one byte.
        (b"\x28\xB5\x2F\xFD\x00\x38\x0A\0\x10\0", "broken zstd"),
    ] {
        let error = decoded("zstd", frame, 99, unbounded()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Coding);
        assert!(error.to_string().ends_with(why), "{error}");
    }
    // A window of 8 MiB is right.
    assert_eq!(decoded("zstd", b"\x28\xB5\x2F\xFD\x00\x68\x09\0\0a", 99, unbounded()).unwrap(), b"a");
}

#[test]
fn decoded_content_is_text_in_its_charset() {
    let fields = "Content-Encoding: gzip\r\nContent-Type: text/plain; charset=latin1\r\n";
    let mut connection = peer(fields, &gzip(b"\xE9"), 99);
    let mut response = connection.send(&get(), ()).unwrap();
    assert_eq!(response.decoded().unwrap().text_in_charset().unwrap(), "\u{E9}");
}
