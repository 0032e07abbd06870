//! Python's `http.server`, as HTTP/1.1: its handler of files, and a few lines of application.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("python", "python3", |folder, port, _| {
        folder.write("server.py", include_str!("server.py")).unwrap();
        vec!["server.py".into(), HOST.into(), port.to_string().into()]
    })
}
