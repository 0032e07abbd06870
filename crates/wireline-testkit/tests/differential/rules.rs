//! What is read differently, and why: a predicate for each section of `docs/differences.md`.
//!
//! Their order matters: what is let through on request comes first, since it shows what else there is.

use std::collections::BTreeSet;

use wireline_proto::{ErrorKind, Limits, Phase, Violation};

use super::difference::{Difference, Peer, Rule};
use super::input::Ask;
use super::verdict::{After, Head, Line, Message, Verdict};
use Peer::{H11, Httparse, Hyper};

const ALL: &[Peer] = &Peer::ALL;

pub(crate) const RULES: &[Rule] = &[
    // Let through by wireline on request
    Rule { name: "lf-ends-lines", peers: ALL, explain: lf_ends_lines },
    Rule { name: "lf-ends-trailer-lines", peers: &[H11, Hyper], explain: lf_ends_trailer_lines },
    Rule { name: "empty-lines", peers: &[Httparse, Hyper], explain: empty_lines },
    Rule { name: "control-bytes", peers: &[H11], explain: control_bytes },
    Rule { name: "space-behind-chunk-sizes", peers: &[H11, Hyper], explain: space_behind_chunk_sizes },
    Rule { name: "coding-beside-length", peers: &[H11, Hyper], explain: coding_beside_length },
    Rule { name: "coding-in-http10", peers: &[H11], explain: coding_in_http10 },
    Rule { name: "other-codings", peers: &[Hyper], explain: other_codings },
    Rule { name: "limits", peers: ALL, explain: limits },
    // Refused by wireline on request
    Rule { name: "folds", peers: &[Httparse, Hyper], explain: folds },
    // Taken by wireline, and gone from sight when lengths are tidied
    Rule { name: "lengths-as-text", peers: &[H11], explain: lengths_as_text },
    // Told otherwise
    Rule { name: "fields-in-a-map", peers: &[Hyper], explain: fields_in_a_map },
    Rule { name: "framing-fields-tidied", peers: &[H11], explain: framing_fields_tidied },
    Rule { name: "space-in-folds", peers: &[H11], explain: space_in_folds },
    Rule { name: "reasons-beyond-ascii", peers: &[Httparse], explain: reasons_beyond_ascii },
    Rule { name: "versions-as-they-came", peers: &[H11], explain: versions_as_they_came },
    Rule { name: "http10-closes", peers: &[H11], explain: http10_closes },
    Rule { name: "options-beyond-ascii", peers: &[Hyper], explain: options_beyond_ascii },
    Rule { name: "coding-of-nothing-in-http10", peers: &[Hyper], explain: coding_of_nothing_in_http10 },
    Rule { name: "close-before-the-end", peers: &[H11, Hyper], explain: close_before_the_end },
    Rule { name: "empty-codings", peers: &[Hyper], explain: empty_codings },
    // Refused at another time
    Rule { name: "refused-at-once", peers: &[H11, Hyper], explain: refused_at_once },
    Rule { name: "refused-with-the-line", peers: &[Httparse, Hyper], explain: refused_with_the_line },
    // Taken by others
    Rule { name: "versions-of-any-kind", peers: &[H11], explain: versions_of_any_kind },
    Rule { name: "status-below-100", peers: &[Httparse], explain: status_below_100 },
    Rule { name: "switch-unasked", peers: ALL, explain: switch_unasked },
    Rule { name: "lengths-without-bound", peers: &[H11], explain: lengths_without_bound },
    Rule { name: "folded-framing", peers: &[H11], explain: folded_framing },
    Rule { name: "chunk-extension-bytes", peers: &[H11, Hyper], explain: chunk_extension_bytes },
    // Taken by wireline
    Rule { name: "minor-versions", peers: &[Httparse, Hyper], explain: minor_versions },
    Rule { name: "no-empty-line", peers: &[H11], explain: no_empty_line },
    Rule { name: "framing-of-nothing", peers: &[H11], explain: framing_of_nothing },
    Rule { name: "one-line-of-codings", peers: &[H11], explain: one_line_of_codings },
    Rule { name: "long-chunk-sizes", peers: &[H11], explain: long_chunk_sizes },
    Rule { name: "space-before-chunk-extensions", peers: &[H11], explain: space_before_chunk_extensions },
    Rule { name: "largest-lengths", peers: &[Hyper], explain: largest_lengths },
    Rule { name: "tunnel-without-content", peers: &[Hyper], explain: tunnel_without_content },
];

