//! The client: wireline, driven in each of its ways.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use wireline::{
    CloseReason, Config, Connection, Content, Error, ErrorKind, Fields, Framing, Limits, Misuse, Pipeline, Request,
    Reuse, SendHalf, Stream,
};

use crate::plan::{Mode, Plan};
use crate::random::{Random, Side, content};
use crate::reply::take;
use crate::told::Told;

/// The client of one lane.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    /// Where answers are read into.
    pub(crate) scratch: Vec<u8>,
    /// Counts whatever happens.
    pub(crate) progress: &'a AtomicU64,
}

/// The size of the memory that answers are read into.
pub(crate) const SCRATCH: usize = 32 << 10;

/// Buffers of a heavy connection, in bytes: less than its requests and its answers need.
pub(crate) const SMALL_BUFFER: usize = 16 << 10;

impl Client<'_> {
    /// Goes through a plan on a connection of its own, and closes it.
    pub(crate) fn run(&mut self, server: SocketAddr, plan: &Plan) -> io::Result<Told> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        if plan.is_heavy {
            set_socket_send_buffer_size(&stream, SMALL_BUFFER)?;
        }
        let mut config = Config::default();
        if plan.is_heavy {
            let mut limits = Limits::default();
            limits.receive_buffer = SMALL_BUFFER as u32;
            config.limits = limits;
        }
        let connection = Connection::with_transport(Stream::from(stream), config);
        let (mut told, mut connection) = self.go_through(plan, connection)?;
        if plan.in_mode() < plan.exchanges.len() && told.answered == plan.in_mode() {
            Self::behind_surplus(plan, &mut told, &mut connection);
        }
        told.left = connection.unanswered().map(Into::into).collect();
        told.bytes_sent = connection.bytes_sent();
        told.reuse = connection.reuse();
        Ok(told)
    }

    /// Goes through a plan on this connection, and gives it back.
    pub(crate) fn go_through(&mut self, plan: &Plan, mut connection: Connection) -> io::Result<(Told, Connection)> {
        let mut timeouts = connection.timeouts();
        timeouts.expect_continue = plan.patience;
        connection.set_timeouts(timeouts);
        let mut told = Told::new();
        match plan.mode {
            Mode::Alone => self.alone(plan, &mut told, &mut connection),
            Mode::Pipeline { depth, sliding } => self.pipeline(plan, &mut told, &mut connection, depth, sliding),
            Mode::Run { depth } => self.pipeline_run(plan, &mut told, &mut connection, depth),
            Mode::Split => connection = self.split(plan, &mut told, connection)?,
        }
        Ok((told, connection))
    }

    fn advance(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    fn alone(&mut self, plan: &Plan, told: &mut Told, connection: &mut Connection) {
        for exchange in 0..plan.in_mode() {
            let request = request(plan, exchange);
            let mut random: Random = plan.details(exchange, SIDE);
            if random.percent(2) {
                // Longer than a connection may be idle without being looked at.
                thread::sleep(Duration::from_micros(1200));
            }
            let (bytes, trailers) = (upload(plan, exchange), trailers(plan, exchange));
            let mut reader = bytes;
            let from_reader = random.percent(30);
            let mut content = if from_reader { Content::reader(&mut reader) } else { Content::bytes(bytes) };
            let of = plan.exchanges[exchange].upload;
            if of.is_some_and(|upload| upload.chunked) {
                content = content.trailers(&trailers);
            }
            if of.is_some_and(|upload| upload.keep_sending) {
                content = content.keep_sending();
            }
            let error = match connection.send(&request, content) {
                Ok(mut response) => {
                    told.accepted += 1;
                    take(plan, told, &mut self.scratch, &mut response);
                    None
                }
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                if is_refused(connection, plan.first + exchange as u64) {
                    return told.refuse(&error);
                }
                told.accepted += 1;
                told.fail(&error);
            }
            told.content_sent = Some(connection.content_sent());
            if told.failure.is_some() || !told.troubles.is_empty() {
                return;
            }
            self.advance();
        }
    }

    fn pipeline(&mut self, plan: &Plan, told: &mut Told, connection: &mut Connection, depth: usize, sliding: bool) {
        let mut pipeline = connection.pipeline();
        // How much of the content of the last request has been sent, while it is not complete.
        let mut sent: Option<usize> = None;
        while told.troubles.is_empty() {
            while !told.is_stopped() && (sent.is_some() || (told.accepted < plan.in_mode() && told.in_flight() < depth))
            {
                let Err(error) = send_next(plan, told, &mut pipeline, &mut sent) else { continue };
                let comes_first = match error.kind() {
                    ErrorKind::Misuse(Misuse::NotIdempotent) => told.in_flight() > 0,
                    ErrorKind::ReceiveFirst => told.in_flight() > 1,
                    ErrorKind::ReceiveBufferFull { .. } => {
                        told.full += 1;
                        true
                    }
                    _ => false,
                };
                if !comes_first {
                    told.refuse(&error);
                    sent = None;
                }
                break;
            }
            // What is being sent is answered when it has been, or when nothing else is left.
            let ready = told.in_flight() - usize::from(sent.is_some());
            let count = if sliding { ready.min(1) } else { ready };
            if told.in_flight() == 0 {
                return;
            }
            for _ in 0..count.max(1) {
                match pipeline.receive() {
                    Ok(mut response) => take(plan, told, &mut self.scratch, &mut response),
                    Err(error) => told.fail(&error),
                }
                if told.failure.is_some() || !told.troubles.is_empty() {
                    return;
                }
                self.advance();
            }
            if sent.is_some() && told.in_flight() == 0 {
                sent = None;
                // Answered in the middle, and nothing may be due any more.
                let _broken = pipeline.abandon();
            }
        }
    }

    fn pipeline_run(&mut self, plan: &Plan, told: &mut Told, connection: &mut Connection, depth: usize) {
        let requests: Vec<Request> = (0..plan.in_mode()).map(|exchange| request(plan, exchange)).collect();
        let mut pipeline = connection.pipeline();
        let mut run = pipeline.run(&requests, depth);
        while told.troubles.is_empty() && told.failure.is_none() {
            match run.receive() {
                Ok(Some(mut response)) => take(plan, told, &mut self.scratch, &mut response),
                Ok(None) => break,
                Err(error) => told.fail(&error),
            }
            self.advance();
        }
        told.accepted = plan.in_mode() - run.rest().count();
        if told.accepted < plan.in_mode() {
            // It says so as a failure; whether it is one of an exchange shows in who is left.
            told.refused = told.failure.map(|failure| failure.kind);
        }
    }

    fn split(&mut self, plan: &Plan, told: &mut Told, connection: Connection) -> io::Result<Connection> {
        let (send, mut receive) = connection.split()?;
        let send = thread::scope(|scope| {
            let sender = scope.spawn(|| send_all(plan, send));
            while told.answered < plan.in_mode() && told.failure.is_none() && told.troubles.is_empty() {
                match receive.receive() {
                    Ok(mut received) => take(plan, told, &mut self.scratch, &mut received),
                    Err(error) => told.fail(&error),
                }
                self.advance();
            }
            sender.join()
        });
        let (send, accepted, refused) = send.map_err(|_| io::Error::other("the sending half panicked"))?;
        told.accepted = accepted;
        if let Some(error) = refused {
            told.refuse(&error);
        }
        receive.unsplit(send).map_err(|_| io::Error::other("the halves are strangers"))
    }

    /// Something stands in front of the next answer: nothing may be sent, whether it is looked for or not.
    fn behind_surplus(plan: &Plan, told: &mut Told, connection: &mut Connection) {
        let exchange = plan.in_mode();
        let unsolicited = CloseReason::Unsolicited;
        if plan.connection % 2 == 0 && connection.look() != Reuse::Never(unsolicited) {
            told.trouble(exchange, format_args!("reuse {}, and there is a surplus", connection.reuse()));
        }
        let error = connection.send(&request(plan, exchange), Content::none()).map(drop).err();
        match error {
            Some(error) if error.kind() == ErrorKind::Closed(unsolicited) => told.refuse(&error),
            error => told.trouble(exchange, format_args!("sent behind a surplus: {error:?}")),
        }
    }
}

