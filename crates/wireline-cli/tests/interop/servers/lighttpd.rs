//! lighttpd: files, and a gateway.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("lighttpd", "lighttpd", |folder, port, application| {
        let root = folder.path().display();
        let (host, at) = (application.ip(), application.port());
        let conf = format!(
            "server.modules = (\"mod_proxy\", \"mod_deflate\")
             server.document-root = \"{root}/files\"
             server.bind = \"{HOST}\"
             server.port = {port}
             server.upload-dirs = (\"{root}/scratch\")
             server.stream-response-body = 1
             mimetype.assign = (\".txt\" => \"text/plain\", \".html\" => \"text/html\")
             deflate.mimetypes = (\"text/plain\")
             deflate.allowed-encodings = (\"gzip\")
             $HTTP[\"url\"] =~ \"^/app/\" {{ proxy.server = (\"\" => ((\"host\" => \"{host}\", \"port\" => {at}))) }}
             $HTTP[\"url\"] == \"/app/limited\" {{ server.max-request-size = 1 }}\n"
        );
        folder.write("conf", conf).unwrap();
        ["-D", "-f", "conf"].map(Into::into).to_vec()
    })
}
