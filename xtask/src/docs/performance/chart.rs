//! Bar charts as SVG, in a few lines each; they follow the colours of the page, light or dark.

use std::fmt::Write;

/// Some bars that belong together, each as long as its share of the longest.
pub(super) struct Panel {
    pub(super) heading: String,
    /// A name, a number, and whether it is ours.
    pub(super) bars: Vec<(String, f64, bool)>,
    pub(super) unit: &'static str,
}

const WIDTH: u32 = 760;
/// Where bars begin, behind their names, and how long the longest is; its number stands behind it.
const LEFT: u32 = 200;
const LONGEST: f64 = 430.0;
const LINE: u32 = 24;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.heading{font-weight:600}.bar{fill:#8c959f}\
    .ours{fill:#0969da}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}}";

pub(super) fn svg(title: &str, panels: &[Panel]) -> String {
    let lines: usize = panels.iter().map(|panel| panel.bars.len() + 2).sum();
    let height = LINE * u32::try_from(lines).unwrap_or(0) + LINE / 2;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n"
    );
    let mut y = LINE;
    for panel in panels {
        let _ = writeln!(svg, "<text class=\"heading\" x=\"8\" y=\"{y}\">{}</text>", escaped(&panel.heading));
        let longest = panel.bars.iter().map(|(_, number, _)| *number).fold(f64::MIN_POSITIVE, f64::max);
        for (name, number, is_ours) in &panel.bars {
            y += LINE;
            let width = (number / longest * LONGEST).max(1.0);
            let class = if *is_ours { "ours" } else { "bar" };
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" \
                 width=\"{width:.0}\" height=\"14\"/><text x=\"{:.0}\" y=\"{y}\">{} {}</text>",
                LEFT - 8,
                escaped(name),
                y - 11,
                f64::from(LEFT) + width + 6.0,
                super::amount(*number),
                panel.unit
            );
        }
        y += 2 * LINE;
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_the_largest_number() {
        let bars = vec![("a".to_owned(), 2.0, true), ("b & c".to_owned(), 4.0, false)];
        let svg = svg("times", &[Panel { heading: "one".to_owned(), bars, unit: "s" }]);
        assert!(svg.contains("class=\"ours\" x=\"200\" y=\"37\" width=\"215\"") && svg.contains("width=\"430\""));
        assert!(svg.contains("b &amp; c") && svg.contains(">4 s<"));
    }
}
