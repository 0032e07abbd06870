//! Reads a file of cases.

use std::path::Path;

use wireline_proto::{Config, Method, Request};

use super::send::{self, Cutter};
use super::{Case, CaseError, Step, bytes, command, config};
use crate::log::Log;

/// A fenced block: the word and the rest behind the fence, the line of the fence, counted from 1, and its lines.
struct Block<'a> {
    name: &'a str,
    argument: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// A place in the file with what is wrong there.
type Wrong = (usize, String);

pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Case>, CaseError> {
    let fail = |(line, message): Wrong| CaseError { file: file.to_owned(), line, message };
    let mut cases: Vec<Reading> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Reading::begin(file, number, title).map_err(fail)?);
            continue;
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let info = info.trim();
        let (name, argument) = info.split_once(' ').unwrap_or((info, ""));
        let mut block = Block { name, argument: argument.trim(), line: number, lines: Vec::new() };
        loop {
            match lines.next() {
                Some((_, line)) if line.trim_end() == "```" => break,
                Some((_, line)) if !line.starts_with("```") => block.lines.push(line),
                _ => return Err(fail((number, "this block has no end".into()))),
            }
        }
        match cases.last_mut() {
            Some(case) => case.add(&block).map_err(fail)?,
            None => return Err(fail((number, "this block stands before the first case".into()))),
        }
    }
    if cases.is_empty() {
        return Err(fail((0, "there is no case in this file".into())));
    }
    cases.into_iter().map(Reading::end).collect::<Result<_, _>>().map_err(fail)
}

/// A case that is being read.
struct Reading {
    case: Case,
    cutter: Cutter,
    log: Option<Vec<String>>,
}

impl Reading {
    fn begin(file: &Path, line: usize, heading: &str) -> Result<Self, Wrong> {
        let (title, comment) = heading
            .split_once("<!--")
            .and_then(|(title, rest)| Some((title.trim(), rest.trim().strip_suffix("-->")?)))
            .ok_or_else(|| (line, "a title cites its section: <!-- rfc9112 9.6 -->".to_owned()))?;
        let (sections, requirements) = comment.split_once(';').unwrap_or((comment, ""));
        let mut document = String::new();
        let mut cited = Vec::new();
        for section in sections.split(',').map(str::trim) {
            let (named, number) = section.split_once(' ').unwrap_or(("", section));
            if !named.is_empty() {
                named.clone_into(&mut document);
            }
            // An appendix has a letter: C.2.2.
            let is_number = number.split('.').enumerate().all(|(place, part)| {
                let appendix = place == 0 && part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_uppercase());
                appendix || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
            });
            if !document.starts_with("rfc") || !is_number {
                return Err((line, format!("`{section}` is not `rfc9112 9.6`, nor a further section of it")));
            }
            cited.push(format!("{document} {number}"));
        }
        let case = Case {
            file: file.to_owned(),
            line,
            title: title.to_owned(),
            sections: cited,
            requirements: requirements.split_whitespace().map(|id| id.trim_end_matches(',').to_owned()).collect(),
            config: Config::default(),
            show_fields: false,
            steps: Vec::new(),
            expected: Log::default(),
        };
        Ok(Self { case, cutter: Cutter::new(), log: None })
    }

    fn add(&mut self, block: &Block<'_>) -> Result<(), Wrong> {
        if self.log.is_some() {
            return Err((block.line, "the log is the last block of a case".into()));
        }
        let inside = |(index, message): Wrong| (block.line + 1 + index, message);
        let here = |message: String| (block.line, message);
        if !block.argument.is_empty() && block.name != "send-raw" {
            return Err(here(format!("`{}` takes no argument", block.name)));
        }
        let steps = &mut self.case.steps;
        match block.name {
            "close" | "reset" if !block.lines.is_empty() => return Err(here("this block is empty".into())),
            "close" => steps.push(Step::Close),
            "config" if !steps.is_empty() => return Err(here("the configuration comes first".into())),
            "config" => {
                for (index, line) in block.lines.iter().enumerate() {
                    let shows = config::apply(line, &mut self.case.config).map_err(|wrong| inside((index, wrong)))?;
                    self.case.show_fields |= shows;
                }
            }
            "do" => {
                let lines = block.lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty());
                let commands = lines.map(|(index, line)| command::parse(line).map_err(|wrong| inside((index, wrong))));
                let commands = commands.collect::<Result<Vec<_>, _>>()?;
                for done in commands.iter().filter(|done| done.refusal.is_none()) {
                    self.cutter.command(&done.command);
                }
                steps.push(Step::Do(commands));
            }
            "log" => self.log = Some(block.lines.iter().map(|&line| line.to_owned()).collect()),
            "recv" => {
                let bytes = bytes::wire(&bytes::lines(&block.lines, false).map_err(inside)?);
                match steps.last_mut() {
                    Some(Step::Receive(received)) => received.extend(bytes),
                    _ => steps.push(Step::Receive(bytes)),
                }
            }
            "refused" => {
                let lines = bytes::lines(&block.lines, true).map_err(inside)?;
                let mut lines: Vec<_> = lines.iter().map(|line| &line.bytes[..]).collect();
                if lines.pop() != Some(&[]) || lines.contains(&&[][..]) {
                    return Err(here("a request ends with its one empty line".into()));
                }
                steps.push(Step::Refused(send::request(&lines)));
            }
            "reset" => steps.push(Step::Reset),
            "send" => {
                let wire = bytes::wire(&bytes::lines(&block.lines, true).map_err(inside)?);
                steps.push(Step::Send(self.cutter.cut(&wire).map_err(here)?));
            }
            "send-raw" => {
                let method = if block.argument.is_empty() { "GET" } else { block.argument };
                let method = Method::from_bytes(method.as_bytes()).map_err(|error| here(error.to_string()))?;
                let wire = bytes::wire(&bytes::lines(&block.lines, false).map_err(inside)?);
                steps.push(Step::SendRaw(Request::unchecked(wire, method)));
            }
            other => return Err(here(format!("there is no block `{other}`"))),
        }
        Ok(())
    }

    fn end(self) -> Result<Case, Wrong> {
        let log = self.log.ok_or_else(|| (self.case.line, "this case has no log".to_owned()))?;
        Ok(Case { expected: Log::parse(&log), ..self.case })
    }
}
