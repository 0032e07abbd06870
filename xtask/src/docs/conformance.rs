//! docs/conformance.md: what the RFCs ask of a client, what wireline does, and the wire cases and tests that show it.
//!
//! docs/requirements.md says what is asked. A wire case names the requirements that it shows in the comment of its title,
//! behind the sections: `<!-- rfc9112 6.3; L7 L13 -->`. A test in Rust names them in a line above it:
//! `// conformance: I5`.

mod evidence;
mod requirements;

use std::collections::BTreeMap;
use std::fmt::Write;

use self::evidence::{Evidence, Place};
use self::requirements::{Answer, LEVELS, Requirement};
use super::index::cites;
use crate::cases::CaseFile;
use crate::project::Project;

pub(super) fn page(project: &Project) -> Result<String, String> {
    let requirements = requirements::read(project)?;
    let mut evidence = evidence::of_cases(&CaseFile::all(project)?);
    evidence.extend(evidence::of_tests(project)?);
    let (shown, findings) = join(&requirements, evidence);
    if findings.is_empty() { Ok(text(&requirements, &shown)) } else { Err(findings.join("\n")) }
}

/// What shows each requirement, by its name.
type Shown<'a> = BTreeMap<&'a str, Vec<Place>>;

/// Brings both sides together, and says where one lacks the other.
fn join(requirements: &[Requirement], evidence: Vec<Evidence>) -> (Shown<'_>, Vec<String>) {
    let mut shown: Shown<'_> = requirements.iter().map(|asked| (asked.id.as_str(), Vec::new())).collect();
    let mut findings = Vec::new();
    for Evidence { ids, place } in evidence {
        for id in ids {
            match shown.get_mut(id.as_str()) {
                Some(places) => places.push(place.clone()),
                None => findings.push(format!("{}: `{}` names {id}, which nobody requires", place.path, place.title)),
            }
        }
    }
    for asked in requirements {
        let is_shown = shown.get(asked.id.as_str()).is_some_and(|places| !places.is_empty());
        let id = &asked.id;
        match asked.answer {
            Answer::Kept if !is_shown => findings.push(format!("{id}: no case or test shows it")),
            Answer::NotShown if asked.is_absolute() => {
                findings.push(format!("{id}: what {} be done needs a case or a test, not a reason", asked.level));
            }
            Answer::NotShown | Answer::Left if is_shown => {
                findings.push(format!("{id}: it is shown, so that it needs no reason"));
            }
            Answer::Kept | Answer::NotShown | Answer::Left => {}
        }
    }
    (shown, findings)
}

fn text(requirements: &[Requirement], shown: &Shown<'_>) -> String {
    let mut page = String::from(
        "# What RFC 9110 and RFC 9112 ask of a client\n\n\
         Each requirement that binds a client, as a sender, as a recipient or as a user agent; what wireline does; and the wire\n\
         cases and tests that show it. What is asked is written down in [requirements.md](requirements.md); the rest of this page\n\
         is collected from the cases and the tests, and the review fails where a requirement has lost the last of them.\n\n",
    );
    page += &summary(requirements);
    let mut group = "";
    for asked in requirements {
        if asked.group != group {
            group = &asked.group;
            let _ = write!(page, "\n## {group}\n");
        }
        let _ = write!(page, "\n### {}: {}\n\n", asked.id, asked.requirement);
        let _ = writeln!(page, "{}; {}. {}", cites(&asked.sections), asked.level_and_whom, asked.text);
        let places = shown.get(asked.id.as_str()).map_or(&[][..], Vec::as_slice);
        if !places.is_empty() {
            page.push('\n');
        }
        for Place { path, name, title } in places {
            let _ = writeln!(page, "- [{name}](../{path}): {title}");
        }
    }
    page
}

/// How many of each level there are, and what has become of them.
fn summary(requirements: &[Requirement]) -> String {
    let mut table = String::from(
        "| level | requirements | shown | not shown, with the reason | left to the caller |\n| --- | --- | --- | --- | --- |\n",
    );
    for level in LEVELS {
        let of_level = || requirements.iter().filter(|asked| asked.level == level);
        let count = |answer| of_level().filter(|asked| asked.answer == answer).count();
        let (kept, not_shown, left) = (count(Answer::Kept), count(Answer::NotShown), count(Answer::Left));
        let _ = writeln!(table, "| {level} | {} | {kept} | {not_shown} | {left} |", of_level().count());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rows: &str) -> Vec<Requirement> {
        requirements::parse(&format!(
            "## A\n| id | where | level | asked | here |\n| --- | --- | --- | --- | --- |\n{rows}"
        ))
        .unwrap()
    }

    fn evidence(ids: &[&str]) -> Evidence {
        let place = Place { path: "cases/a.md".to_owned(), name: "a".to_owned(), title: "One".to_owned() };
        Evidence { ids: ids.iter().map(|&id| id.to_owned()).collect(), place }
    }

    #[test]
    fn a_requirement_that_lost_its_last_case_is_found() {
        let must = asked("| A1 | rfc9112 2.2 | MUST, recipient | It does. | It does. |\n");
        assert_eq!(join(&must, vec![evidence(&["A1"])]).1, Vec::<String>::new());
        assert_eq!(join(&must, Vec::new()).1, ["A1: no case or test shows it"]);
    }

    #[test]
    fn a_case_that_names_no_requirement_is_found() {
        let must = asked("| A1 | rfc9112 2.2 | MUST, recipient | It does. | It does. |\n");
        let (_, findings) = join(&must, vec![evidence(&["A1", "A2"])]);
        assert_eq!(findings, ["cases/a.md: `One` names A2, which nobody requires"]);
    }

    #[test]
    fn a_reason_is_enough_for_should_and_not_for_must() {
        let reason = |level| asked(&format!("| A1 | rfc9112 2.2 | {level} | It does. | No case: why. |\n"));
        assert_eq!(join(&reason("SHOULD, client"), Vec::new()).1, Vec::<String>::new());
        assert_eq!(join(&reason("MUST NOT, client"), Vec::new()).1.len(), 1);
        assert_eq!(join(&reason("SHOULD, client"), vec![evidence(&["A1"])]).1.len(), 1);
    }

    #[test]
    fn what_is_left_to_the_caller_is_shown_by_nobody() {
        let left = asked("| A1 | rfc9110 9.3.7 | MUST, client | It does. | Left to the caller: why. |\n");
        assert_eq!(join(&left, Vec::new()).1, Vec::<String>::new());
        assert_eq!(join(&left, vec![evidence(&["A1"])]).1.len(), 1);
    }

    #[test]
    fn the_page_says_what_shows_it() {
        let must = asked("| A1 | rfc9112 2.2 | MUST, recipient | It does. | So it is. |\n");
        let (shown, _) = join(&must, vec![evidence(&["A1"])]);
        let page = text(&must, &shown);
        assert!(page.contains("| MUST | 1 | 1 | 0 | 0 |\n"));
        let end =
            "\n## A\n\n### A1: It does.\n\nRFC 9112 2.2; MUST, recipient. So it is.\n\n- [a](../cases/a.md): One\n";
        assert!(page.ends_with(end), "{page}");
    }

    #[test]
    fn the_tree_has_no_finding() {
        assert_eq!(page(&Project::here()).err(), None);
    }
}
