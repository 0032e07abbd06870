//! nginx, started on loopback for one test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Folder;

/// An address of loopback where no other server of the tests takes ports.
pub(crate) const HOST: &str = "127.0.0.2";

/// A running nginx that serves the files of a folder.
pub(crate) struct Nginx {
    pub(crate) folder: Folder,
    pub(crate) port: u16,
    child: Child,
}

impl Nginx {
    /// Plain HTTP. `fill` makes the files.
    pub(crate) fn new(fill: impl FnOnce(&Folder)) -> Self {
        Self::start("", fill)
    }

    /// HTTPS, with `cert.pem` and `key.pem`, which `fill` makes.
    pub(crate) fn secure(fill: impl FnOnce(&Folder)) -> Self {
        Self::start(" ssl", fill)
    }

    fn start(listen: &str, fill: impl FnOnce(&Folder)) -> Self {
        let folder = Folder::new();
        fill(&folder);
        let root = folder.path().display();
        let certificate = if listen.is_empty() {
            String::new()
        } else {
            format!("ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;")
        };
        let free = TcpListener::bind((HOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("loopback has a port").port();
        let configuration = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/log;
             events {{}}
             http {{
               access_log off; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
               uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
               gzip on; gzip_types application/octet-stream; gzip_min_length 1; default_type application/octet-stream;
               server {{ listen {HOST}:{port}{listen}; root {root}; {certificate} }}
             }}"
        );
        std::fs::write(folder.join("conf"), configuration).expect("the configuration can be written");
        let child = Command::new("nginx")
            .arg("-c")
            .arg(folder.join("conf"))
            .arg("-p")
            .arg(folder.path())
            .args(["-e", "log"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("nginx is installed (package nginx-light or nginx)");
        let mut nginx = Self { folder, port, child };
        nginx.wait_until_it_listens();
        nginx
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{HOST}:{}{target}", self.port)
    }

    /// The file with its number is written when the port is bound. To try to connect until it works would now and then
    /// find the port by itself: both ends of a connection may have the same one.
    fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        while !self.folder.join("pid").exists() {
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "nginx ended: {:?}", String::from_utf8_lossy(&self.folder.read("log")));
            assert!(begun.elapsed() < Duration::from_secs(20), "nginx does not listen");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
