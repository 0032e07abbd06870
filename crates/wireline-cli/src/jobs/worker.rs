//! One of so many: takes URLs, and has one connection at a time.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio_wireline::{
    Error, ErrorKind, ExchangeId, Operation, Origin, Pipeline, Pooled, Request, Response, Transcript, Unanswered,
};

use super::{ATTEMPTS, Run};
use crate::exchange::{Exchange, PIECE, QUIET};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::human::say;
use crate::pipeline::{failure_of, unanswered_for};
use crate::request;
use crate::session::deadline;
use crate::url::Url;

/// A request that is to be sent.
struct Waiting<'a> {
    number: usize,
    exchange: Exchange<'a>,
    request: Request,
    origin: String,
    /// How often it has been sent, or was to be.
    attempts: u32,
}

/// One whose response is owed.
struct InFlight<'a> {
    this: Waiting<'a>,
    id: ExchangeId,
    deadline: Option<Instant>,
}

/// Takes URLs until there are none left.
pub(super) async fn work(run: &Run<'_>) {
    // What has to be sent again, in order.
    let mut again = VecDeque::new();
    while !run.is_over() {
        let first = match again.pop_front() {
            Some(first) => first,
            None => match next(run).await {
                Some(first) => first,
                None => return,
            },
        };
        Worker { run, again: &mut again }.carry(first).await;
    }
    // Others wait until these have ended.
    for left in again {
        let failure = Failure::new(Exit::Output, "write", "not sent: nothing can be written any more");
        run.note(left.number, || left.exchange.finish(Err(failure)));
    }
}

/// The next request that can be sent.
async fn next<'a>(run: &Run<'a>) -> Option<Waiting<'a>> {
    loop {
        let (number, entry) = run.list.next().await?;
        match entry {
            Ok(url) => match prepare(run, number, &url) {
                Some(waiting) => return Some(waiting),
                None => continue,
            },
            Err(failure) => run.note(number, || Exchange::refused(run.args, number, None, failure)),
        }
    }
}

fn prepare<'a>(run: &Run<'a>, number: usize, url: &Url) -> Option<Waiting<'a>> {
    let made = request::build(run.args, url, None)
        .and_then(|request| Ok((Exchange::new(run.args, number, url, &request)?, request)));
    match made {
        Ok((exchange, request)) => Some(Waiting { number, exchange, request, origin: url.origin(), attempts: 0 }),
        Err(failure) => {
            run.note(number, || Exchange::refused(run.args, number, Some(url), failure));
            None
        }
    }
}

struct Worker<'w, 'a> {
    run: &'w Run<'a>,
    again: &'w mut VecDeque<Waiting<'a>>,
}

