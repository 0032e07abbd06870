//! What can be counted exactly, for one exchange: instructions and calls for memory by callgrind, system calls by strace,
//! and what a connection holds by memcheck. Each is the difference of two runs, so that no start is in it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use wireline_bench::Failure;

use crate::start::{Programs, without_proxies};

/// For one exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
    pub(crate) system_calls: f64,
}

/// The functions of the C library that all memory comes from, whoever asks.
const ALLOCATES: [&str; 6] = ["malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"];

impl Counts {
    /// Of a subject that has the scenario, with `count` and twice `count` exchanges.
    pub(crate) fn of(
        programs: &Programs,
        subject: &str,
        scenario: &[String],
        count: u64,
        folder: &Path,
    ) -> Result<Self, Failure> {
        // As many to warm up in both, so that they are no part of the difference.
        let scenario = [scenario, &["--warm".to_owned(), "3".to_owned()]].concat();
        let user = |count| callgrind(&programs.command(subject, &scenario, count)?, folder);
        let system = |count| strace(&programs.command(subject, &scenario, count)?, folder);
        let (one, two) = (user(count)?, user(2 * count)?);
        let each = |two: u64, one: u64| (two as f64 - one as f64) / count as f64;
        Ok(Self {
            instructions: each(two.0, one.0),
            allocations: each(two.1, one.1),
            system_calls: each(system(2 * count)?, system(count)?),
        })
    }
}

/// Instructions in user space, and calls for memory, of a whole run.
fn callgrind(command: &Command, folder: &Path) -> Result<(u64, u64), Failure> {
    let file = folder.join("callgrind.out");
    let out = format!("--callgrind-out-file={}", file.display());
    // In one thread's time: valgrind runs threads in turn, and a fair lock keeps them from starving each other.
    under("valgrind", &["--tool=callgrind", "--fair-sched=try", "--quiet", &out], command)?;
    profile(&fs::read_to_string(&file)?)
}

/// Reads callgrind's format: the summary, and how often functions were called that give memory.
fn profile(text: &str) -> Result<(u64, u64), Failure> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut instructions = None;
    let mut allocations = 0;
    let mut allocates = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn=")) {
            // `(7) malloc` the first time, then `(7)`.
            let (id, name) = name.split_once(' ').unwrap_or((name, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            let name = names.get(id).copied().unwrap_or_default();
            allocates =
                line.starts_with('c') && ALLOCATES.contains(&name.split(['\'', '@']).next().unwrap_or_default());
        } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| allocates) {
            allocations += calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok()).unwrap_or(0);
        } else if let Some(total) = line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")) {
            instructions = total.trim().parse().ok();
        }
    }
    Ok((instructions.ok_or("callgrind wrote no summary")?, allocations))
}

/// All system calls of a whole run, in all threads.
fn strace(command: &Command, folder: &Path) -> Result<u64, Failure> {
    let file = folder.join("strace.out");
    under("strace", &["-f", "-c", "-U", "calls,name", "-o", &file.to_string_lossy()], command)?;
    total(&fs::read_to_string(&file)?)
}

/// The last line of strace's table.
fn total(table: &str) -> Result<u64, Failure> {
    let line = table.lines().find(|line| line.trim_end().ends_with(" total")).ok_or("strace wrote no total")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// What is on the heap when a subject ends without having let go of its connections, in bytes.
pub(crate) fn heap(command: &Command, folder: &Path) -> Result<u64, Failure> {
    let file = folder.join("memcheck.out");
    let log = format!("--log-file={}", file.display());
    under("valgrind", &["--tool=memcheck", "--leak-check=no", &log], command)?;
    in_use(&fs::read_to_string(&file)?)
}

fn in_use(log: &str) -> Result<u64, Failure> {
    let (_, rest) = log.split_once("in use at exit: ").ok_or("memcheck wrote no summary")?;
    Ok(rest.split(' ').next().unwrap_or_default().replace(',', "").parse()?)
}

/// Runs the command under a tool.
fn under(tool: &str, arguments: &[&str], command: &Command) -> Result<(), Failure> {
    let mut whole = Command::new(tool);
    whole.args(arguments).arg(command.get_program()).args(command.get_args());
    without_proxies(&mut whole);
    let output = whole.stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("{tool}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{tool}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_how_much_and_how_often_memory_was_asked_for() {
        let text = "fn=(1) main\n1 5\ncfn=(2) malloc\ncalls=3 0\n1 9\ncfn=(3) memcpy\ncalls=8 0\n1 2\n\
                    fn=(2)\n1 9\nfn=(4) other\ncfn=(2)\ncalls=4 0\n1 1\ntotals: 123\n";
        assert_eq!(profile(text).unwrap(), (123, 7));
        assert!(profile("fn=(1) main\n").is_err());
    }

    #[test]
    fn the_total_of_strace_and_the_heap_of_memcheck_are_read() {
        assert_eq!(total("calls syscall\n----- -----\n   40 read\n  41 write\n----- ----\n   81 total\n").unwrap(), 81);
        assert_eq!(in_use("==1== HEAP SUMMARY:\n==1==     in use at exit: 12,345 bytes in 6 blocks\n").unwrap(), 12345);
        assert!(total("").is_err() && in_use("").is_err());
    }
}
