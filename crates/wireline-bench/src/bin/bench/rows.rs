//! What is measured: each row is one scenario, done by each subject that has it.

/// How a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By the clocks, in rounds, and by what can be counted, with so many exchanges and twice as many.
    Counted(u64),
    /// Only by what can be counted: what happens has no clock worth reading.
    OnlyCounted(u64),
    /// By the clocks, in rounds.
    Timed,
    /// What each further connection holds.
    Held,
}

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The arguments of a subject. PLAIN and SECURE are the origin, CONTENT is a file to send, DISK and MEMORY are files
    /// to write, on disk and on tmpfs.
    pub(crate) scenario: &'static str,
    pub(crate) subjects: &'static [&'static str],
    pub(crate) how: How,
}

/// All that keep a connection.
const ALL: &[&str] = &[
    "floor",
    "httparse",
    "wireline",
    "tokio-wireline",
    "hyper",
    "reqwest",
    "reqwest blocking",
    "ureq",
    "awc",
    "curl",
    "isahc",
];
/// Those that know more than the end of a head, and the floor, which knows how many bytes there will be.
const FRAMED: &[&str] =
    &["floor", "wireline", "tokio-wireline", "hyper", "reqwest", "reqwest blocking", "ureq", "awc", "curl", "isahc"];
const NEW: &[&str] = &[
    "floor",
    "wireline",
    "tokio-wireline",
    "hyper",
    "reqwest",
    "reqwest blocking",
    "ureq",
    "attohttpc",
    "minreq",
    "awc",
    "curl",
];
const SECURE: &[&str] =
    &["floor", "wireline", "tokio-wireline", "hyper", "reqwest", "reqwest blocking", "ureq", "curl"];
const NEW_SECURE: &[&str] = &["wireline", "tokio-wireline", "hyper", "reqwest", "reqwest blocking", "ureq", "curl"];
const FILES: &[&str] = &["floor", "wireline", "hyper", "reqwest", "reqwest blocking", "ureq", "curl"];
const ONE_THREAD: &[&str] = &["tokio-wireline", "hyper", "awc"];
const COMMANDS: &[&str] = &["the command", "curl's command"];
const SAVING: &[&str] = &["floor's command", "the command", "curl's command"];
const HEADS: &[&str] = &["wireline-proto", "httparse"];
const POLLING: &[&str] = &["floor", "polling floor", "wireline", "polling wireline", "hyper"];
const PIPELINES: &[&str] = &["floor", "httparse", "wireline", "tokio-wireline"];

/// In the order of the page.
pub(crate) const ROWS: &[Row] = &[
    row("get", "get --url http://PLAIN/fields/10", ALL, How::Counted(400)),
    row("get-30", "get --url http://PLAIN/fields/30", ALL, How::Counted(400)),
    row("polling", "get --url http://PLAIN/fields/10", POLLING, How::Timed),
    row("pipeline-16", "pipeline --depth 16 --url http://PLAIN/fields/10", PIPELINES, How::Counted(1600)),
    row("pipeline-64", "pipeline --depth 64 --url http://PLAIN/fields/10", PIPELINES, How::Counted(1600)),
    row("head-none", "get --url http:///fields/0", HEADS, How::OnlyCounted(1000)),
    row("head-10", "get --url http:///fields/10", HEADS, How::OnlyCounted(1000)),
    row("head-30", "get --url http:///fields/30", HEADS, How::OnlyCounted(1000)),
    row("length", "get --url http://PLAIN/length/16777216", ALL, How::Timed),
    row("chunked-16k", "get --url http://PLAIN/chunked/16777216/16384", FRAMED, How::Timed),
    row("chunked-64", "get --url http://PLAIN/chunked/1048576/64", FRAMED, How::Counted(4)),
    row("put", "put --size 1048576 --url http://PLAIN/none", FRAMED, How::Timed),
    row("put-file", "put-file --file CONTENT --url http://PLAIN/none", FILES, How::Timed),
    row("save-disk", "save --file DISK --url http://PLAIN/length/67108864", FILES, How::Timed),
    row("save-tmpfs", "save --file MEMORY --url http://PLAIN/length/67108864", FILES, How::Timed),
    row("command-start", "http://PLAIN/fields/10", COMMANDS, How::Timed),
    row("command-disk", "-o DISK http://PLAIN/length/67108864", SAVING, How::Timed),
    row("command-tmpfs", "-o MEMORY http://PLAIN/length/67108864", SAVING, How::Timed),
    row("command-large", "-o MEMORY http://PLAIN/length/1073741824", SAVING, How::Timed),
    row("tls", "get --root ROOT --url https://SECURE/length/16777216", SECURE, How::Timed),
    row("many", "many --depth 64 --url http://PLAIN/fields/10", ONE_THREAD, How::Timed),
    row("active", "many --url http://PLAIN/fields/10", ONE_THREAD, How::Held),
    row("idle", "idle --url http://PLAIN/fields/10", &["wireline", "tokio-wireline", "hyper", "ureq"], How::Held),
    row("fresh", "fresh --url http://PLAIN/fields/10", NEW, How::Timed),
    row("fresh-tls", "fresh --root ROOT --url https://SECURE/fields/10", NEW_SECURE, How::Timed),
];

const fn row(name: &'static str, scenario: &'static str, subjects: &'static [&'static str], how: How) -> Row {
    Row { name, scenario, subjects, how }
}
