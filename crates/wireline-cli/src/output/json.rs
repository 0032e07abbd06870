//! `--json`: one object a line for each exchange.

use std::io::{self, Write};

use serde::Serialize;
use wireline::{FieldsRef, Reuse, Unanswered};

use crate::failure::Failure;

/// One exchange, as it is printed. The order of the fields is the order of the keys.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Record {
    /// Which exchange of this run, from 0.
    pub(crate) exchange: usize,
    /// Which connection of this run, from 0; null when none was made.
    pub(crate) connection: Option<usize>,
    pub(crate) request: Request,
    pub(crate) interim: Vec<Interim>,
    pub(crate) response: Option<Response>,
    /// What came after the head that switched, in base64.
    pub(crate) switched: Option<String>,
    pub(crate) error: Option<Failure>,
    pub(crate) unanswered: Option<Repeat>,
    pub(crate) reuse: Verdict,
    pub(crate) timing: Timing,
    /// How often the request was sent, or was to be; only with `--retry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
}

/// The last line of `--jobs`: what all of it came to.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) exchanges: u64,
    /// Those that did not fail.
    pub(crate) complete: u64,
    pub(crate) failed: u64,
    /// How often a request was sent again.
    pub(crate) repeated: u64,
    /// How many connections were made.
    pub(crate) connections: u64,
    pub(crate) seconds: f64,
    /// The most resident memory that the command had, in bytes; null where the system does not say.
    pub(crate) peak_memory: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) url: String,
    pub(crate) fields: Vec<(String, String)>,
    /// Bytes of content, without its framing.
    pub(crate) content_sent: u64,
    /// All of the request left, as far as a response says that it was wanted.
    pub(crate) complete: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Interim {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) fields: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) framing: &'static str,
    /// Bytes of content that came.
    pub(crate) content_length: u64,
    /// Of the content that came.
    pub(crate) content_sha256: String,
    pub(crate) trailers: Vec<(String, String)>,
    /// What was let through, and how often.
    pub(crate) deviations: serde_json::Map<String, serde_json::Value>,
}

/// An exchange that has no complete response.
#[derive(Debug, Serialize)]
pub(crate) struct Repeat {
    pub(crate) progress: &'static str,
    /// Bytes of the request that left, framing included.
    pub(crate) sent: u64,
    pub(crate) idempotent: bool,
    pub(crate) safe_to_repeat: bool,
}

impl From<Unanswered> for Repeat {
    fn from(unanswered: Unanswered) -> Self {
        Self {
            progress: unanswered.progress.name(),
            sent: unanswered.sent,
            idempotent: unanswered.idempotent,
            safe_to_repeat: unanswered.is_safe_to_repeat(),
        }
    }
}

/// Whether the connection can carry another request.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) state: &'static str,
    pub(crate) reason: Option<&'static str>,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { state: "never", reason: Some("not connected") }
    }
}

impl From<Reuse> for Verdict {
    fn from(reuse: Reuse) -> Self {
        match reuse {
            Reuse::Now => Self { state: "now", reason: None },
            Reuse::Never(reason) => Self { state: "never", reason: Some(reason.text()) },
            // What the core may add later is not yet a yes.
            _ => Self { state: "not-yet", reason: None },
        }
    }
}

/// Seconds; null for what did not take place.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timing {
    pub(crate) resolve: Option<f64>,
    pub(crate) connect: Option<f64>,
    pub(crate) tls: Option<f64>,
    pub(crate) send: Option<f64>,
    pub(crate) wait: Option<f64>,
    pub(crate) receive: Option<f64>,
    pub(crate) total: f64,
}

/// Field lines in order; bytes above 0x7F as the code points of the same number.
pub(crate) fn pairs(fields: FieldsRef<'_>) -> Vec<(String, String)> {
    fields.iter().map(|field| (field.name().to_owned(), field.text().into_owned())).collect()
}

/// Bytes as text, each above 0x7F as the code point of the same number.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

impl Record {
    /// Prints it, on a line of its own.
    pub(crate) fn print(&self) -> io::Result<()> {
        print(self)
    }
}

impl Summary {
    /// Prints it, on a line of its own that no exchange's can be taken for.
    pub(crate) fn print(&self) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            summary: &'a Summary,
        }
        print(&Line { summary: self })
    }
}

fn print(object: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_one_code_point() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = latin1(&bytes);
        assert!(text.chars().map(u32::from).eq(0..=255));
    }

    #[test]
    fn keys_stand_in_the_order_of_the_documentation() {
        let text = serde_json::to_string(&Record::default()).unwrap_or_default();
        let keys = ["exchange", "request", "interim", "response", "switched", "error", "unanswered", "reuse", "timing"];
        let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    }
}
