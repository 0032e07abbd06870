//! The tour ends well, and every claim in it has been checked.

mod support;

use support::wireline;

#[test]
fn every_claim_is_true() {
    let run = wireline(&["tour"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.text());
    let text = run.text();
    let claims = text.matches("\u{2713} ").count();
    assert!(text.contains(&format!("\n{claims} of {claims} claims checked and true")), "{text}");
    assert!(!text.contains("NOT TRUE") && !text.contains('\x1b'), "{text}");
    for stop in 1..=9 {
        assert!(text.contains(&format!("\n{stop}. ")), "{text}");
    }
    assert!((100..=160).contains(&text.lines().count()), "{text}");
}
