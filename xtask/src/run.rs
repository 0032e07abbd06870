//! Commands: each is printed before it runs, as it could be typed, and its output goes through untouched.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::project::Project;

/// What a check found wrong; empty when it passed.
pub(crate) type Findings = Vec<String>;

/// One line to standard output.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    // Nobody reads any more: the exit status still tells how it ended.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// A `cargo` command, in the root of the project. The cargo that runs us, so that `cargo +toolchain xtask` holds.
pub(crate) fn cargo(project: &Project, arguments: &[&str]) -> Command {
    command(project, &std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Any command, in the root of the project.
pub(crate) fn command(project: &Project, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&project.root);
    // What cargo told us about our own crate is not for others: some build scripts (ring's) look at it, and would run
    // again each time that cargo is started by us and then by hand.
    for (name, _) in std::env::vars_os() {
        if is_about_us(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether cargo sets this variable for a program that it runs.
fn is_about_us(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Prints the command and runs it.
pub(crate) fn run(command: &mut Command) -> Findings {
    let shown = announce(command);
    match command.status() {
        Ok(status) if status.success() => Vec::new(),
        Ok(status) => vec![format!("`{shown}`: {status}")],
        Err(error) => vec![format!("`{shown}`: {error}")],
    }
}

/// Prints the command, runs it, and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = announce(command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("`{shown}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}`: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{shown}`: {error}"))
}

fn announce(command: &Command) -> String {
    let shown = shown(command);
    say(&format!("$ {shown}"));
    shown
}

/// The command as it could be typed into a shell.
fn shown(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy()))));
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    set.chain([program]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_could_be_typed() {
        let project = Project::here();
        let mut command = command(&project, "/usr/bin/printf", &["%s\n", "it's"]);
        command.env("A", "-D warnings");
        assert_eq!(shown(&command), r"A='-D warnings' printf '%s".to_owned() + "\n" + r"' 'it'\''s'");
    }

    #[test]
    fn a_command_does_not_hear_about_our_own_crate() {
        assert!(is_about_us("CARGO_PKG_NAME") && is_about_us("CARGO_MANIFEST_DIR"));
        assert!(!is_about_us("CARGO_TARGET_DIR") && !is_about_us("CARGO_HOME"));
        let heard = output(&mut command(&Project::here(), "env", &[])).unwrap();
        assert!(!heard.lines().any(is_about_us), "{heard}");
    }

    #[test]
    fn a_failure_names_the_command_and_its_status() {
        let project = Project::here();
        assert_eq!(run(&mut command(&project, "true", &[])), Findings::new());
        assert_eq!(run(&mut command(&project, "false", &[])), ["`false`: exit status: 1"]);
        assert_eq!(run(&mut command(&project, "no-such-program", &[])).len(), 1);
    }

    #[test]
    fn output_is_what_the_command_wrote() {
        let project = Project::here();
        assert_eq!(output(&mut command(&project, "echo", &["hello"])), Ok("hello\n".to_owned()));
        assert!(output(&mut command(&project, "false", &[])).is_err());
    }
}
