//! A fault at every call: a transport whose n-th call fails, for each n and each kind of fault, under each scenario.
//!
//! Whatever fails, nothing hangs and nothing panics; what came before is delivered; what only had to wait goes on to the
//! same end as without a fault; and the verdicts agree with what the peer has seen.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::io::{self, IoSlice};
use std::time::Duration;

use wireline::{
    Config, Connection, Content, Error, ErrorKind, Fields, Nonblocking, Ready, Response, Timeouts, Transport,
};
use wireline_testkit::faults::{By, ENDLESS, Failure, Fault, Outcome, Peer, Scenario, at_every_call, scenarios};

/// All but the one that needs somebody who awaits.
const FAULTS: [Fault; 7] =
    [Fault::End, Fault::GivenUp, Fault::Interrupted, Fault::Reset, Fault::Short, Fault::TimeOut, Fault::WouldBlock];

#[test]
fn a_fault_at_every_call_of_every_scenario() {
    let tally = at_every_call(scenarios(), &FAULTS, |scenario, peer| run(scenario, peer, false));
    assert!(tally.scenarios >= 30 && tally.runs > 6_000 && tally.failed > 500, "{tally:?}");
}

#[test]
fn a_fault_at_every_call_of_a_connection_that_never_waits() {
    // Whose time is up is told by who waits.
    let faults = FAULTS.map(|fault| if fault == Fault::TimeOut { Fault::WouldBlock } else { fault });
    let tally = at_every_call(scenarios(), &faults, |scenario, peer| run(scenario, peer, true));
    assert!(tally.runs > 6_000 && tally.failed > 500, "{tally:?}");
}

struct Wire(Peer);

impl Transport for Wire {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn read(&mut self, into: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        self.0.read(into)
    }

    fn wait(&mut self, wanted: Ready, _: Option<Duration>) -> io::Result<Ready> {
        self.0.wait().map(|()| wanted)
    }

    fn is_flushing(&self) -> bool {
        self.0.is_flushing()
    }

    fn close(&mut self) {}
}

const HOUR: Duration = Duration::from_secs(3600);

fn run(scenario: &Scenario, peer: &Peer, nonblocking: bool) -> Outcome {
    let mut connection = Connection::with_transport(Wire(peer.clone()), Config::default());
    connection.set_nonblocking(nonblocking);
    // Nothing in memory takes an hour: what would have to wait is over at once, and is called as the bound says.
    let waits = if peer.fault().is_some_and(|(_, fault)| fault == Fault::WouldBlock) { Duration::ZERO } else { HOUR };
    let mut timeouts = Timeouts::default();
    (timeouts.read, timeouts.write, timeouts.expect_continue) = (Some(waits), Some(waits), None);
    connection.set_timeouts(timeouts);
    let mut run = Run { content: Vec::new(), repeated: 0 };
    let failure = run.exchange(scenario, &mut connection).err().map(|error| Failure {
        text: error.to_string(),
        is_end: matches!(error.kind(), ErrorKind::Lost | ErrorKind::Closed(_)),
        bytes_received: error.bytes_received(),
    });
    Outcome {
        failure,
        content: run.content,
        repeated: run.repeated,
        gave_up: false,
        bytes_sent: connection.bytes_sent(),
        progress: connection.unanswered().next().map(|one| one.progress),
        reuse: connection.reuse(),
    }
}

struct Run {
    content: Vec<u8>,
    repeated: usize,
}

impl Run {
    fn exchange(&mut self, scenario: &Scenario, connection: &mut Connection<Wire>) -> Result<(), Error> {
        let request = scenario.request();
        let bytes = scenario.content();
        match scenario.by() {
            By::Bytes => self.again(connection, |connection, has_begun| {
                let response = if has_begun { connection.resume(bytes) } else { connection.send(&request, bytes) };
                response.map(Response::suspend)
            })?,
            By::Reader => {
                let mut reader = bytes;
                self.again(connection, |connection, has_begun| {
                    let content = Content::reader(&mut reader).block_size(900);
                    let response =
                        if has_begun { connection.resume(content) } else { connection.send(&request, content) };
                    response.map(Response::suspend)
                })?;
            }
            By::Writer => {
                let mut writer = connection.start(&request)?;
                let mut rest = bytes;
                while !rest.is_empty() {
                    match self.again(&mut writer, |writer, _| writer.write_content(rest))? {
                        0 => break,
                        taken => rest = &rest[taken..],
                    }
                }
                match writer.finish().map(Response::suspend) {
                    Err(error) if is_passing(&error) => {
                        self.repeated += 1;
                        self.again(connection, |connection, _| connection.receive().map(Response::suspend))?;
                    }
                    done => done?,
                }
            }
            By::Pipeline => {
                let mut pipeline = connection.pipeline();
                self.again(&mut pipeline, |pipeline, _| pipeline.queue(&request))?;
                let mut rest = bytes;
                let mut is_wanted = true;
                while !rest.is_empty() {
                    match self.again(&mut pipeline, |pipeline, _| pipeline.send_content(rest))? {
                        0 => {
                            is_wanted = false;
                            break;
                        }
                        taken => rest = &rest[taken..],
                    }
                }
                if !bytes.is_empty() {
                    // Where the connection is over there is nothing to end, and the response says why.
                    let _over = if is_wanted { pipeline.finish(&Fields::new()) } else { pipeline.abandon() };
                }
                self.again(&mut pipeline, |pipeline, _| pipeline.receive().map(Response::suspend))?;
                // Dropped, it would close what is still to be read.
                let mut response = pipeline.response().unwrap();
                return self.read(&mut response);
            }
        }
        self.read(&mut connection.response().unwrap())
    }

    fn read(&mut self, response: &mut Response<'_, Wire>) -> Result<(), Error> {
        loop {
            let piece = self.again(response, |response, _| response.fill_content().map(<[u8]>::to_vec))?;
            if piece.is_empty() {
                return Ok(());
            }
            self.content.extend_from_slice(&piece);
            response.consume_content(piece.len());
        }
    }

    /// Makes a call until it does not have to wait; the second time, and from then on, it is told so.
    fn again<W: Nonblocking, T>(
        &mut self,
        what: &mut W,
        mut call: impl FnMut(&mut W, bool) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut has_begun = false;
        loop {
            match call(what, has_begun) {
                Err(error) if is_passing(&error) && self.repeated < ENDLESS => self.repeated += 1,
                done => return done,
            }
            has_begun = true;
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock(_) | ErrorKind::Timeout(_))
}
