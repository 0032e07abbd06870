//! What came of an exchange, whoever made it.

use std::borrow::Cow;
use std::fmt::Write;

/// Field lines whose value is another one each time.
const CHANGING: [&str; 1] = ["date"];

/// What Squid's pages have in front of a date, and how long that is.
const GENERATED: &[u8] = b"Generated ";
const DATE: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

/// What came of one request, beside what came of it with curl.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    /// curl lets a CR through that stands alone in a head, and we refuse it (RFC 9112 section 2.2). lighttpd 1.4.69 sends
    /// one, where it makes a field line of a trailer that came from behind it.
    Refused,
    /// Where it differs.
    Differs(String),
}

impl Verdict {
    /// The higher, the worse.
    pub(crate) fn rank(&self) -> usize {
        match self {
            Self::Same => 0,
            Self::Refused => 1,
            Self::Differs(_) => 2,
        }
    }
}

/// What came of one request.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The heads of the responses as they came, interim ones and a proxy's answer first.
    pub(crate) heads: Vec<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    /// A line for each trailer field.
    pub(crate) trailers: Vec<u8>,
    /// It ended as HTTP says that it ends.
    pub(crate) is_complete: bool,
    /// The next request was answered on the same connection.
    pub(crate) persists: bool,
}

impl Outcome {
    /// The status of the final response, or `-` where none came.
    pub(crate) fn status(&self) -> String {
        let status = self.heads.last().and_then(|head| head.get(9..12));
        status.map_or_else(|| "-".to_owned(), |status| String::from_utf8_lossy(status).into_owned())
    }

    /// The value of a field of the final response.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(self.heads.last()?).into_owned();
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }

    /// The first head, and nothing of what follows.
    pub(crate) fn head_alone(&self) -> Self {
        Self { heads: self.heads.iter().take(1).cloned().collect(), ..Self::default() }
    }

    pub(crate) fn verdict(&self, judged: &Self) -> Verdict {
        match self.difference(judged) {
            None => Verdict::Same,
            Some(_) if judged.has_bare_cr() && !self.is_complete && self.heads.is_empty() => Verdict::Refused,
            Some(difference) => Verdict::Differs(difference),
        }
    }

    /// Whether a CR in a head is not part of a line's end.
    fn has_bare_cr(&self) -> bool {
        self.heads.iter().any(|head| head.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n'))
    }

    /// Where it is not as the judge's; `None` where they agree.
    fn difference(&self, judged: &Self) -> Option<String> {
        let mut found = String::new();
        let (ours, theirs) = (steady(&self.heads), steady(&judged.heads));
        if ours != theirs {
            write!(found, "\n  heads {ours:#?}\n  but curl has {theirs:#?}").unwrap();
        }
        let (ours, theirs) = (undated(&self.content), undated(&judged.content));
        if ours != theirs {
            let at = ours.iter().zip(&*theirs).take_while(|(ours, theirs)| ours == theirs).count();
            let (ours, theirs) = (ours.len(), theirs.len());
            write!(found, "\n  content of {ours} bytes, of {theirs} with curl, differs at {at}").unwrap();
        }
        if self.trailers != judged.trailers {
            let (ours, theirs) = (self.trailers.escape_ascii(), judged.trailers.escape_ascii());
            write!(found, "\n  trailers {ours}, with curl {theirs}").unwrap();
        }
        for (what, ours, theirs) in [
            ("complete", self.is_complete, judged.is_complete),
            ("connection persists", self.persists, judged.persists),
        ] {
            if ours != theirs {
                write!(found, "\n  {what}: {ours}, with curl {theirs}").unwrap();
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// A judge that sees nothing is none: each part, changed, is noticed.
    pub(crate) fn notices_every_change(&self) -> bool {
        let mut changed: Vec<Self> = (0..5).map(|_| self.clone()).collect();
        changed[0].heads.push(b"HTTP/1.1 200 OK\r\n\r\n".to_vec());
        changed[1].content.push(b'!');
        changed[2].trailers.push(b'!');
        changed[3].is_complete ^= true;
        changed[4].persists ^= true;
        let notices_heads = self.heads.iter().enumerate().all(|(at, head)| {
            let mut other = self.clone();
            // The last byte of the last line, before its end and the empty line: of a reason phrase, or of a value.
            let last = head.len().saturating_sub(5);
            other.heads[at][last] ^= 1;
            let is_changing = CHANGING.iter().any(|name| last_line(head).starts_with(name));
            is_changing || other.difference(self).is_some()
        });
        notices_heads && changed.iter().all(|other| other.difference(self).is_some())
    }
}

/// The lines of the heads, without the values that change.
fn steady(heads: &[Vec<u8>]) -> Vec<String> {
    let lines = heads.iter().flat_map(|head| head.split_inclusive(|byte| *byte == b'\n'));
    let steady = lines.map(|line| {
        let shown = line.escape_ascii().to_string();
        match shown.split_once(':') {
            Some((name, _)) if CHANGING.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}: ..."),
            _ => shown,
        }
    });
    steady.collect()
}

/// The content without the second in which Squid wrote it.
fn undated(content: &[u8]) -> Cow<'_, [u8]> {
    let at = content.windows(GENERATED.len()).position(|bytes| bytes == GENERATED).map(|at| at + GENERATED.len());
    match at.filter(|at| content.len() >= at + DATE) {
        Some(at) => Cow::Owned([&content[..at], &content[at + DATE..]].concat()),
        None => Cow::Borrowed(content),
    }
}

fn last_line(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    text.trim_end().lines().last().unwrap_or_default().to_owned()
}
