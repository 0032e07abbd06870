//! docs/under-leniencies.md: what becomes of each wire case that is refused, under each switch of `Leniency`.
//!
//! The cases say what is refused, and some of them what a switch lets through. This is all the rest: each refused case under
//! each switch, so that one which lets more through than it says is seen in the review.

use std::fmt::Write;

use wireline_proto::Leniency;
use wireline_testkit::case::Case;
use wireline_testkit::{CoreLayer, Layer, Log, Segmentation};

use super::cell;
use crate::project::Project;

pub(super) fn page(project: &Project) -> Result<String, String> {
    text(&Case::read_all(&project.root.join("cases")).map_err(|error| error.to_string())?)
}

fn text(cases: &[Case]) -> Result<String, String> {
    let is_refused = |case: &&Case| case.config.leniency == Leniency::STRICT && case.expected.fault().is_some();
    let refused: Vec<_> = cases.iter().filter(is_refused).collect();
    let mut page = format!(
        "# What is refused, under each leniency\n\n\
         {} wire cases are refused where nothing is let through. These are the ones that come out otherwise under one of the\n\
         switches of [leniency.md](leniency.md), each alone; all the others are refused with the same error at the same byte. `@`\n\
         stands before the place in the stream.\n",
        refused.len(),
    );
    for &name in Leniency::NAMES {
        let mut rows = String::new();
        for case in &refused {
            let found = under(case, name)?;
            if found != case.expected {
                let fault = case.expected.fault().unwrap_or_default();
                let _ = writeln!(rows, "| {} | `{fault}` | {} |", cell(&case.name()), outcome(&found));
            }
        }
        if rows.is_empty() {
            return Err(format!("no case that is refused comes out otherwise under `{name}`"));
        }
        let _ = write!(page, "\n## {name}\n\n| case | refused | under the switch |\n| --- | --- | --- |\n{rows}");
    }
    Ok(page)
}

fn under(case: &Case, name: &str) -> Result<Log, String> {
    let mut case = case.clone();
    if !case.config.leniency.set(name, true) {
        return Err(format!("`{name}` is no leniency"));
    }
    Ok(CoreLayer::default().run(&case, Segmentation::Whole))
}

/// Another fault, or all that came out.
fn outcome(log: &Log) -> String {
    let lines = match log.fault() {
        Some(fault) => vec![fault],
        None => log.lines().filter(|line| !line.starts_with("    ")).collect(),
    };
    lines.iter().map(|line| format!("`{}`", cell(line).replace('`', "'"))).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_switch_changes_what_becomes_of_some_case() {
        let page = page(&Project::here()).unwrap();
        assert!(Leniency::NAMES.iter().all(|name| page.contains(&format!("\n## {name}\n"))));
        let row = "| field-lines/A space before the colon is refused | `@31 error 0: violation space-before-colon` | `@0 response";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn a_switch_that_changes_nothing_is_an_error() {
        let case = "# A\n## B <!-- rfc9112 4 -->\n```send\nGET / HTTP/1.1\nHost: a\n\n```\n```recv\nHTTP/2.0 200 OK\n\n```\n\
                    ```log\n@5 error 0: violation version\nreuse: never, protocol error      unanswered: 0 (response begun, idempotent)\n```\n";
        let cases = Case::parse(Path::new("a.md"), case).unwrap();
        assert!(text(&cases).unwrap_err().starts_with("no case that is refused"));
    }
}
