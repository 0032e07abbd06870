//! What was measured, as it is kept: the page is made from it, and can be made anew without measuring.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use wireline_bench::Failure;

/// All of it. A run of some rows replaces only those.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Results {
    /// On what.
    pub(crate) machine: BTreeMap<String, String>,
    /// The versions of the peers.
    pub(crate) versions: BTreeMap<String, String>,
    /// By row and subject.
    pub(crate) rows: BTreeMap<String, BTreeMap<String, Measured>>,
    /// 1,000 GETs over a relay that delays: seconds, by way of asking and milliseconds of round trip.
    #[serde(default)]
    pub(crate) round_trips: BTreeMap<String, BTreeMap<u64, f64>>,
    /// Programs that do one GET.
    #[serde(default)]
    pub(crate) programs: BTreeMap<String, Program>,
}

/// One subject in one row. What was not measured is not there.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Measured {
    /// Nanoseconds for one exchange, by round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) wall: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cpu: Vec<f64>,
    /// For one exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocations: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_calls: Option<f64>,
    /// Bytes for one connection, or for the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resident: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) heap: Option<f64>,
}

/// A program that does one GET and prints what came.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Program {
    /// With the program itself left out.
    pub(crate) crates: u64,
    /// Stripped.
    pub(crate) bytes: u64,
    /// Of a build from nothing, user and system.
    pub(crate) build_seconds: f64,
}

impl Results {
    /// What is kept, or nothing yet.
    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        match fs::read_to_string(file) {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn save(&self, file: &Path) -> Result<(), Failure> {
        fs::create_dir_all(file.parent().ok_or("a file is in a folder")?)?;
        Ok(fs::write(file, serde_json::to_string_pretty(self)? + "\n")?)
    }
}
