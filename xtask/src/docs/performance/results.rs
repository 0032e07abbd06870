//! What was measured, as the page asks for it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::Project;

pub(super) struct Results(Value);

/// A figure of a subject in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Allocations,
    Cpu,
    Heap,
    Instructions,
    Resident,
    SystemCalls,
    Wall,
}

impl Metric {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Allocations => "allocations",
            Self::Cpu => "CPU",
            Self::Heap => "heap",
            Self::Instructions => "instructions",
            Self::Resident => "resident memory",
            Self::SystemCalls => "system calls",
            Self::Wall => "time",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Allocations => "allocations",
            Self::Cpu => "cpu",
            Self::Heap => "heap",
            Self::Instructions => "instructions",
            Self::Resident => "resident",
            Self::SystemCalls => "system_calls",
            Self::Wall => "wall",
        }
    }
}

impl Results {
    pub(super) fn load(project: &Project) -> Result<Self, String> {
        Self::parse(&project.read("docs/performance/results.json")?)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| format!("results.json: {error}"))
    }

    pub(super) fn text(&self, table: &str, name: &str) -> &str {
        self.0[table][name].as_str().unwrap_or_default()
    }

    pub(super) fn versions(&self) -> Vec<(String, String)> {
        let all = self.0["versions"].as_object().into_iter().flatten();
        all.map(|(name, version)| (name.clone(), version.as_str().unwrap_or_default().to_owned())).collect()
    }

    /// Who was measured in a row: who needs least first.
    pub(super) fn subjects(&self, row: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.0["rows"][row].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let rank = |name: &String| {
            let all = [Metric::Cpu, Metric::Instructions, Metric::Resident];
            all.iter().find_map(|metric| self.figure(row, name, *metric)).unwrap_or(f64::INFINITY)
        };
        names.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        names
    }

    /// One number; of several rounds the median.
    pub(super) fn figure(&self, row: &str, subject: &str, metric: Metric) -> Option<f64> {
        let value = &self.0["rows"][row][subject][metric.key()];
        match value.as_array() {
            Some(rounds) => median(rounds.iter().filter_map(Value::as_f64).collect()),
            None => value.as_f64(),
        }
    }

    /// How much of what the second needs the first does: the median of the ratios within a round.
    pub(super) fn ratio(&self, row: &str, subject: &str, other: &str, metric: Metric) -> Option<f64> {
        let rounds = |name: &str| self.0["rows"][row][name][metric.key()].as_array();
        match (rounds(subject), rounds(other)) {
            (Some(ones), Some(others)) => {
                let both = ones.iter().zip(others);
                median(both.filter_map(|(one, other)| Some(one.as_f64()? / other.as_f64()?)).collect())
            }
            _ => Some(self.figure(row, subject, metric)? / self.figure(row, other, metric)?),
        }
    }

    /// Each program that does one GET: its crates, its KiB beyond one that does nothing, and the seconds of its build.
    pub(super) fn programs(&self) -> Vec<(String, u64, f64, f64)> {
        let all = &self.0["programs"];
        let bytes = |program: &Value| program["bytes"].as_f64();
        let nothing = bytes(&all["nothing"]).unwrap_or(0.0);
        let row = |(name, program): (&String, &Value)| {
            let kib = (bytes(program)? - nothing) / 1024.0;
            Some((name.clone(), program["crates"].as_u64()?, kib, program["build_seconds"].as_f64()?))
        };
        all.as_object().into_iter().flatten().filter(|(name, _)| *name != "nothing").filter_map(row).collect()
    }

    /// By milliseconds of round trip: each way, the slowest first, with its seconds.
    pub(super) fn round_trips(&self) -> BTreeMap<u64, Vec<(String, f64)>> {
        let mut trips: BTreeMap<u64, Vec<(String, f64)>> = BTreeMap::new();
        for (way, times) in self.0["round_trips"].as_object().into_iter().flatten() {
            for (milliseconds, seconds) in times.as_object().into_iter().flatten() {
                if let (Ok(milliseconds), Some(seconds)) = (milliseconds.parse(), seconds.as_f64()) {
                    trips.entry(milliseconds).or_default().push((way.clone(), seconds));
                }
            }
        }
        trips.values_mut().for_each(|ways| ways.sort_by(|a, b| b.1.total_cmp(&a.1)));
        trips
    }
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        1 => Some(numbers[middle]),
        _ => Some((numbers.get(middle.checked_sub(1)?)? + numbers[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_those_within_a_round() {
        let text = r#"{"rows": {"get": {"a": {"cpu": [2, 30, 4]}, "b": {"cpu": [1, 10, 4]}}}}"#;
        let results = Results::parse(text).unwrap();
        assert_eq!(results.ratio("get", "a", "b", Metric::Cpu), Some(2.0));
        assert_eq!(results.figure("get", "a", Metric::Cpu), Some(4.0));
        assert_eq!(results.subjects("get"), ["a", "b"]);
        assert_eq!(results.figure("get", "c", Metric::Cpu), None);
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
