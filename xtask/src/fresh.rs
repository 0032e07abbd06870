//! `cargo xtask fresh`: what a stranger does. Clones HEAD and runs the commands of README.md there, from nothing.

use std::path::Path;

use crate::project::Project;
use crate::run::{Findings, command, run};

/// Clones, runs, and takes the clone away again, also behind a failure.
pub(crate) fn check(project: &Project) -> Findings {
    let folder = std::env::temp_dir().join(format!("wireline-fresh-{}", std::process::id()));
    let findings = in_clone(project, &folder);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if folder.exists() => {
            findings.into_iter().chain([format!("{}: {error}", folder.display())]).collect()
        }
        _ => findings,
    }
}

fn in_clone(project: &Project, folder: &Path) -> Findings {
    let place = folder.to_string_lossy();
    let clone = run(&mut command(project, "git", &["clone", "--quiet", "--no-hardlinks", ".", &place]));
    if !clone.is_empty() {
        return clone;
    }
    let clone = Project { root: folder.to_owned() };
    let readme = match clone.read("README.md") {
        Ok(readme) => readme,
        Err(finding) => return vec![finding],
    };
    let commands = commands(&readme);
    if commands.len() != 2 {
        return vec![format!("README.md has {} commands where two are expected", commands.len())];
    }
    let mut findings = Findings::new();
    for words in commands {
        // A target folder set from outside would be anything but empty.
        let mut command = command(&clone, words[0], &words[1..]);
        command.env_remove("CARGO_TARGET_DIR");
        findings.extend(run(&mut command));
    }
    findings
}

/// The `cargo` lines of the first code block, without their comments.
fn commands(readme: &str) -> Vec<Vec<&str>> {
    let mut blocks = readme.split("```");
    blocks
        .nth(1)
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("cargo "))
        .map(|line| line.split(" #").next().unwrap_or(line).split_whitespace().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_of_the_first_block() {
        let readme =
            "x\n```text\ncargo run --release -- tour   # the main job\ncargo xtask ci\n```\n```\ncargo no\n```\n";
        assert_eq!(commands(readme), [vec!["cargo", "run", "--release", "--", "tour"], vec!["cargo", "xtask", "ci"]]);
    }

    #[test]
    fn the_readme_has_two_commands() {
        assert_eq!(commands(&Project::here().read("README.md").unwrap()).len(), 2);
    }

    /// A repository whose README has these commands, and the findings of running them in a clone of it.
    fn findings(name: &str, commands: &str) -> Findings {
        let folder = std::env::temp_dir().join(format!("wireline-fresh-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let project = Project { root: folder.clone() };
        std::fs::write(folder.join("README.md"), format!("```text\n{commands}```\n")).unwrap();
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        for arguments in [&["init", "--quiet"][..], &["add", "README.md"], &["commit", "--quiet", "--message", "x"]] {
            assert_eq!(run(command(&project, "git", &author).args(arguments)), Findings::new());
        }
        let findings = in_clone(&project, &folder.join("clone"));
        std::fs::remove_dir_all(folder).unwrap();
        findings
    }

    #[test]
    fn every_command_is_run_in_the_clone() {
        assert_eq!(findings("good", "cargo --version # one\ncargo --list # two\n"), [""; 0]);
        let failed = findings("bad", "cargo no-such-command\ncargo locate-project\n");
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert_eq!(findings("short", "cargo --version\n"), ["README.md has 1 commands where two are expected"]);
    }

    #[test]
    fn what_is_no_repository_cannot_be_cloned() {
        let nowhere = std::env::temp_dir().join(format!("wireline-fresh-test-{}", std::process::id()));
        std::fs::create_dir(&nowhere).unwrap();
        let findings = in_clone(&Project { root: nowhere.clone() }, &nowhere.join("clone"));
        std::fs::remove_dir_all(&nowhere).unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
    }
}
