//! The command `wireline`: one HTTP/1.1 connection, with nothing hidden. `wireline --help` says what it can do.

mod args;
mod exchange;
mod exit;
mod failure;
mod flags;
mod help;
mod jobs;
mod output;
mod pipeline;
mod request;
mod session;
mod tour;
mod upload;
mod url;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::{Args, Mistake, Mode};
use crate::exit::Exit;
use crate::output::human::say;
use crate::session::Session;

fn main() -> ExitCode {
    run().into()
}

fn run() -> Exit {
    let args = match Args::parse(std::env::args_os().skip(1)) {
        Ok(args) => args,
        Err(Mistake::Usage(text)) => {
            say(format!("wireline: {text} (wireline --help lists the flags)\n"));
            return Exit::Usage;
        }
        Err(Mistake::Url(text)) => {
            say(format!("wireline: {text}\n"));
            return Exit::Url;
        }
    };
    match args.mode {
        Mode::Fetch => fetch(&args),
        Mode::Help => print(&help::text()),
        Mode::Tour => tour::run(),
        Mode::Version => print(concat!("wireline ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

fn fetch(args: &Args) -> Exit {
    if args.jobs.is_some() || args.list.is_some() {
        return jobs::fetch_all(args).unwrap_or_else(|failure| session::report(&failure));
    }
    let mut session = match Session::new(args) {
        Ok(session) => session,
        Err(failure) => return session::report(&failure),
    };
    match args.pipeline {
        Some(bound) => pipeline::fetch_all(&mut session, args, bound),
        None => session.fetch_all(),
    }
}

fn print(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Output,
    }
}
