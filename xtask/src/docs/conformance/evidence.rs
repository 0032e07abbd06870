//! What shows that a requirement is met: wire cases and tests, with the names that they carry.

use crate::cases::CaseFile;
use crate::project::{File, Project};
use crate::source::Source;

/// A case or a test, and the requirements that it names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) ids: Vec<String>,
    pub(super) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, from the root of the project.
    pub(super) path: String,
    /// What a link to it says.
    pub(super) name: String,
    pub(super) title: String,
}

pub(super) fn of_cases(files: &[CaseFile]) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in files {
        let name = file.path.trim_start_matches("cases/").trim_end_matches(".md");
        evidence.extend(file.cases.iter().map(|case| Evidence {
            ids: case.requirements.clone(),
            place: Place { path: file.path.clone(), name: name.to_owned(), title: case.title.clone() },
        }));
    }
    evidence
}

pub(super) fn of_tests(project: &Project) -> Result<Vec<Evidence>, String> {
    let files = project.files().map_err(|findings| findings.join("; "))?;
    let mut evidence = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs") && file.text.contains(TAG)) {
        evidence.extend(of_file(file)?);
    }
    Ok(evidence)
}

/// What stands before the names, in a comment above a test.
const TAG: &str = "// conformance: ";

fn of_file(file: &File) -> Result<Vec<Evidence>, String> {
    let source = Source::parse(&file.text).map_err(|error| format!("{}:{error}", file.path))?;
    let mut evidence = Vec::new();
    for (line, comment) in &source.comments {
        let Some(ids) = comment.strip_prefix(TAG) else { continue };
        let test = test_below(&source, *line)
            .ok_or_else(|| format!("{}:{line}: `{comment}` stands above no test", file.path))?;
        let name = file.path.trim_start_matches("crates/").trim_end_matches(".rs").to_owned();
        evidence.push(Evidence {
            ids: ids.split_whitespace().map(str::to_owned).collect(),
            place: Place { path: file.path.clone(), name, title: format!("`{test}`") },
        });
    }
    Ok(evidence)
}

/// The name of the function that begins below a line, if it is a test.
fn test_below(source: &Source, line: usize) -> Option<&str> {
    let tokens = &source.tokens;
    let below = tokens.iter().position(|token| token.line > line)?;
    let at = below + tokens[below..].iter().position(|token| token.text == "fn")?;
    if tokens[below..at].iter().any(|token| matches!(token.text.as_str(), "{" | "}" | ";")) {
        return None;
    }
    source.test_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(text: &str) -> Result<Vec<Evidence>, String> {
        of_file(&File { path: "crates/a/tests/b.rs".to_owned(), text: text.to_owned() })
    }

    #[test]
    fn a_test_carries_the_names_above_it() {
        let found = evidence("use a::b;\n\n// conformance: I5 C10\n/// Why.\n#[test]\nfn one() {}\n").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].ids, ["I5", "C10"]);
        assert_eq!((found[0].place.name.as_str(), found[0].place.title.as_str()), ("a/tests/b", "`one`"));
    }

    #[test]
    fn a_function_that_a_macro_lists_is_a_test() {
        let found = evidence("over! { one }\n// conformance: I5\nasync fn one(over: Over) {}\n").unwrap();
        assert_eq!(found[0].place.title, "`one`");
    }

    #[test]
    fn names_above_no_test_are_an_error() {
        let wrong = |text: &str| evidence(text).unwrap_err();
        assert!(wrong("// conformance: I5\nfn helper() {}\n").contains("b.rs:1: "));
        assert!(wrong("// conformance: I5\nconst A: u8 = 1;\n#[test]\nfn one() {}\n").contains("above no test"));
        assert!(wrong("#[test]\nfn one() {}\n// conformance: I5\n").contains("above no test"));
    }

    #[test]
    fn a_name_in_a_string_is_none() {
        assert_eq!(evidence("const A: &str = \"// conformance: I5\";\n"), Ok(Vec::new()));
    }
}
