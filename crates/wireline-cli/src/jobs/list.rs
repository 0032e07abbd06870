//! The URLs: those of the command line, then those of a list, which is read as it is needed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::{Mutex, MutexGuard};

use crate::args::{Args, Source};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::upload;
use crate::url::Url;

/// A longer line is no URL, in bytes.
const LINE: u64 = 64 << 10;

/// How many lines wait to be taken at most.
const AHEAD: usize = 64;

/// What stands in the list at one place: a URL, or something else.
pub(super) type Entry = Result<Url, Failure>;

/// All URLs, each to be taken once.
pub(super) struct List<'a>(Mutex<State<'a>>);

struct State<'a> {
    given: std::slice::Iter<'a, Url>,
    lines: Option<Receiver<Entry>>,
    /// Looked at, and not taken.
    next: Option<Entry>,
    taken: usize,
}

impl<'a> List<'a> {
    pub(super) fn open(args: &'a Args) -> Result<Self, Failure> {
        let lines = args.list.as_ref().map(lines).transpose()?;
        Ok(Self(Mutex::new(State { given: args.urls.iter(), lines, next: None, taken: 0 })))
    }

    /// Waits for the next entry, and gives it with its number.
    pub(super) async fn next(&self) -> Option<(usize, Entry)> {
        let mut state = self.0.lock().await;
        if state.next.is_none() {
            let given = state.given.next().cloned().map(Ok);
            state.next = match (given, &mut state.lines) {
                (None, Some(lines)) => lines.recv().await,
                (given, _) => given,
            };
        }
        state.take()
    }

    /// The next entry if it is here, and a URL of this origin.
    pub(super) fn next_of(&self, origin: &str) -> Option<(usize, Url)> {
        let mut state: MutexGuard<'_, _> = self.0.try_lock().ok()?;
        if state.next.is_none() {
            let given = state.given.next().cloned().map(Ok);
            state.next = given.or_else(|| state.lines.as_mut()?.try_recv().ok());
        }
        let is_of_origin =
            state.next.as_ref().is_some_and(|next| next.as_ref().is_ok_and(|url| url.origin() == origin));
        let (number, entry) = is_of_origin.then(|| state.take()).flatten()?;
        Some((number, entry.ok()?))
    }
}

impl State<'_> {
    fn take(&mut self) -> Option<(usize, Entry)> {
        let next = self.next.take()?;
        self.taken += 1;
        Some((self.taken - 1, next))
    }
}

/// How many URLs there are, where that can be known before they are read.
pub(super) fn count(args: &Args) -> Option<u64> {
    let listed = match &args.list {
        None => 0,
        Some(Source::File(path)) => {
            let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
            Lines(BufReader::new(file)).count() as u64
        }
        Some(_) => return None,
    };
    Some(args.urls.len() as u64 + listed)
}

/// Reads a list on a thread of its own: whoever writes it may take their time.
fn lines(source: &Source) -> Result<Receiver<Entry>, Failure> {
    let (name, bytes) = upload::open(source)?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        for line in Lines(BufReader::new(bytes)) {
            let entry = match line {
                Ok(Some(line)) => Url::parse(&line).map_err(|fault| Failure::new(Exit::Url, "url", fault)),
                Ok(None) => Err(Failure::new(Exit::Url, "url", format!("{name}: a line that no URL can be"))),
                Err(error) => Err(Failure::input(&name, &error)),
            };
            // Nobody wants the others any more.
            if sender.blocking_send(entry).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The lines that are neither empty nor comments; none in place of one that is too long, or not UTF-8. An error is the last.
struct Lines<R>(R);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Option<String>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Vec::new();
            match self.0.by_ref().take(LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            if line.len() as u64 == LINE && !line.ends_with(b"\n") {
                return Some(self.0.skip_until(b'\n').map(|_| None));
            }
            match line.trim_ascii() {
                [] | [b'#', ..] => {}
                line => return Some(Ok(std::str::from_utf8(line).ok().map(ToOwned::to_owned))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_url_unless_it_is_empty_or_a_comment() {
        let longest = "x".repeat(LINE as usize - 1);
        let text = format!("\n# no\n a \r\n\nx{longest}\nb\n{longest}\n");
        let lines: Vec<_> = Lines(text.as_bytes()).map(|line| line.ok().flatten()).collect();
        assert_eq!(lines, [Some("a".to_owned()), None, Some("b".to_owned()), Some(longest)]);
        let lines: Vec<_> = Lines(&b"\xff\nlast"[..]).map(|line| line.ok().flatten()).collect();
        assert_eq!(lines, [None, Some("last".to_owned())]);
    }
}
