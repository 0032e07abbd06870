//! docs/command.md: what the command itself says with `--help`.

use crate::policy::Metadata;
use crate::project::Project;
use crate::run::{cargo, command, output, run};

pub(super) fn page(project: &Project) -> Result<String, String> {
    // As the tests build it, so that behind them nothing is left to build.
    let build = ["build", "--locked", "--workspace", "--all-features", "--bin", "wireline"];
    if let Some(finding) = run(&mut cargo(project, &build)).into_iter().next() {
        return Err(finding);
    }
    let binary = format!("{}/debug/wireline", Metadata::load(project)?.target_directory());
    Ok(text(&output(&mut command(project, &binary, &["--help"]))?))
}

fn text(help: &str) -> String {
    format!("# The command\n\nWhat `wireline --help` prints.\n\n```text\n{}\n```\n", help.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_stands_in_one_block() {
        assert_eq!(
            text("wireline\n\n  -o\n"),
            "# The command\n\nWhat `wireline --help` prints.\n\n```text\nwireline\n\n  -o\n```\n"
        );
    }
}
