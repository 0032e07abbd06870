//! One exchange: what is shown of it while it goes on, and what is recorded of it.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wireline::{
    Error, ErrorKind, Framing, Head, Operation, Progress as Sent, Request, Response, Reuse, Stream, Timeouts, Timing,
    Transport, Unanswered,
};

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::human::{say, say_head, timing_line};
use crate::output::json::{self, Record, latin1, pairs};
use crate::output::progress::Progress;
use crate::output::sink::Sink;
use crate::url::Url;

/// How much content is read at once: large enough that system calls cost nothing beside the copy.
pub(crate) const PIECE: usize = 128 << 10;

/// How many bytes of another protocol the record of an exchange keeps at most.
const SWITCHED: usize = 64 << 10;

/// How long a peer that has switched may be quiet before the command stops listening.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// An exchange of this run.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    args: &'a Args,
    sink: Sink,
    record: Record,
    /// Not all of the request left.
    is_unsent: bool,
}

impl<'a> Exchange<'a> {
    /// The exchange with this number, before anything has been sent.
    pub(crate) fn new(args: &'a Args, number: usize, url: &Url, request: &Request) -> Result<Self, Failure> {
        let record = Record {
            exchange: number,
            request: json::Request {
                method: request.method().to_string(),
                target: latin1(request.target()),
                url: url.text.clone(),
                fields: pairs(request.fields()),
                content_sent: 0,
                complete: false,
            },
            // Until a connection says otherwise.
            unanswered: Some(json::Repeat {
                progress: Sent::NothingSent.name(),
                sent: 0,
                idempotent: request.is_idempotent(),
                safe_to_repeat: true,
            }),
            ..Record::default()
        };
        Ok(Self { args, sink: Sink::new(args, number, url)?, record, is_unsent: true })
    }

    /// An exchange that could not even be begun, which has its line in `--json` all the same; without a URL where that is
    /// why.
    pub(crate) fn refused(args: &Args, number: usize, url: Option<&Url>, failure: Failure) -> Exit {
        let exit = failure.exit;
        say(format!("wireline: {failure}\n"));
        let (text, target) = url.map(|url| (url.text.clone(), url.target.clone())).unwrap_or_default();
        let request = json::Request { url: text, target, ..json::Request::default() };
        let record = Record { exchange: number, request, error: Some(failure), ..Record::default() };
        if args.json && record.print().is_err() { Exit::Output } else { exit }
    }

    /// The request is about to be sent on the connection with this number.
    pub(crate) fn begin(&mut self, connection: usize, request: &Request) {
        self.record.connection = Some(connection);
        if self.args.verbose {
            say_head("> ", request.as_bytes());
        }
    }

    /// Takes the response in, to its end.
    pub(crate) fn receive(&mut self, mut response: Response<'_, Stream>) -> Result<(), Failure> {
        self.begin_response(&response)?;
        let written = self.write_heads(&response);
        let copied = written.and_then(|()| self.copy_content(&mut response));
        self.end_response(&response, copied)?;
        if response.is_switched() { self.copy_switched(response) } else { Ok(()) }
    }

    /// The head of the response is here. The error is that its content is of no interest.
    pub(crate) fn begin_response<S: Transport>(&mut self, response: &Response<'_, S>) -> Result<(), Failure> {
        self.note_interim(response.interim());
        self.show_head(response.head());
        self.record.response = Some(json::Response {
            version: format!("{:?}", response.version()),
            status: response.status().as_u16(),
            reason: latin1(response.reason()),
            fields: pairs(response.fields()),
            // A switch ends HTTP: the message itself has no content.
            framing: if response.is_switched() { Framing::None } else { response.framing() }.name(),
            content_length: 0,
            content_sha256: String::new(),
            trailers: Vec::new(),
            deviations: serde_json::Map::new(),
        });
        self.record.request.complete = response.request_sent();
        let refusal = self.refusal(response);
        if refusal.is_some() {
            self.sink.discard();
        }
        // Nobody sees its content, which may be endless.
        refusal.filter(|_| !self.args.json).map_or(Ok(()), Err)
    }

    /// All of the content has come, or what has.
    pub(crate) fn end_response<S: Transport>(
        &mut self,
        response: &Response<'_, S>,
        copied: Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.note_content(response);
        copied?;
        if response.is_switched() {
            return Ok(());
        }
        if let Some(refusal) = self.refusal(response) {
            return Err(refusal);
        }
        let status = response.status().as_u16();
        if !response.request_sent() && status < 400 {
            // A refusal says itself that the content was not wanted; anything else could be taken for a success.
            let why = format!("the server answered {status} before all content had left, and the rest was not sent");
            return Err(Failure::new(Exit::Send, "answered-early", why));
        }
        Ok(())
    }

    /// What `--fail` makes of the status.
    fn refusal<S: Transport>(&self, response: &Response<'_, S>) -> Option<Failure> {
        let status = response.status().as_u16();
        (self.args.fail && status >= 400)
            .then(|| Failure::new(Exit::Status, "status", format!("the server answered {status}")))
    }

    /// Interim responses, of which more are known when no final one follows.
    pub(crate) fn note_interim(&mut self, interim: &[Head]) {
        for head in interim.iter().skip(self.record.interim.len()) {
            self.show_head(head);
            self.record.interim.push(json::Interim {
                status: head.status().as_u16(),
                reason: latin1(head.reason()),
                fields: pairs(head.fields()),
            });
        }
    }

