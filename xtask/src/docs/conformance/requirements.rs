//! Reads docs/requirements.md: a table a group, a row a requirement.

use crate::project::Project;

const FILE: &str = "docs/requirements.md";

/// How strongly it is asked for, in the order of the summary. The last four are not of RFC 2119: what the grammar and the
/// definitions say without such a word, what the RFCs recommend in passing, and what wireline asks of itself.
pub(super) const LEVELS: [&str; 9] =
    ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "grammar", "definition", "ought", "own"];

/// What has become of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is kept, and cases or tests show it.
    Kept,
    /// `Left to the caller: `, with the reason: it is about what stands above one connection.
    Left,
    /// `No case: `, with the reason.
    NotShown,
}

/// One row.
#[derive(Debug)]
pub(super) struct Requirement {
    /// What cases and tests name it by: `L7`.
    pub(super) id: String,
    /// The heading above its table.
    pub(super) group: String,
    /// As wire cases cite them: `rfc9112 6.3, rfc9110 8.6`.
    pub(super) sections: String,
    /// One of [`LEVELS`].
    pub(super) level: &'static str,
    /// The level, and whom it binds: `MUST, recipient`.
    pub(super) level_and_whom: String,
    pub(super) requirement: String,
    pub(super) answer: Answer,
    /// What wireline does, or the reason.
    pub(super) text: String,
}

impl Requirement {
    /// Whether no reason will do.
    pub(super) fn is_absolute(&self) -> bool {
        self.level.starts_with("MUST")
    }
}

pub(super) fn read(project: &Project) -> Result<Vec<Requirement>, String> {
    parse(&project.read(FILE)?)
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut rows: Vec<Requirement> = Vec::new();
    let mut group = "";
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(title) = text.strip_prefix("## ") {
            group = title;
        }
        let Some(cells) = text.strip_prefix("| ").and_then(|text| text.strip_suffix(" |")) else { continue };
        let cells: Vec<_> = cells.split(" | ").map(str::trim).collect();
        if matches!(cells.first(), Some(&("id" | "---"))) {
            continue;
        }
        let row = row(group, &cells).map_err(|wrong| format!("{FILE}:{line}: {wrong}"))?;
        if rows.iter().any(|before| before.id == row.id) {
            return Err(format!("{FILE}:{line}: there is a {} before", row.id));
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(format!("{FILE}: nothing is required")) } else { Ok(rows) }
}

fn row(group: &str, cells: &[&str]) -> Result<Requirement, String> {
    let &[id, sections, level_and_whom, requirement, text] = cells else {
        return Err(format!("{} cells, not 5", cells.len()));
    };
    let word = level_and_whom.split(',').next().unwrap_or_default();
    let level = LEVELS.into_iter().find(|level| *level == word);
    let level = level.ok_or_else(|| format!("`{word}` is none of {}", LEVELS.join(", ")))?;
    if !id.starts_with(|c: char| c.is_ascii_uppercase()) || cells.contains(&"") {
        return Err("an empty cell, or no name to call it by".to_owned());
    }
    if !sections.starts_with("rfc") {
        return Err(format!("`{sections}` is no section of an RFC"));
    }
    let answer = if text.starts_with("No case: ") {
        Answer::NotShown
    } else if text.starts_with("Left to the caller: ") {
        Answer::Left
    } else {
        Answer::Kept
    };
    Ok(Requirement {
        id: id.to_owned(),
        group: group.to_owned(),
        sections: sections.to_owned(),
        level,
        level_and_whom: level_and_whom.to_owned(),
        requirement: requirement.to_owned(),
        answer,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_the_heading_above_them() {
        let text = "# Asked\n\n## Fields\n\n| id | where | level | asked | here |\n| --- | --- | --- | --- | --- |\n\
                    | F1 | rfc9112 5 | grammar | A. | B. |\n| F4 | rfc9110 5.1 | SHOULD, recipient | C. | No case: D. |\n";
        let rows = parse(text).unwrap();
        assert_eq!((rows[0].group.as_str(), rows[0].level, rows[0].answer), ("Fields", "grammar", Answer::Kept));
        assert_eq!((rows[1].id.as_str(), rows[1].level, rows[1].answer), ("F4", "SHOULD", Answer::NotShown));
        assert!(!rows[1].is_absolute());
    }

    #[test]
    fn a_row_that_is_none_is_named_with_its_line() {
        let wrong = |rows: &str| parse(rows).unwrap_err();
        assert!(wrong("| F1 | rfc9112 5 | WILL, client | A. | B. |\n").contains(":1: `WILL`"));
        assert!(wrong("| F1 | rfc9112 5 | MAY, client | A. |\n").contains("4 cells"));
        assert!(wrong("| F1 | 5 | MAY, client | A. | B. |\n").contains("no section"));
        assert!(wrong("| 1 | rfc9112 5 | MAY, client | A. | B. |\n").contains("no name"));
        let twice = "| F1 | rfc9112 5 | grammar | A. | B. |\n| F1 | rfc9112 5 | grammar | A. | B. |\n";
        assert!(wrong(twice).contains(":2: there is a F1 before"));
        assert!(parse("# Asked\n").is_err());
    }
}
