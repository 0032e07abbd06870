//! curl, the judge of the same requests.

use std::fmt;
use std::process::{Command, Stdio};

use wireline::{Response, Transport};
use wireline_testkit::servers::Folder;

/// What came of a request.
#[derive(PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The status of the response; 0 where none came.
    pub(crate) status: u16,
    /// The status of the answer to CONNECT; 0 where there was none.
    pub(crate) connect: u16,
    pub(crate) content: Vec<u8>,
}

impl Judgement {
    /// Of a response of ours, on a connection without a tunnel.
    pub(crate) fn of<S: Transport>(response: Response<'_, S>) -> Self {
        Self { status: response.status().as_u16(), connect: 0, content: response.bytes().unwrap() }
    }

    pub(crate) fn is(&self, status: u16, content: &[u8]) -> bool {
        self.status == status && self.content == content
    }
}

impl fmt::Debug for Judgement {
    /// Without the content, which may be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes (CONNECT: {})", self.status, self.content.len(), self.connect)
    }
}

/// Runs curl in a folder, where its authority is, with nothing that this machine's user has told it.
pub(crate) fn judge(folder: &Folder, arguments: &[&str]) -> Judgement {
    let mut command = Command::new("curl");
    command.args(["-q", "--silent", "--show-error", "--max-time", "20", "--cacert", "ca", "--proxy-cacert", "ca"]);
    command.args(["--write-out", "%{stderr}\n%{http_code} %{http_connect}"]).args(arguments);
    for variable in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(variable).env_remove(variable.to_ascii_uppercase());
    }
    let output = command.current_dir(folder.path()).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("curl does not start ({error}): run cargo xtask setup"));
    let told = String::from_utf8(output.stderr).unwrap();
    let numbers = told.lines().find_map(|line| {
        let (status, connect) = line.split_once(' ')?;
        Some((status.parse().ok()?, connect.parse().ok()?))
    });
    let (status, connect) = numbers.unwrap_or_else(|| panic!("curl said {told:?}"));
    Judgement { status, connect, content: output.stdout }
}
