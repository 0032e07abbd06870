use wireline_proto::{Fields, Misuse, Violation};

use super::bytes::{lines, unescape, wire};
use super::*;

fn parse(text: &str) -> Result<Vec<Case>, String> {
    Case::parse(Path::new("f.md"), text).map_err(|error| error.to_string())
}

/// A case with these blocks and a log.
fn case(blocks: &str) -> Result<Case, String> {
    let mut cases = parse(&format!("# File\n\n## Title  <!-- rfc9112 6.3 -->\n{blocks}\n```log\nx\n```\n"))?;
    Ok(cases.remove(0))
}

fn pieces(blocks: &str) -> Vec<Piece> {
    let case = case(blocks).unwrap();
    case.steps.into_iter().flat_map(|step| if let Step::Send(pieces) = step { pieces } else { Vec::new() }).collect()
}

#[test]
fn a_file_holds_cases_with_their_citations() {
    let text = "# Length\nProse.\n\n## One  <!-- rfc9112 6.3, C.2.2, rfc9110 8.6; L1 L2 -->\n```recv\nab\n```\n\
                ```recv\nc\\\n```\n```log\n@0  x\n```\n\n## Two <!-- rfc9110 9 -->\n```close\n```\n```log\ny\n```\n";
    let cases = parse(text).unwrap();
    assert_eq!(cases.len(), 2);
    assert_eq!(cases[0].name(), "f/One");
    assert_eq!(cases[0].line, 4);
    assert_eq!(cases[0].sections, ["rfc9112 6.3", "rfc9112 C.2.2", "rfc9110 8.6"]);
    assert_eq!(cases[0].requirements, ["L1", "L2"]);
    assert_eq!(cases[0].received(), b"ab\r\nc");
    assert_eq!(cases[0].steps.len(), 1, "what comes in a row is one stream");
    assert_eq!(cases[0].expected.lines().collect::<Vec<_>>(), ["@0 x"]);
    assert!(cases[1].requirements.is_empty());
}

