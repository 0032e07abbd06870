//! What every server serves.

use std::fs::File;
use std::io;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use wireline_testkit::pattern;
use wireline_testkit::servers::Folder;

pub(crate) static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(1 << 20));

/// When each file was last modified.
pub(crate) const MODIFIED: &str = "Sun, 13 Sep 2020 12:26:40 GMT";
const MODIFIED_SECONDS: u64 = 1_600_000_000;

/// The files by their names.
pub(crate) fn files() -> [(&'static str, Vec<u8>); 6] {
    [
        ("a b.txt", b"a name with a space\n".to_vec()),
        ("empty.txt", Vec::new()),
        ("folder/index.html", b"<p>in a folder</p>\n".to_vec()),
        ("large.bin", LARGE.clone()),
        ("small.txt", b"a small file\n".to_vec()),
        ("text.txt", b"a line of text, one of many\n".repeat(500)),
    ]
}

/// Puts them into `files`, and makes an empty `scratch`.
pub(crate) fn fill(folder: &Folder) -> io::Result<()> {
    for (name, content) in files() {
        let path = format!("files/{name}");
        folder.write(&path, content)?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED_SECONDS);
        File::options().write(true).open(folder.join(path))?.set_modified(modified)?;
    }
    std::fs::create_dir(folder.join("scratch"))
}
