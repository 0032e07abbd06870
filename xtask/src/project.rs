//! The files of the workspace.

use std::path::{Path, PathBuf};

use crate::run::Findings;

/// The workspace.
#[derive(Debug)]
pub(crate) struct Project {
    /// Its root folder.
    pub(crate) root: PathBuf,
}

/// A file with text in it.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Ends of the names of files that people write.
const WRITTEN: [&str; 10] = [".rs", ".md", ".toml", ".sh", ".py", ".pyi", ".yml", ".conf", ".json", "/.ci/run"];

impl Project {
    /// The workspace that this program belongs to. Cargo says where that is when it runs us; the place where we were
    /// built is not asked, since a target folder may serve several clones.
    pub(crate) fn here() -> Self {
        let crate_root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = crate_root.as_deref().and_then(Path::parent).map_or_else(|| PathBuf::from("."), Path::to_owned);
        Self { root }
    }

    /// The text of one file.
    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// Every file that people write, sorted by path; what cannot be read is a finding.
    pub(crate) fn files(&self) -> Result<Vec<File>, Findings> {
        let mut paths = Vec::new();
        let mut findings = Vec::new();
        self.walk(&self.root, &mut paths, &mut findings);
        paths.sort_unstable();
        let mut files = Vec::new();
        for path in paths {
            match self.read(&path) {
                Ok(text) => files.push(File { path, text }),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(files) } else { Err(findings) }
    }

    fn walk(&self, folder: &Path, paths: &mut Vec<String>, findings: &mut Findings) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return findings.push(format!("{}: {error}", folder.display())),
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if name != "target" && name != ".git" {
                    self.walk(&path, paths, findings);
                }
                continue;
            }
            let relative = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if WRITTEN.iter().any(|end| format!("/{relative}").ends_with(end)) {
                paths.push(relative);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_those_that_people_write() {
        let files = Project::here().files().unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == path);
        assert!(has("Cargo.toml") && has("xtask/src/project.rs") && has(".ci/run"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/") || file.path.starts_with(".git/")));
    }
}
