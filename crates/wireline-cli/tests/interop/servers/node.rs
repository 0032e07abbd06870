//! Node's `http`: a short program, for files and application.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("node", "node", |folder, port, _| {
        folder.write("server.js", include_str!("server.js")).unwrap();
        vec!["server.js".into(), HOST.into(), port.to_string().into()]
    })
}
