//! What came out of a layer, as the wire cases write it down.

use std::fmt;

use sha2::{Digest, Sha256};
use wireline_proto::{
    Deviations, Error, ErrorKind, Field, FieldsRef, Framing, InvalidRequest, Misuse, Phase, Reuse, StatusCode,
    Unanswered, Version,
};

/// The lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log(Vec<String>);

impl Log {
    /// Reads a log as it stands in a case: behind an offset, and between the two halves of the last line, any number of
    /// spaces is one.
    pub(crate) fn parse(lines: &[String]) -> Self {
        Self(lines.iter().filter(|line| !line.trim().is_empty()).map(|line| plain(line)).collect())
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The line of the peer's fault, when there is one: `@31 error 0: violation bare-lf`.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        let is_fault = |line: &&str| line.starts_with('@') && line.split(' ').nth(1) == Some("error");
        self.lines().find(is_fault)
    }

    /// The same without offsets, for layers that do not know them.
    #[must_use]
    pub fn without_offsets(&self) -> Self {
        let without = |line: &String| match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((_, rest)) => rest.to_owned(),
            None => line.clone(),
        };
        Self(self.0.iter().map(without).collect())
    }

    /// The same with only those lines for which `keep` says so.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|line| keep(line)).cloned().collect())
    }
}

