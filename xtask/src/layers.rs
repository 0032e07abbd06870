//! An adapter moves bytes: it compares no status and knows no word of the framing. What the protocol says is decided in
//! `wireline-proto`, once, and this check looks for decisions that strayed.

use crate::project::{File, Project};
use crate::run::{Findings, say};
use crate::source::{Kind, Source, Token};

/// The folders of the adapters.
const ADAPTERS: [&str; 2] = ["crates/wireline/src/", "crates/tokio-wireline/src/"];

/// Words of framing and persistence, in lower case; in a name `_` counts as `-`.
const WORDS: [&str; 5] = ["chunked", "content-length", "transfer-encoding", "keep-alive", "100-continue"];

/// What decides about a status without a number.
const VERDICTS: [&str; 6] =
    ["StatusCode", "is_informational", "is_success", "is_redirection", "is_client_error", "is_server_error"];

/// What is let through: the file, the text that the finding quotes, and the reason.
const ALLOWED: &[Allowed] = &[];

struct Allowed {
    path: &'static str,
    found: &'static str,
    /// Read by people.
    #[allow(dead_code, reason = "an entry without a reason would not compile")]
    reason: &'static str,
}

/// Looks at every adapter.
pub(crate) fn check(project: &Project) -> Findings {
    let files = match project.files() {
        Ok(files) => files,
        Err(findings) => return findings,
    };
    let of_adapters: Vec<File> = files.into_iter().filter(|file| is_adapter(&file.path)).collect();
    say(&format!("{} files of adapters", of_adapters.len()));
    check_files(&of_adapters, ALLOWED)
}

fn is_adapter(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    path.ends_with(".rs") && !is_test && ADAPTERS.iter().any(|folder| path.starts_with(folder))
}

fn check_files(files: &[File], allowed: &[Allowed]) -> Findings {
    let mut findings = Findings::new();
    let mut used = vec![false; allowed.len()];
    for file in files {
        match Source::parse(&file.text) {
            Err(error) => findings.push(format!("{}:{error}", file.path)),
            Ok(source) => {
                for (line, found) in decisions(&source) {
                    match allowed.iter().position(|entry| entry.path == file.path && entry.found == found) {
                        Some(entry) => used[entry] = true,
                        None => findings.push(format!("{}:{line}: `{found}` decides about the protocol", file.path)),
                    }
                }
            }
        }
    }
    let stale = allowed.iter().zip(used).filter(|(_, used)| !used);
    findings.extend(stale.map(|(entry, _)| format!("{}: `{}` is allowed but not there", entry.path, entry.found)));
    findings
}

