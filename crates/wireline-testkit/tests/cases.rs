//! Each wire case of `cases/*.md` through the core, a test each; and whether each thing that can go wrong has one.
//!
//! `cargo test -p wireline-testkit --test cases -- chunked/` runs the cases of one file. With `WIRELINE_CASES=print` each
//! case prints the log that came out, whole.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use wireline_testkit::case::Case;
use wireline_testkit::{CoreLayer, Layer, Segmentation, check, not_covered};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match Case::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")) {
        Ok(cases) => trials(cases),
        Err(error) => {
            vec![Trial::test("the cases can be read", move || Err(error.into()))]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(cases: Vec<Case>) -> Vec<Trial> {
    let missing = not_covered(&cases);
    let mut trials = vec![Trial::test("each thing that can go wrong has a case", move || {
        if missing.is_empty() { Ok(()) } else { Err(format!("no case shows:\n  {}", missing.join("\n  ")).into()) }
    })];
    trials.extend(cases.into_iter().map(|case| Trial::test(case.name(), move || run(&case))));
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    let core = CoreLayer::default();
    if std::env::var_os("WIRELINE_CASES").is_some_and(|word| word == "print") {
        #[allow(clippy::print_stdout, reason = "it was asked for")]
        {
            println!("{}:{}: {}\n{}", case.file.display(), case.line, case.title, core.run(case, Segmentation::Whole));
        }
    }
    let checked = check(&core, case).map_err(|difference| difference.to_string())?;
    assert!(checked, "the core can do all that a case asks for");
    Ok(())
}