fn plain(line: &str) -> String {
    let line = line.trim_end();
    if let Some((offset, rest)) = line.split_once(' ').filter(|_| line.starts_with('@')) {
        return format!("{offset} {}", rest.trim_start());
    }
    match line.split_once("unanswered: ").filter(|_| line.starts_with("reuse: ")) {
        Some((reuse, unanswered)) => format!("{}      unanswered: {unanswered}", reuse.trim_end()),
        None => line.to_owned(),
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Writes a log, one call for each thing that comes out.
///
/// ```text
/// @0 interim 0: 103, 1 field line
/// @40 response 0: 200, 2 field lines, length 3
/// @90 content "abc"
/// @93 end 0
/// reuse: now      unanswered: none
/// ```
///
/// `at` is where the thing begins in the peer's stream; a layer that does not know it gives `None`, and compares with
/// [`Log::without_offsets`].
#[derive(Debug)]
pub struct Recorder {
    lines: Vec<String>,
    show_fields: bool,
    /// The exchange of the response that was begun last.
    exchange: Option<u64>,
    content: Option<Content>,
}

/// Content that has been recorded and is not a line yet, since more may come.
#[derive(Debug)]
struct Content {
    at: Option<u64>,
    len: u64,
    first: Vec<u8>,
    digest: Sha256,
}

/// Content that is longer is not shown, but counted and digested.
const SHOWN: usize = 64;

impl Recorder {
    /// Nothing yet. With `show_fields` each field line has a line of its own.
    #[must_use]
    pub fn new(show_fields: bool) -> Self {
        Self { lines: Vec::new(), show_fields, exchange: None, content: None }
    }

    /// The log.
    #[must_use]
    pub fn finish(mut self) -> Log {
        self.end_content();
        Log::parse(&self.lines)
    }

    /// An interim response.
    pub fn interim(&mut self, at: Option<u64>, exchange: u64, status: StatusCode, fields: FieldsRef<'_>) {
        self.line(at, format_args!("interim {exchange}: {}, {}", status.as_str(), count(fields.len(), "field line")));
        self.fields(fields);
    }

    /// The head of a final response.
    pub fn response(
        &mut self,
        at: Option<u64>,
        exchange: u64,
        (version, status): (Version, StatusCode),
        fields: FieldsRef<'_>,
        framing: Framing,
    ) {
        let mut line = format!("response {exchange}: {}, {}, ", status.as_str(), count(fields.len(), "field line"));
        match framing {
            Framing::Length(length) => line.push_str(&format!("length {length}")),
            other => line.push_str(other.name()),
        }
        if version != Version::HTTP_11 {
            line.push_str(&format!(", {version:?}"));
        }
        self.exchange = Some(exchange);
        self.line(at, format_args!("{line}"));
        self.fields(fields);
    }

    /// The head of a response that switches protocols.
    pub fn switched(&mut self, at: Option<u64>, exchange: u64, status: StatusCode, fields: FieldsRef<'_>) {
        self.line(at, format_args!("switched {exchange}: {}, {}", status.as_str(), count(fields.len(), "field line")));
        self.fields(fields);
    }

    /// Content; what comes in a row makes one line.
    pub fn content(&mut self, at: Option<u64>, bytes: &[u8]) {
        let content =
            self.content.get_or_insert_with(|| Content { at, len: 0, first: Vec::new(), digest: Sha256::new() });
        content.len += bytes.len() as u64;
        content.digest.update(bytes);
        let room = (SHOWN + 1 - content.first.len()).min(bytes.len());
        content.first.extend_from_slice(&bytes[..room]);
    }

    /// The end of the response that was begun last.
    pub fn end(&mut self, at: Option<u64>, trailers: FieldsRef<'_>) {
        let exchange = self.exchange.map_or_else(|| "-".to_owned(), |exchange| exchange.to_string());
        if trailers.is_empty() {
            self.line(at, format_args!("end {exchange}"));
        } else {
            self.line(at, format_args!("end {exchange}, {}", count(trailers.len(), "trailer line")));
        }
        self.fields(trailers);
    }

    /// The peer closed between messages.
    pub fn closed(&mut self, at: Option<u64>) {
        self.line(at, format_args!("closed"));
    }

    /// The peer's fault.
    pub fn error(&mut self, error: &Error) {
        let exchange = error.exchange().map_or_else(|| "-".to_owned(), |exchange| exchange.to_string());
        let kind = match error.kind() {
            ErrorKind::Incomplete(incomplete) => {
                let mut kind = format!("incomplete {}", incomplete.phase.name());
                if !matches!(incomplete.phase, Phase::BeforeResponse | Phase::Head) {
                    kind.push_str(&format!(", received {}", incomplete.received));
                }
                if let Some(missing) = incomplete.missing {
                    kind.push_str(&format!(", missing {missing}"));
                }
                kind
            }
            ErrorKind::Limit(limit) => format!("limit {}", limit.name()),
            ErrorKind::Violation(violation) => format!("violation {}", violation.name()),
            other => other.to_string(),
        };
        self.line(Some(error.offset()), format_args!("error {exchange}: {kind}"));
    }

    /// A command that was refused.
    pub fn misuse(&mut self, misuse: Misuse) {
        self.line(None, format_args!("misuse {}", misuse.name()));
    }

    /// A request that could not be built.
    pub fn invalid(&mut self, invalid: InvalidRequest) {
        self.line(None, format_args!("invalid: {}", invalid.name()));
    }

    /// What was let through in a message, if anything was.
    pub fn tolerated(&mut self, deviations: Deviations) {
        if !deviations.is_empty() {
            let names: Vec<_> = deviations.iter().map(|(name, count)| format!("{name} {count}")).collect();
            self.line(None, format_args!("tolerated: {}", names.join(", ")));
        }
    }

    /// The bytes that came behind a switch.
    pub fn switched_bytes(&mut self, bytes: &[u8]) {
        self.line(None, format_args!("switched bytes \"{}\"", bytes.escape_ascii()));
    }

    /// Anything else that a case should notice: no case expects it, unless it says so.
    pub fn note(&mut self, note: &str) {
        self.line(None, format_args!("{note}"));
    }

    /// What becomes of the connection: the last line.
    pub fn verdict(&mut self, reuse: Reuse, unanswered: impl IntoIterator<Item = Unanswered>) {
        let unanswered: Vec<_> = unanswered.into_iter().map(|exchange| exchange.to_string()).collect();
        let unanswered = if unanswered.is_empty() { "none".to_owned() } else { unanswered.join("; ") };
        self.line(None, format_args!("reuse: {reuse}      unanswered: {unanswered}"));
    }

    fn line(&mut self, at: Option<u64>, text: fmt::Arguments<'_>) {
        self.end_content();
        self.lines.push(match at {
            Some(at) => format!("@{at} {text}"),
            None => text.to_string(),
        });
    }

    fn end_content(&mut self) {
        let Some(content) = self.content.take() else { return };
        if content.first.len() <= SHOWN {
            self.line(content.at, format_args!("content \"{}\"", content.first.escape_ascii()));
        } else {
            let digest = content.digest.finalize();
            let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            self.line(content.at, format_args!("content {} bytes, sha256 {digest}", content.len));
        }
    }

    fn fields(&mut self, fields: FieldsRef<'_>) {
        if self.show_fields {
            let line = |field: Field<'_>| format!("    {}: {}", field.name(), shown(field.value()));
            self.lines.extend(fields.iter().map(line));
        }
    }
}

/// A value with a space at its end escaped: nobody sees one there, and the end of a line of a log is trimmed.
fn shown(value: &[u8]) -> String {
    match value.split_last() {
        Some((b' ', front)) => format!("{}\\x20", front.escape_ascii()),
        _ => value.escape_ascii().to_string(),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
