//! Apache's httpd: files, and a gateway.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

/// Where Debian has them.
const MODULES: &str = "/usr/lib/apache2/modules";

pub(super) fn start() -> Peer {
    super::start("apache", "apache2", |folder, port, application| {
        let root = folder.path().display();
        let mut conf = format!(
            "ServerRoot {root}
             ServerName localhost
             PidFile {root}/scratch/pid
             DefaultRuntimeDir {root}/scratch
             ErrorLog {root}/log
             DocumentRoot {root}/files
             Listen {HOST}:{port}
             User #65534
             Group #65534
             ThreadsPerChild 8
             MaxRequestWorkers 8
             TypesConfig /dev/null
             AddType text/plain .txt
             AddOutputFilterByType DEFLATE text/plain
             <Directory {root}/files>
               Require all granted
             </Directory>
             Redirect 413 /app/limited
             ProxyPass /app/limited !
             ProxyPass /app/ http://{application}/app/\n"
        );
        for module in ["alias", "authz_core", "deflate", "dir", "filter", "mime", "mpm_event", "proxy_http", "proxy"] {
            conf.insert_str(0, &format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n"));
        }
        folder.write("conf", conf).unwrap();
        // One process: who is killed leaves nobody behind.
        vec!["-X".into(), "-f".into(), folder.join("conf").into()]
    })
}
