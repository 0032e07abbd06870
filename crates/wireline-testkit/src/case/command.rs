//! The lines of `do` blocks.

use wireline_proto::Fields;

use super::{Do, bytes};

/// A command of a `do` block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `abandon-content`.
    AbandonContent,
    /// `content "abc"`: this is sent as content, in one piece.
    Content(Vec<u8>),
    /// `finish`, or `finish "X-Sum: 1"` with a trailer section.
    Finish(Fields),
    /// `frame 5`: content of that length is framed.
    Frame(u64),
    /// `framed 5`: so much framed content has left.
    Framed(u64),
    /// `hold`: from here on nothing leaves unasked.
    Hold,
    /// `into-switched`: what came behind the switch.
    IntoSwitched,
    /// `transmit 10` (so many of the queued bytes leave), or `transmit all`, which also ends `hold`.
    Transmit(Option<usize>),
    /// `transmit-closed`: our side broke.
    TransmitClosed,
    /// `waive-continue`.
    WaiveContinue,
}

pub(super) fn parse(line: &str) -> Result<Do, String> {
    let (text, refusal) = match line.rsplit_once("->") {
        Some((text, refusal)) => (text.trim(), Some(refusal.trim())),
        None => (line.trim(), None),
    };
    let refusal = refusal.map(|refusal| match refusal.strip_prefix("misuse ") {
        Some(name) if wireline_proto::Misuse::NAMES.contains(&name) => Ok(name.to_owned()),
        None if refusal == "refused" => Ok(String::new()),
        _ => Err(format!("`{refusal}` is neither `refused` nor `misuse` with the name of one")),
    });
    let (name, argument) = text.split_once(' ').unwrap_or((text, ""));
    let number = || argument.parse::<u64>().map_err(|_| format!("`{name}` takes a number"));
    let command = match (name, argument) {
        ("abandon-content", "") => Command::AbandonContent,
        ("content", text) => Command::Content(quoted(text)?),
        ("finish", "") => Command::Finish(Fields::new()),
        ("finish", text) => {
            let mut section = quoted(text)?;
            section.extend_from_slice(b"\r\n");
            Command::Finish(Fields::parse(&section).map_err(|invalid| invalid.to_string())?)
        }
        ("frame", _) => Command::Frame(number()?),
        ("framed", _) => Command::Framed(number()?),
        ("hold", "") => Command::Hold,
        ("into-switched", "") => Command::IntoSwitched,
        ("transmit", "all") => Command::Transmit(None),
        ("transmit", _) => Command::Transmit(Some(usize::try_from(number()?).unwrap_or(usize::MAX))),
        ("transmit-closed", "") => Command::TransmitClosed,
        ("waive-continue", "") => Command::WaiveContinue,
        _ => return Err(format!("`{text}` is no command")),
    };
    Ok(Do { command, refusal: refusal.transpose()? })
}

fn quoted(text: &str) -> Result<Vec<u8>, String> {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    bytes::unescape(inside.ok_or_else(|| format!("`{text}` is not quoted"))?)
}
