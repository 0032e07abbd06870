//! What a dependency costs whoever takes it: a program that does one GET, built from nothing.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use wireline_bench::{Failure, Report};

use crate::results::Program;

/// A name, what it depends on, and what it does. WIRELINE is the folder of our crates.
const PROGRAMS: [(&str, &str, &str); 9] = [
    ("nothing", "", "fn main() {}"),
    ("wireline's dependencies", DEPENDENCIES, "fn main() {}"),
    ("wireline", "wireline = { path = \"WIRELINE/wireline\", default-features = false }", OURS),
    ("wireline, TLS", "wireline = { path = \"WIRELINE/wireline\" }", OURS),
    ("minreq", "minreq = \"3\"", "fn main() { print!(\"{}\", minreq::get(URL).send().unwrap().as_str().unwrap()); }"),
    ("ureq", "ureq = { version = \"3\", default-features = false }", UREQ),
    ("ureq, TLS", "ureq = { version = \"3\", default-features = false, features = [\"rustls\"] }", UREQ),
    ("hyper", HYPER_NEEDS, HYPER),
    (
        "reqwest, TLS",
        REQWEST_NEEDS,
        "fn main() { print!(\"{}\", reqwest::blocking::get(URL).unwrap().text().unwrap()); }",
    ),
];

/// What wireline without TLS depends on, and nothing is done with.
const DEPENDENCIES: &str = "http = \"1\"
safe_arch = { version = \">=0.7.4, <2\", default-features = false }
rustix = { version = \"1\", default-features = false, features = [\"event\", \"fs\", \"net\", \"pipe\", \"std\"] }";

const OURS: &str = "fn main() {
    let (origin, target) = wireline::Origin::of_url(URL).unwrap();
    let mut connection = wireline::Connector::new().connect(&origin).unwrap();
    print!(\"{}\", connection.get(target).unwrap().text().unwrap());
}";

const UREQ: &str = "fn main() { print!(\"{}\", ureq::get(URL).call().unwrap().body_mut().read_to_string().unwrap()); }";

const REQWEST_NEEDS: &str =
    "reqwest = { version = \"0.13\", default-features = false, features = [\"blocking\", \"rustls-no-provider\"] }";

const HYPER_NEEDS: &str = "hyper = { version = \"1\", features = [\"client\", \"http1\"] }
hyper-util = { version = \"0.1\", features = [\"tokio\"] }
http-body-util = \"0.1\"
tokio = { version = \"1\", features = [\"net\", \"rt\"] }";

const HYPER: &str = "use http_body_util::{BodyExt, Empty};
fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let stream = tokio::net::TcpStream::connect(\"localhost:80\").await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let get = hyper::Request::get(\"/\").header(\"host\", \"localhost\").body(Empty::<hyper::body::Bytes>::new()).unwrap();
        let content = sender.send_request(get).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        print!(\"{}\", String::from_utf8_lossy(&content));
    });
}";

/// Builds each of them, in the folder; each is kept when it is done, since all of them take minutes.
pub(crate) fn measure(
    folder: &Path,
    mut keep: impl FnMut(&str, Program) -> Result<(), Failure>,
) -> Result<(), Failure> {
    PROGRAMS.iter().try_for_each(|(name, needs, source)| {
        let start = Instant::now();
        let program = build(folder, name, needs, source)?;
        writeln!(io::stdout(), "program {name}: {:.1} s", start.elapsed().as_secs_f64())?;
        keep(name, program)
    })
}

fn build(folder: &Path, name: &str, needs: &str, source: &str) -> Result<Program, Failure> {
    let root = env::current_dir()?;
    let folder = folder.join(name.replace(", ", "-"));
    fs::create_dir_all(folder.join("src"))?;
    let ours = root.join("crates");
    let needs = needs.replace("WIRELINE", &ours.to_string_lossy());
    let manifest = format!(
        "[package]\nname = \"program\"\nedition = \"2024\"\n[dependencies]\n{needs}\n[profile.release]\nstrip = true\n\
         [workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(
        folder.join("src/main.rs"),
        format!("#[allow(dead_code)]\nconst URL: &str = \"http://localhost/\";\n{source}\n"),
    )?;
    // The versions that the other rows were measured with.
    fs::copy(root.join("bench/Cargo.lock"), folder.join("Cargo.lock"))?;
    let target = folder.join("target");
    let cargo = |words: &[&str]| {
        let mut command = Command::new(env::current_exe()?);
        command.args(["child", "any", "1", "cargo"]).args(words).current_dir(&folder);
        command.env("CARGO_TARGET_DIR", &target).stderr(Stdio::inherit());
        Ok::<_, Failure>(command.output()?)
    };
    // What is not here yet comes before the clock runs.
    cargo(&["fetch"])?;
    let report: Report = String::from_utf8(cargo(&["build", "--release", "--quiet"])?.stdout)?.parse()?;
    let tree = Command::new("cargo")
        .args(["tree", "--prefix", "none", "--edges", "normal", "--format", "{p}"])
        .current_dir(&folder)
        .output()?;
    let crates = crates(&String::from_utf8(tree.stdout)?);
    let bytes = fs::metadata(target.join("release/program"))?.len();
    fs::remove_dir_all(&target)?;
    Ok(Program { crates, bytes, build_seconds: (report.cpu as f64 / 1e7).round() / 100.0 })
}

/// How many there are in `cargo tree`, without the program itself.
fn crates(tree: &str) -> u64 {
    // One that is there twice is marked the second time.
    let all: BTreeSet<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    all.len() as u64 - u64::from(!all.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_counts_once_and_the_program_does_not() {
        assert_eq!(crates("program v0.0.0 (x)\na v1.0.0\nb v1.0.0\na v1.0.0 (*)\n"), 2);
        assert_eq!(crates(""), 0);
    }
}