fn lf_ends_lines(d: &mut Difference<'_>) -> bool {
    let at_lf = d.fault_byte() == Some(b'\n') && d.phase() == Some(Phase::Head);
    at_lf && d.reads_with(|config| config.leniency.bare_lf_in_head = true)
}

fn lf_ends_trailer_lines(d: &mut Difference<'_>) -> bool {
    let at_lf = d.has(Violation::BareLf) && d.phase() == Some(Phase::Trailers);
    if at_lf && d.reads_with(|config| config.leniency.bare_lf_in_chunked = true) {
        return true;
    }
    // hyper looks for the end first, which is CRLF CRLF, and only then for lines.
    let reads_on = d.peer == Hyper && d.config.leniency.bare_lf_in_chunked && matches!(d.ours, Verdict::Accepted(_));
    d.is_explained_by(reads_on)
}

fn empty_lines(d: &mut Difference<'_>) -> bool {
    // One too many may also be LF alone: neither switch changes anything without the other.
    let at_lf = d.fault_byte() == Some(b'\n');
    d.has(Violation::StatusLine)
        && d.reads_with(|config| {
            config.limits.leading_empty_lines = u32::MAX;
            config.leniency.bare_lf_in_head |= at_lf;
        })
}

fn control_bytes(d: &mut Difference<'_>) -> bool {
    let is_taken = d.has(Violation::ControlByte) && d.theirs != Verdict::Refused && d.fault_byte() != Some(0);
    // In a field that decides framing nothing is let through.
    is_taken && (d.reads_with(|config| config.leniency.ctl_in_values = true) || d.is_explained_by(true))
}

fn space_behind_chunk_sizes(d: &mut Difference<'_>) -> bool {
    d.has(Violation::ChunkSize) && d.reads_with(|config| config.leniency.chunk_size_trailing_ws = true)
}

fn coding_beside_length(d: &mut Difference<'_>) -> bool {
    (d.has(Violation::CodingWithLength) && d.reads_with(|config| config.leniency.te_with_cl = true))
        || (d.config.leniency.te_with_cl && show_length_and_persist(d))
}

/// What wireline does besides, where it lets both through: it hides the length, and closes.
fn show_length_and_persist(d: &mut Difference<'_>) -> bool {
    let theirs = d.theirs.clone();
    if let (Some(ours), Some(theirs)) = (d.ours.head_mut(), theirs.head()) {
        let stays = |(name, _): &&Line| !name.eq_ignore_ascii_case(b"content-length");
        let differs = ours.fields != theirs.fields;
        if differs && ours.fields.iter().eq(theirs.fields.iter().filter(stays)) {
            ours.fields.clone_from(&theirs.fields);
            return true;
        }
    }
    d.is_kept_open()
}

fn coding_in_http10(d: &mut Difference<'_>) -> bool {
    d.has(Violation::CodingInHttp10) && d.reads_with(|config| config.leniency.te_with_cl = true)
}

fn other_codings(d: &mut Difference<'_>) -> bool {
    d.has(Violation::CodingUnsupported)
        && (d.reads_with(|config| config.leniency.raw_transfer_coding = true)
            || d.is_explained_by(d.theirs != Verdict::Refused))
}

