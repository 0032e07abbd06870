//! What a subject is asked to do.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::answer::Answer;
use crate::report::{Clocks, Report};

/// What goes wrong in a measurement; it is only shown.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A client that can be measured: it does the job, or says that it does not have this scenario.
pub type Subject = fn(&Job) -> Result<Option<Report>, Failure>;

/// The exit status of a subject that does not have the scenario.
const WITHOUT: u8 = 3;

/// Exchanges that are made before it counts, unless somebody says: buffers have grown then, and caches are warm.
const WARM: u64 = 20;

/// What an exchange is, and what it is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// A new connection for each GET.
    Fresh,
    /// GETs one after the other on one connection; the content is read to its end.
    Get,
    /// As many connections as `depth` says are made, each does one GET, and nothing happens on them.
    Idle,
    /// GETs on as many connections as `depth` says, in one thread.
    Many,
    /// GETs on one connection, as many as `depth` says in flight.
    Pipeline,
    /// PUT of `size` bytes of memory.
    Put,
    /// PUT of `file`.
    PutFile,
    /// GET into `file`.
    Save,
}

const SCENARIOS: [(&str, Scenario); 8] = [
    ("fresh", Scenario::Fresh),
    ("get", Scenario::Get),
    ("idle", Scenario::Idle),
    ("many", Scenario::Many),
    ("pipeline", Scenario::Pipeline),
    ("put", Scenario::Put),
    ("put-file", Scenario::PutFile),
    ("save", Scenario::Save),
];

/// What a subject is asked to do: `SUBJECT SCENARIO --url URL --count N`, and what the scenario needs. A file and a URL can
/// also be named as the commands that people type have them: `-o FILE URL`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job {
    /// Who is asked.
    pub subject: String,
    /// To do what.
    pub scenario: Scenario,
    /// With TLS.
    pub secure: bool,
    /// The host and the port of the origin.
    pub authority: String,
    /// What is asked for, from the first slash on.
    pub target: String,
    /// How many exchanges.
    pub count: u64,
    /// How many before it counts.
    pub warm: Option<u64>,
    /// How many in flight, or how many connections.
    pub depth: usize,
    /// How much content to send.
    pub size: usize,
    /// The file to send, or to write to.
    pub file: PathBuf,
    /// The certificate to trust, in PEM.
    pub root: Option<PathBuf>,
    /// The processor to stay on.
    pub core: Option<usize>,
}

impl Job {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, Failure> {
        use lexopt::{Arg, ValueExt};
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut words = Vec::new();
        let mut job = Self {
            subject: String::new(),
            scenario: Scenario::Get,
            secure: false,
            authority: String::new(),
            target: "/".to_owned(),
            count: 1,
            warm: None,
            depth: 1,
            size: 0,
            file: PathBuf::new(),
            root: None,
            core: None,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("core") => job.core = Some(parser.value()?.parse()?),
                Arg::Long("count") => job.count = parser.value()?.parse()?,
                Arg::Long("depth") => job.depth = parser.value()?.parse()?,
                Arg::Long("file") | Arg::Short('o') => job.file = parser.value()?.into(),
                Arg::Long("root") => job.root = Some(parser.value()?.into()),
                Arg::Long("size") => job.size = parser.value()?.parse()?,
                Arg::Long("url") => job.set_url(&parser.value()?.string()?)?,
                Arg::Long("warm") => job.warm = Some(parser.value()?.parse()?),
                Arg::Value(word) if words.len() == 2 => job.set_url(&word.string()?)?,
                Arg::Value(word) => words.push(word.string()?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        let [subject, scenario] = <[String; 2]>::try_from(words).map_err(|_| "SUBJECT SCENARIO [--url URL] ...")?;
        let known = SCENARIOS.iter().find(|(name, _)| *name == scenario);
        job.scenario = known.ok_or_else(|| format!("no scenario is called `{scenario}`"))?.1;
        job.subject = subject;
        Ok(job)
    }

    fn set_url(&mut self, url: &str) -> Result<(), Failure> {
        let (scheme, rest) = url.split_once("://").ok_or("a URL has a scheme")?;
        let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        self.secure = scheme == "https";
        authority.clone_into(&mut self.authority);
        if !target.is_empty() {
            target.clone_into(&mut self.target);
        }
        Ok(())
    }

    /// The URL of the origin, without a target.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }

    /// The whole URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.origin() + &self.target
    }

    /// The certificate to trust, in PEM.
    ///
    /// # Errors
    ///
    /// When none was named, or the file cannot be read.
    pub fn root(&self) -> Result<Vec<u8>, Failure> {
        Ok(fs::read(self.root.as_ref().ok_or("--root is missing")?)?)
    }

    /// Content to send.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        vec![b'x'; self.size]
    }

    /// Makes the exchange that `one` is again and again, and says what it took. It gives the length of the content that
    /// it received, which must be that of the answer.
    ///
    /// # Errors
    ///
    /// The first of an exchange.
    pub fn repeat(&self, mut one: impl FnMut() -> Result<u64, Failure>) -> Result<Option<Report>, Failure> {
        let expected = Answer::to(&self.target).content();
        for _ in 0..self.warm() {
            whole(one()?, expected)?;
        }
        let clocks = Clocks::start();
        for _ in 0..self.count {
            whole(one()?, expected)?;
        }
        Ok(Some(clocks.stop(self.count)?))
    }

