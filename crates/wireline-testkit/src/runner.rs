//! Puts cases through layers, and says where they differ.

use std::fmt;

use crate::case::Case;
use crate::layer::{Layer, Segmentation};
use crate::log::Log;

/// Puts a case through a layer in [every segmentation](Segmentation::all). `false` when the layer
/// [cannot do](Layer::expected) what the case asks for.
///
/// # Errors
/// The first segmentation that gives another log than the case expects.
pub fn check(layer: &dyn Layer, case: &Case) -> Result<bool, Box<Difference>> {
    let Some(expected) = layer.expected(case) else { return Ok(false) };
    for segmentation in Segmentation::all(&case.received()) {
        let found = layer.run(case, segmentation);
        if found != expected {
            return Err(Box::new(Difference {
                place: format!("{}:{}", case.file.display(), case.line),
                title: case.title.clone(),
                layer: layer.name().to_owned(),
                segmentation,
                expected,
                found,
            }));
        }
    }
    Ok(true)
}

/// A case that did not give the log that it expects.
#[derive(Clone, Debug)]
pub struct Difference {
    place: String,
    title: String,
    layer: String,
    segmentation: Segmentation,
    expected: Log,
    found: Log,
}

impl Difference {
    /// What came out instead.
    #[must_use]
    pub fn found(&self) -> &Log {
        &self.found
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.place, self.title)?;
        writeln!(f, "through {}, {} (- expected, + found):", self.layer, self.segmentation)?;
        let (expected, found): (Vec<_>, Vec<_>) = (self.expected.lines().collect(), self.found.lines().collect());
        for (sign, line) in compare(&expected, &found) {
            writeln!(f, "  {sign} {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Difference {}

/// The lines of both, in order: those in common once, by the longest common subsequence.
fn compare<'a>(expected: &[&'a str], found: &[&'a str]) -> Vec<(char, &'a str)> {
    // lengths[i][j]: how much the lines from i and from j on have in common.
    let mut lengths = vec![vec![0; found.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..found.len()).rev() {
            lengths[i][j] = if expected[i] == found[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < expected.len() || j < found.len() {
        if i < expected.len() && j < found.len() && expected[i] == found[j] {
            lines.push((' ', expected[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == found.len() || (i < expected.len() && lengths[i + 1][j] >= lengths[i][j + 1]) {
            lines.push(('-', expected[i]));
            i += 1;
        } else {
            lines.push(('+', found[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests;
