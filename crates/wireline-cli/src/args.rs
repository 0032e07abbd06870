//! The command line, understood: what to do, and with what.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::Arg;
use wireline::Config;

use crate::flags::{FLAGS, Flag, Given, Value};
use crate::url::Url;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    pub(crate) urls: Vec<Url>,
    pub(crate) method: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) http10: bool,
    pub(crate) edits: Vec<FieldEdit>,
    pub(crate) range: Option<String>,
    pub(crate) data: Vec<Source>,
    pub(crate) upload: Option<Source>,
    /// How long the content waits for 100 (Continue); none: it does not.
    pub(crate) expect: Option<Duration>,
    pub(crate) raw_request: Option<Source>,
    pub(crate) outputs: Vec<PathBuf>,
    pub(crate) remote_name: bool,
    pub(crate) include: bool,
    pub(crate) verbose: bool,
    pub(crate) wire: bool,
    pub(crate) show_credentials: bool,
    pub(crate) timing: bool,
    pub(crate) json: bool,
    pub(crate) fail: bool,
    pub(crate) pipeline: Option<usize>,
    /// How many connections at a time.
    pub(crate) jobs: Option<usize>,
    /// Where more URLs stand, one a line.
    pub(crate) list: Option<Source>,
    /// What is safe to repeat is repeated.
    pub(crate) retry: bool,
    /// How often a request is sent at most, where it is repeated.
    pub(crate) attempts: Option<u32>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) max_time: Option<Duration>,
    pub(crate) insecure: bool,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) config: Config,
}

/// The things that the command can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Fetch,
    Help,
    Tour,
    Version,
}

/// Where bytes to be sent come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
    Stdin,
}

/// What one `-H` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldEdit {
    /// Send this field line.
    Add { name: Vec<u8>, value: Vec<u8> },
    /// Do not add a field of this name.
    Remove(Vec<u8>),
}

impl FieldEdit {
    /// `Name: value`, `Name;` (empty value) or `Name:` (remove), as curl has them.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let add = |name: &[u8], value: &[u8]| Self::Add { name: name.to_vec(), value: value.to_vec() };
        match line.iter().position(|byte| *byte == b':') {
            Some(colon) => {
                let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
                Ok(if value.is_empty() { Self::Remove(name.to_vec()) } else { add(name, value) })
            }
            None => match line {
                [name @ .., b';'] => Ok(add(name, b"")),
                _ => Err("a field line is 'Name: value', 'Name;' or 'Name:'".to_owned()),
            },
        }
    }

    /// The name that it is about.
    pub(crate) fn name(&self) -> &[u8] {
        match self {
            Self::Add { name, .. } | Self::Remove(name) => name,
        }
    }
}

/// A command line that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Wrong use of a flag.
    Usage(String),
    /// A URL that is none.
    Url(String),
}

impl Default for Args {
    fn default() -> Self {
        let mut config = Config::default();
        // The one thing that the command lets through unasked: RFC 9112 section 2.2 permits it, and a command is
        // pointed at servers that people wrote by hand (two in five of the replies in curl's tests end lines so).
        config.leniency.bare_lf_in_head = true;
        Self {
            mode: Mode::Fetch,
            urls: Vec::new(),
            method: None,
            target: None,
            http10: false,
            edits: Vec::new(),
            range: None,
            data: Vec::new(),
            upload: None,
            expect: None,
            raw_request: None,
            outputs: Vec::new(),
            remote_name: false,
            include: false,
            verbose: false,
            wire: false,
            show_credentials: false,
            timing: false,
            json: false,
            fail: false,
            pipeline: None,
            jobs: None,
            list: None,
            retry: false,
            attempts: None,
            // A name server, a host or a handshake that takes longer does not come back.
            connect_timeout: Some(Duration::from_secs(30)),
            // Longer than the time-outs of the servers and proxies that one meets, so that theirs is seen first.
            read_timeout: Some(Duration::from_secs(300)),
            max_time: None,
            insecure: false,
            cacert: None,
            config,
        }
    }
}

