//! The review of this workspace (`cargo xtask ci`), and the pages in `docs` that are made from its code.

mod bench;
mod cases;
mod ci;
mod docs;
mod fresh;
mod fuzz;
mod interop;
mod layers;
mod policy;
mod project;
mod run;
mod sanitize;
mod setup;
mod soak;
mod source;
mod tidy;

use std::process::ExitCode;

use crate::project::Project;
use crate::run::say;

const HELP: &str = "\
cargo xtask ci      the whole review: every check, every test (or only the steps named behind it)
cargo xtask docs    write the pages in docs/ anew from the code
cargo xtask setup   install what the tests need, where it is missing
cargo xtask fresh   clone HEAD, and run the commands of README.md there from nothing
cargo xtask interop the same exchanges with nine servers that others wrote, through each layer, beside curl
                    (or SERVER...)
cargo xtask soak    a million exchanges with all that can go wrong (or --exchanges N, --seconds S, --seed X);
                    with --pool a hundred thousand requests through the pool of tokio-wireline;
                    with --load a million exchanges on 10,000 connections at once (or --connections C);
                    with --held one connection for ten minutes (or --minutes M), whose memory must not grow
cargo xtask bench   measure wireline beside its peers, and write docs/performance.md (or ROW..., --quick, --gate)
cargo xtask fuzz    fuzz each target for five minutes (or --minutes N, TARGET...); needs nightly and cargo-fuzz;
                    with --keep put what was found into the corpora
cargo xtask sanitize
                    the tests under Miri, the address sanitizer and cargo-careful (or miri, address, careful); needs nightly
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let project = Project::here();
    let findings = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ci", ref steps @ ..] => return ci::review(&project, steps),
        ["docs"] => docs::write(&project),
        ["setup"] => setup::install(&project),
        ["fresh"] => fresh::check(&project),
        ["soak", ref arguments @ ..] => soak::soak(&project, arguments),
        ["bench", ref arguments @ ..] => bench::bench(&project, arguments),
        ["fuzz", ref arguments @ ..] => fuzz::fuzz(&project, arguments),
        ["sanitize", ref ways @ ..] => sanitize::sanitize(&project, ways),
        ["interop", ref servers @ ..] => interop::interop(&project, servers),
        ["help" | "--help" | "-h"] => {
            say(HELP.trim_end());
            return ExitCode::SUCCESS;
        }
        _ => {
            say(HELP.trim_end());
            return ExitCode::from(2);
        }
    };
    for finding in &findings {
        say(&format!("error: {finding}"));
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