fn limits(d: &mut Difference<'_>) -> bool {
    d.is_limit()
        && d.reads_with(|config| {
            let mut limits = Limits::default();
            for limit in [
                &mut limits.start_line,
                &mut limits.field_line,
                &mut limits.head,
                &mut limits.fields,
                &mut limits.interim_responses,
                &mut limits.interim_bytes,
                &mut limits.chunk_line,
                &mut limits.chunk_extensions,
                &mut limits.trailers,
                &mut limits.trailer_fields,
                &mut limits.receive_buffer,
            ] {
                *limit = 1 << 30;
            }
            limits.leading_empty_lines = config.limits.leading_empty_lines;
            config.limits = limits;
        })
}

fn folds(d: &mut Difference<'_>) -> bool {
    d.reads_with(|config| config.refuse_obs_fold = true)
}

fn lengths_as_text(d: &mut Difference<'_>) -> bool {
    let Some(head) = d.ours.head() else { return false };
    let values = head.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length"));
    let texts: BTreeSet<_> =
        values.flat_map(|(_, value)| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii).collect();
    d.is_explained_by(texts.len() > 1 && d.theirs == Verdict::Refused)
}

fn fields_in_a_map(d: &mut Difference<'_>) -> bool {
    let Some(ours) = d.ours.message_mut() else { return false };
    let mut changed = as_in_a_map(&mut ours.trailers);
    if let Some(head) = &mut ours.head {
        changed |= as_in_a_map(&mut head.fields);
    }
    changed
}

/// Lower case, and lines of one name together; whether that changes anything.
fn as_in_a_map(fields: &mut [Line]) -> bool {
    let before = fields.to_vec();
    for (name, _) in fields.iter_mut() {
        name.make_ascii_lowercase();
    }
    let names: Vec<_> = fields.iter().map(|(name, _)| name.clone()).collect();
    fields.sort_by_key(|(name, _)| names.iter().position(|first| first == name));
    fields != before
}

fn framing_fields_tidied(d: &mut Difference<'_>) -> bool {
    let before = d.ours.clone();
    if let Some(message) = d.ours.message_mut() {
        message.head.iter_mut().for_each(|head| tidy(&mut head.fields));
        tidy(&mut message.trailers);
    }
    d.ours != before
}

/// One length, as one number, and codings in lower case.
fn tidy(fields: &mut Vec<Line>) {
    let mut seen = false;
    fields.retain_mut(|(name, value)| {
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            value.make_ascii_lowercase();
        }
        let is_length = name.eq_ignore_ascii_case(b"content-length");
        if is_length {
            value.truncate(value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len()));
        }
        !is_length || !std::mem::replace(&mut seen, true)
    });
}

fn space_in_folds(d: &mut Difference<'_>) -> bool {
    let theirs = d.theirs.clone();
    let (Some(ours), Some(theirs)) = (d.ours.message_mut(), theirs.message()) else { return false };
    let mut changed = false;
    let lines = |message: &Message| message.head.iter().flat_map(|head| head.fields.clone()).collect::<Vec<_>>();
    let (theirs_head, theirs_trailers) = (lines(theirs), theirs.trailers.clone());
    let ours_head = ours.head.iter_mut().flat_map(|head| head.fields.iter_mut()).zip(theirs_head);
    for (ours, theirs) in ours_head.chain(ours.trailers.iter_mut().zip(theirs_trailers)) {
        let words = |value: &[u8]| {
            value
                .split(|byte| b" \t".contains(byte))
                .filter(|word| !word.is_empty())
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        };
        if ours.1 != theirs.1 && words(&ours.1) == words(&theirs.1) {
            ours.1 = theirs.1;
            changed = true;
        }
    }
    changed
}

fn reasons_beyond_ascii(d: &mut Difference<'_>) -> bool {
    let reason = d.ours.head_mut().and_then(|head| head.reason.as_mut());
    let Some(reason) = reason.filter(|reason| !reason.is_ascii()) else { return false };
    reason.clear();
    true
}

fn versions_as_they_came(d: &mut Difference<'_>) -> bool {
    let theirs = d.theirs.head().map(|head| head.version.clone());
    match (d.ours.head_mut(), theirs) {
        (Some(ours), Some(theirs)) if ours.version == "1.1" && theirs.starts_with("1.") && theirs > ours.version => {
            ours.version = theirs;
            true
        }
        _ => false,
    }
}

