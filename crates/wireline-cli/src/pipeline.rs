//! `--pipeline`: several requests in flight on one connection.

use std::collections::VecDeque;

use wireline::{Error, ErrorKind, ExchangeId, Pipeline, Request, Stream};

use crate::args::Args;
use crate::exchange::Exchange;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request;
use crate::session::{Open, Session, deadline};

/// A request that has not left.
struct Waiting<'a> {
    exchange: Exchange<'a>,
    request: Request,
}

/// An exchange whose response is owed.
struct InFlight<'a> {
    exchange: Exchange<'a>,
    id: ExchangeId,
}

/// Fetches all URLs with up to `bound` requests in flight. What had not been sent when a connection ended goes out
/// on the next one; what had been sent does not: the report says of each whether that would be safe.
pub(crate) fn fetch_all(session: &mut Session<'_>, args: &Args, bound: usize) -> Exit {
    let mut run = Run { worst: Exit::Success, waiting: VecDeque::new() };
    for (number, url) in args.urls.iter().enumerate() {
        let request = request::build(args, url, None);
        let made =
            request.and_then(|request| Ok(Waiting { exchange: Exchange::new(args, number, url, &request)?, request }));
        match made {
            Ok(waiting) => run.waiting.push_back(waiting),
            Err(failure) => run.note(Exchange::refused(args, number, Some(url), failure)),
        }
    }
    let Some(url) = args.urls.first() else { return run.worst };
    let deadline = deadline(args);
    while !run.waiting.is_empty() && run.worst != Exit::Output {
        let before = run.waiting.len();
        let failure = match session.connect(url, deadline) {
            Ok(open) => run.carry(open, bound),
            Err(failure) => Some(failure),
        };
        // A connection that took none of them: the next one would not do better.
        if run.waiting.len() == before {
            let failure =
                failure.unwrap_or_else(|| Failure::new(Exit::Send, "closed", "the connection takes no request"));
            for waiting in run.waiting.drain(..) {
                let exit = waiting.exchange.finish(Err(failure.clone()));
                run.worst = run.worst.or(exit);
            }
        }
    }
    run.worst
}

struct Run<'a> {
    worst: Exit,
    waiting: VecDeque<Waiting<'a>>,
}

impl<'a> Run<'a> {
    /// The first failure is the exit status.
    fn note(&mut self, exit: Exit) {
        self.worst = self.worst.or(exit);
    }

    /// Uses one connection as long as it lasts. Gives the reason why it takes no more.
    fn carry(&mut self, open: &mut Open, bound: usize) -> Option<Failure> {
        let number = open.number;
        let mut pipeline = open.connection.pipeline();
        let mut in_flight = VecDeque::new();
        let mut cause: Option<Failure> = None;
        loop {
            let refused = self.fill(&mut pipeline, number, &mut in_flight, bound);
            let Some(InFlight { mut exchange, id }) = in_flight.pop_front() else { return refused };
            // The response is gone before the pipeline is asked about it.
            let received = pipeline.receive().map(|response| exchange.receive(response));
            if received.is_err() {
                exchange.note_interim(pipeline.interim());
            }
            let this = InFlight { exchange, id };
            match received {
                Ok(result) => {
                    cause = result.as_ref().err().cloned();
                    self.end(&pipeline, this, result);
                }
                // No answer can be told from another any more: after a time-out the next one would be the late one.
                Err(error) => {
                    for left in std::iter::once(this).chain(in_flight) {
                        // What cut the one before it short is what left this one without an answer.
                        let failure = match &cause {
                            Some(cause) if matches!(error.kind(), ErrorKind::Closed(_)) => unanswered_for(cause),
                            _ => failure_of(&error, left.id),
                        };
                        self.end(&pipeline, left, Err(failure));
                    }
                    return Some(Failure::of(&error));
                }
            }
        }
    }

    /// One exchange is over.
    fn end(&mut self, pipeline: &Pipeline<'_, Stream>, over: InFlight<'a>, result: Result<(), Failure>) {
        let InFlight { mut exchange, id } = over;
        let unanswered = pipeline.unanswered().find(|unanswered| unanswered.exchange == id);
        exchange.note_end(unanswered, pipeline.reuse(), &pipeline.timing(), 0);
        self.note(exchange.finish(result));
    }

    /// Sends until enough is in flight, or the connection takes no more now.
    fn fill(
        &mut self,
        pipeline: &mut Pipeline<'_, Stream>,
        number: usize,
        in_flight: &mut VecDeque<InFlight<'a>>,
        bound: usize,
    ) -> Option<Failure> {
        while in_flight.len() < bound {
            let Waiting { mut exchange, request } = self.waiting.pop_front()?;
            let error = match pipeline.send(&request) {
                Ok(id) => {
                    exchange.begin(number, &request);
                    in_flight.push_back(InFlight { exchange, id });
                    continue;
                }
                Err(error) => error,
            };
            let failure = Failure::of(&error);
            let is_untouched = match error.kind() {
                // Nothing of it has left, and it may leave when what is in flight is answered.
                ErrorKind::Misuse(_) | ErrorKind::ReceiveBufferFull { .. } => !in_flight.is_empty(),
                ErrorKind::Closed(_) => true,
                _ => false,
            };
            if is_untouched {
                self.waiting.push_front(Waiting { exchange, request });
                return Some(failure);
            }
            exchange.begin(number, &request);
            exchange.note_end(pipeline.unanswered().last(), pipeline.reuse(), &pipeline.timing(), 0);
            self.note(exchange.finish(Err(failure.clone())));
            return Some(failure);
        }
        None
    }
}

/// What an error of the connection means for the exchange `id`.
pub(crate) fn failure_of(error: &Error, id: ExchangeId) -> Failure {
    let is_own = error.exchange().is_none_or(|failed| failed == id);
    if is_own || matches!(error.kind(), ErrorKind::Timeout(_)) {
        return Failure::of(error);
    }
    Failure::new(Exit::Empty, "closed", format!("the connection ended before this was answered: {error}"))
}

/// The connection ended for this reason, before the exchange was answered.
pub(crate) fn unanswered_for(cause: &Failure) -> Failure {
    Failure::new(cause.exit, "closed", format!("the connection ended before this was answered: {cause}"))
}
