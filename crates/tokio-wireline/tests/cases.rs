//! Each wire case of `cases/*.md` that makes sense above the core, through the awaited connection over a stream in
//! memory, a test each: the same heads, content, ends, errors, reuse and unanswered exchanges as the core gives.

mod scene;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use scene::Awaited;
use wireline_testkit::case::Case;
use wireline_testkit::{Layer, check};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match Case::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")) {
        Ok(cases) => trials(cases),
        Err(error) => vec![Trial::test("the cases can be read", move || Err(error.into()))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(mut cases: Vec<Case>) -> Vec<Trial> {
    cases.retain(|case| !case.is_about_building());
    let all = cases.len();
    cases.retain(|case| Awaited.expected(case).is_some());
    let kept = cases.len();
    let enough = move || {
        if kept * 10 >= all * 9 { Ok(()) } else { Err(format!("only {kept} of {all} cases can be played").into()) }
    };
    let mut trials = vec![Trial::test("nine cases in ten make sense above the core", enough)];
    trials.extend(cases.into_iter().map(|case| {
        Trial::test(case.name(), move || {
            let checked = check(&Awaited, &case).map_err(|difference| difference.to_string())?;
            if checked { Ok(()) } else { Err("not played".into()) }
        })
    }));
    trials
}
