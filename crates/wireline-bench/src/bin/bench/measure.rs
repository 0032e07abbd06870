//! Measures the rows: in rounds, A B C A B C, so that what else the machine does meets all of them alike.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wireline_bench::Failure;

use crate::counts::{Counts, heap};
use crate::origin::Origin;
use crate::results::Measured;
use crate::rows::{How, ROWS, Row};
use crate::start::Programs;

/// How long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Of one subject in one round.
    pub(crate) run: Duration,
    pub(crate) rounds: usize,
    /// Whether to count what can be counted: callgrind is slow.
    pub(crate) counted: bool,
}

/// Connections of the two runs whose difference is what one of them holds.
const FEW: u64 = 200;
const MANY: u64 = 900;

/// The same under memcheck, which is slow, and exact.
const FEW_CHECKED: u64 = 20;
const MANY_CHECKED: u64 = 120;

/// The length of the file that is sent.
const CONTENT: u64 = 64 << 20;

/// Where things are while it measures.
struct Scene<'a> {
    programs: &'a Programs,
    origin: Origin,
    folder: &'a Path,
    /// On tmpfs.
    memory: PathBuf,
    effort: Effort,
}

/// Measures the rows of these names, all when there is none; each is kept when it is done.
pub(crate) fn measure(
    programs: &Programs,
    folder: &Path,
    names: &[&str],
    effort: Effort,
    mut keep: impl FnMut(&Row, BTreeMap<String, Measured>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let memory = Path::new("/dev/shm").join(format!("wireline-bench-{}", std::process::id()));
    let scene = Scene { programs, origin: Origin::start(1, folder)?, folder, memory, effort };
    io::copy(&mut io::repeat(b'x').take(CONTENT), &mut File::create(folder.join("content"))?)?;
    for row in ROWS.iter().filter(|row| names.is_empty() || names.contains(&row.name)) {
        let start = Instant::now();
        let measured = match row.how {
            How::Counted(count) => {
                let mut measured = scene.rounds(row)?;
                scene.counts(row, count, &mut measured)?;
                measured
            }
            How::OnlyCounted(count) => {
                let mut measured = row.subjects.iter().map(|name| ((*name).to_owned(), Measured::default())).collect();
                scene.counts(row, count, &mut measured)?;
                measured
            }
            How::Timed => scene.rounds(row)?,
            How::Held => scene.held(row)?,
        };
        writeln!(io::stdout(), "{}: {:.1} s", row.name, start.elapsed().as_secs_f64())?;
        keep(row, measured)?;
    }
    // It is there only when a row wrote to it.
    let _ = std::fs::remove_file(&scene.memory);
    Ok(())
}

impl Scene<'_> {
    fn scenario(&self, row: &Row) -> Vec<String> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let filled = |word: &str| {
            word.replace("PLAIN", &self.origin.plain)
                .replace("SECURE", &self.origin.secure)
                .replace("ROOT", &path(&self.origin.root))
                .replace("CONTENT", &path(&self.folder.join("content")))
                .replace("DISK", &path(&self.folder.join("saved")))
                .replace("MEMORY", &path(&self.memory))
        };
        row.scenario.split(' ').map(filled).collect()
    }

    /// Each subject once a round. The first run of all finds out how many exchanges make a run of the length wanted.
    fn rounds(&self, row: &Row) -> Result<BTreeMap<String, Measured>, Failure> {
        let scenario = self.scenario(row);
        let mut plan = Vec::new();
        for &subject in row.subjects {
            let mut count = 1;
            while let Some(report) = self.programs.run(subject, &scenario, count)? {
                let wanted = self.effort.run.as_nanos() as f64;
                if report.wall as f64 >= wanted / 4.0 || count > 1 << 24 {
                    let each = report.wall as f64 / report.count as f64;
                    plan.push((subject, ((wanted / each) as u64).max(1)));
                    break;
                }
                count *= 8;
            }
        }
        let mut measured: BTreeMap<String, Measured> = BTreeMap::new();
        for _ in 0..self.effort.rounds {
            for &(subject, count) in &plan {
                let Some(report) = self.programs.run(subject, &scenario, count)? else { continue };
                let all = measured.entry(subject.to_owned()).or_default();
                all.wall.push(rounded(report.wall as f64 / report.count as f64));
                all.cpu.push(rounded(report.cpu as f64 / report.count as f64));
                all.resident = Some(report.resident as f64);
            }
        }
        Ok(measured)
    }

    fn counts(&self, row: &Row, count: u64, measured: &mut BTreeMap<String, Measured>) -> Result<(), Failure> {
        if !self.effort.counted {
            return Ok(());
        }
        for (subject, measured) in measured {
            let counts = Counts::of(self.programs, subject, &self.scenario(row), count, self.folder)?;
            measured.instructions = Some(rounded(counts.instructions));
            measured.allocations = Some(rounded(counts.allocations));
            measured.system_calls = Some(rounded(counts.system_calls));
        }
        Ok(())
    }

    fn held(&self, row: &Row) -> Result<BTreeMap<String, Measured>, Failure> {
        let mut measured = BTreeMap::new();
        for &subject in row.subjects {
            let with = |depth: u64| [self.scenario(row), vec!["--depth".to_owned(), depth.to_string()]].concat();
            // Where each makes exchanges, a few for each are enough for its buffers to have grown.
            let resident = |depth| -> Result<Option<f64>, Failure> {
                Ok(self.programs.run(subject, &with(depth), depth)?.map(|report| report.resident as f64))
            };
            let (Some(few), Some(many)) = (resident(FEW)?, resident(MANY)?) else { continue };
            let mut one =
                Measured { resident: Some(rounded((many - few) / (MANY - FEW) as f64)), ..Measured::default() };
            if self.effort.counted && row.name == "idle" {
                let on_heap = |depth| heap(&self.programs.command(subject, &with(depth), depth)?, self.folder);
                let (few, many) = (on_heap(FEW_CHECKED)? as f64, on_heap(MANY_CHECKED)? as f64);
                one.heap = Some(rounded((many - few) / (MANY_CHECKED - FEW_CHECKED) as f64));
            }
            measured.insert(subject.to_owned(), one);
        }
        Ok(measured)
    }
}

/// Digits that mean something.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
