//! docs/from-python.md: what users of three Python libraries know, in Rust. Its lines are those of tests, so that each
//! compiles and does what it says.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::project::Project;

const FOLDER: &str = "crates/wireline/tests/from_python";

/// The files in the order of the page.
const FILES: [&str; 6] = ["connecting", "sending", "receiving", "pipelining", "failing", "watching"];

/// The rows that there are: so many of pykit, of http.client and of dugong. Each stands in the page, and no other.
const ROWS: [(&str, usize); 3] = [("PK", 15), ("HC", 33), ("DG", 20)];

const OPENING: &str = "# From Python

What the users of pykit's `http.Client` (**PK**), of `http.client` and `httplib` (**HC**) and of dugong (**DG**) know, row by
row, and the lines that do it here. The lines are those of [tests](../crates/wireline/tests/from_python), so each of them
compiles, and does what it says. What an exception is here is in [errors.md](errors.md).
";

const CLOSING: &str = "
## Where the three disagree

| point | pykit | `http.client` | dugong | here |
| --- | --- | --- | --- | --- |
| interim responses | all skipped | only 100 skipped | skipped, but for a 100 that was asked for | kept in `interim()`; 101 that was asked for switches |
| neither a length nor chunks | no content | up to the close | `UnsupportedResponse` | up to the close |
| content that ends early | `socket.error` | `IncompleteRead`, from `read(n)` nothing | `ConnectionClosed` | `Lost`, with what came, from every method |
| connecting anew | for each request | in silence | only when told | only when told; by itself with `auto_open` |
| repeated fields | the last one | joined or a list | all kept | all kept, in order; joined by `field` |
| the length of content | the caller's affair | by its type, unchecked | by its type | by its type or as said; checked |
| `read(n)` | exactly n | exactly n | up to n | `read_bytes`, `read_full`; `read_content` |
| content from a file | - | in chunks (2.x: its length) | - | its length where that is known, else in chunks |
| a request before the response is read | a new connection | sent, not received | pipelined | `pipeline()` or `split()`; else it does not compile |
| a field line that is none | `HeadersError` | the rest is dropped | as for mail | an error, unless a leniency lets it through |
";

pub(super) fn page(project: &Project) -> Result<String, String> {
    let mut page = OPENING.to_owned();
    let mut found = BTreeSet::new();
    for file in FILES {
        let path = format!("{FOLDER}/{file}.rs");
        add(&mut page, &mut found, &project.read(&path)?).map_err(|error| format!("{path}:{error}"))?;
    }
    complete(&found)?;
    Ok(page + CLOSING)
}

/// Adds the headings (`//#`), the rows (`//=`, of one line or more) and the lines behind each, up to an empty one.
fn add(page: &mut String, found: &mut BTreeSet<String>, text: &str) -> Result<(), String> {
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let margin = line.len() - line.trim_start().len();
        if let Some(heading) = line.strip_prefix("//# ") {
            let _ = writeln!(page, "\n## {heading}");
        } else if let Some(row) = line.trim_start().strip_prefix("//= ") {
            let mut code: Vec<_> = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.is_empty()).collect();
            // A row of the page may take several lines here.
            let more = code.iter().map_while(|line| line.trim_start().strip_prefix("//= ")).collect::<Vec<_>>();
            let row = [&[row], more.as_slice()].concat().join(" ");
            found.extend(ids(&row).map(str::to_owned));
            code.drain(..more.len());
            if code.is_empty() || ids(&row).next().is_none() {
                return Err(format!("{number}: a row has names, and lines behind it"));
            }
            let _ = writeln!(page, "\n{}\n\n```rust", bold(&row));
            for line in code {
                let (before, line) = line.split_at_checked(margin).unwrap_or(("?", line));
                if !before.trim().is_empty() || line.starts_with("//=") {
                    return Err(format!("{number}: the lines of a row end with an empty one"));
                }
                let _ = writeln!(page, "{line}");
            }
            *page += "```\n";
        }
    }
    Ok(())
}

/// The names of rows in a text: `PK1`.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| is_id(word))
}

fn is_id(word: &str) -> bool {
    let number = ROWS.iter().find_map(|(library, _)| word.strip_prefix(library));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bold(row: &str) -> String {
    row.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric())
        .map(|word| {
            let name = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
            if is_id(name) { format!("**{name}**{}", word.trim_start_matches(name)) } else { word.to_owned() }
        })
        .collect()
}

fn complete(found: &BTreeSet<String>) -> Result<(), String> {
    let rows: Vec<_> =
        ROWS.iter().flat_map(|(library, rows)| (1..=*rows).map(move |row| format!("{library}{row}"))).collect();
    let missing: Vec<_> = rows.iter().filter(|row| !found.contains(*row)).map(String::as_str).collect();
    let unknown: Vec<_> = found.iter().filter(|row| !rows.contains(row)).map(String::as_str).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(format!("{FOLDER}: rows that are missing: [{}], that nobody knows: [{}]", missing.join(" "), unknown.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_page() {
        let page = page(&Project::here()).unwrap();
        assert!(page.contains("**HC33**") && page.contains("```rust\nlet mut connection ="));
        assert!(complete(&BTreeSet::new()).unwrap_err().contains("missing: [PK1 PK2 "));
        assert!(complete(&BTreeSet::from(["PK16".to_owned()])).unwrap_err().ends_with("[PK16]"));
    }

    #[test]
    fn a_row_takes_the_lines_up_to_an_empty_one() {
        let (mut page, mut found) = (String::new(), BTreeSet::new());
        let text = "//# All\nfn f() {\n    //= PK2, HC3: `x`\n    //= and y\n    a();\n        b();\n\n    c();\n}\n";
        add(&mut page, &mut found, text).unwrap();
        assert_eq!(page, "\n## All\n\n**PK2**, **HC3**: `x` and y\n\n```rust\na();\n    b();\n```\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["HC3", "PK2"]);
        assert!(add(&mut page, &mut BTreeSet::new(), "//= PK1: x\n\n").is_err());
        assert!(add(&mut page, &mut BTreeSet::new(), "    //= PK1: x\n    a();\n}\n\n").is_err());
        assert!(add(&mut page, &mut BTreeSet::new(), "//= PKX: x\na();\n").is_err());
    }
}
