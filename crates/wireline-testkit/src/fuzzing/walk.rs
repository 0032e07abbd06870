//! Walks: commands, bytes and events in any order. Nothing panics, a refused step changes nothing, an error stays, no
//! verdict denies a byte that has left, and what a peer makes a connection hold is within its bound.

use wireline_proto::{Config, Connection, Error, Fields, Framing, Misuse, Progress, Request, Reuse};

/// A step of a walk, of any size: what a connection does not offer is cut down to what it does.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "whoever makes up steps wants to know of each")]
pub enum Step {
    /// [`Connection::abandon_content`].
    Abandon,
    /// So many events are taken, or those that there are.
    Advance(u8),
    /// So many bytes of content go by the buffer.
    ByPass(u64),
    /// The peer's stream ends in order.
    Close,
    /// So many bytes of content are sent.
    Content(usize),
    /// These bytes of content are sent, chunks perhaps.
    ContentBytes(Vec<u8>),
    /// The peer's stream breaks.
    Fail,
    /// The request is finished, with trailers or without.
    Finish(bool),
    /// So many bytes of content are framed.
    Frame(u64),
    /// So many framed bytes leave.
    Framed(u64),
    /// Bytes come, those for which there is room.
    Receive(Vec<u8>),
    /// A request is queued.
    Request(Request),
    /// So many queued bytes leave.
    Transmit(usize),
    /// Our side breaks.
    TransmitClosed,
    /// [`Connection::waive_continue`].
    Waive,
}

/// A connection, and what is known of it without asking it.
#[derive(Debug)]
pub struct Walk {
    pub(super) connection: Connection,
    /// Where each request starts in the sent stream, where that is known without asking.
    starts: Vec<Option<u64>>,
    sent: u64,
    /// The most memory that it holds for what we did; the rest is what the peer makes it hold.
    own: usize,
    most: usize,
    never: bool,
    error: Option<Error>,
}

