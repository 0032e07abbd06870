//! The text of `--help`, made from the tables.

use wireline::Leniency;

use crate::exit::Exit;
use crate::flags::{Category, FLAGS, Flag, Value, limit_names};

/// Columns of the text: what a terminal has.
const WIDTH: usize = 80;
/// Columns before what a flag does.
const INDENT: usize = 10;

const OPENING: &str = "\
wireline: one HTTP/1.1 connection on the command line, with nothing hidden

Usage: wireline [FLAG...] [METHOD] URL...
       wireline tour

Content goes to standard output, everything else to standard error. METHOD is
a word in capitals before the first URL; without it the method is GET. Several
URLs are fetched in order, and a connection is kept for the next URL of the
same origin. The path and the query of a URL are sent exactly as given, its
fragment never; name and password become Basic credentials. `wireline tour`
shows it all on loopback, without a network.

A DURATION is in seconds: 2, 1.5, 300ms.
";

const CLOSING: &str = "The exit status is that of the first exchange that failed. Nothing is sent again \
unasked: --json says of each exchange that stayed unanswered whether a repeat is safe.";

/// The whole text.
pub(crate) fn text() -> String {
    let mut text = OPENING.to_owned();
    for category in Category::ALL {
        text += &format!("\n{}:\n", category.title());
        for flag in FLAGS.iter().filter(|flag| flag.category == *category) {
            text += &format!("  {}\n", signature(flag));
            wrap(&mut text, &doc(flag), INDENT);
        }
    }
    text += "\nExit status (curl's number where the meaning is curl's):\n";
    for exit in Exit::ALL {
        text += &format!("  {:>3}  {}\n", exit.code(), exit.text());
    }
    text.push('\n');
    wrap(&mut text, CLOSING, 0);
    text
}

/// A flag as it is typed.
fn signature(flag: &Flag) -> String {
    let short = flag.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    match flag.value {
        Value::None => format!("{short}--{}", flag.name),
        Value::Needed(value) => format!("{short}--{} {value}", flag.name),
        Value::Optional(value) => format!("{short}--{}[={value}]", flag.name),
    }
}

/// What a flag does; with the names that the core knows, where its value is one of them.
fn doc(flag: &Flag) -> String {
    match flag.name {
        "leniency" => format!("{} {}.", flag.doc, Leniency::NAMES.join(", ")),
        "limit" => format!("{} {}.", flag.doc, limit_names()),
        _ => flag.doc.to_owned(),
    }
}

fn wrap(text: &mut String, words: &str, indent: usize) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_holds_every_flag_and_every_exit_status_within_the_width() {
        let text = text();
        for flag in FLAGS {
            assert!(text.contains(&signature(flag)), "--{}", flag.name);
        }
        for exit in Exit::ALL {
            assert!(text.contains(&format!("{:>3}  {}\n", exit.code(), exit.text())), "{exit:?}");
        }
        for line in text.lines() {
            assert!(line.len() <= WIDTH, "{line}");
        }
    }
}
