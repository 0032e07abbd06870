//! `cargo xtask soak`: the soak of `wireline-bench`, built as it is released. Its arguments go through to it.

use crate::project::Project;
use crate::run::{Findings, cargo, run};

/// What the review asks for. The seed is another one each time and is printed: whatever fails can be gone through again.
const REVIEW: [&[&str]; 4] = [
    &["--exchanges", "1000000", "--seconds", "60"],
    // The same for the pool of tokio-wireline.
    &["--pool", "--exchanges", "100000", "--seconds", "30"],
    // A fifth of the connections, a tenth of the exchanges, and seconds instead of ten minutes: the whole of both is for
    // whoever has the time.
    &["--load", "--connections", "2000", "--exchanges", "100000"],
    &["--held", "--seconds", "6"],
];

/// The soak as a step of the review.
pub(crate) fn review(project: &Project) -> Findings {
    REVIEW.iter().flat_map(|arguments| soak(project, arguments)).collect()
}

/// The soak with other arguments: `--pool`, `--load`, `--held` and those of each, which `wireline-bench` explains.
pub(crate) fn soak(project: &Project, arguments: &[&str]) -> Findings {
    let build = ["run", "--quiet", "--locked", "--release", "--package", "wireline-bench", "--bin", "soak", "--"];
    run(cargo(project, &build).args(arguments))
}