impl<'a> Worker<'_, 'a> {
    /// Sends `first` on a connection, and goes on with it as long as it lasts and what comes next goes there too.
    async fn carry(&mut self, first: Waiting<'a>) {
        let deadline = deadline(self.run.args);
        let mut connection = match self.connect(&first.origin, deadline).await {
            Ok(connection) => connection,
            // Nothing of it has left.
            Err(failure) => return self.end(first, Err(failure), true),
        };
        // What is sent again is sent alone: it may be what the last connection died of (RFC 9112 section 9.3.2).
        let alone = first.attempts > 0;
        let depth = if alone { 1 } else { connection.depth() };
        let number = usize::try_from(connection.number()).unwrap_or(usize::MAX);
        let origin = first.origin.clone();
        let mut pipeline = connection.pipeline();
        let mut in_flight = VecDeque::new();
        let mut next = Some((first, deadline));
        // It has taken none yet; it may take more.
        let (mut is_new, mut takes_more) = (true, true);
        // What an answer was cut short by leaves those behind it without any.
        let mut cause: Option<Failure> = None;
        loop {
            while takes_more && in_flight.len() < depth {
                let Some((this, deadline)) = next.take().or_else(|| self.next_of(&origin, alone)) else { break };
                if in_flight.is_empty() {
                    pipeline.set_deadline(deadline);
                }
                let place = Place { number, is_new, is_alone: in_flight.is_empty() };
                match self.send(&mut pipeline, place, this).await {
                    Sent::Now(this, id) => {
                        in_flight.push_back(InFlight { this, id, deadline });
                        is_new = false;
                    }
                    Sent::Later(this) => {
                        next = Some((this, deadline));
                        break;
                    }
                    Sent::Never => takes_more = false,
                }
            }
            let Some(InFlight { mut this, id, deadline }) = in_flight.pop_front() else { break };
            // The time that it waits for its turn is not the peer's.
            let waited = self.wait_for_turn(&this).await;
            let later = |deadline: Option<Instant>| deadline.and_then(|deadline| deadline.checked_add(waited));
            in_flight.iter_mut().for_each(|behind| behind.deadline = later(behind.deadline));
            pipeline.set_deadline(later(deadline));
            let received = match pipeline.receive().await {
                Ok(response) => Ok(receive(&mut this.exchange, response).await),
                Err(error) => Err(error),
            };
            match received {
                Ok(result) => {
                    cause = result.as_ref().err().cloned();
                    let unanswered = self.note_end(&pipeline, &mut this, id);
                    self.end(this, result, is_safe(unanswered));
                }
                // No answer can be told from another any more: after a time-out the next one would be the late one.
                Err(error) => {
                    this.exchange.note_interim(pipeline.interim());
                    let left = std::iter::once((this, id)).chain(in_flight.drain(..).map(|left| (left.this, left.id)));
                    for (mut left, id) in left.collect::<Vec<_>>() {
                        let failure = match &cause {
                            Some(cause) if matches!(error.kind(), ErrorKind::Closed(_)) => unanswered_for(cause),
                            _ => failure_of(&error, id),
                        };
                        let unanswered = self.note_end(&pipeline, &mut left, id);
                        self.end(left, Err(failure), is_safe(unanswered));
                    }
                    break;
                }
            }
            takes_more &= !self.run.is_over();
        }
        // The connection is over, and nothing of this one has left.
        if let Some((this, _)) = next {
            self.put(this);
        }
    }

    async fn connect(&self, origin: &str, deadline: Option<Instant>) -> Result<Pooled, Failure> {
        let origin = Origin::parse(origin).map_err(|invalid| Failure::new(Exit::Url, "url", invalid.to_string()))?;
        let getting = self.run.pool.get(&origin);
        let got = match deadline {
            None => getting.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), getting).await {
                Ok(got) => got,
                Err(_) => {
                    let kind = ErrorKind::Timeout(Operation::Deadline);
                    return Err(Failure::new(Exit::Timeout, "timeout", kind.to_string()));
                }
            },
        };
        let mut connection = got.map_err(|error| Failure::of(&error))?;
        let args = self.run.args;
        if args.wire {
            let transcript = Box::new(Transcript::since(io::stderr(), self.run.begun));
            if args.show_credentials {
                connection.show_all(transcript);
            } else {
                connection.set_tap(Some(transcript));
            }
        }
        Ok(connection)
    }

    /// What can follow on a connection to `origin`, without waiting for it.
    fn next_of(&self, origin: &str, alone: bool) -> Option<(Waiting<'a>, Option<Instant>)> {
        // First what has to be sent again; that needs a connection of its own.
        if alone || !self.again.is_empty() || self.run.is_over() {
            return None;
        }
        loop {
            let (number, url) = self.run.list.next_of(origin)?;
            if let Some(waiting) = prepare(self.run, number, &url) {
                return Some((waiting, deadline(self.run.args)));
            }
        }
    }

    async fn send(&mut self, pipeline: &mut Pipeline<'_>, place: Place, mut this: Waiting<'a>) -> Sent<'a> {
        let error = match pipeline.send(&this.request).await {
            Ok(id) => {
                this.exchange.begin(place.number, &this.request);
                return Sent::Now(this, id);
            }
            Err(error) => error,
        };
        // Nothing of it has left, and it may leave when what is in flight is answered, or on the next connection.
        match error.kind() {
            ErrorKind::Misuse(_) | ErrorKind::ReceiveBufferFull { .. } if !place.is_alone => return Sent::Later(this),
            // A connection that took none of them: the next one would not do better.
            ErrorKind::Closed(_) if !place.is_new => {
                self.put(this);
                return Sent::Never;
            }
            _ => {}
        }
        this.exchange.begin(place.number, &this.request);
        // It is not among the exchanges of the connection, unless some of it has left.
        let unanswered = pipeline.unanswered().last().filter(|last| Some(last.exchange) == error.exchange());
        if unanswered.is_some() {
            this.exchange.note_end(unanswered, pipeline.reuse(), &pipeline.timing(), 0);
        }
        self.end(this, Err(Failure::of(&error)), unanswered.is_none_or(|unanswered| unanswered.is_safe_to_repeat()));
        Sent::Never
    }

    async fn wait_for_turn(&self, this: &Waiting<'a>) -> Duration {
        let begun = Instant::now();
        if this.exchange.is_on_stdout() {
            self.run.turns.wait(this.number).await;
        }
        begun.elapsed()
    }

    fn note_end(&self, pipeline: &Pipeline<'_>, this: &mut Waiting<'a>, id: ExchangeId) -> Option<Unanswered> {
        let unanswered = pipeline.unanswered().find(|unanswered| unanswered.exchange == id);
        this.exchange.note_end(unanswered, pipeline.reuse(), &pipeline.timing(), 0);
        unanswered
    }

    /// One attempt is over. Where it failed and that is safe, another one follows.
    fn end(&mut self, mut this: Waiting<'a>, result: Result<(), Failure>, is_safe: bool) {
        let args = self.run.args;
        this.attempts += 1;
        if args.retry {
            this.exchange.note_attempt(this.attempts);
        }
        let has_more = this.attempts < args.attempts.unwrap_or(ATTEMPTS);
        match &result {
            Err(failure) if args.retry && is_safe && has_more && failure.may_pass() && !self.run.is_over() => {
                self.run.tally.borrow_mut().repeated += 1;
                if args.verbose {
                    say(format!("wireline: {failure}: sent again, which is safe\n"));
                }
                self.put(this);
            }
            _ => self.run.note(this.number, || this.exchange.finish(result)),
        }
    }

    /// The first URL first: whoever has turns on standard output to wait for counts on it.
    fn put(&mut self, this: Waiting<'a>) {
        let place = self.again.partition_point(|other| other.number < this.number);
        self.again.insert(place, this);
    }
}