    /// This is the attempt with this number, from 1.
    pub(crate) fn note_attempt(&mut self, attempt: u32) {
        self.record.attempts = Some(attempt);
    }

    /// What the connection says about the exchange when it is over.
    pub(crate) fn note_end(&mut self, unanswered: Option<Unanswered>, reuse: Reuse, timing: &Timing, sent: u64) {
        let seconds = |duration: Duration| duration.as_secs_f64();
        self.is_unsent = unanswered.is_some_and(|unanswered| unanswered.progress < Sent::Sent);
        self.record.unanswered = unanswered.map(Into::into);
        self.record.reuse = reuse.into();
        self.record.request.content_sent = sent;
        self.record.timing = json::Timing {
            resolve: timing.resolve.map(seconds),
            connect: timing.connect.map(seconds),
            tls: timing.tls.map(seconds),
            send: timing.send.map(seconds),
            wait: timing.wait.map(seconds),
            receive: timing.receive.map(seconds),
            total: seconds(timing.total),
        };
    }

    /// Shows what is to be shown at the end, and gives the exit status.
    pub(crate) fn finish(mut self, result: Result<(), Failure>) -> Exit {
        let mut exit = Exit::Success;
        if let Err(mut failure) = result {
            // Whether a write or a read notices a broken connection first is chance.
            if failure.exit == Exit::Receive && failure.kind == "incomplete" && self.is_unsent {
                failure.exit = Exit::Send;
            }
            exit = failure.exit;
            if self.record.timing.total == 0.0 {
                self.record.timing.total = failure.elapsed;
            }
            if !failure.is_unread {
                say(format!("wireline: {}: {failure}\n", self.record.request.url.escape_debug()));
            }
            self.record.error = Some(failure);
        }
        if self.args.timing {
            say(timing_line(&self.record.timing));
        }
        if self.args.json && self.record.print().is_err() && exit == Exit::Success {
            exit = Exit::Output;
        }
        exit
    }

    fn show_head(&self, head: &Head) {
        if self.args.verbose {
            say_head("< ", head.as_bytes());
        }
    }

    pub(crate) fn write_heads<S: Transport>(&mut self, response: &Response<'_, S>) -> Result<(), Failure> {
        self.sink.open()?;
        if self.args.include {
            for head in response.interim().iter().chain([response.head()]) {
                self.sink.write_head(head.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Whether bytes of this exchange appear on standard output.
    pub(crate) fn is_on_stdout(&self) -> bool {
        self.sink.is_stdout()
    }

    /// Content of the response, piece by piece.
    pub(crate) fn write_content(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.sink.write_content(piece)
    }

    fn copy_content(&mut self, response: &mut Response<'_, Stream>) -> Result<(), Failure> {
        let mut progress = Progress::new(response.content_length(), self.shows_progress());
        let mut piece = Vec::new();
        loop {
            let len = match self.sink.save_content(response)? {
                Some(saved) => saved,
                None => {
                    piece.resize(PIECE, 0);
                    let len = response.read_content(&mut piece).map_err(|error| Failure::of(&error))?;
                    self.sink.write_content(&piece[..len])?;
                    len as u64
                }
            };
            if len == 0 {
                return Ok(());
            }
            progress.advance(len);
        }
    }

    /// What the peer says in the protocol that it switched to. The command has nothing to say in it, so it listens
    /// until the peer closes or has been quiet for a while.
    fn copy_switched(&mut self, response: Response<'_, Stream>) -> Result<(), Failure> {
        let Ok(mut switched) = response.into_switched() else { return Ok(()) };
        let mut timeouts = Timeouts::default();
        timeouts.read = Some(QUIET);
        switched.set_timeouts(timeouts);
        let mut kept = Vec::new();
        let mut piece = vec![0; PIECE];
        let mut result = Ok(());
        loop {
            let n = match switched.read(&mut piece).map_err(Error::from_io) {
                Ok(0) => break,
                Ok(n) => n,
                Err(Ok(error)) if error.kind() == ErrorKind::Timeout(Operation::Deadline) => {
                    result = Err(Failure::of(&error));
                    break;
                }
                // However else the stream ends: it is no HTTP message that could be incomplete.
                Err(_) => break,
            };
            self.take_switched(&mut kept, &piece[..n])?;
        }
        self.end_switched(&kept);
        result
    }

    /// Bytes of another protocol: some are kept for the record.
    pub(crate) fn take_switched(&mut self, kept: &mut Vec<u8>, piece: &[u8]) -> Result<(), Failure> {
        let room = SWITCHED.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..piece.len().min(room)]);
        self.sink.write_head(piece)
    }

    pub(crate) fn end_switched(&mut self, kept: &[u8]) {
        self.record.switched = Some(STANDARD.encode(kept));
    }

    /// A bar has the terminal to itself.
    fn shows_progress(&self) -> bool {
        !(self.args.wire || self.sink.is_stdout() && io::stdout().is_terminal())
    }

    fn note_content<S: Transport>(&mut self, response: &Response<'_, S>) {
        let (length, sha256) = self.sink.summary();
        if let Some(record) = &mut self.record.response {
            record.content_length = length;
            record.content_sha256 = sha256;
            record.trailers = pairs(response.trailers());
            record.deviations =
                response.deviations().iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
        }
    }
}