/// Whether nothing is left of this exchange because it never began.
fn is_refused(connection: &Connection, exchange: u64) -> bool {
    connection.unanswered().all(|left| left.exchange.index() < exchange)
}

/// Which generator of an exchange this is.
const SIDE: u64 = 4;

fn request(plan: &Plan, exchange: usize) -> Request {
    let of = &plan.exchanges[exchange];
    let mut builder = Request::builder(of.method.name(), format!("/{}/{exchange}", plan.connection)).host("soak");
    if of.padding > 0 {
        builder = builder.field("X-Padding", "p".repeat(of.padding));
    }
    if let Some(upload) = of.upload {
        builder = if upload.chunked { builder.chunked() } else { builder.content_length(upload.len as u64) };
        if upload.expect.is_some() {
            builder = builder.expect_continue();
        }
    }
    builder.build().expect("a request of the plan is legal")
}

fn upload(plan: &Plan, exchange: usize) -> &'static [u8] {
    let len = plan.exchanges[exchange].upload.map_or(0, |upload| upload.len);
    content(plan.connection, exchange, Side::Request, len)
}

fn trailers(plan: &Plan, exchange: usize) -> Fields {
    let mut trailers = Fields::new();
    if plan.exchanges[exchange].upload.is_some_and(|upload| upload.chunked && upload.len % 3 == 0) {
        trailers.append("X-Length", upload(plan, exchange).len().to_string()).expect("a legal field");
    }
    trailers
}

