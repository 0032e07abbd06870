//! What no compiler looks for: long files, paths of one machine, notes to oneself, words of another vocabulary.

use crate::project::{File, Project};
use crate::run::{Findings, say};
use crate::source::{Kind, Source};

/// Lines that a file may have, tests apart: past it a concept in the file lacks a name.
const LONGEST: usize = 500;

/// The way out, within the first lines of a file: why it is long all the same.
const LONG_BECAUSE: &str = "// Long because: ";

/// Text that must not stand in any file: folders of one machine, and notes to oneself. In pieces, since this file is
/// one of those that are looked at.
const FORBIDDEN: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp/", "target"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Words that the RFCs replaced; with the one to use. Singular or plural, as a word of its own.
const WORDS: [(&str, &str); 4] = [
    (concat!("pay", "load"), "content"),
    (concat!("ent", "ity"), "content or representation"),
    (concat!("inform", "ational"), "interim response"),
    (concat!("trans", "action"), "exchange"),
];

/// Papers that say which words are not used.
const ABOUT_WORDS: [&str; 1] = ["CONTRIBUTING.md"];

/// Looks at every file.
pub(crate) fn check(project: &Project) -> Findings {
    let files = match project.files() {
        Ok(files) => files,
        Err(findings) => return findings,
    };
    say(&format!("{} files", files.len()));
    check_files(&files)
}

fn check_files(files: &[File]) -> Findings {
    let mut findings = lints(files);
    for file in files {
        findings.extend(forbidden(file));
        if file.path.ends_with(".rs") {
            match Source::parse(&file.text) {
                Ok(source) => {
                    findings.extend(length(file, &source));
                    let docs = source.tokens.iter().filter(|token| token.kind == Kind::Doc);
                    let docs = docs.map(|token| (token.line, token.text.as_str()));
                    let comments = source.comments.iter().map(|(line, text)| (*line, text.as_str()));
                    findings.extend(words(&file.path, docs.chain(comments)));
                }
                Err(error) => findings.push(format!("{}:{error}", file.path)),
            }
        } else if file.path.ends_with(".md") && !ABOUT_WORDS.contains(&file.path.as_str()) {
            findings.extend(words(&file.path, outside_fences(&file.text)));
        }
    }
    findings
}

/// The lints of the workspace hold in each crate, and forbid `unsafe` in all of them.
fn lints(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        if file.path == "Cargo.toml" {
            if !has_entry(&file.text, "[workspace.lints.rust]", "unsafe_code = \"forbid\"") {
                findings.push("Cargo.toml: [workspace.lints.rust] without unsafe_code = \"forbid\"".to_owned());
            }
        } else if !has_entry(&file.text, "[lints]", "workspace = true") {
            findings.push(format!("{}: [lints] without workspace = true", file.path));
        }
    }
    findings
}

fn has_entry(toml: &str, table: &str, entry: &str) -> bool {
    let mut inside = false;
    toml.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            inside = line == table;
        }
        inside && line == entry
    })
}

fn length(file: &File, source: &Source) -> Option<String> {
    let path = &file.path;
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return None;
    }
    let lines = file.text.lines().count() - source.test_lines();
    let excused = file.text.lines().take(10).any(|line| line.starts_with(LONG_BECAUSE));
    (lines > LONGEST && !excused).then(|| format!("{path}: {lines} lines, tests apart; at most {LONGEST}"))
}

fn forbidden(file: &File) -> Findings {
    let mut findings = Findings::new();
    for (at, line) in file.text.lines().enumerate() {
        for text in FORBIDDEN.iter().filter(|text| line.contains(**text)) {
            findings.push(format!("{}:{}: `{text}`", file.path, at + 1));
        }
    }
    findings
}

/// The prose of a page: what stands in code blocks belongs to others.
fn outside_fences(markdown: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    markdown.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((at + 1, line))
    })
}

fn words<'a>(path: &str, lines: impl Iterator<Item = (usize, &'a str)>) -> Findings {
    let mut findings = Findings::new();
    for (number, line) in lines {
        // What stands in backquotes is a name that somebody else chose.
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        for word in prose.split(|c: char| !c.is_ascii_alphanumeric()) {
            if let Some((_, instead)) = WORDS.iter().find(|(wrong, _)| is_word(word, wrong)) {
                findings.push(format!("{path}:{number}: {word}: say {instead}"));
            }
        }
    }
    findings
}

fn is_word(word: &str, wrong: &str) -> bool {
    let plural = wrong.strip_suffix('y').map_or_else(|| format!("{wrong}s"), |stem| format!("{stem}ies"));
    word == wrong || word == plural
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn findings(path: &str, text: &str) -> Findings {
        check_files(&[file(path, text)])
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        let long = "fn f() {}\n".repeat(501);
        assert_eq!(findings("a.rs", &long), ["a.rs: 501 lines, tests apart; at most 500"]);
        assert_eq!(findings("a.rs", &format!("//! A.\n{LONG_BECAUSE}a table.\n{long}")), [""; 0]);
        assert_eq!(findings("crates/a/tests/b.rs", &long), [""; 0]);
        assert_eq!(findings("crates/a/src/b/tests.rs", &long), [""; 0]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(findings("a.rs", &format!("{}{tests}", "fn f() {}\n".repeat(500))), [""; 0]);
    }

    #[test]
    fn paths_and_notes_are_found_everywhere() {
        assert_eq!(findings("a.md", &format!("x\nsee {}x", FORBIDDEN[1])), [format!("a.md:2: `{}`", FORBIDDEN[1])]);
        assert_eq!(findings("a.rs", &format!("// {}: x", FORBIDDEN[4])), [format!("a.rs:1: `{}`", FORBIDDEN[4])]);
    }

    #[test]
    fn words_are_found_in_prose_only() {
        let (wrong, instead) = WORDS[0];
        assert_eq!(
            findings("a.rs", &format!("/// The {wrong}s.\nfn f() {{}}")),
            [format!("a.rs:1: {wrong}s: say {instead}")]
        );
        assert_eq!(
            findings("a.rs", &format!("// The {wrong}.\nfn f() {{}}")),
            [format!("a.rs:1: {wrong}: say {instead}")]
        );
        assert_eq!(findings("a.rs", &format!("fn f() {{ panic.{wrong}(\"{wrong}\") }} // `{wrong}`")), [""; 0]);
        assert_eq!(findings("a.md", &format!("```\n{wrong}\n```\nid{}", WORDS[1].0)), [""; 0]);
        assert_eq!(findings("a.md", WORDS[3].0).len(), 1);
        assert_eq!(findings("CONTRIBUTING.md", wrong), [""; 0]);
    }

    #[test]
    fn each_crate_has_the_lints_of_the_workspace() {
        assert_eq!(findings("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"), [""; 0]);
        assert_eq!(findings("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n").len(), 1);
        assert_eq!(findings("crates/a/Cargo.toml", "[lints]\nworkspace = true\n"), [""; 0]);
        assert_eq!(findings("crates/a/Cargo.toml", "[package]\nworkspace = true\n").len(), 1);
    }
}
