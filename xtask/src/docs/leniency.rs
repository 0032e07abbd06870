//! docs/leniency.md: every switch of `Leniency` with the attack that it opens, and what the presets turn on.

use std::fmt::Write;

use wireline_proto::Leniency;

use super::{cell, core_source};
use crate::project::Project;
use crate::source::Member;

pub(super) fn page(project: &Project) -> Result<String, String> {
    text(&core_source(project, "config.rs")?.members(&["leniencies", "!"]))
}

fn text(switches: &[Member]) -> Result<String, String> {
    if !switches.iter().map(|switch| switch.name.as_str()).eq(Leniency::NAMES.iter().copied()) {
        return Err("config.rs: the switches that were read are not those of Leniency::NAMES".to_owned());
    }
    let browser = format!("{:?}", Leniency::BROWSER);
    let http_client = format!("{:?}", Leniency::HTTP_CLIENT);
    let mut page = String::from(
        "# What is let through on request\n\n\
         All switches are off. Each names what it tolerates, the attack that it opens, and who else tolerates it. What was in\n\
         fact tolerated in a response is counted in `Deviations`. Two presets turn several on: `browser` what browsers let\n\
         through, `http-client` what the users of Python's `http.client` rely on; `strict` turns all off.\n\n\
         | switch | what it does | browser | http-client |\n| --- | --- | --- | --- |\n",
    );
    for Member { name, doc, .. } in switches {
        if !doc.contains("Opens: ") {
            return Err(format!("config.rs: `{name}` does not say which attack it opens"));
        }
        let mark = |preset: &str| if preset.contains(&format!(" {name}: true")) { "on" } else { "" };
        let _ = writeln!(page, "| `{name}` | {} | {} | {} |", cell(doc), mark(&browser), mark(&http_client));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_has_its_row_and_the_presets_their_marks() {
        let page = page(&Project::here()).unwrap();
        let row = |name: &str| page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        assert!(Leniency::NAMES.iter().all(|name| row(name).contains("Opens: ")));
        assert!(row("space_before_colon").ends_with("| on |  |"));
        assert!(row("ctl_in_values").ends_with("|  | on |"));
        assert!(row("http09").ends_with("|  |  |"));
    }

    #[test]
    fn a_switch_without_its_attack_is_an_error() {
        let member =
            |name: &&str| Member { name: (*name).to_owned(), doc: "Tolerates.".to_owned(), literals: Vec::new() };
        let switches: Vec<_> = Leniency::NAMES.iter().map(member).collect();
        assert!(text(&switches).unwrap_err().contains("which attack"));
        assert!(text(&switches[1..]).unwrap_err().contains("NAMES"));
    }
}
