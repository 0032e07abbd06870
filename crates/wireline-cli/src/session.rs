//! The connections of a run: one at a time, kept for the next URL of the same origin.

use std::io;
use std::time::Instant;

use wireline::{Connection, Connector, Content, Origin, Reuse, Stream, Timeouts, TlsSettings, Transcript};

use crate::args::Args;
use crate::exchange::Exchange;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::human::say;
use crate::request;
use crate::upload::Upload;
use crate::url::Url;

/// What is kept from one URL to the next.
pub(crate) struct Session<'a> {
    args: &'a Args,
    connector: Connector,
    open: Option<Open>,
    /// How many connections there have been.
    connections: usize,
    begun: Instant,
}

/// The connection that is open.
pub(crate) struct Open {
    pub(crate) connection: Connection<Stream>,
    /// Which connection of the run, from 0.
    pub(crate) number: usize,
    origin: String,
}

impl<'a> Session<'a> {
    /// Reads what the flags name; connects to nobody yet.
    pub(crate) fn new(args: &'a Args) -> Result<Self, Failure> {
        Ok(Self { args, connector: connector(args)?, open: None, connections: 0, begun: Instant::now() })
    }

    /// Fetches each URL, one after the other. The exit status is that of the first failure.
    pub(crate) fn fetch_all(&mut self) -> Exit {
        let args = self.args;
        let mut worst = Exit::Success;
        for (number, url) in args.urls.iter().enumerate() {
            let exit =
                self.fetch(number, url).unwrap_or_else(|failure| Exchange::refused(args, number, Some(url), failure));
            worst = worst.or(exit);
            if exit == Exit::Output {
                break;
            }
        }
        worst
    }

    /// The error is what kept the exchange from being begun.
    fn fetch(&mut self, number: usize, url: &Url) -> Result<Exit, Failure> {
        let mut upload = Upload::open(self.args)?;
        let request = request::build(self.args, url, upload.as_ref())?;
        let small = upload.as_mut().map_or(Ok(None), Upload::read_small)?;
        let mut exchange = Exchange::new(self.args, number, url, &request)?;
        let Open { connection, number, .. } = match self.connect(url, deadline(self.args)) {
            Ok(open) => open,
            Err(failure) => return Ok(exchange.finish(Err(failure))),
        };
        exchange.begin(*number, &request);
        let content = match (&small, &mut upload) {
            (Some(bytes), _) => Content::bytes(bytes),
            (None, Some(upload)) => Content::reader(upload),
            (None, None) => ().into(),
        };
        let result = match connection.send(&request, content) {
            Ok(response) => exchange.receive(response),
            Err(error) => Err(Failure::of(&error)),
        };
        exchange.note_interim(connection.interim());
        let unanswered = connection.unanswered().next();
        exchange.note_end(unanswered, connection.reuse(), &connection.timing(), connection.content_sent());
        // Whoever sends sees that reading failed; the upload knows which file it was.
        let fault = upload.as_mut().and_then(Upload::take_fault);
        Ok(exchange.finish(result.map_err(|failure| fault.unwrap_or(failure))))
    }

    /// The connection for `url`: the one that is open, if it still is and goes there, or a new one.
    pub(crate) fn connect(&mut self, url: &Url, deadline: Option<Instant>) -> Result<&mut Open, Failure> {
        let origin = url.origin();
        let kept = self.open.take().filter(|open| open.origin == origin);
        let mut open = match kept.map(|mut open| (open.connection.look(), open)) {
            Some((Reuse::Now, open)) => open,
            _ => self.connect_anew(origin, deadline)?,
        };
        open.connection.set_deadline(deadline);
        Ok(self.open.insert(open))
    }

    fn connect_anew(&mut self, origin: String, deadline: Option<Instant>) -> Result<Open, Failure> {
        let target = Origin::parse(&origin).map_err(|invalid| Failure::new(Exit::Url, "url", invalid.to_string()))?;
        let connector = match deadline {
            Some(deadline) => self.connector.clone().deadline(deadline),
            None => self.connector.clone(),
        };
        let mut connection = connector.connect(&target).map_err(|error| Failure::of(&error))?;
        if self.args.wire {
            let transcript = Box::new(Transcript::since(io::stderr(), self.begun));
            if self.args.show_credentials {
                connection.show_all(transcript);
            } else {
                connection.set_tap(Some(transcript));
            }
        }
        let number = self.connections;
        self.connections += 1;
        Ok(Open { connection, number, origin })
    }
}

/// Makes the connections, as the flags describe them.
pub(crate) fn connector(args: &Args) -> Result<Connector, Failure> {
    let mut timeouts = Timeouts::default();
    timeouts.resolve = args.connect_timeout;
    timeouts.connect = args.connect_timeout;
    timeouts.tls = args.connect_timeout;
    timeouts.read = args.read_timeout;
    timeouts.write = args.read_timeout;
    // Without --expect the default: an Expect may also have been given as a field line.
    timeouts.expect_continue = args.expect.or(timeouts.expect_continue);
    let connector = Connector::new().timeouts(timeouts).config(args.config);
    if args.insecure {
        return Ok(connector.tls(TlsSettings::danger_accept_any_certificate()));
    }
    let Some(path) = &args.cacert else { return Ok(connector) };
    let fault = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::CertificateFile, "cacert", format!("cannot use {}: {why}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|error| fault(&error))?;
    Ok(connector.tls(TlsSettings::roots_pem(&pem).map_err(|error| fault(&error))?))
}

/// When what begins now has to be over.
pub(crate) fn deadline(args: &Args) -> Option<Instant> {
    args.max_time.and_then(|bound| Instant::now().checked_add(bound))
}

/// A failure that belongs to no exchange.
pub(crate) fn report(failure: &Failure) -> Exit {
    say(format!("wireline: {failure}\n"));
    failure.exit
}
