//! Wire cases: transcripts in Markdown, bytes in and events out, that every layer is put through.
//!
//! # A case
//!
//! A file of cases begins with a title and prose. Each case begins with `## Title <!-- rfc9112 9.3.2, 9.6; C6 C9 -->`:
//! the sections that it shows, and behind a semicolon the requirements, if any. Then fenced blocks follow, in the
//! order in which things happen; the last one is the log.
//!
//! | block | what happens |
//! | --- | --- |
//! | `config` | before everything: `leniency NAME`, `preset browser`, `http-client` or `strict`, `limit NAME N`, `refuse_obs_fold`, `pipeline_any_method`, `show fields` |
//! | `send` | requests, with content or without, or content alone; they are built, and what leaves is compared with what stands here. Two or more spaces, `;` and a space begin a comment |
//! | `send-raw METHOD` | bytes by [`Request::unchecked`](wireline_proto::Request::unchecked) |
//! | `recv` | bytes of the peer. They are cut at every place |
//! | `close`, `reset` | the peer closes in order, or the stream breaks |
//! | `do` | commands, one a line, see [`Command`]; `-> misuse NAME` or `-> refused` behind one that must be refused |
//! | `refused` | a request that cannot be built |
//! | `log` | what came out, see [`Recorder`](crate::Recorder) |
//!
//! A line in `send`, `send-raw`, `recv` and `refused` stands for its bytes and CRLF; with `\` at its end, for its bytes
//! alone. `\n`, `\r`, `\t`, `\0`, `\xHH` and `\\` are bytes, and `\(text*1000)` is the text a thousand times.

mod bytes;
mod command;
mod config;
mod file;
mod send;

use std::fmt;
use std::path::{Path, PathBuf};

use wireline_proto::{Config, InvalidRequest, Request};

pub use command::Command;
pub use send::Piece;

use crate::log::Log;

/// One wire case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The file that it stands in.
    pub file: PathBuf,
    /// The line of its title, counted from 1.
    pub line: usize,
    /// What it shows, in a sentence.
    pub title: String,
    /// The sections that say so: `rfc9112 9.6`.
    pub sections: Vec<String>,
    /// The requirements that it shows: `C6`.
    pub requirements: Vec<String>,
    /// How the connection is made.
    pub config: Config,
    /// Whether the log lists field lines.
    pub show_fields: bool,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What comes out of it.
    pub expected: Log,
}

/// Something that happens in a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// The peer closes in order.
    Close,
    /// Commands.
    Do(Vec<Do>),
    /// The peer sends this; all of it that comes in a row is one step.
    Receive(Vec<u8>),
    /// A request that is to be refused, as it was.
    Refused(Result<Request, InvalidRequest>),
    /// The stream breaks.
    Reset,
    /// Requests and content are sent.
    Send(Vec<Piece>),
    /// Bytes are sent by the door for testers.
    SendRaw(Request),
}

/// A command of a case, and whether it must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Do {
    /// The command.
    pub command: Command,
    /// How it must be refused: the name of a [`Misuse`](wireline_proto::Misuse), or empty for a refusal without one.
    pub refusal: Option<String>,
}

impl Case {
    /// Reads the cases of one file.
    ///
    /// # Errors
    /// The first thing that is not as the [module](self) says, with its place. A file without a case is an error too.
    pub fn read(file: &Path) -> Result<Vec<Self>, CaseError> {
        let text = std::fs::read_to_string(file).map_err(|error| CaseError {
            file: file.to_owned(),
            line: 0,
            message: error.to_string(),
        })?;
        Self::parse(file, &text)
    }

    /// The same with the text of the file; `file` is for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, text: &str) -> Result<Vec<Self>, CaseError> {
        file::parse(file, text)
    }

    /// Reads all cases of a directory: those of each `*.md` in it, in the order of their names, but for `README.md`.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when the directory holds no case.
    pub fn read_all(directory: &Path) -> Result<Vec<Self>, CaseError> {
        let fail = |message: String| CaseError { file: directory.to_owned(), line: 0, message };
        let entries = std::fs::read_dir(directory).map_err(|error| fail(error.to_string()))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| fail(error.to_string()))?.path();
            if path.extension().is_some_and(|end| end == "md")
                && path.file_name().is_some_and(|name| name != "README.md")
            {
                files.push(path);
            }
        }
        files.sort();
        let mut cases = Vec::new();
        for file in files {
            cases.extend(Self::read(&file)?);
        }
        if cases.is_empty() { Err(fail("there is no case here".into())) } else { Ok(cases) }
    }

    /// `length/A length of 0 has no content`: the file without its end, and the title.
    #[must_use]
    pub fn name(&self) -> String {
        let file = self.file.file_stem().unwrap_or_default().to_string_lossy();
        format!("{file}/{}", self.title)
    }

    /// All that the peer sends, in one piece.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.steps
            .iter()
            .filter_map(|step| if let Step::Receive(bytes) = step { Some(&bytes[..]) } else { None })
            .collect::<Vec<_>>()
            .concat()
    }

    /// Whether it is about building requests alone, without a connection.
    #[must_use]
    pub fn is_about_building(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Refused(_)))
    }
}

/// What is wrong with a file of cases, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseError {
    pub(crate) file: PathBuf,
    /// Counted from 1; 0 for the file as a whole.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

impl std::error::Error for CaseError {}

#[cfg(test)]
mod tests;
