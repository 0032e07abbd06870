//! HAProxy: a gateway, before the files as well.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("haproxy", "haproxy", |folder, port, application| {
        let conf = format!(
            "defaults
               mode http
               retries 0
               timeout connect 5s
               timeout client 20s
               timeout server 20s
             frontend site
               bind {HOST}:{port}
               http-request early-hint Link '</style.css>; rel=preload' if {{ path /app/hinted }}
               http-request return status 200 content-type text/plain string hinted if {{ path /app/hinted }}
               http-request deny deny_status 413 if {{ path /app/limited }}
               default_backend site
             backend site
               server origin {application}\n"
        );
        folder.write("conf", conf).unwrap();
        // In the foreground.
        ["-db", "-f", "conf"].map(Into::into).to_vec()
    })
}