/// Where a request is to be sent.
#[derive(Clone, Copy)]
struct Place {
    /// The connection's.
    number: usize,
    /// It has taken no request yet.
    is_new: bool,
    /// Nothing is in flight on it.
    is_alone: bool,
}

/// What became of a request that was to be sent.
enum Sent<'a> {
    Now(Waiting<'a>, ExchangeId),
    /// What is in flight comes first.
    Later(Waiting<'a>),
    /// The connection takes no more.
    Never,
}

fn is_safe(unanswered: Option<Unanswered>) -> bool {
    unanswered.is_some_and(|unanswered| unanswered.is_safe_to_repeat())
}

/// Takes a response in, to its end.
async fn receive(exchange: &mut Exchange<'_>, mut response: Response<'_>) -> Result<(), Failure> {
    exchange.begin_response(&response)?;
    let copied = match exchange.write_heads(&response) {
        Ok(()) => copy_content(exchange, &mut response).await,
        failed => failed,
    };
    exchange.end_response(&response, copied)?;
    let Ok(mut switched) = response.into_switched() else { return Ok(()) };
    let (mut kept, mut piece) = (Vec::new(), vec![0; PIECE]);
    // Until the peer closes, or has been quiet for a while: it is no HTTP message that could be incomplete.
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(QUIET, switched.read(&mut piece)).await {
        exchange.take_switched(&mut kept, &piece[..read])?;
    }
    exchange.end_switched(&kept);
    Ok(())
}

async fn copy_content(exchange: &mut Exchange<'_>, response: &mut Response<'_>) -> Result<(), Failure> {
    loop {
        let of_connection = |error: Error| Failure::of(&error);
        let piece = response.fill_content().await.map_err(of_connection)?;
        let len = piece.len();
        if len == 0 {
            return Ok(());
        }
        exchange.write_content(piece)?;
        response.consume_content(len);
    }
}