impl Walk {
    /// At the start of a connection.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let connection = Connection::new(config);
        let (own, most) = (connection.memory(), memory_bound(&config));
        Self { connection, starts: Vec::new(), sent: 0, own, most, never: false, error: None }
    }

    /// Takes the step, and looks at what holds behind every step.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn take(&mut self, step: Step) {
        let before = self.connection.memory();
        let is_ours = !matches!(
            step,
            Step::Advance(_) | Step::ByPass(_) | Step::Close | Step::Fail | Step::Receive(_) | Step::Transmit(_)
        );
        match step {
            Step::Abandon => self.command(Connection::abandon_content),
            Step::Advance(most) => {
                for _ in 0..most {
                    match self.connection.advance() {
                        Ok(true) => drop(format!("{:?}", self.connection.event())),
                        Ok(false) => break,
                        Err(error) => {
                            assert_eq!(self.connection.error(), Some(&error));
                            break;
                        }
                    }
                }
            }
            Step::ByPass(n) => {
                if let Some(most) = self.connection.direct_content() {
                    self.connection.took_content(n.min(most));
                }
            }
            Step::Close => self.connection.received(0),
            Step::Content(len) => self.command(|connection| connection.send_content(&vec![b'c'; len]).map(drop)),
            Step::ContentBytes(bytes) => self.command(|connection| connection.send_content(&bytes).map(drop)),
            Step::Fail => self.connection.receive_failed(),
            Step::Finish(with_trailers) => {
                let trailers = if with_trailers { &b"X: 1\r\n"[..] } else { b"" };
                let trailers = Fields::parse(trailers).expect("a field section");
                self.command(|connection| connection.finish_request(&trailers));
            }
            Step::Frame(len) => self.command(|connection| connection.frame_content(len)),
            Step::Framed(n) => {
                let n = n.min(self.connection.framed_content());
                self.connection.transmitted_content(n);
                self.sent += n;
            }
            Step::Receive(bytes) => {
                let space = self.connection.receive_space();
                let n = space.len().min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                if n > 0 {
                    self.connection.received(n);
                }
            }
            Step::Request(request) => {
                let next = self.starts.len() as u64;
                let queued = self.sent + self.connection.transmit().len() as u64;
                let start = (self.connection.framed_owed() == 0).then_some(queued);
                let mut sent = false;
                self.command(|connection| {
                    let exchange = connection.send_request(&request)?;
                    sent = true;
                    assert_eq!(exchange.index(), next);
                    Ok(())
                });
                if sent {
                    self.starts.push(start);
                }
            }
            Step::Transmit(most) => {
                let n = self.connection.transmit().len().min(most);
                self.connection.transmitted(n);
                self.sent += n as u64;
            }
            Step::TransmitClosed => self.connection.transmit_closed(),
            Step::Waive => self.command(Connection::waive_continue),
        }
        if is_ours {
            self.own += self.connection.memory().saturating_sub(before);
        }
        self.look_closely();
    }

    fn command(&mut self, command: impl FnOnce(&mut Connection) -> Result<(), Misuse>) {
        let before = self.connection.clone();
        if let Err(misuse) = command(&mut self.connection) {
            assert_eq!(self.connection, before, "{misuse:?} has changed the connection");
        }
    }

    /// What holds at every moment, and takes copies of all of it to see.
    pub(super) fn look_closely(&mut self) {
        self.look();
        let connection = &self.connection;
        if self.error.is_some() {
            assert_eq!(connection.clone().advance().err(), self.error, "an error stays");
        }
        if let Err(back) = connection.clone().into_switched() {
            assert_eq!(*back, *connection, "a refused switch has changed the connection");
        }
    }

    /// What holds at every moment, behind each byte too.
    pub(super) fn look(&mut self) {
        let connection = &self.connection;
        assert_eq!(connection.bytes_sent(), self.sent);
        let held = connection.memory();
        assert!(held <= self.own + self.most, "{held} bytes are held, {} of them our own", self.own);
        let unanswered: Vec<_> = connection.unanswered().collect();
        assert!(unanswered.is_sorted_by(|one, other| one.exchange < other.exchange));
        assert!(unanswered.iter().all(|one| one.exchange.index() < self.starts.len() as u64));
        assert!(unanswered.iter().map(|one| one.sent).sum::<u64>() <= self.sent);
        for one in &unanswered {
            let at = one.exchange.index() as usize;
            // Where the next one starts, this one has ended; of the last one everything belongs to it.
            let end = self.starts.get(at + 1).copied().unwrap_or(Some(u64::MAX));
            if let (Some(start), Some(end)) = (self.starts[at], end) {
                let left = self.sent.min(end).saturating_sub(start);
                assert_eq!(one.sent, left, "{one:?}: what has left of it");
                assert!(left == 0 || one.progress != Progress::NothingSent, "{one:?}: {left} bytes of it have left");
            }
        }
        if self.error.is_some() {
            assert_eq!(connection.error(), self.error.as_ref(), "an error stays");
        }
        let reuse = connection.reuse();
        assert!(!self.never || matches!(reuse, Reuse::Never(_)), "never is for ever");
        self.never = matches!(reuse, Reuse::Never(_));
        if reuse == Reuse::Now {
            assert!(unanswered.is_empty() && connection.transmit().is_empty());
            assert_eq!(connection.content_due(), Framing::None);
            assert_eq!((connection.receiving(), connection.awaiting_continue()), (None, None));
        }
        if let Some(waiting) = connection.awaiting_continue() {
            let answered = connection.answered_early() == Some(waiting);
            assert!(answered || unanswered.iter().any(|one| one.exchange == waiting));
        }
        self.error = connection.error().cloned();
    }
}

/// The most that a peer can make a connection hold: the receive buffer, the values that were rewritten (they are no
/// longer than a head, and their memory grows by doubling), and the index of fields (twenty bytes a line, doubled; a
/// short index may come from a connection that had a longer one).
#[must_use]
pub fn memory_bound(config: &Config) -> usize {
    let room = config.limits.receive_buffer.max(256) as usize;
    let lines = config.limits.fields.max(config.limits.trailer_fields).max(128) as usize;
    3 * room + 2 * 20 * lines
}
