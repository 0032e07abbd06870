//! docs/errors.md: everything that can go wrong, by its name, and what the connection can still do then.

mod python;

use std::fmt::Write;

use wireline_proto::{InvalidRequest, Limit, Misuse, Phase, Violation};

use super::{cell, core_source, source};
use crate::cases::CaseFile;
use crate::project::Project;
use crate::source::Member;
use python::{LIBRARIES, Rows};

const OPENING: &str = "# What can go wrong

The names do not change: the wire cases and the command print them. Behind each stand the wire cases that produce it, and the
exceptions of three Python libraries that it stands for: of pykit's `http.Client`, of `http.client`, and of dugong. `-` is none:
it cannot happen there, or is let through. [from-python.md](from-python.md) has the rest of what their users know.

";

const KINDS: &str = "## What a connection could not do: `wireline::Error`

What `Error::kind` says. `protocol` and `lost` have their reasons in the tables behind this one, by `Error::protocol`, and so
have `closed`, `invalid-request` and `misuse`, which carry them.

";

const ERRORS: &str = "## The peer's fault: `Error`

What the peer sent is not HTTP/1.1, is too much, or ended too early. An error is a state: from the first one on every
`advance` gives the same error again, `send_request` is refused, and `reuse()` is never. The questions still have answers,
`unanswered()` above all: which exchanges are not complete, how much of each has left, and whether repeating it is safe.
An error says where it is: at which byte of the peer's stream, in which exchange, in which phase, with the bytes around.

";

const MISUSE: &str = "## Your fault: `Misuse`

A command that is not legal now. Nothing has changed, on the wire or in the connection: it can do all that it could before.

";

const REQUESTS: &str = "## A request that cannot be sent: `InvalidRequest`

There is no such `Request`: nothing has been queued, and no connection knows of it.

";

const REASONS: &str = "## Why a connection ends: `CloseReason`

Not an error by itself. `reuse()` is `Never` with the reason, and `send_request` is refused with it; what is in flight goes
on as far as the reason leaves anything to go on with.

";

/// What a connection can still do, by kind.
const STILL_BY_KIND: &[(&str, &str)] = &[
    ("Canceled", "All that it could: the same call goes on, after `reset`."),
    ("Certificate", "There is none."),
    ("Charset", "All that it could: the content has come to its end."),
    ("Closed", "Nothing is sent any more. Responses that are owed can be received where the reason leaves any."),
    ("Coding", "All that it could: what has not been decoded can be read as it came."),
    ("Connect", "There is none."),
    ("Expansion", "All that it could: the rest of the content can be read as it came, or dropped."),
    ("InFlight", "All that it could: nothing has changed."),
    ("InvalidRequest", "All that it could: it knows nothing of it."),
    ("InvalidUrl", "There is none."),
    ("Lost", "Nothing; `unanswered` and the other questions have answers. Responses that came whole were delivered."),
    ("Misuse", "All that it could: nothing has changed. One whose content is missing at its end is closed."),
    ("NoSuchHost", "There is none."),
    ("NothingOwed", "All that it could: nothing has changed."),
    ("NotText", "All that it could: the content has come to its end."),
    ("Protocol", "Nothing; `unanswered` and the other questions have answers, and `unparsed` has the bytes."),
    ("Proxy", "There is none."),
    ("ReceiveBufferFull", "All that it could: receive a response, then the same call goes on."),
    ("ReceiveFirst", "All that it could: receive the responses before, then the same call goes on."),
    ("Resolve", "There is none."),
    ("ResolverUnreachable", "There is none."),
    ("Sink", "All that it could: the content goes on behind what was read."),
    ("Source", "Nothing more is sent where content had begun to leave; before that nothing was sent at all."),
    ("Timeout", "All that it could: the same call, `resume` or `receive` goes on."),
    ("Tls", "Nothing, or there is none; `unanswered` and the other questions have answers."),
    ("TooLong", "All that it could: the content goes on behind what was read."),
    ("WouldBlock", "All that it could: the same call, `resume` or `receive` goes on."),
];

/// What a connection can still do, by reason. The texts of the reasons themselves come from the core.
const STILL: &[(&str, &str)] = &[
    ("ContentAbandoned", "What is queued leaves; the responses that are owed are received."),
    ("Deviation", "The response is received to its end; those behind it stay unanswered."),
    ("Error", "Nothing is received any more; the questions have answers."),
    ("Http10", "The response is received to its end; those behind it stay unanswered."),
    ("PeerClosed", "What has come already is delivered; what is owed beyond it is incomplete."),
    ("PeerSentClose", "The response is received to its end; those behind it stay unanswered."),
    ("StreamBroken", "What has come already is delivered; what is owed beyond it is incomplete."),
    ("Switched", "The bytes are the caller's: `into_switched` gives those that have come."),
    ("TransmitClosed", "Nothing can be sent; the peer may still answer what it has."),
    ("Unsolicited", "Responses that are complete stay so; nothing more is believed."),
    ("UntilClose", "Content is received until the peer closes; exchanges behind it stay unanswered."),
    ("WeSentClose", "The content of the last request is sent, and the responses that are owed are received."),
];

