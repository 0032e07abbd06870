//! docs/limits.md: every field of `Limits` with its default and the reason for it.

use std::fmt::Write;

use wireline_proto::Limits;

use super::{cell, core_source};
use crate::project::Project;
use crate::source::Member;

pub(super) fn page(project: &Project) -> Result<String, String> {
    text(&core_source(project, "limits.rs")?.members(&["struct", "Limits"]), &defaults())
}

/// The names of the fields and the defaults, as `Debug` lists them.
fn defaults() -> Vec<(String, u32)> {
    let shown = format!("{:?}", Limits::DEFAULT);
    let fields = shown.trim_start_matches("Limits {").trim_end_matches('}').split(',');
    fields
        .filter_map(|field| field.split_once(':'))
        .filter_map(|(name, value)| Some((name.trim().to_owned(), value.trim().parse().ok()?)))
        .collect()
}

fn text(fields: &[Member], defaults: &[(String, u32)]) -> Result<String, String> {
    if !fields.iter().map(|field| &field.name).eq(defaults.iter().map(|(name, _)| name)) {
        return Err("limits.rs: the fields that were read are not those of Limits".to_owned());
    }
    let mut page = String::from(
        "# How much is too much\n\n\
         The bounds on what a peer can make a connection read, keep or wait for: fields of `Limits`, all of them settable. A\n\
         bound that is passed is the error of the same name in [errors.md](errors.md), unless its row says otherwise.\n\n\
         | limit | default | what it bounds, and why so |\n| --- | --- | --- |\n",
    );
    for (Member { name, doc, .. }, (_, default)) in fields.iter().zip(defaults) {
        let default = amount(*default);
        if !doc.contains(&default) {
            return Err(format!("limits.rs: the documentation of `{name}` does not state its default, {default}"));
        }
        let _ = writeln!(page, "| `{name}` | {default} | {} |", cell(doc));
    }
    Ok(page)
}

/// A number as the documentation words it.
fn amount(number: u32) -> String {
    const KIB: u32 = 1 << 10;
    const MIB: u32 = 1 << 20;
    match number {
        MIB.. if number % MIB == 0 => format!("{} MiB", number / MIB),
        KIB.. if number % KIB == 0 => format!("{} KiB", number / KIB),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_row() {
        let page = page(&Project::here()).unwrap();
        assert!(page.lines().any(|line| line.starts_with("| `head` | 256 KiB | ")));
        assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), defaults().len());
        assert!(defaults().len() > 10);
    }

    #[test]
    fn a_default_that_the_documentation_does_not_state_is_an_error() {
        let field = |doc: &str| [Member { name: "head".to_owned(), doc: doc.to_owned(), literals: Vec::new() }];
        let defaults = [("head".to_owned(), 256 << 10)];
        assert!(text(&field("A head: 128 KiB."), &defaults).unwrap_err().contains("256 KiB"));
        assert!(text(&field("A head: 256 KiB."), &defaults).is_ok());
        assert!(text(&field("A head: 256 KiB."), &[]).is_err());
    }

    #[test]
    fn amounts_are_worded_as_in_the_documentation() {
        assert_eq!([256, 1024, 65536, 1 << 20, 1500].map(amount), ["256", "1 KiB", "64 KiB", "1 MiB", "1500"]);
    }
}
