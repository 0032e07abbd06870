//! The server in a process of its own, so that the memory of this one is the client's alone.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use crate::say;

/// This program again, as a server. It says where it listens, and when the client has closed everything, how many exchanges
/// it has served.
pub(crate) struct Server {
    child: Child,
    said: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        said.read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| io::Error::other(format!("the server said {line:?}")))?;
        Ok(Self { child, said, address })
    }

    /// When it is over: how many exchanges it has served, and what was wrong.
    pub(crate) fn join(mut self) -> io::Result<(u64, Vec<String>)> {
        let mut lines = (&mut self.said).lines();
        let served = lines.next().transpose()?.and_then(|line| line.parse().ok()).unwrap_or_default();
        let mut troubles = lines.collect::<io::Result<Vec<_>>>()?;
        let status = self.child.wait()?;
        if !status.success() {
            troubles.push(format!("the server ended with {status}"));
        }
        Ok((served, troubles))
    }
}

/// What has not been asked to end is ended: nobody is left to be served.
impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and then it has been waited for.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The server's last words.
pub(crate) fn served(exchanges: u64, troubles: &[String]) -> ExitCode {
    say(&exchanges.to_string());
    troubles.iter().for_each(|trouble| say(trouble));
    if troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