pub(super) fn page(project: &Project) -> Result<String, String> {
    let cases = CaseFile::all(project)?;
    let kinds = source(project, "crates/wireline/src/error.rs")?.members(&["enum", "ErrorKind"]);
    let violations = rows(Violation::ALL.iter().map(|kind| (kind.name(), kind.text())));
    let limits = rows(Limit::ALL.iter().map(|kind| (kind.name(), kind.text())));
    let phases = rows(Phase::ALL.iter().map(|kind| (kind.name(), kind.text())));
    let misuse = named(&core_source(project, "error.rs")?.members(&["enum", "Misuse"]), Misuse::NAMES)?;
    let invalid = core_source(project, "request/invalid.rs")?.members(&["mistakes", "!"]);
    let reasons = core_source(project, "exchange.rs")?.members(&["enum", "CloseReason"]);

    let mut page = format!("{OPENING}{KINDS}");
    page += &kinds_table(&kinds, STILL_BY_KIND, python::KINDS)?;
    page += &format!("\n{ERRORS}### `violation`: not HTTP/1.1\n\n");
    table(&mut page, "violation", &violations, &cases, python::VIOLATIONS)?;
    page += "\n### `limit`: too much\n\nThe bounds are in [limits.md](limits.md).\n\n";
    table(&mut page, "limit", &limits, &cases, python::LIMITS)?;
    page += "\n### `incomplete`: ended too early, by phase\n\nNever an empty success: `received` says how much content has come.\n\n";
    table(&mut page, "incomplete", &phases, &cases, python::INCOMPLETE)?;
    page += &format!("\n{MISUSE}");
    table(&mut page, "misuse", &misuse, &cases, python::MISUSE)?;
    page += &format!("\n{REQUESTS}");
    table(&mut page, "invalid:", &invalid_texts(project, &invalid)?, &cases, python::REQUESTS)?;
    page += &format!("\n{REASONS}");
    page += &close_reasons(&reasons, STILL)?;
    Ok(page)
}

/// One row for each kind of the connection's errors.
fn kinds_table(kinds: &[Member], still: &[(&str, &str)], rows: &Rows) -> Result<String, String> {
    let mut page = head(&["name", "what it means", "what the connection can still do"]);
    for Member { name, doc, .. } in kinds {
        let Some((_, still)) = still.iter().find(|(kind, _)| kind == name) else {
            return Err(format!("docs/errors.rs does not say what a connection can still do after {name}"));
        };
        let name = kebab(name);
        let _ = writeln!(page, "| `{name}` | {} | {still} | {} |", cell(doc), python::cells(rows, &name)?);
    }
    let names: Vec<_> = kinds.iter().map(|kind| kebab(&kind.name)).collect();
    python::check(rows, names.iter().map(String::as_str))?;
    match still.iter().find(|(kind, _)| !kinds.iter().any(|member| member.name == *kind)) {
        Some((kind, _)) => Err(format!("docs/errors.rs knows {kind}, the connection does not")),
        None => Ok(page),
    }
}

/// The head of a table: these columns, then one for each library.
fn head(columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().chain(&LIBRARIES).copied().collect();
    format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()))
}

/// One row for each name: what it means, the cases that show it, and the exceptions that it stands for.
fn table(
    page: &mut String,
    kind: &str,
    names: &[(String, String)],
    cases: &[CaseFile],
    rows: &Rows,
) -> Result<(), String> {
    *page += &head(&["name", "what it means", "cases"]);
    for (name, text) in names {
        let shown = |file: &&CaseFile| file.cases.iter().any(|case| case.shows(kind, name));
        let link = |file: &CaseFile| {
            let stem = file.path.rsplit('/').next().unwrap_or_default();
            format!("[{}](../{})", stem.trim_end_matches(".md"), file.path)
        };
        let files: Vec<_> = cases.iter().filter(shown).map(link).collect();
        let (files, exceptions) = (files.join(", "), python::cells(rows, name)?);
        let _ = writeln!(page, "| `{name}` | {} | {files} | {exceptions} |", cell(text));
    }
    python::check(rows, names.iter().map(|(name, _)| name.as_str()))
}

