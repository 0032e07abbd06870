//! Caddy: files, and a gateway.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("caddy", "caddy", |folder, port, application| {
        let root = folder.path().display();
        // It meets expectations itself. Where the application is asked to, too, chance decides how often and in which order
        // the client hears of it.
        let conf = format!(
            "{{
               admin off
               auto_https off
               storage file_system {root}/scratch
             }}
             http://:{port} {{
               bind {HOST}
               root * {root}/files
               encode gzip
               handle /app/limited {{
                 respond \"too much\" 413
               }}
               handle /app/* {{
                 reverse_proxy {application} {{
                   header_up -Expect
                 }}
               }}
               handle {{
                 file_server
               }}
             }}\n"
        );
        folder.write("conf", conf).unwrap();
        ["run", "--config", "conf", "--adapter", "caddyfile"].map(Into::into).to_vec()
    })
}