    /// The same for an exchange that is awaited.
    ///
    /// # Errors
    ///
    /// The first of an exchange.
    pub async fn repeat_async(
        &self,
        mut one: impl AsyncFnMut() -> Result<u64, Failure>,
    ) -> Result<Option<Report>, Failure> {
        let expected = Answer::to(&self.target).content();
        for _ in 0..self.warm() {
            whole(one().await?, expected)?;
        }
        let clocks = Clocks::start();
        for _ in 0..self.count {
            whole(one().await?, expected)?;
        }
        Ok(Some(clocks.stop(self.count)?))
    }

    /// The same on many connections at once, each by a task of this thread: `some` makes so many exchanges on one of them,
    /// gives it back, and says how much content it received.
    ///
    /// # Errors
    ///
    /// The first of an exchange.
    pub async fn repeat_many<T: 'static, F>(
        &self,
        connections: Vec<T>,
        mut some: impl FnMut(T, u64) -> F,
    ) -> Result<Option<Report>, Failure>
    where
        F: Future<Output = Result<(T, u64), Failure>> + 'static,
    {
        let number = connections.len() as u64;
        let each = self.count.div_ceil(number);
        let connections = self.at_once(connections, self.warm(), &mut some).await?;
        let clocks = Clocks::start();
        let connections = self.at_once(connections, each, &mut some).await?;
        let report = clocks.stop(each * number)?;
        drop(connections);
        Ok(Some(report))
    }

    async fn at_once<T: 'static, F>(
        &self,
        connections: Vec<T>,
        each: u64,
        some: &mut impl FnMut(T, u64) -> F,
    ) -> Result<Vec<T>, Failure>
    where
        F: Future<Output = Result<(T, u64), Failure>> + 'static,
    {
        let expected = Answer::to(&self.target).content() * each;
        let tasks: Vec<_> =
            connections.into_iter().map(|connection| tokio::task::spawn_local(some(connection, each))).collect();
        let mut connections = Vec::with_capacity(tasks.len());
        for task in tasks {
            let (connection, received) = task.await??;
            whole(received, expected)?;
            connections.push(connection);
        }
        Ok(connections)
    }

    /// What was made and is only held. It is not let go of, so that what looks at the end of the process still finds it.
    ///
    /// # Errors
    ///
    /// When the system does not tell how much memory there is.
    pub fn held<T>(&self, connections: T) -> Result<Option<Report>, Failure> {
        let report = Clocks::start().stop(self.depth as u64)?;
        std::mem::forget(connections);
        Ok(Some(report))
    }

    /// Few large exchanges need less of it.
    fn warm(&self) -> u64 {
        self.warm.unwrap_or_else(|| WARM.min(self.count.div_ceil(4)))
    }
}

fn whole(received: u64, expected: u64) -> Result<(), Failure> {
    if received != expected {
        return Err(format!("{received} bytes of content instead of {expected}").into());
    }
    Ok(())
}

/// As many descriptors as the system lets this process have: some subjects need several for a connection.
///
/// # Errors
///
/// When the system does not tell how many those are.
pub fn more_descriptors() -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// The program of some subjects. One that does not have the scenario ends with a status of its own.
#[must_use]
pub fn main(subjects: &[(&str, Subject)]) -> ExitCode {
    let told = Job::parse(std::env::args_os().skip(1)).and_then(|job| {
        more_descriptors()?;
        if let Some(core) = job.core {
            let mut cores = CpuSet::new();
            cores.set(core);
            sched_setaffinity(None, &cores)?;
        }
        let found = subjects.iter().find(|(name, _)| *name == job.subject);
        let (_, subject) = found.ok_or_else(|| format!("no subject is called `{}`", job.subject))?;
        subject(&job)
    });
    match told {
        Ok(Some(report)) => {
            let _ = writeln!(io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::from(WITHOUT),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_from_the_command_line() {
        let job =
            Job::parse(["curl", "put", "--url", "https://127.0.0.1:1/a/b", "--count", "5", "--size", "3"]).unwrap();
        assert_eq!((job.subject.as_str(), job.scenario, job.count), ("curl", Scenario::Put, 5));
        assert_eq!((job.url().as_str(), job.content().len()), ("https://127.0.0.1:1/a/b", 3));
        assert!(Job::parse(["curl"]).is_err() && Job::parse(["curl", "dance"]).is_err());
        let job = Job::parse(["floor", "save", "-o", "a", "http://127.0.0.1:1/b"]).unwrap();
        assert_eq!((job.file.to_str(), job.target.as_str()), (Some("a"), "/b"));
    }

    #[test]
    fn content_that_is_cut_short_is_no_measurement() {
        let job = Job::parse(["a", "get", "--url", "http://127.0.0.1/length/5", "--count", "2"]).unwrap();
        let mut made = 0;
        let report = job.repeat(|| {
            made += 1;
            Ok(5)
        });
        assert_eq!((report.unwrap().unwrap().count, made), (2, 3));
        assert!(job.repeat(|| Ok(4)).is_err());
    }
}
