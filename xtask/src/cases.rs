//! The wire cases, as far as the pages need them: titles, what they cite, and what their logs name. Running them is the
//! work of `wireline-testkit`.

use crate::project::Project;

/// A file of `cases`.
#[derive(Debug)]
pub(crate) struct CaseFile {
    /// Its path from the root of the project.
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) cases: Vec<Case>,
}

/// One wire case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) title: String,
    /// What it cites, as written: `rfc9112 6.3, rfc9110 15.3.5`.
    pub(crate) cites: String,
    /// The requirements that it shows: `L7`, `L13`.
    pub(crate) requirements: Vec<String>,
    /// What its `log` blocks expect.
    pub(crate) log: Vec<String>,
}

impl CaseFile {
    /// Every file, by path.
    pub(crate) fn all(project: &Project) -> Result<Vec<Self>, String> {
        let files = project.files().map_err(|findings| findings.join("; "))?;
        let cases = files.iter().filter(|file| file.path.starts_with("cases/") && file.path.ends_with(".md"));
        let cases: Vec<_> = cases.map(|file| Self::parse(&file.path, &file.text)).collect::<Result<_, _>>()?;
        if cases.is_empty() { Err("cases: there is none".to_owned()) } else { Ok(cases) }
    }

    fn parse(path: &str, text: &str) -> Result<Self, String> {
        let mut file = Self { path: path.to_owned(), title: String::new(), cases: Vec::new() };
        let mut fence: Option<&str> = None;
        for (line, text) in (1..).zip(text.lines()) {
            match (fence, text.strip_prefix("```")) {
                (None, Some(name)) => fence = Some(name),
                (Some(_), Some(_)) => fence = None,
                (Some("log"), None) => match file.cases.last_mut() {
                    Some(case) => case.log.push(text.to_owned()),
                    None => return Err(format!("{path}:{line}: a log without a case")),
                },
                (Some(_), None) => {}
                (None, None) => file.heading(line, text)?,
            }
        }
        if file.title.is_empty() { Err(format!("{path}: no title")) } else { Ok(file) }
    }

    fn heading(&mut self, line: usize, text: &str) -> Result<(), String> {
        if let Some(heading) = text.strip_prefix("## ") {
            let cited =
                heading.split_once("<!--").and_then(|(title, comment)| Some((title, comment.split_once("-->")?.0)));
            let Some((title, comment)) = cited else {
                return Err(format!("{}:{line}: a case that cites no section", self.path));
            };
            let (cites, requirements) = comment.split_once(';').unwrap_or((comment, ""));
            let (cites, requirements) = (cites.trim().to_owned(), requirements.split_whitespace());
            let requirements = requirements.map(|id| id.trim_end_matches(',').to_owned()).collect();
            if !cites.starts_with("rfc") {
                return Err(format!("{}:{line}: `{cites}` is no section of an RFC", self.path));
            }
            self.cases.push(Case { title: title.trim().to_owned(), cites, requirements, log: Vec::new() });
        } else if let Some(title) = text.strip_prefix("# ") {
            title.trim().clone_into(&mut self.title);
        }
        Ok(())
    }
}

impl Case {
    /// Whether a line of the log is about this name: `violation bare-lf`, `misuse closed`, `incomplete head`.
    pub(crate) fn shows(&self, kind: &str, name: &str) -> bool {
        self.log.iter().any(|line| {
            line.split_once(&format!("{kind} {name}")).is_some_and(|(before, after)| {
                let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-');
                ends(before.chars().next_back()) && ends(after.chars().next())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = "# Lengths\n\nWhy.\n\n## One      <!-- rfc9112 6.3, rfc9110 8.6; L1 -->\n```send\n## not a case\n```\n\
                           ```log\n@0 error 0: violation length-invalid\nreuse: never\n```\n## Two <!-- rfc9112 6 -->\n```log\nx\n```\n";

    #[test]
    fn a_case_has_a_title_citations_and_a_log() {
        let file = CaseFile::parse("cases/a.md", FIXTURE).unwrap();
        assert_eq!((file.title.as_str(), file.cases.len()), ("Lengths", 2));
        let case = &file.cases[0];
        assert_eq!((case.title.as_str(), case.cites.as_str()), ("One", "rfc9112 6.3, rfc9110 8.6"));
        assert_eq!(case.requirements, ["L1"]);
        assert_eq!((file.cases[1].cites.as_str(), file.cases[1].requirements.len()), ("rfc9112 6", 0));
        assert!(case.shows("violation", "length-invalid"));
        assert!(!case.shows("violation", "length") && !case.shows("olation", "length-invalid"));
    }

    #[test]
    fn a_case_without_a_section_is_an_error() {
        assert!(CaseFile::parse("a.md", "# A\n## B\n").unwrap_err().starts_with("a.md:2: "));
        assert!(CaseFile::parse("a.md", "# A\n## B <!-- L1 -->\n").is_err());
        assert!(CaseFile::parse("a.md", "text\n").is_err());
        assert!(CaseFile::parse("a.md", "# A\n```log\nx\n```\n").is_err());
    }
}
