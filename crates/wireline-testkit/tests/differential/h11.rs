//! What h11 makes of streams: one process of a small program, `h11_peer.py`, for all of them.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use super::input::{Ask, Input};
use super::verdict::{After, Head, Line, Message, Verdict};

/// Debian's package of h11 is for Debian's Python, which need not be the first on the PATH.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];

/// The verdicts, in the order of the inputs.
pub(crate) fn read(inputs: &[Input]) -> Vec<Verdict> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/h11_peer.py");
    let mut peer = Command::new(python())
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = BufWriter::new(peer.stdin.take().unwrap());
    let stdout = BufReader::new(peer.stdout.take().unwrap());
    let verdicts: Vec<_> = thread::scope(|scope| {
        // Both at once, since a pipe is soon full.
        scope.spawn(move || {
            for Input { ask, stream, .. } in inputs {
                let upgrade = u8::from(*ask == Ask::Upgrade);
                writeln!(stdin, "{} {} {upgrade} {}", ask.method(), ask.target(), stream.len()).unwrap();
                stdin.write_all(stream).unwrap();
            }
        });
        stdout.lines().map(|line| verdict(&serde_json::from_str(&line.unwrap()).unwrap())).collect()
    });
    assert!(peer.wait().unwrap().success(), "h11_peer.py has failed");
    assert_eq!(verdicts.len(), inputs.len());
    verdicts
}

/// A Python that has h11.
fn python() -> &'static str {
    let has_h11 = |python: &&str| {
        let import = Command::new(python).args(["-c", "import h11"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    PYTHONS.into_iter().find(has_h11).expect("a Python that has h11: `cargo xtask ci setup` installs it")
}

fn verdict(value: &Value) -> Verdict {
    let message = || Message {
        interims: list(&value["interims"], |status| u16::try_from(status.as_u64().unwrap()).unwrap()),
        head: value["head"].is_object().then(|| head(&value["head"])),
        content: bytes(&value["content"]),
        trailers: list(&value["trailers"], line),
        after: value["after"].as_str().map(|after| match after {
            "closes" => After::Closes,
            "persists" => After::Persists,
            "switched" => After::Switched,
            other => panic!("{other} is nothing that becomes of a connection"),
        }),
        surplus: bytes(&value["surplus"]),
    };
    match value["verdict"].as_str().unwrap() {
        "accepted" => Verdict::Accepted(message()),
        "incomplete" => Verdict::Incomplete(message()),
        "refused" => Verdict::Refused,
        other => panic!("{other} is no verdict"),
    }
}

fn head(value: &Value) -> Head {
    Head {
        version: value["version"].as_str().unwrap().to_owned(),
        status: u16::try_from(value["status"].as_u64().unwrap()).unwrap(),
        reason: Some(bytes(&value["reason"])),
        fields: list(&value["fields"], line),
    }
}

fn line(value: &Value) -> Line {
    (bytes(&value[0]), bytes(&value[1]))
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

/// Each character stands for a byte.
fn bytes(value: &Value) -> Vec<u8> {
    value.as_str().unwrap().chars().map(|char| u8::try_from(char).unwrap()).collect()
}