fn rows<'a>(kinds: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    kinds.map(|(name, text)| (name.to_owned(), sentence(text))).collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Variants by the names that they have outside: `ContentShort` is `content-short`.
fn named(variants: &[Member], names: &[&str]) -> Result<Vec<(String, String)>, String> {
    let rows: Vec<_> = variants.iter().map(|variant| (kebab(&variant.name), variant.doc.clone())).collect();
    for name in names {
        if !rows.iter().any(|(row, doc)| row == name && !doc.is_empty()) {
            return Err(format!("`{name}` has no documentation"));
        }
    }
    match rows.iter().find(|(row, _)| !names.contains(&row.as_str())) {
        Some((row, _)) => Err(format!("`{row}` is not among the names")),
        None => Ok(rows),
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

fn close_reasons(reasons: &[Member], still: &[(&str, &str)]) -> Result<String, String> {
    let mut page = String::from("| reason | what happened | what the connection can still do |\n| --- | --- | --- |\n");
    for Member { name, doc, .. } in reasons {
        let Some((_, still)) = still.iter().find(|(reason, _)| reason == name) else {
            return Err(format!("docs/errors.rs does not say what a connection can still do after {name}"));
        };
        let _ = writeln!(page, "| `{name}` | {} | {still} |", cell(doc));
    }
    match still.iter().find(|(reason, _)| !reasons.iter().any(|member| member.name == *reason)) {
        Some((reason, _)) => Err(format!("docs/errors.rs knows {reason}, the core does not")),
        None => Ok(page),
    }
}

/// The entries of `mistakes!` are a name and a text; a field has its texts where fields are.
fn invalid_texts(project: &Project, entries: &[Member]) -> Result<Vec<(String, String)>, String> {
    let mut rows = Vec::new();
    for entry in entries {
        let [name, text] = entry.literals.as_slice() else {
            return Err(format!("request/invalid.rs: {} is no name and a text", entry.name));
        };
        rows.push((name.clone(), sentence(text)));
    }
    for field in core_source(project, "fields/invalid.rs")?.members(&["enum", "InvalidField"]) {
        rows.push((format!("field-{}", kebab(&field.name)), field.doc));
    }
    // What a line is only `Fields::parse` asks: no name of a request.
    rows.retain(|(name, _)| InvalidRequest::NAMES.contains(&name.as_str()));
    match InvalidRequest::NAMES.iter().find(|name| !rows.iter().any(|(row, _)| row == **name)) {
        Some(name) => Err(format!("request/invalid.rs: `{name}` has no text")),
        None => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, doc: &str) -> Member {
        Member { name: name.to_owned(), doc: doc.to_owned(), literals: Vec::new() }
    }

    #[test]
    fn every_name_has_its_row() {
        let page = page(&Project::here()).unwrap();
        let has =
            |name: &str| page.lines().any(|line| line.starts_with(&format!("| `{name}` | ")) && !line.contains("|  |"));
        let names = Misuse::NAMES.iter().chain(InvalidRequest::NAMES).copied();
        let kinds = Violation::ALL.iter().map(|kind| kind.name()).chain(Limit::ALL.iter().map(|kind| kind.name()));
        for name in names.chain(kinds).chain(Phase::ALL.iter().map(|kind| kind.name())) {
            assert!(page.contains(&format!("| `{name}` | ")), "{name}");
        }
        assert!(has("PeerSentClose"));
    }

    #[test]
    fn names_and_variants_belong_together() {
        let variants = [member("ContentShort", "Too short.")];
        assert_eq!(
            named(&variants, &["content-short"]).unwrap()[0],
            ("content-short".to_owned(), "Too short.".to_owned())
        );
        assert!(named(&variants, &["content-short", "closed"]).is_err());
        assert!(named(&variants, &[]).is_err());
    }

    #[test]
    fn every_exception_of_the_three_libraries_stands_somewhere() {
        let page = page(&Project::here()).unwrap();
        let pykit = "HttpError LineTooLongError ChunkedSizeError NotConnectedError ResponseNotReadyError HeadersError \
                     BadStatusLineError socket.error socket.timeout";
        let http_client = "HTTPException NotConnected InvalidURL UnknownProtocol UnknownTransferEncoding \
                           IncompleteRead CannotSendRequest CannotSendHeader ResponseNotReady \
                           BadStatusLine LineTooLong RemoteDisconnected";
        let dugong = "ConnectionClosed ConnectionTimedOut InvalidResponse UnsupportedResponse StateError ExcessBodyData \
                      HostnameNotResolvable DNSUnavailable HostnameNotResolvableOrDNSUnavailable";
        for name in [pykit, http_client, dugong].iter().flat_map(|names| names.split_whitespace()) {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn a_kind_without_a_consequence_or_exceptions_is_an_error() {
        let (kinds, rows): (_, &Rows) = ([member("NotText", "No text.")], &[("not-text", ["`a`", "-", "-"])]);
        let page = kinds_table(&kinds, &[("NotText", "All.")], rows).unwrap();
        assert!(page.ends_with("| `not-text` | No text. | All. | `a` | - | - |\n"));
        assert!(kinds_table(&kinds, &[], rows).is_err());
        assert!(kinds_table(&kinds, &[("NotText", "All.")], &[]).is_err());
        assert!(kinds_table(&[], &[("NotText", "All.")], &[]).is_err());
        assert!(kinds_table(&[], &[], rows).is_err());
    }

    #[test]
    fn a_reason_without_a_consequence_is_an_error() {
        let reasons = [member("Error", "Broken.")];
        assert!(
            close_reasons(&reasons, &[("Error", "Nothing.")]).unwrap().ends_with("| `Error` | Broken. | Nothing. |\n")
        );
        assert!(close_reasons(&reasons, &[]).is_err());
        assert!(close_reasons(&[], &[("Error", "Nothing.")]).is_err());
    }
}
