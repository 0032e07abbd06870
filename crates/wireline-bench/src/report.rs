//! What a subject took, and the line in which it says so.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// What a subject took for its exchanges, those that came first to warm up apart.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How many there were.
    pub count: u64,
    /// How long they took, in nanoseconds.
    pub wall: u64,
    /// Time on a processor, user and system, all threads of the process, in nanoseconds.
    pub cpu: u64,
    /// Memory that was resident when they were over, in bytes.
    pub resident: u64,
}

/// The clocks when the exchanges began.
#[derive(Debug)]
pub(crate) struct Clocks {
    wall: Instant,
    cpu: Duration,
}

impl Clocks {
    pub(crate) fn start() -> Self {
        Self { cpu: cpu(), wall: Instant::now() }
    }

    pub(crate) fn stop(&self, count: u64) -> io::Result<Report> {
        let (wall, cpu) = (self.wall.elapsed(), cpu() - self.cpu);
        Ok(Report { count, wall: nanoseconds(wall), cpu: nanoseconds(cpu), resident: resident()? })
    }
}

/// Time of this process on a processor, all threads.
fn cpu() -> Duration {
    // There is no system that has no such clock and has /proc.
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The resident memory of this process, in bytes.
///
/// # Errors
///
/// When the system does not tell.
pub fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, wall, cpu, resident } = self;
        write!(f, "count={count} wall={wall} cpu={cpu} resident={resident}")
    }
}

impl std::str::FromStr for Report {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let value = |name: &str| {
            let mut words = line.split_whitespace().filter_map(|word| word.split_once('='));
            let value = words.find(|(found, _)| *found == name).and_then(|(_, value)| value.parse().ok());
            value.ok_or_else(|| format!("no {name} in `{line}`"))
        };
        Ok(Self { count: value("count")?, wall: value("wall")?, cpu: value("cpu")?, resident: value("resident")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line_that_can_be_read() {
        let report = Report { count: 1, wall: 2, cpu: 3, resident: 4 };
        assert_eq!(report.to_string().parse(), Ok(report));
        assert!("count=1 wall=2".parse::<Report>().is_err());
    }

    #[test]
    fn work_takes_time_on_the_processor_and_memory() {
        let clocks = Clocks::start();
        let mut work = vec![1_u8; 1 << 20];
        while clocks.stop(1).unwrap().cpu == 0 {
            work.reverse();
        }
        assert!(clocks.stop(1).unwrap().resident > 1 << 20);
    }
}
