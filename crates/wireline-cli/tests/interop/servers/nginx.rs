//! nginx: files, and a gateway.

use wireline_testkit::servers::HOST;

use crate::peer::Peer;

pub(super) fn start() -> Peer {
    super::start("nginx", "nginx", |folder, port, application| {
        let conf = format!(
            "daemon off; master_process off; pid scratch/pid; error_log log;
             events {{ worker_connections 64; }}
             http {{
               access_log off; client_body_temp_path scratch/1; proxy_temp_path scratch/2;
               fastcgi_temp_path scratch/3; uwsgi_temp_path scratch/4; scgi_temp_path scratch/5;
               types {{ text/html html; text/plain txt; }}
               gzip on; gzip_types text/plain; gzip_min_length 1000;
               server {{
                 listen {HOST}:{port}; root files;
                 location /app/ {{ proxy_pass http://{application}; proxy_http_version 1.1; }}
                 location /app/limited {{ proxy_pass http://{application}; client_max_body_size 1k; }}
               }}
             }}"
        );
        folder.write("conf", conf).unwrap();
        ["-e", "log", "-p", ".", "-c", "conf"].map(Into::into).to_vec()
    })
}
