//! docs/cases.md: every wire case with the sections it cites.

use std::fmt::Write;

use super::cell;
use crate::cases::CaseFile;
use crate::project::Project;

pub(super) fn page(project: &Project) -> Result<String, String> {
    Ok(text(&CaseFile::all(project)?))
}

fn text(files: &[CaseFile]) -> String {
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    let mut page = format!("# The wire cases\n\n{cases} cases in {} files.\n\n", files.len());
    page += "Each is a transcript, bytes in and events out. It is run whole, cut in two and byte by byte.\n";
    for file in files {
        let _ = write!(page, "\n## [{}](../{})\n\n| case | cites |\n| --- | --- |\n", file.title, file.path);
        for case in &file.cases {
            let _ = writeln!(page, "| {} | {} |", cell(&case.title), cites(&case.cites));
        }
    }
    page
}

/// `rfc9112 6.3, 7, rfc9110 8.6` as `RFC 9112 6.3, 7; RFC 9110 8.6`.
pub(super) fn cites(cited: &str) -> String {
    let mut text = String::new();
    for part in cited.split(',').map(str::trim) {
        match part.strip_prefix("rfc") {
            Some(rfc) if text.is_empty() => text += &format!("RFC {rfc}"),
            Some(rfc) => text += &format!("; RFC {rfc}"),
            None => text += &format!(", {part}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_read_as_people_write_them() {
        assert_eq!(cites("rfc9112 6.3, 7, rfc9110 8.6"), "RFC 9112 6.3, 7; RFC 9110 8.6");
    }

    #[test]
    fn every_case_of_the_tree_is_listed() {
        let files = CaseFile::all(&Project::here()).unwrap();
        let page = text(&files);
        let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case")).count();
        assert_eq!(rows - files.len(), files.iter().map(|file| file.cases.len()).sum::<usize>());
    }
}