#[test]
fn escapes_stand_for_bytes() {
    assert_eq!(unescape(r#"a\n\r\t\0\x7f\\\"ü"#).unwrap(), b"a\n\r\t\0\x7f\\\"\xc3\xbc");
    assert_eq!(unescape(r"\(ab\r*3)c").unwrap(), b"ab\rab\rab\rc");
    assert_eq!(unescape(r"\(\(a*2)\)**2)").unwrap(), b"aa)*aa)*");
    for wrong in [r"\q", r"\x1", r"\xgg", r"\(a*2", r"\(a)", r"\(a*b)", r"\(a*99999999999)"] {
        assert!(unescape(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn lines_end_in_crlf_unless_a_backslash_says_otherwise() {
    let of = |block: &[&str]| wire(&lines(block, true).unwrap());
    assert_eq!(of(&["a", "", "b\\", "c\\\\"]), b"a\r\n\r\nbc\\\r\n");
    assert_eq!(of(&["a  ; comment", "b ;no comment"]), b"a\r\nb ;no comment\r\n");
    assert_eq!(wire(&lines(&["5  ; x"], false).unwrap()), b"5  ; x\r\n");
}

#[test]
fn requests_are_cut_from_their_content() {
    let pieces = pieces(
        "```send\nPUT / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc\\\nPUT / HTTP/1.1\nHost: a\n\
         Transfer-Encoding: chunked\n\n2\nde\n0\nX: 1\n\nGET / HTTP/1.1\nHost: a\n\n```\n",
    );
    let [Piece::Request { wire, .. }, Piece::Content { bytes: first, .. }, Piece::Finish { .. }, rest @ ..] =
        &pieces[..]
    else {
        panic!("{pieces:?}")
    };
    assert_eq!(wire, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(first, b"abc");
    let [
        Piece::Request { .. },
        Piece::Content { bytes, wire },
        Piece::Finish { trailers, wire: last },
        Piece::Request { .. },
    ] = rest
    else {
        panic!("{rest:?}")
    };
    assert_eq!((&bytes[..], &wire[..]), (&b"de"[..], &b"2\r\nde\r\n"[..]));
    assert_eq!((trailers.get("x"), &last[..]), (Some(&b"1"[..]), &b"0\r\nX: 1\r\n\r\n"[..]));
}

#[test]
fn content_may_stand_in_a_block_of_its_own_and_be_too_long() {
    let head = "```send\nPUT / HTTP/1.1\nHost: a\nContent-Length: 3\n\n```\n";
    let later = pieces(&format!("{head}```send\na\\\n```\n```send\nbc\\\n```\n"));
    assert!(matches!(&later[1..], [Piece::Content { bytes, .. }, _, Piece::Finish { .. }] if bytes == b"a"));
    let excess = pieces(&format!("{head}```send\nabcd\\\n```\n"));
    assert!(matches!(&excess[1..], [Piece::Content { bytes, .. }] if bytes == b"abcd"));
    let commanded = case(&format!("{head}```do\ncontent \"ab\"\n```\n```send\ncd\\\n```\n"));
    assert!(commanded.is_ok());
    let finished = case(&format!("{head}```do\ncontent \"abc\"\nfinish\n```\n```send\ncd\\\n```\n"));
    assert!(finished.unwrap_err().contains("neither a request nor content"));
}

#[test]
fn commands_have_their_refusals() {
    let case = case(
        "```do\ntransmit 10\ntransmit all\nhold\nfinish -> misuse content-short\nfinish \"X: 1\\r\\nY: 2\"\n\
         into-switched -> refused\nframe 5\n```\n",
    )
    .unwrap();
    let [Step::Do(commands)] = &case.steps[..] else { panic!("{:?}", case.steps) };
    let plain = |command| Do { command, refusal: None };
    let trailers = Fields::parse(b"X: 1\r\nY: 2\r\n").unwrap();
    assert_eq!(
        commands,
        &[
            plain(Command::Transmit(Some(10))),
            plain(Command::Transmit(None)),
            plain(Command::Hold),
            Do { command: Command::Finish(Fields::new()), refusal: Some("content-short".into()) },
            plain(Command::Finish(trailers)),
            Do { command: Command::IntoSwitched, refusal: Some(String::new()) },
            plain(Command::Frame(5)),
        ]
    );
    assert!(Misuse::NAMES.contains(&"content-short") && Violation::ALL.len() > 1);
}

#[test]
fn refused_requests_are_read_by_lines_of_the_source() {
    let refusal = |text: &str| {
        let case = case(&format!("```refused\n{text}\n\n```\n")).unwrap();
        let [Step::Refused(Err(invalid))] = &case.steps[..] else { panic!("{:?}", case.steps) };
        assert!(case.is_about_building());
        invalid.name()
    };
    assert_eq!(refusal("GET / HTTP/1.1"), "host-missing");
    assert_eq!(refusal("GET /a b HTTP/1.1\nHost: a"), "target");
    assert_eq!(refusal("GET / HTTP/2.0\nHost: a"), "version");
    assert_eq!(refusal("GET /\nHost: a"), "version");
    assert_eq!(refusal(r"G\xe9T / HTTP/1.1"), "method");
    assert_eq!(refusal("GET / HTTP/1.1\nHost: a\nX: a\\r\\nb: c"), "field-value");
    assert_eq!(refusal("GET / HTTP/1.1\nHost: a\nX : a"), "field-name");
}

#[test]
fn settings_reach_the_configuration() {
    let case = case("```config\npreset browser\nleniency http09\nlimit head 77\nrefuse_obs_fold\nshow fields\n```\n");
    let case = case.unwrap();
    assert!(case.config.leniency.http09 && case.config.leniency.te_with_cl && case.config.refuse_obs_fold);
    assert_eq!(case.config.limits.head, 77);
    assert!(case.show_fields && !case.config.pipeline_any_method);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (blocks, message) in [
        ("```recv\nab\\q\nc\n```", "f.md:5: a backslash"),
        ("```recv\nab", "f.md:4: this block has no end"),
        ("```sent\n```", "f.md:4: there is no block `sent`"),
        ("```recv x\n```", "f.md:4: `recv` takes no argument"),
        ("```close\nx\n```", "f.md:4: this block is empty"),
        ("```config\nlimit nothing 1\n```", "f.md:5: there is no limit `nothing`"),
        ("```recv\n```\n```config\n```", "f.md:6: the configuration comes first"),
        ("```do\n\nfly\n```", "f.md:6: `fly` is no command"),
        ("```do\nfinish -> misuse nothing\n```", "f.md:5: `misuse nothing` is neither"),
        ("```do\ncontent abc\n```", "f.md:5: `abc` is not quoted"),
        ("```send\nGET / HTTP/1.1\n\n```", "f.md:4: this request cannot be built: host-missing"),
        ("```send\nGET / HTTP/1.1\nHost: a\n```", "f.md:4: this request has no empty line"),
        ("```refused\nGET / HTTP/1.1\n```", "f.md:4: a request ends with its one empty line"),
        ("```log\nx\n```", "f.md:7: the log is the last block"),
    ] {
        let error = case(blocks).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
    assert_eq!(parse("# nothing\n").unwrap_err(), "f.md:0: there is no case in this file");
    assert!(parse("## Title\n").unwrap_err().starts_with("f.md:1: a title cites its section"));
    assert!(parse("## Title <!-- 6.3 -->\n").unwrap_err().starts_with("f.md:1: `6.3` is not"));
    assert!(parse("## Title <!-- rfc9112 6.3 -->\n").unwrap_err().ends_with("this case has no log"));
}