/// Sends the next request, or more of the content of the last.
fn send_next(plan: &Plan, told: &mut Told, pipeline: &mut Pipeline<'_>, sent: &mut Option<usize>) -> Result<(), Error> {
    let Some(done) = *sent else {
        let exchange = told.accepted;
        let id = pipeline.queue(&request(plan, exchange))?;
        if id.index() != plan.first + exchange as u64 {
            told.trouble(exchange, format_args!("it is called {id}"));
        }
        told.accepted += 1;
        *sent = (pipeline.content_due() != Framing::None).then_some(0);
        return Ok(());
    };
    let exchange = told.accepted - 1;
    let all = upload(plan, exchange);
    if done < all.len() {
        let most = plan.details(exchange, SIDE).below(all.len()).max(64);
        match pipeline.send_content(&all[done..(done + most).min(all.len())])? {
            0 => {
                *sent = None;
                // Nothing may be due any more, if our side broke.
                let _broken = pipeline.abandon();
            }
            taken => *sent = Some(done + taken),
        }
    } else {
        *sent = None;
        finished(pipeline.finish(&trailers(plan, exchange)))?;
    }
    Ok(())
}

/// Nothing is due any more where our side broke: the answer, or the next request, says more.
fn finished(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::Misuse(Misuse::NoContentDue) => Ok(()),
        result => result,
    }
}

/// All requests, by the sending half: how many were accepted, and why the next one was not.
fn send_all(plan: &Plan, mut send: SendHalf) -> (SendHalf, usize, Option<Error>) {
    for exchange in 0..plan.in_mode() {
        if let Err(error) = send.send(&request(plan, exchange)) {
            return (send, exchange, Some(error));
        }
        if send.content_due() == Framing::None {
            continue;
        }
        let mut rest = upload(plan, exchange);
        let most = plan.details(exchange, SIDE).below(rest.len().max(1)).max(64);
        let sent = loop {
            if rest.is_empty() {
                break finished(send.finish(&trailers(plan, exchange)));
            }
            match send.send_content(&rest[..rest.len().min(most)]) {
                Ok(0) => {
                    // Nothing may be due any more, if our side broke.
                    let _broken = send.abandon();
                    break Ok(());
                }
                Ok(taken) => rest = &rest[taken..],
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = sent {
            // The other half must not wait for what this one will not send.
            let _broken = send.abandon();
            return (send, exchange + 1, Some(error));
        }
    }
    (send, plan.in_mode(), None)
}
