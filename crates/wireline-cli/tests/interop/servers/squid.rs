//! Squid: a proxy, with hyper's server behind it.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    let peer = super::start("squid", "squid", |folder, port, _| {
        let root = folder.path().display();
        let conf = format!(
            "http_port {HOST}:{port}\n\
             http_access allow all\n\
             visible_hostname squid.test\n\
             dns_nameservers 127.0.0.1\n\
             cache deny all\n\
             access_log none\n\
             cache_log {root}/log\n\
             pid_filename none\n\
             pinger_enable off\n\
             coredump_dir {root}/scratch\n"
        );
        folder.write("conf", conf).unwrap();
        // No daemon, one process. Its name is what it calls its shared memory by.
        vec!["-N".into(), "-n".into(), folder.name().into(), "-f".into(), folder.join("conf").into()]
    });
    peer.before_its_application()
}
