//! SECURITY.md: each class of attack in its table names what shows that it is prevented, and that is there.
//!
//! A wire case is named `cases/length.md::Its title`, a test `crates/a/tests/b.rs::its_name`.

use std::collections::BTreeMap;

use crate::cases::CaseFile;
use crate::project::Project;
use crate::run::Findings;
use crate::source::Source;

const PAGE: &str = "SECURITY.md";

/// How the table begins.
const HEADING: &str = "| class | what prevents it | shown by |";

pub(super) fn check(project: &Project) -> Findings {
    let (text, cases) = match (project.read(PAGE), CaseFile::all(project)) {
        (Ok(text), Ok(cases)) => (text, cases),
        (text, cases) => return text.err().into_iter().chain(cases.err()).collect(),
    };
    let mut sources = BTreeMap::new();
    findings(&text, |path, name| {
        if let Some(file) = cases.iter().find(|file| file.path == path) {
            return Ok(file.cases.iter().any(|case| case.title == name));
        }
        if !sources.contains_key(path) {
            sources.insert(path.to_owned(), super::source(project, path)?);
        }
        Ok(sources.get(path).is_some_and(|source: &Source| source.has_test(name)))
    })
}

/// What is wrong with the rows, where `exists` says whether a case or a test is there.
fn findings(text: &str, mut exists: impl FnMut(&str, &str) -> Result<bool, String>) -> Findings {
    let mut findings = Findings::new();
    let table = text.lines().zip(1..).skip_while(|(row, _)| *row != HEADING).skip(2);
    let mut rows = 0;
    for (row, line) in table.take_while(|(row, _)| row.starts_with('|')) {
        rows += 1;
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let named: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(format!("{PAGE}:{line}: nothing shows it"));
        }
        for named in named {
            let is_there = match named.split_once("::") {
                Some((path, name)) => exists(path, name),
                None => Err("it is no `path::name`".to_owned()),
            };
            match is_there {
                Ok(true) => {}
                Ok(false) => findings.push(format!("{PAGE}:{line}: there is no `{named}`")),
                Err(why) => findings.push(format!("{PAGE}:{line}: `{named}`: {why}")),
            }
        }
    }
    if rows == 0 {
        findings.push(format!("{PAGE}: no table that begins `{HEADING}`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &str) -> Findings {
        findings(&format!("# A\n\n{HEADING}\n| --- | --- | --- |\n{rows}\nmore\n"), |path, name| {
            if path == "gone.rs" { Err("gone".to_owned()) } else { Ok(name == "there") }
        })
    }

    #[test]
    fn what_is_named_is_there() {
        assert_eq!(of("| a `b` | c | `a.rs::there`; `cases/a.md::there` |\n"), Findings::new());
        assert_eq!(of("| a | b | `a.rs::there`; `a.rs::lost` |\n"), ["SECURITY.md:5: there is no `a.rs::lost`"]);
        assert_eq!(of("| a | b | `gone.rs::there` |\n"), ["SECURITY.md:5: `gone.rs::there`: gone"]);
        assert_eq!(of("| a | b | `there` |\n"), ["SECURITY.md:5: `there`: it is no `path::name`"]);
    }

    #[test]
    fn a_row_that_nothing_shows_is_found_and_so_is_a_table_without_rows() {
        assert_eq!(of("| `a.rs::there` | b | trust us |\n"), ["SECURITY.md:5: nothing shows it"]);
        assert_eq!(of("").len(), 1);
        assert_eq!(findings("# A\n", |_, _| Ok(true)).len(), 1);
    }

    #[test]
    fn the_tree_has_no_finding() {
        assert_eq!(check(&Project::here()), Findings::new());
    }
}
