//! The flags: each is one entry. Parsing, `--help` and the tests walk this table; nothing else knows a flag by name.

mod given;
mod limits;

use std::time::Duration;

use wireline::Leniency;

use crate::args::{Args, FieldEdit, Mode, Source};
pub(crate) use given::Given;
use limits::LIMITS;
pub(crate) use limits::limit_names;

/// One flag.
#[derive(Debug)]
pub(crate) struct Flag {
    /// The long name, without the dashes.
    pub(crate) name: &'static str,
    /// The short name.
    pub(crate) short: Option<char>,
    /// Whether a value belongs to it, and what to call it.
    pub(crate) value: Value,
    /// Where it stands in the help.
    pub(crate) category: Category,
    /// What it does, for the help.
    pub(crate) doc: &'static str,
    /// Puts it into effect. The error says what is wrong with the value.
    pub(crate) set: fn(&mut Args, Given<'_>) -> Result<(), String>,
}

/// Whether a value belongs to a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// None.
    None,
    /// Always, behind `=` or as the next argument.
    Needed(&'static str),
    /// Perhaps, behind `=` only.
    Optional(&'static str),
}

/// The parts of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Request,
    Output,
    Connection,
    Tolerance,
    About,
}

impl Category {
    pub(crate) const ALL: &[Self] = &[Self::Request, Self::Output, Self::Connection, Self::Tolerance, Self::About];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Request => "What is sent",
            Self::Output => "What is shown",
            Self::Connection => "The connection",
            Self::Tolerance => "What is let through",
            Self::About => "About the command",
        }
    }
}

