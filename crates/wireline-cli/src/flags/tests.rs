use std::ffi::OsString;

use wireline::Limits;

use super::*;
use crate::args::Mistake;

/// The tests that run the command.
const TESTS: &[&str] = &[
    include_str!("../../tests/body.rs"),
    include_str!("../../tests/connection.rs"),
    include_str!("../../tests/exit.rs"),
    include_str!("../../tests/jobs.rs"),
    include_str!("../../tests/json.rs"),
    include_str!("../../tests/output.rs"),
    include_str!("../../tests/request.rs"),
];

fn args(line: &[&str]) -> Result<Args, Mistake> {
    Args::parse(line.iter().map(OsString::from).chain(["http://h/".into()]))
}

#[test]
fn each_flag_is_documented_and_the_command_is_run_with_it() {
    for flag in FLAGS {
        assert!(flag.doc.ends_with(['.', ':']), "--{}", flag.name);
        let (plain, with_value) = (format!("\"--{}\"", flag.name), format!("\"--{}=", flag.name));
        let is_tested = TESTS.iter().any(|test| test.contains(&plain) || test.contains(&with_value));
        assert!(is_tested, "no test runs the command with --{}", flag.name);
    }
}

#[test]
fn no_two_flags_have_a_name_in_common() {
    for (index, flag) in FLAGS.iter().enumerate() {
        for other in &FLAGS[index + 1..] {
            assert_ne!(flag.name, other.name);
            assert!(flag.short.is_none() || flag.short != other.short, "--{} and --{}", flag.name, other.name);
        }
    }
}

#[test]
fn a_flag_that_needs_a_value_is_refused_without_one() {
    for flag in FLAGS.iter().filter(|flag| matches!(flag.value, Value::Needed(_))) {
        let line = [OsString::from(format!("--{}", flag.name))];
        let Err(Mistake::Usage(text)) = Args::parse(line) else { panic!("--{}", flag.name) };
        assert!(text.ends_with("is missing"), "{text}");
    }
}

#[test]
fn durations_are_seconds() -> Result<(), Mistake> {
    for (text, milliseconds) in [("2", 2000), ("1.5", 1500), ("0.25s", 250), ("300ms", 300), (".5", 500)] {
        let bound = args(&["--max-time", text])?.max_time;
        assert_eq!(bound, Some(Duration::from_millis(milliseconds)), "{text}");
    }
    assert_eq!(args(&["--max-time", "0"])?.max_time, None);
    for text in ["", "x", "-1", "1e3", "inf", "nan", "1m", "1.2.3", "99999999999999999999"] {
        assert!(args(&["--max-time", text]).is_err(), "{text}");
    }
    Ok(())
}

#[test]
fn every_limit_can_be_set_by_the_name_of_its_field() -> Result<(), Mistake> {
    // The names are those of the struct: a field that is missing here, or misspelt, shows in its own debug text.
    let fields = format!("{:?}", Limits::default());
    assert_eq!(LIMITS.len(), fields.matches(": ").count());
    for (name, place) in LIMITS {
        assert!(fields.contains(&format!("{name}: ")), "{name}");
        let mut limits = args(&["--limit", &format!("{name}=77")])?.config.limits;
        assert_eq!(*place(&mut limits), 77, "{name}");
        assert!(format!("{limits:?}").contains(&format!("{name}: 77")), "{name}");
    }
    for wrong in ["head", "head=", "head=-1", "head=4294967296", "heads=1"] {
        assert!(args(&["--limit", wrong]).is_err(), "{wrong}");
    }
    Ok(())
}

#[test]
fn leniency_by_name_on_top_of_a_preset() -> Result<(), Mistake> {
    let mut expected = Leniency::STRICT;
    assert_eq!(args(&["--preset", "strict"])?.config.leniency, expected);
    expected.http09 = true;
    expected.te_with_cl = true;
    assert_eq!(args(&["--preset=strict", "--leniency=http09,te_with_cl"])?.config.leniency, expected);
    assert_eq!(args(&["--preset", "browser"])?.config.leniency, Leniency::BROWSER);
    assert_eq!(args(&["--preset", "http-client"])?.config.leniency, Leniency::HTTP_CLIENT);
    expected = Leniency::STRICT;
    expected.bare_lf_in_head = true;
    assert_eq!(args(&[])?.config.leniency, expected);
    assert!(args(&["--preset", "lenient"]).is_err() && args(&["--leniency", "http09,x"]).is_err());
    Ok(())
}

#[test]
fn content_comes_from_the_command_line_a_file_or_standard_input() -> Result<(), Mistake> {
    for (flag, text, source) in [
        ("-d", "a@b", Source::Bytes(b"a@b".to_vec())),
        ("-d", "@a", Source::File("a".into())),
        ("-d", "-", Source::Stdin),
        ("-d", "@-", Source::Stdin),
        ("-d", "", Source::Bytes(Vec::new())),
        ("-T", "a", Source::File("a".into())),
        ("-T", "@a", Source::File("a".into())),
        ("-T", "./@a", Source::File("./@a".into())),
        ("-T", "-", Source::Stdin),
    ] {
        let args = args(&[flag, text])?;
        assert_eq!(args.data.first().or(args.upload.as_ref()), Some(&source), "{flag} {text}");
    }
    Ok(())
}