fn http10_closes(d: &mut Difference<'_>) -> bool {
    let is_http10 = d.ours.head().is_some_and(|head| head.version == "1.0");
    match d.ours.message_mut() {
        Some(message) if is_http10 && message.after == Some(After::Persists) => {
            message.after = Some(After::Closes);
            true
        }
        _ => false,
    }
}

fn options_beyond_ascii(d: &mut Difference<'_>) -> bool {
    let is_beyond = |(name, value): &Line| name.eq_ignore_ascii_case(b"connection") && !value.is_ascii();
    d.ours.head().is_some_and(|head| head.fields.iter().any(is_beyond)) && d.is_kept_open()
}

fn coding_of_nothing_in_http10(d: &mut Difference<'_>) -> bool {
    let is_coding = |(name, _): &Line| name.eq_ignore_ascii_case(b"transfer-encoding");
    let has_one = d.ours.head().is_some_and(|head| head.version == "1.0" && head.fields.iter().any(is_coding));
    has_one && d.is_kept_open()
}

fn close_before_the_end(d: &mut Difference<'_>) -> bool {
    d.ours.message().is_some_and(|message| !message.interims.is_empty()) && d.is_kept_open()
}

fn empty_codings(d: &mut Difference<'_>) -> bool {
    let is_last = |(name, value): &&Line| name.eq_ignore_ascii_case(b"transfer-encoding") && value.ends_with(b",");
    let has_one = d.ours.head().is_some_and(|head| head.fields.iter().find(is_last).is_some());
    d.is_explained_by(has_one && d.theirs.message().is_some_and(|message| message.after != Some(After::Persists)))
}

fn refused_at_once(d: &mut Difference<'_>) -> bool {
    let Verdict::Incomplete(theirs) = &d.theirs else { return false };
    let seen = match d.phase() {
        Some(Phase::Head) => theirs.head.is_none(),
        Some(Phase::Trailers) => true,
        Some(Phase::ChunkLine) => !d.behind_fault().windows(2).any(|end| end == b"\r\n"),
        _ => false,
    };
    let refused = d.ours == Verdict::Refused;
    d.is_explained_by(refused && seen)
}

