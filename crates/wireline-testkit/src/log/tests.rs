use wireline_proto::{CloseReason, Fields};

use super::*;

fn log(lines: &[&str]) -> Log {
    Log::parse(&lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_recorder_writes_what_a_case_would_say() {
    let fields = Fields::parse(b"A: 1\r\nb:\r\n").unwrap();
    let mut recorder = Recorder::new(true);
    recorder.interim(Some(0), 0, StatusCode::CONTINUE, Fields::new().as_ref());
    recorder.response(Some(25), 0, (Version::HTTP_10, StatusCode::OK), fields.as_ref(), Framing::Length(3));
    recorder.content(Some(60), b"a\"");
    recorder.content(Some(62), b"\xff");
    recorder.end(Some(63), Fields::new().as_ref());
    recorder.note("anything");
    recorder.verdict(Reuse::Never(CloseReason::Http10), []);
    let expected = log(&[
        "@0  interim 0: 100, 0 field lines",
        "@25 response 0: 200, 2 field lines, length 3, HTTP/1.0",
        "    A: 1",
        "    b:",
        "@60   content \"a\\\"\\xff\"",
        "@63 end 0",
        "anything",
        "reuse: never, HTTP/1.0 without keep-alive  unanswered: none",
    ]);
    assert_eq!(recorder.finish(), expected);
}

/// No value of a peer ends with a space, and a test would not see it if one did.
#[test]
fn a_space_at_the_end_of_a_value_is_seen() {
    assert_eq!((shown(b"b c").as_str(), shown(b"b ").as_str(), shown(b" ").as_str()), ("b c", "b\\x20", "\\x20"));
}

#[test]
fn long_content_is_digested() {
    let mut recorder = Recorder::new(false);
    for _ in 0..10 {
        recorder.content(Some(0), b"0123456789");
    }
    assert_eq!(recorder.finish(), log(&["@0 content 100 bytes, sha256 9cfe7faf"]));
    let mut recorder = Recorder::new(false);
    recorder.content(None, &[b'a'; 64]);
    assert_eq!(recorder.finish().to_string(), format!("content \"{}\"\n", "a".repeat(64)));
}

#[test]
fn offsets_can_be_left_out() {
    let log = log(&["@12 end 0", "misuse closed"]);
    assert_eq!(log.without_offsets().lines().collect::<Vec<_>>(), ["end 0", "misuse closed"]);
    assert_eq!(log.only(|line| line.starts_with('@')).lines().count(), 1);
}

#[test]
fn the_fault_is_the_line_of_the_error() {
    assert_eq!(log(&["@0 end 0", "@7  error 1: violation bare-lf"]).fault(), Some("@7 error 1: violation bare-lf"));
    assert_eq!(log(&["@0 content \"an error here\"", "misuse closed"]).fault(), None);
}
