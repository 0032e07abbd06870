//! The pages in `docs` that are made from the code: `cargo xtask docs` writes them, the review notices drift.

mod command;
mod conformance;
mod errors;
mod from_python;
mod index;
mod leniency;
mod limits;
mod performance;
mod porting;
mod security;
mod states;
mod under_leniencies;

use crate::project::Project;
use crate::run::{Findings, say};
use crate::source::Source;

/// Makes the text of a page.
type Generator = fn(&Project) -> Result<String, String>;

const PAGES: [(&str, Generator); 13] = [
    ("docs/cases.md", index::page),
    ("docs/command.md", command::page),
    ("docs/conformance.md", conformance::page),
    ("docs/errors.md", errors::page),
    ("docs/from-python.md", from_python::page),
    ("docs/leniency.md", leniency::page),
    ("docs/limits.md", limits::page),
    ("docs/performance.md", performance::page),
    ("docs/performance/instructions.svg", performance::instructions),
    ("docs/performance/round-trips.svg", performance::round_trips),
    ("docs/porting.md", porting::page),
    ("docs/states.md", states::page),
    ("docs/under-leniencies.md", under_leniencies::page),
];

/// What stands at the top of each page, for whoever would edit it.
const NOTICE: &str = "<!-- Made from the code by `cargo xtask docs`. -->\n";

/// Writes every page.
pub(crate) fn write(project: &Project) -> Findings {
    each(project, |path, page| {
        let file = project.root.join(path);
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.and_then(|()| std::fs::write(&file, page)).map_err(|error| format!("{path}: {error}"))?;
        say(&format!("wrote {path}"));
        Ok(())
    })
}

/// Compares every page with what it would be now, and looks for what SECURITY.md names.
pub(crate) fn check(project: &Project) -> Findings {
    let mut findings = each(project, |path, page| compare(path, &page, &project.read(path)?));
    findings.extend(security::check(project));
    findings
}

fn each(project: &Project, then: impl Fn(&str, String) -> Result<(), String>) -> Findings {
    let made = |(path, generator): &(&str, Generator)| then(path, format!("{NOTICE}{}", generator(project)?));
    PAGES.iter().filter_map(|page| made(page).err()).collect()
}

fn compare(path: &str, new: &str, old: &str) -> Result<(), String> {
    let differ = (1..).zip(new.lines().zip(old.lines())).find(|(_, (new, old))| new != old);
    match differ {
        Some((line, (new, old))) => {
            Err(format!("{path}:{line}: `{old}` should be `{new}`: run `cargo xtask docs` and commit"))
        }
        None if new == old => Ok(()),
        None => Err(format!("{path} has another length than it should: run `cargo xtask docs` and commit")),
    }
}

/// A source file of the core.
fn core_source(project: &Project, file: &str) -> Result<Source, String> {
    source(project, &format!("crates/wireline-proto/src/{file}"))
}

fn source(project: &Project, path: &str) -> Result<Source, String> {
    Source::parse(&project.read(path)?).map_err(|error| format!("{path}:{error}"))
}

/// Text that can stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_found_with_its_line() {
        assert_eq!(compare("a.md", "x\ny\n", "x\ny\n"), Ok(()));
        assert!(compare("a.md", "x\ny\n", "x\nz\n").unwrap_err().starts_with("a.md:2: `z` should be `y`"));
        assert!(compare("a.md", "x\ny\n", "x\n").is_err());
        assert!(compare("a.md", "x\n", "x\ny\n").is_err());
    }

    #[test]
    fn a_page_that_cannot_be_made_or_read_is_a_finding() {
        let nowhere = Project { root: "no-such-folder".into() };
        assert_eq!(each(&nowhere, |_, _| Err("broken".to_owned())).len(), PAGES.len());
        assert!(core_source(&nowhere, "limits.rs").is_err());
    }
}
