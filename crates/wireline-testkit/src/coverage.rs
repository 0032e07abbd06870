//! Whether each thing that can go wrong has a case that shows it.

use std::collections::BTreeSet;

use wireline_proto::{InvalidRequest, Leniency, Limit, Misuse, Phase, Violation};

use crate::case::Case;

/// What no log of these cases shows, as it would stand there: of the violations, the limits, the phases in which a
/// response can end, the misuses, the requests that cannot be built, and what leniencies tolerate.
#[must_use]
pub fn not_covered(cases: &[Case]) -> Vec<String> {
    let shown: BTreeSet<String> = cases.iter().flat_map(|case| case.expected.lines().flat_map(shown_by)).collect();
    let mut names: Vec<String> = Vec::new();
    names.extend(Violation::ALL.iter().map(|violation| format!("violation {}", violation.name())));
    names.extend(Limit::ALL.iter().map(|limit| format!("limit {}", limit.name())));
    names.extend(Phase::ALL.iter().map(|phase| format!("incomplete {}", phase.name())));
    names.extend(Misuse::NAMES.iter().map(|name| format!("misuse {name}")));
    names.extend(InvalidRequest::NAMES.iter().map(|name| format!("invalid: {name}")));
    names.extend(Leniency::NAMES.iter().map(|name| format!("tolerated: {name}")));
    names.retain(|name| !shown.contains(name));
    names
}

/// The names that a line of a log shows.
fn shown_by(line: &str) -> Vec<String> {
    if let Some(tolerated) = line.strip_prefix("tolerated: ") {
        let names = tolerated.split(", ").filter_map(|counted| counted.split(' ').next());
        return names.map(|name| format!("tolerated: {name}")).collect();
    }
    let error =
        line.split_once(" error ").filter(|_| line.starts_with('@')).and_then(|(_, rest)| rest.split_once(": "));
    match error {
        Some((_, kind)) => vec![kind.split(',').next().unwrap_or(kind).to_owned()],
        None => vec![line.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_its_names() {
        assert_eq!(shown_by("@7 error 0: violation bare-lf"), ["violation bare-lf"]);
        assert_eq!(shown_by("@7 error -: incomplete content, received 3, missing 7"), ["incomplete content"]);
        assert_eq!(shown_by("tolerated: a 2, b 1"), ["tolerated: a", "tolerated: b"]);
        assert_eq!(shown_by("misuse closed"), ["misuse closed"]);
    }

    #[test]
    fn without_cases_nothing_is_covered() {
        let all = not_covered(&[]);
        for name in ["violation version", "limit head", "incomplete trailers", "misuse closed", "tolerated: http09"] {
            assert!(all.iter().any(|found| found == name), "{name}");
        }
        assert!(all.iter().any(|found| found == "invalid: host-missing"));
    }
}
