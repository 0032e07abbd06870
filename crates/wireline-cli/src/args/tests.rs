use super::*;

fn parse(line: &str) -> Result<Args, Mistake> {
    Args::parse(line.split_whitespace().map(OsString::from))
}

fn usage(line: &str) -> String {
    match parse(line) {
        Err(Mistake::Usage(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_word_in_capitals_before_the_first_url_is_the_method() -> Result<(), Mistake> {
    for (line, method) in [
        ("http://h/", None),
        ("HEAD http://h/", Some("HEAD")),
        ("M-SEARCH http://h/", Some("M-SEARCH")),
        ("X2_Y http://h/", Some("X2_Y")),
        ("-X patch http://h/", Some("patch")),
        ("-XPOST http://h/", Some("POST")),
        ("http://h/ --request=PUT", Some("PUT")),
    ] {
        assert_eq!(parse(line)?.method.as_deref(), method, "{line}");
    }
    assert_eq!(usage("GET"), "a URL is missing");
    assert_eq!(usage(""), "a URL is missing");
    assert_eq!(usage("-X PUT POST http://h/"), "two methods: PUT and POST");
    assert!(matches!(parse("get http://h/"), Err(Mistake::Url(_))));
    assert!(matches!(parse("http://h/ GET"), Err(Mistake::Url(_))));
    Ok(())
}

#[test]
fn flags_stand_anywhere_and_end_at_two_dashes() -> Result<(), Mistake> {
    let args = parse("http://h/1 -iv -o x http://h/2 --max-time=3 -- http://h/3")?;
    assert!(args.include && args.verbose);
    assert_eq!(args.urls.len(), 3);
    assert_eq!(args.outputs, [PathBuf::from("x")]);
    assert!(parse("-- --json").is_err());
    Ok(())
}

#[test]
fn wrong_flags_are_named() {
    assert_eq!(usage("--jsn http://h/"), "there is no flag --jsn");
    assert_eq!(usage("-Z http://h/"), "there is no flag -Z");
    assert!(usage("--json=yes http://h/").contains("--json"));
    assert!(usage("--max-time soon http://h/").starts_with("--max-time: it is not a duration"));
    assert_eq!(usage("http://h/ -o"), "-o: FILE is missing");
}

#[test]
fn contradictions_are_refused() {
    for line in [
        "-d a -T b http://h/",
        "-d - -d @- http://h/",
        "-T - http://h/ http://h/",
        "--raw-request a -d b http://h/",
        "--expect http://h/",
        "--pipeline 2 -d a http://h/",
        "--pipeline 2 http://h/ http://i/",
        "--pipeline 2 http://h/ https://h/",
        "--pipeline 0 http://h/",
        "-o a -o b http://h/",
        "--jobs 0 http://h/",
        "--jobs 2 -d a http://h/",
        "--jobs 2",
        "--urls - -d -",
        "--urls - --raw-request a",
        "--retry safe http://h/",
        "--jobs 2 --attempts 3 http://h/",
        "--jobs 2 --retry often http://h/",
        "--jobs 2 --retry safe --attempts 0 http://h/",
        "--show-credentials http://h/",
        "-k --cacert a http://h/",
    ] {
        usage(line);
    }
}

#[test]
fn modes_need_no_url() -> Result<(), Mistake> {
    for (line, mode) in [
        ("tour", Mode::Tour),
        ("--help", Mode::Help),
        ("-h", Mode::Help),
        ("-V", Mode::Version),
        ("--version http://h/", Mode::Version),
        ("http://h/", Mode::Fetch),
    ] {
        assert_eq!(parse(line)?.mode, mode, "{line}");
    }
    assert!(parse("tour http://h/").is_err());
    Ok(())
}

#[test]
fn field_lines_as_curl_has_them() {
    let add = |name: &str, value: &str| Ok(FieldEdit::Add { name: name.into(), value: value.into() });
    assert_eq!(FieldEdit::parse(b"X-A:  b: c "), add("X-A", "b: c"));
    assert_eq!(FieldEdit::parse(b"X-A;"), add("X-A", ""));
    assert_eq!(FieldEdit::parse(b"x;y: z"), add("x;y", "z"));
    assert_eq!(FieldEdit::parse(b"Accept:"), Ok(FieldEdit::Remove(b"Accept".to_vec())));
    assert_eq!(FieldEdit::parse(b"Accept: "), Ok(FieldEdit::Remove(b"Accept".to_vec())));
    assert!(FieldEdit::parse(b"Accept").is_err());
    // Whether a name or a value may be sent is for the core to say.
    assert_eq!(FieldEdit::parse(b"A B: c\r\nd"), add("A B", "c\r\nd"));
}