fn refused_with_the_line(d: &mut Difference<'_>) -> bool {
    if !matches!(d.ours, Verdict::Incomplete(_)) || d.theirs != Verdict::Refused {
        return false;
    }
    // Whatever of a head it is that is missing, none of these ends makes it right. A fold that has begun is as wrong as the
    // line that it will be for those who take none.
    let mut ends = (0..HEAD.len()).map(|start| &HEAD[start..]);
    let refused = ends.all(|end| d.reading_of_more(end, |config| config.refuse_obs_fold = true) == Verdict::Refused);
    d.is_explained_by(refused)
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";

fn versions_of_any_kind(d: &mut Difference<'_>) -> bool {
    let is_version =
        matches!(d.behind_fault(), [major, b'.', minor, ..] if major.is_ascii_digit() && minor.is_ascii_digit());
    d.is_explained_by(d.has(Violation::Version) && is_version && d.theirs != Verdict::Refused)
}

fn status_below_100(d: &mut Difference<'_>) -> bool {
    let is_below = d.has(Violation::StatusCode)
        && matches!(d.behind_fault(), [b'0', tens, ones, ..] if tens.is_ascii_digit() && ones.is_ascii_digit());
    d.is_explained_by(is_below && d.theirs != Verdict::Refused)
}

fn switch_unasked(d: &mut Difference<'_>) -> bool {
    let taken = d.has(Violation::SwitchUnasked) && d.theirs.head().is_some_and(|head| head.status == 101);
    d.is_explained_by(taken)
}

fn lengths_without_bound(d: &mut Difference<'_>) -> bool {
    let is_too_long = d.has(Violation::LengthOverflow) || d.has(Violation::ChunkSizeOverflow);
    d.is_explained_by(is_too_long && matches!(d.theirs, Verdict::Incomplete(_)))
}

fn folded_framing(d: &mut Difference<'_>) -> bool {
    d.is_explained_by(d.has(Violation::FoldedFraming) && d.theirs != Verdict::Refused)
}

fn chunk_extension_bytes(d: &mut Difference<'_>) -> bool {
    let in_extension =
        d.has(Violation::ChunkExtension) || (d.has(Violation::BareCr) && d.phase() == Some(Phase::ChunkLine));
    let is_control = d.fault_byte().is_some_and(|byte| byte.is_ascii_control());
    d.is_explained_by(in_extension && is_control && d.theirs != Verdict::Refused)
}

fn minor_versions(d: &mut Difference<'_>) -> bool {
    let version = |version: &[u8]| version.starts_with(b"HTTP/1.") && matches!(version[7], b'2'..=b'9');
    let has_one = d.input.stream.windows(8).any(version);
    d.is_explained_by(has_one && d.ours != Verdict::Refused && d.theirs == Verdict::Refused)
}

fn no_empty_line(d: &mut Difference<'_>) -> bool {
    let stream = &d.input.stream;
    let has_one = stream.starts_with(b"\r") || stream.windows(5).any(|end| end == b"\r\n\r\n\r");
    d.is_explained_by(has_one && d.ours != Verdict::Refused && d.theirs == Verdict::Refused)
}

fn framing_of_nothing(d: &mut Difference<'_>) -> bool {
    let Some(message) = d.ours.message() else { return false };
    let without_content = |head: &Head| {
        d.input.ask == Ask::Head
            || matches!(head.status, 101 | 204 | 304)
            || (d.input.ask == Ask::Connect && (200..300).contains(&head.status))
    };
    let has_none = !message.interims.is_empty()
        || !message.trailers.is_empty()
        || message.head.as_ref().is_some_and(without_content);
    let text = d.input.stream.to_ascii_lowercase();
    let has = |name: &[u8]| text.windows(name.len()).any(|window| window == name);
    let is_framed = has(b"content-length:") || has(b"transfer-encoding:");
    d.is_explained_by(has_none && is_framed && d.theirs == Verdict::Refused)
}

fn one_line_of_codings(d: &mut Difference<'_>) -> bool {
    let Some(head) = d.ours.head() else { return false };
    let codings = head.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"transfer-encoding"));
    let values: Vec<_> = codings.map(|(_, value)| value.to_ascii_lowercase()).collect();
    d.is_explained_by(d.theirs == Verdict::Refused && !values.is_empty() && values != [b"chunked"])
}

fn long_chunk_sizes(d: &mut Difference<'_>) -> bool {
    let has_one = d.input.stream.windows(21).any(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    d.is_explained_by(has_one && d.ours != Verdict::Refused && d.theirs == Verdict::Refused)
}

fn space_before_chunk_extensions(d: &mut Difference<'_>) -> bool {
    let has_one = d.input.stream.windows(2).any(|two| matches!(two, [b' ' | b'\t', b';']));
    d.is_explained_by(has_one && d.ours != Verdict::Refused && d.theirs == Verdict::Refused)
}

fn largest_lengths(d: &mut Difference<'_>) -> bool {
    let missing = d.error.as_ref().and_then(|error| match error.kind() {
        ErrorKind::Incomplete(incomplete) => incomplete.missing,
        _ => None,
    });
    let came = d.ours.message().map_or(0, |message| message.content.len() as u64);
    let is_largest = missing.is_some_and(|missing| missing + came >= u64::MAX - 1);
    d.is_explained_by(is_largest && d.theirs == Verdict::Refused)
}

fn tunnel_without_content(d: &mut Difference<'_>) -> bool {
    let is_204 = d.input.ask == Ask::Connect && d.ours.head().is_some_and(|head| head.status == 204);
    d.is_explained_by(is_204 && d.theirs.message().is_some_and(|message| message.after != Some(After::Switched)))
}
