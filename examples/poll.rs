//! A hundred connections, one thread, no runtime: `poll` waits for all of them at once.
//!
//! Every timeout is zero, so that no call waits: what would have to is `WouldBlock`, loses nothing, and is made again when
//! the descriptor is ready. Look-ups, connects and handshakes go on in the same way.
//!
//! ```text
//! cargo run --example poll -- http://127.0.0.1:8080 /
//! ```

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wireline::{Connecting, Connection, Connector, Error, ErrorKind, Origin, Timeouts};

const CONNECTIONS: usize = 100;
const EXCHANGES: usize = 5;

/// One connection, and how far it is.
enum Client {
    Connecting(Box<Connecting>),
    Talking(Box<Talk>),
    Done,
}

struct Talk {
    connection: Connection,
    /// What has come of the content of the response that is awaited.
    content: Vec<u8>,
    asked: usize,
    answered: usize,
}

impl Talk {
    /// Goes on as far as it can without waiting.
    fn advance(&mut self, target: &str, lengths: &mut Vec<usize>) -> Result<(), Error> {
        while self.answered < EXCHANGES {
            let mut response = if self.asked == self.answered {
                self.asked += 1;
                self.connection.get(target)?
            } else {
                self.connection.receive()?
            };
            loop {
                match response.fill_content().map(|piece| (piece.len(), self.content.extend_from_slice(piece))) {
                    Ok((0, ())) => break,
                    Ok((len, ())) => std::io::BufRead::consume(&mut response, len),
                    Err(error) => {
                        // What has come is kept, and the rest is awaited.
                        response.suspend();
                        return Err(error);
                    }
                }
            }
            lengths.push(self.content.len());
            self.content.clear();
            self.answered += 1;
        }
        Ok(())
    }
}

impl Client {
    fn advance(&mut self, target: &str, lengths: &mut Vec<usize>) -> Result<(), Error> {
        if let Self::Connecting(connecting) = self {
            let connection = connecting.finish()?;
            *self = Self::Talking(Box::new(Talk { connection, content: Vec::new(), asked: 0, answered: 0 }));
        }
        if let Self::Talking(talk) = self {
            talk.advance(target, lengths)?;
            *self = Self::Done;
        }
        Ok(())
    }

    /// What it waits for, and until when.
    fn wanted(&self) -> (Vec<PollFd<'_>>, Option<Instant>) {
        match self {
            Self::Connecting(connecting) => {
                let fds = connecting.wanted().into_iter();
                let fds = fds.map(|(fd, ready)| PollFd::from_borrowed_fd(fd, flags(ready.read, ready.write)));
                (fds.collect(), connecting.until())
            }
            Self::Talking(talk) => {
                let interest = talk.connection.interest();
                (vec![PollFd::new(&talk.connection, flags(interest.read, interest.write))], None)
            }
            Self::Done => (Vec::new(), None),
        }
    }
}

fn flags(read: bool, write: bool) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, read);
    flags.set(PollFlags::OUT, write);
    flags
}

/// How long each content was that came.
pub(crate) fn run(origin: &str, target: &str) -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let mut timeouts = Timeouts::default();
    timeouts.resolve = Some(Duration::ZERO);
    timeouts.connect = Some(Duration::ZERO);
    timeouts.tls = Some(Duration::ZERO);
    timeouts.read = Some(Duration::ZERO);
    timeouts.write = Some(Duration::ZERO);
    let connector = Connector::new().timeouts(timeouts);
    let origin = Origin::parse(origin)?;
    let mut clients: Vec<_> =
        (0..CONNECTIONS).map(|_| Client::Connecting(Box::new(connector.begin(&origin)))).collect();
    let mut lengths = Vec::new();
    loop {
        for client in &mut clients {
            match client.advance(target, &mut lengths) {
                Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock(_)) => return Err(error.into()),
                _ => {}
            }
        }
        clients.retain(|client| !matches!(client, Client::Done));
        if clients.is_empty() {
            return Ok(lengths);
        }
        let (mut fds, mut until) = (Vec::new(), None);
        for (wanted, end) in clients.iter().map(Client::wanted) {
            fds.extend(wanted);
            until = until.into_iter().chain(end).min();
        }
        let left = until.map(|until: Instant| until.saturating_duration_since(Instant::now()));
        poll(&mut fds, left.map(Timespec::try_from).transpose()?.as_ref())?;
    }
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let origin = arguments.next().ok_or("usage: poll ORIGIN [TARGET]")?;
    let lengths = run(&origin, &arguments.next().unwrap_or_else(|| "/".to_owned()))?;
    println!("{} responses, {} bytes", lengths.len(), lengths.iter().sum::<usize>());
    Ok(())
}