impl Args {
    /// Understands `arguments` (without the name of the command).
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Mistake> {
        let mut args = Self::default();
        let mut words = Vec::new();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| Mistake::Usage(error.to_string()))? {
            let (flag, shown) = match argument {
                Arg::Long(name) => (FLAGS.iter().find(|flag| flag.name == name), format!("--{name}")),
                Arg::Short(name) => (FLAGS.iter().find(|flag| flag.short == Some(name)), format!("-{name}")),
                Arg::Value(word) => {
                    words.push(word);
                    continue;
                }
            };
            let flag = flag.ok_or_else(|| Mistake::Usage(format!("there is no flag {shown}")))?;
            args.apply(flag, &shown, &mut parser)?;
        }
        if args.mode != Mode::Fetch {
            return Ok(args);
        }
        args.take_words(words)?;
        args.check()?;
        Ok(args)
    }

    fn apply(&mut self, flag: &Flag, shown: &str, parser: &mut lexopt::Parser) -> Result<(), Mistake> {
        let usage = |error: &dyn std::fmt::Display| Mistake::Usage(format!("{shown}: {error}"));
        let value = match flag.value {
            // A value that nobody asked for (`--json=x`) is noticed by the parser at the next argument.
            Value::None => None,
            Value::Needed(name) => match parser.value() {
                Ok(value) => Some(value),
                Err(_) => return Err(usage(&format!("{name} is missing"))),
            },
            Value::Optional(_) => parser.optional_value(),
        };
        (flag.set)(self, Given(value.as_deref())).map_err(|fault| usage(&fault))
    }

    /// `tour`, or `[METHOD] URL...`.
    fn take_words(&mut self, words: Vec<OsString>) -> Result<(), Mistake> {
        let mut words = words.into_iter().peekable();
        if words.len() == 1 && words.peek().is_some_and(|word| word == "tour") {
            self.mode = Mode::Tour;
            return Ok(());
        }
        if let Some(method) = words.peek().and_then(|word| word.to_str()).filter(|word| is_method(word)) {
            let method = method.to_owned();
            words.next();
            if let Some(other) = self.method.replace(method.clone()) {
                return Err(Mistake::Usage(format!("two methods: {other} and {method}")));
            }
        }
        for word in words {
            let given = word
                .to_str()
                .ok_or_else(|| Mistake::Url(format!("{}: not UTF-8", word.to_string_lossy().escape_debug())))?;
            self.urls.push(Url::parse(given).map_err(Mistake::Url)?);
        }
        if self.urls.is_empty() && self.list.is_none() {
            Err(Mistake::Usage("a URL is missing".to_owned()))
        } else {
            Ok(())
        }
    }

    /// Combinations that contradict each other, and would otherwise be obeyed in part.
    fn check(&self) -> Result<(), Mistake> {
        let contents = [!self.data.is_empty(), self.upload.is_some(), self.raw_request.is_some()];
        let sources = self.data.iter().chain(&self.upload).chain(&self.raw_request);
        let from_stdin = sources.filter(|source| **source == Source::Stdin).count();
        let has_content = contents.contains(&true);
        let origin = self.urls.first().map(Url::origin);
        let many = self.jobs.is_some() || self.list.is_some();
        let refusals = [
            (contents.iter().filter(|given| **given).count() > 1, "one of -d, -T and --raw-request, not several"),
            (from_stdin > 1, "standard input can be read once only"),
            (from_stdin == 1 && self.urls.len() > 1, "standard input can be sent to one URL only"),
            (
                self.expect.is_some() && !(contents[0] || contents[1]),
                "--expect is for a request with content: -d or -T",
            ),
            (self.pipeline.is_some() && has_content, "--pipeline is for requests without content"),
            (
                self.pipeline.is_some() && !many && self.urls.iter().any(|url| Some(url.origin()) != origin),
                "--pipeline is for URLs of one origin",
            ),
            (many && has_content, "--jobs and --urls are for requests without content"),
            (self.retry && !many, "--retry is for --jobs or --urls"),
            (self.attempts.is_some() && !self.retry, "--attempts is for --retry"),
            (self.list.is_none() && self.outputs.len() > self.urls.len(), "more -o than URLs"),
            (self.show_credentials && !self.wire, "--show-credentials is for --wire"),
            (self.insecure && self.cacert.is_some(), "--insecure and --cacert contradict each other"),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, why)) => Err(Mistake::Usage((*why).to_owned())),
            None => Ok(()),
        }
    }
}

/// A token in capitals: `GET`, `M-SEARCH`, `VERSION_CONTROL`. Others are given with `-X`.
fn is_method(word: &str) -> bool {
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    word.starts_with(|first: char| first.is_ascii_uppercase()) && word.bytes().all(is_capital)
}

#[cfg(test)]
mod tests;