/// Every flag, in the order of the help.
pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        name: "request",
        short: Some('X'),
        value: Value::Needed("METHOD"),
        category: Category::Request,
        doc: "The method, any token: the same as METHOD before the URL.",
        set: |args, value| {
            args.method = Some(value.text()?.to_owned());
            Ok(())
        },
    },
    Flag {
        name: "header",
        short: Some('H'),
        value: Value::Needed("LINE"),
        category: Category::Request,
        doc: "A field line, 'Name: value', sent in the order and the case given. 'Name;' sends it with an empty value, \
              'Name:' takes away the one that the command would add. Added unless given: Host, User-Agent, Accept, \
              with -d Content-Type, and the framing of the content.",
        set: |args, value| {
            args.edits.push(FieldEdit::parse(value.bytes())?);
            Ok(())
        },
    },
    Flag {
        name: "data",
        short: Some('d'),
        value: Value::Needed("DATA"),
        category: Category::Request,
        doc: "Content: DATA itself, @FILE for the bytes of a file, unchanged, - or @- for standard input. Several are \
              joined with '&'. The method becomes POST and Content-Type application/x-www-form-urlencoded, unless \
              given. Input of unknown length goes in chunks.",
        set: |args, value| {
            args.data.push(match value.bytes() {
                b"-" | b"@-" => Source::Stdin,
                [b'@', ..] => Source::File(value.behind_at().into()),
                bytes => Source::Bytes(bytes.to_vec()),
            });
            Ok(())
        },
    },
    Flag {
        name: "upload-file",
        short: Some('T'),
        value: Value::Needed("FILE"),
        category: Category::Request,
        doc: "Content from FILE (@FILE is the same), or from standard input with - (in chunks). The method becomes PUT, \
              unless given.",
        set: |args, value| {
            args.upload = Some(match value.bytes() {
                b"-" | b"@-" => Source::Stdin,
                _ => Source::File(value.behind_at().into()),
            });
            Ok(())
        },
    },
    Flag {
        name: "expect",
        short: None,
        value: Value::Optional("DURATION"),
        category: Category::Request,
        doc: "Expect: 100-continue: the content leaves when the server asks for it, or after DURATION (1 second unless \
              given), and not at all when the server answers instead.",
        set: |args, value| {
            args.expect = Some(if value.is_given() { value.duration()? } else { Duration::from_secs(1) });
            Ok(())
        },
    },
    Flag {
        name: "range",
        short: Some('r'),
        value: Value::Needed("FIRST-LAST"),
        category: Category::Request,
        doc: "Range: bytes=FIRST-LAST: a part of the resource, counted from 0. '500-' is all but the first 500 bytes, \
              '-500' the last 500.",
        set: |args, value| {
            args.range = Some(value.text()?.to_owned());
            Ok(())
        },
    },
    Flag {
        name: "request-target",
        short: None,
        value: Value::Needed("TARGET"),
        category: Category::Request,
        doc: "The request target as it is to be sent, in place of the URL's path and query: '*' for OPTIONS, host:port \
              for CONNECT (which takes the URL's own unless given), a whole URL for a proxy.",
        set: |args, value| {
            args.target = Some(value.text()?.to_owned());
            Ok(())
        },
    },
    Flag {
        name: "http1.0",
        short: Some('0'),
        value: Value::None,
        category: Category::Request,
        doc: "The request is HTTP/1.0: content of unknown length cannot be sent.",
        set: |args, _| {
            args.http10 = true;
            Ok(())
        },
    },
    Flag {
        name: "raw-request",
        short: None,
        value: Value::Needed("FILE"),
        category: Category::Request,
        doc: "For testers of protocols: the bytes of FILE, or of standard input with -, go out as they are, head and \
              content, and nothing about them is checked. The method, for the framing of the response, is METHOD, or \
              else the first word of the bytes.",
        set: |args, value| {
            args.raw_request = Some(match value.bytes() {
                b"-" => Source::Stdin,
                _ => Source::File(value.os().into()),
            });
            Ok(())
        },
    },
    Flag {
        name: "output",
        short: Some('o'),
        value: Value::Needed("FILE"),
        category: Category::Output,
        doc: "Content goes to FILE, which is made when the response comes; - is standard output. Given several times, \
              the first is for the first URL, and so on.",
        set: |args, value| {
            args.outputs.push(value.os().into());
            Ok(())
        },
    },
    Flag {
        name: "remote-name",
        short: Some('O'),
        value: Value::None,
        category: Category::Output,
        doc: "Content goes to a file of this folder, named after the last segment of each URL that has no -o.",
        set: |args, _| {
            args.remote_name = true;
            Ok(())
        },
    },
    Flag {
        name: "include",
        short: Some('i'),
        value: Value::None,
        category: Category::Output,
        doc: "The heads of the responses, as they came, before the content.",
        set: |args, _| {
            args.include = true;
            Ok(())
        },
    },
    Flag {
        name: "verbose",
        short: Some('v'),
        value: Value::None,
        category: Category::Output,
        doc: "The heads of request and response on standard error, after '> ' and '< ', byte for byte but for control \
              characters, which are escaped. Credentials included: they are bytes of the head.",
        set: |args, _| {
            args.verbose = true;
            Ok(())
        },
    },
    Flag {
        name: "wire",
        short: None,
        value: Value::None,
        category: Category::Output,
        doc: "Every byte both ways on standard error, escaped, a line of the wire on a line, with the seconds since \
              the start. Under TLS the bytes before encryption. Values of Authorization, Proxy-Authorization, Cookie \
              and Set-Cookie lines are hidden.",
        set: |args, _| {
            args.wire = true;
            Ok(())
        },
    },
    Flag {
        name: "show-credentials",
        short: None,
        value: Value::None,
        category: Category::Output,
        doc: "--wire hides nothing.",
        set: |args, _| {
            args.show_credentials = true;
            Ok(())
        },
    },
    Flag {
        name: "timing",
        short: None,
        value: Value::None,
        category: Category::Output,
        doc: "How long each part of an exchange took, on standard error.",
        set: |args, _| {
            args.timing = true;
            Ok(())
        },
    },
    Flag {
        name: "json",
        short: None,
        value: Value::None,
        category: Category::Output,
        doc: "One JSON object a line for each exchange, and nothing else, on standard output; content goes nowhere, \
              or to the file of -o. content_length and content_sha256 are of the content that came. Bytes above 0x7F \
              are the code points U+0080 to U+00FF.",
        set: |args, _| {
            args.json = true;
            Ok(())
        },
    },
    Flag {
        name: "fail",
        short: Some('f'),
        value: Value::None,
        category: Category::Output,
        doc: "A status of 400 or more is a failure (exit status 22), and its content is not written.",
        set: |args, _| {
            args.fail = true;
            Ok(())
        },
    },
    Flag {
        name: "pipeline",
        short: None,
        value: Value::Needed("N"),
        category: Category::Connection,
        doc: "Up to N requests are in flight at once on the one connection, or with --jobs on each. The URLs are of one \
              origin (with --jobs of any), and the requests have no content. Those whose method is not idempotent go out \
              one at a time all the same.",
        set: |args, value| {
            args.pipeline = Some(value.number()?);
            if args.pipeline == Some(0) { Err("at least 1 request has to be in flight".to_owned()) } else { Ok(()) }
        },
    },
    Flag {
        name: "jobs",
        short: None,
        value: Value::Needed("N"),
        category: Category::Connection,
        doc: "N connections at a time, each with requests of one origin and kept for the next. The requests have no \
              content. Content on standard output stands in the order of the URLs, lines of --json in that in which the \
              exchanges end; the last is {\"summary\": ...}, which -v has on standard error. However many URLs there are, \
              memory depends on N and --pipeline alone.",
        set: |args, value| {
            args.jobs = Some(value.number()?);
            if args.jobs == Some(0) { Err("at least 1 connection is needed".to_owned()) } else { Ok(()) }
        },
    },
    Flag {
        name: "urls",
        short: None,
        value: Value::Needed("FILE"),
        category: Category::Connection,
        doc: "More URLs, one a line, from FILE, or from standard input with -; they are read as they are needed. Empty \
              lines, and lines that begin with '#', are passed over. As with --jobs 1 unless that says more.",
        set: |args, value| {
            args.list = Some(match value.bytes() {
                b"-" => Source::Stdin,
                _ => Source::File(value.os().into()),
            });
            Ok(())
        },
    },
    Flag {
        name: "retry",
        short: None,
        value: Value::Needed("WHICH"),
        category: Category::Connection,
        doc: "safe: with --jobs or --urls, what stayed without an answer is sent again where that is safe: nothing of it \
              had left, or its method is idempotent and no byte of a response had come. It then goes out alone. --json \
              says how many attempts there were. never: the default.",
        set: |args, value| {
            args.retry = match value.text()? {
                "safe" => true,
                "never" => false,
                _ => return Err("it is none of safe, never".to_owned()),
            };
            Ok(())
        },
    },
    Flag {
        name: "attempts",
        short: None,
        value: Value::Needed("N"),
        category: Category::Connection,
        doc: "How often --retry sends a request at most, the first time included. Default 3.",
        set: |args, value| {
            args.attempts = Some(u32::try_from(value.number()?).unwrap_or(u32::MAX));
            if args.attempts == Some(0) { Err("at least 1 attempt is needed".to_owned()) } else { Ok(()) }
        },
    },
    Flag {
        name: "connect-timeout",
        short: None,
        value: Value::Needed("DURATION"),
        category: Category::Connection,
        doc: "The bound on each of resolving the name, connecting and the TLS handshake. Default 30 seconds; 0 for none.",
        set: |args, value| {
            args.connect_timeout = value.bound()?;
            Ok(())
        },
    },
    Flag {
        name: "read-timeout",
        short: None,
        value: Value::Needed("DURATION"),
        category: Category::Connection,
        doc: "How long the peer may neither send a byte nor take one. Default 5 minutes; 0 for no bound.",
        set: |args, value| {
            args.read_timeout = value.bound()?;
            Ok(())
        },
    },
    Flag {
        name: "max-time",
        short: Some('m'),
        value: Value::Needed("DURATION"),
        category: Category::Connection,
        doc: "The bound on the whole of each exchange, its connecting included; with --pipeline on all of them together, \
              with --jobs on each attempt. Default none.",
        set: |args, value| {
            args.max_time = value.bound()?;
            Ok(())
        },
    },
    Flag {
        name: "insecure",
        short: Some('k'),
        value: Value::None,
        category: Category::Connection,
        doc: "Takes any certificate: whoever is in between can read and change everything.",
        set: |args, _| {
            args.insecure = true;
            Ok(())
        },
    },
    Flag {
        name: "cacert",
        short: None,
        value: Value::Needed("FILE"),
        category: Category::Connection,
        doc: "The certificates (PEM) to trust in place of the system's.",
        set: |args, value| {
            args.cacert = Some(value.os().into());
            Ok(())
        },
    },
    Flag {
        name: "preset",
        short: None,
        value: Value::Needed("NAME"),
        category: Category::Tolerance,
        doc: "strict, browser or http-client: replaces what is let through. The command's own default is strict, but \
              for bare_lf_in_head.",
        set: |args, value| {
            args.config.leniency = match value.text()? {
                "strict" => Leniency::STRICT,
                "browser" => Leniency::BROWSER,
                "http-client" => Leniency::HTTP_CLIENT,
                _ => return Err("it is none of strict, browser, http-client".to_owned()),
            };
            Ok(())
        },
    },
    Flag {
        name: "leniency",
        short: None,
        value: Value::Needed("NAME[,NAME]"),
        category: Category::Tolerance,
        doc: "Lets through what is not HTTP/1.1, by name:",
        set: |args, value| {
            for name in value.text()?.split(',') {
                if !args.config.leniency.set(name, true) {
                    return Err(format!("'{name}' is none of {}", Leniency::NAMES.join(", ")));
                }
            }
            Ok(())
        },
    },
    Flag {
        name: "limit",
        short: None,
        value: Value::Needed("NAME=N"),
        category: Category::Tolerance,
        doc: "Sets one bound on what a peer may send, in bytes or in pieces:",
        set: |args, value| {
            let (name, bound) = value.text()?.split_once('=').ok_or("it is not NAME=N")?;
            let bound = bound.parse().map_err(|_| format!("'{bound}' is not a number up to {}", u32::MAX))?;
            let place = LIMITS.iter().find(|(known, _)| *known == name);
            let (_, place) = place.ok_or_else(|| format!("'{name}' is none of {}", limit_names()))?;
            *place(&mut args.config.limits) = bound;
            Ok(())
        },
    },
    Flag {
        name: "help",
        short: Some('h'),
        value: Value::None,
        category: Category::About,
        doc: "This text.",
        set: |args, _| {
            args.mode = Mode::Help;
            Ok(())
        },
    },
    Flag {
        name: "version",
        short: Some('V'),
        value: Value::None,
        category: Category::About,
        doc: "The version of the command.",
        set: |args, _| {
            args.mode = Mode::Version;
            Ok(())
        },
    },
];

#[cfg(test)]
mod tests;
