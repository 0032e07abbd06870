//! What people read on standard error: heads, times, failures.

use std::io::{self, Write};

use crate::output::json::Timing;

/// Writes to standard error. When nobody can read it there is nobody to tell.
pub(crate) fn say(text: impl AsRef<[u8]>) {
    let _ = io::stderr().lock().write_all(text.as_ref());
}

/// A head, each line behind `mark`, as [`harmless`] has it.
pub(crate) fn say_head(mark: &str, head: &[u8]) {
    let lines = head.split_inclusive(|byte| *byte == b'\n');
    say(lines.map(|line| format!("{mark}{}", harmless(line))).collect::<String>());
}

/// A line as it came, but for what a terminal would take for a command, and bytes that are no UTF-8: those are escaped. A field
/// value may hold the second half of ASCII and more (RFC 9110 section 5.5), and U+009B begins a command as ESC `[` does.
fn harmless(line: &[u8]) -> String {
    let (line, end) = line.strip_suffix(b"\r\n").map_or((line, ""), |line| (line, "\r\n"));
    let mut shown = String::with_capacity(line.len() + 2);
    for piece in line.utf8_chunks() {
        for c in piece.valid().chars() {
            if c.is_control() && c != '\t' && c != '\n' {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        for byte in piece.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown + end
}

/// One line of `--timing`.
pub(crate) fn timing_line(timing: &Timing) -> String {
    let parts = [
        ("resolve", timing.resolve),
        ("connect", timing.connect),
        ("tls", timing.tls),
        ("send", timing.send),
        ("wait", timing.wait),
        ("receive", timing.receive),
        ("total", Some(timing.total)),
    ];
    let shown = parts.iter().filter_map(|(name, seconds)| seconds.map(|seconds| format!("{name} {}", span(seconds))));
    format!("timing: {}\n", shown.collect::<Vec<_>>().join(", "))
}

/// A time in the unit that suits it.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 0.001 => format!("{:.3} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_take_place_has_no_time() {
        let timing = Timing { connect: Some(0.000_25), wait: Some(0.0125), total: 2.0, ..Timing::default() };
        assert_eq!(timing_line(&timing), "timing: connect 250 µs, wait 12.500 ms, total 2.000 s\n");
    }
    #[test]
    fn nothing_in_a_line_is_a_command_to_a_terminal() {
        for (line, shown) in [
            (&b"X: a\tb \xc3\xa4\r\n"[..], "X: a\tb \u{e4}\r\n"),
            (b"X: \x1b[2J\x07\x7f\0\n", "X: \\u{1b}[2J\\u{7}\\u{7f}\\u{0}\n"),
            (b"X: \xc2\x9b2J\r\n", "X: \\u{9b}2J\r\n"),
            (b"X: \x9b2J\xff\r\n", "X: \\x9b2J\\xff\r\n"),
            (b"X: shown\rY: over it\r\n", "X: shown\\rY: over it\r\n"),
        ] {
            assert_eq!(harmless(line), shown);
        }
    }
}