/// Every decision about the protocol outside tests, comments and documentation, with its line.
fn decisions(source: &Source) -> Vec<(usize, String)> {
    let tokens: Vec<&Token> = source.tokens.iter().filter(|token| !token.test && token.kind != Kind::Doc).collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
        let after = tokens.get(at + 1).map_or("", |token| token.text.as_str());
        let decides = match token.kind {
            Kind::Ident => is_word(&token.text) || is_verdict(&token.text, after),
            Kind::Literal if is_status(&token.text) => compares(before, after),
            Kind::Literal => is_word(&token.text),
            _ => false,
        };
        if decides {
            found.push((token.line, token.text.clone()));
        }
        // `status()` or `as_u16()`, compared to whatever it is.
        let called =
            token.kind == Kind::Ident && after == "(" && tokens.get(at + 2).is_some_and(|token| token.text == ")");
        let compared = tokens.get(at + 3).is_some_and(|token| compares(&token.text, ""));
        if called && compared && ["status", "as_u16"].contains(&token.text.as_str()) {
            found.push((token.line, format!("{}()", token.text)));
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace('_', "-");
    match text.strip_prefix(['b', 'c', 'r']).unwrap_or(&text).strip_prefix('"') {
        Some(literal) => WORDS.iter().any(|word| literal.contains(word)),
        // `content_length` is also what a response tells about itself; only the coding has no other use.
        None => text == "chunked" || text == "transfer-encoding",
    }
}

/// A question about the class of a status, or a named status; the type itself may be passed on.
fn is_verdict(text: &str, after: &str) -> bool {
    VERDICTS.contains(&text) && (text != "StatusCode" || after == "::")
}

/// A number that could be a status.
fn is_status(text: &str) -> bool {
    let digits = text.trim_end_matches("u16").trim_end_matches('_');
    digits.len() == 3 && digits.parse::<u16>().is_ok_and(|number| (100..600).contains(&number))
}

/// Whether one of two neighbours compares, or makes a pattern of what stands between them.
fn compares(before: &str, after: &str) -> bool {
    const OPERATORS: [&str; 10] = ["==", "!=", "<", ">", "<=", ">=", "..", "..=", "|", "=>"];
    let before = OPERATORS.contains(&before) && before != "=>";
    before || OPERATORS.contains(&after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        decisions(&Source::parse(text).unwrap()).into_iter().map(|(_, found)| found).collect()
    }

    #[test]
    fn a_comparison_of_a_status_is_found() {
        assert_eq!(found("fn f() { if head.status() == 204 {} }"), ["status()", "204"]);
        assert_eq!(found("fn f() { if head.status().as_u16() >= limit {} }"), ["as_u16()"]);
        assert_eq!(found("fn f() { match s { 100 => a, 200..=299 => b, _ => c } }"), ["100", "200", "299"]);
        assert_eq!(found("fn f() { s == StatusCode::OK }"), ["StatusCode"]);
        assert_eq!(found("fn f() { s.is_success() }"), ["is_success"]);
    }

    #[test]
    fn a_word_of_the_framing_is_found() {
        assert_eq!(found("fn f() { Framing::Chunked }"), ["Chunked"]);
        assert_eq!(found(r#"fn f() { fields.get("Content-Length") }"#), [r#""Content-Length""#]);
        assert_eq!(found(r#"fn f() { fields.get(b"transfer-encoding") }"#), [r#"b"transfer-encoding""#]);
        assert_eq!(found("fn f() { header::TRANSFER_ENCODING }"), ["TRANSFER_ENCODING"]);
    }

    #[test]
    fn tests_comments_and_what_passes_things_on_are_left_alone() {
        assert_eq!(
            found("// chunked\n/// chunked\nfn f(s: StatusCode) -> u16 { g(s, 200) + x.content_length() }"),
            [""; 0]
        );
        assert_eq!(found("#[cfg(test)]\nmod tests { fn f() { s.status() == 200; chunked() } }"), [""; 0]);
        assert_eq!(found("fn f() { space.len() < 4096 && n == 64 }"), [""; 0]);
    }

    #[test]
    fn what_is_allowed_must_be_there() {
        let file = |text: &str| [File { path: "crates/wireline/src/a.rs".to_owned(), text: text.to_owned() }];
        let allowed = [Allowed { path: "crates/wireline/src/a.rs", found: "Chunked", reason: "a test" }];
        assert_eq!(check_files(&file("fn f() { Chunked }"), &allowed), Findings::new());
        let finding = "crates/wireline/src/a.rs: `Chunked` is allowed but not there";
        assert_eq!(check_files(&file("fn f() {}"), &allowed), [finding]);
        assert_eq!(
            check_files(&file("\nfn f() { Chunked }"), &[]),
            ["crates/wireline/src/a.rs:2: `Chunked` decides about the protocol"]
        );
    }

    #[test]
    fn the_core_and_the_tests_are_no_adapters() {
        assert!(is_adapter("crates/wireline/src/response.rs"));
        assert!(!is_adapter("crates/wireline-proto/src/lib.rs"));
        assert!(!is_adapter("crates/wireline/src/error/tests.rs"));
    }
}
