//! What people read on standard error: heads, times, failures.

use std::io::{self, Write};

use crate::output::json::Timing;

/// Writes to standard error. When nobody can read it there is nobody to tell.
pub(crate) fn say(text: impl AsRef<[u8]>) {
    let _ = io::stderr().lock().write_all(text.as_ref());
}

/// A head, byte for byte, each line behind `mark`.
pub(crate) fn say_head(mark: &str, head: &[u8]) {
    let mut text = Vec::with_capacity(head.len() + 64);
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        text.extend_from_slice(mark.as_bytes());
        text.extend_from_slice(line);
    }
    say(text);
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
}
