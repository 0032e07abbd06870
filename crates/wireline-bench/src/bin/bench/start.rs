//! A subject, started: which program it is in, and the command that makes it do a scenario.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, io};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use wireline_bench::{Failure, Report};

/// The programs with subjects in them, and the processor for whoever is measured.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) own: PathBuf,
    /// None in the gate, which is about wireline alone.
    pub(crate) peers: Option<PathBuf>,
    pub(crate) core: usize,
}

/// Those in the program that is built with this one.
pub(crate) const OWN: [&str; 6] =
    ["floor", "polling floor", "wireline", "polling wireline", "tokio-wireline", "wireline-proto"];

/// Programs that people type, which know nothing of measurements, and how they are called here; and the least that can do
/// the same, as a process like them.
const COMMANDS: [(&str, &[&str]); 3] = [
    ("the command", &["wireline"]),
    ("curl's command", &["curl", "--silent"]),
    ("floor's command", &["subject", "floor", "save", "--warm", "0"]),
];

/// What a subject says when it does not have a scenario.
const WITHOUT: i32 = 3;

impl Programs {
    /// The subject does the scenario so often.
    pub(crate) fn command(&self, subject: &str, arguments: &[String], count: u64) -> Result<Command, Failure> {
        if let Some((_, program)) = COMMANDS.iter().find(|(name, _)| *name == subject) {
            return Ok(self.repeated(program, arguments, count)?);
        }
        let program = match &self.peers {
            _ if OWN.contains(&subject) => &self.own,
            Some(peers) => peers,
            None => return Err(format!("{subject} is a peer").into()),
        };
        Ok(self.command_of(program, subject, arguments, count))
    }

    fn command_of(&self, program: &Path, subject: &str, arguments: &[String], count: u64) -> Command {
        let mut command = Command::new(program);
        command.arg(subject).args(arguments).args(["--count", &count.to_string()]);
        command.args(["--core", &self.core.to_string()]);
        without_proxies(&mut command);
        command
    }

    /// This program, as one that runs another so often.
    fn repeated(&self, program: &[&str], arguments: &[String], count: u64) -> io::Result<Command> {
        // Ours are built beside us; the other one is on the path.
        let ours = self.own.with_file_name(program[0]);
        let first = if ours.is_file() { ours } else { program[0].into() };
        let mut command = Command::new(env::current_exe()?);
        command.args(["child", &self.core.to_string(), &count.to_string()]);
        command.arg(first).args(&program[1..]).args(arguments);
        without_proxies(&mut command);
        Ok(command)
    }

    /// Runs it; nothing when the subject does not have the scenario.
    pub(crate) fn run(&self, subject: &str, arguments: &[String], count: u64) -> Result<Option<Report>, Failure> {
        let mut command = self.command(subject, arguments, count)?;
        let output = command.stderr(Stdio::inherit()).output()?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8(output.stdout)?.parse()?)),
            Some(WITHOUT) => Ok(None),
            _ => Err(format!("{subject} {}: {}", arguments.join(" "), output.status).into()),
        }
    }
}

/// What runs as `child`: runs a program so often, and says what that took, as a subject does. Resident is the most that
/// any run of it had.
pub(crate) fn child(core: &str, count: &str, program: &[&str]) -> Result<(), Failure> {
    // A build may have all of them.
    if let Ok(core) = core.parse() {
        crate::origin::pin(core)?;
    }
    let count: u64 = count.parse()?;
    let (name, arguments) = program.split_first().ok_or("no program")?;
    let start = Instant::now();
    for _ in 0..count {
        let status = Command::new(name).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("{}: {status}", program.join(" ")).into());
        }
    }
    let wall = start.elapsed().as_nanos();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds() * 1000;
    writeln!(io::stdout(), "count={count} wall={wall} cpu={cpu} resident={}", usage.max_rss() << 10)?;
    Ok(())
}

/// Some clients heed variables, and none is to go anywhere but to the origin.
pub(crate) fn without_proxies(command: &mut Command) {
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
}
