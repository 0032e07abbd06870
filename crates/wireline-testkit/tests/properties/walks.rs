//! Random walks: commands, bytes and events in any order. Nothing panics, a refused step changes nothing, and memory
//! stays within the limits.

use proptest::collection::vec;
use proptest::prelude::*;
use wireline_proto::{Config, Connection, Fields, Framing, Misuse, Request, Reuse};

use crate::input;

#[derive(Clone, Debug)]
enum Step {
    Abandon,
    Advance(u8),
    ByPass(u64),
    Close,
    Content(usize),
    Fail,
    Finish(bool),
    Frame(u64),
    Framed(u64),
    Receive(Vec<u8>),
    Request(Request),
    Transmit(usize),
    TransmitClosed,
    Waive,
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![0..8_u64, Just(300), Just(u64::MAX)];
    prop_oneof![
        1 => Just(Step::Abandon),
        6 => (1..9_u8).prop_map(Step::Advance),
        2 => (1..50_u64).prop_map(Step::ByPass),
        1 => Just(Step::Close),
        4 => prop_oneof![0..8_usize, 0..10_000_usize].prop_map(Step::Content),
        1 => Just(Step::Fail),
        3 => any::<bool>().prop_map(Step::Finish),
        3 => len.prop_map(Step::Frame),
        3 => (0..400_u64).prop_map(Step::Framed),
        6 => input::stream().prop_map(Step::Receive),
        6 => input::request().prop_map(Step::Request),
        6 => prop_oneof![0..40_usize, Just(usize::MAX)].prop_map(Step::Transmit),
        1 => Just(Step::TransmitClosed),
        2 => Just(Step::Waive),
    ]
}

/// A connection, and what is known of it without asking it.
struct Walk {
    connection: Connection,
    requests: u64,
    sent: u64,
    never: bool,
}

impl Walk {
    fn take(&mut self, step: Step) {
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
            Step::Fail => self.connection.receive_failed(),
            Step::Finish(with_trailers) => {
                let trailers = Fields::parse(if with_trailers { b"X: 1\r\n" } else { b"" }).unwrap();
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
                let next = self.requests;
                let mut sent = false;
                self.command(|connection| {
                    let exchange = connection.send_request(&request)?;
                    sent = true;
                    assert_eq!(exchange.index(), next);
                    Ok(())
                });
                self.requests += u64::from(sent);
            }
            Step::Transmit(most) => {
                let n = self.connection.transmit().len().min(most);
                self.connection.transmitted(n);
                self.sent += n as u64;
            }
            Step::TransmitClosed => self.connection.transmit_closed(),
            Step::Waive => self.command(Connection::waive_continue),
        }
        self.look();
    }

    fn command(&mut self, command: impl FnOnce(&mut Connection) -> Result<(), Misuse>) {
        let before = self.connection.clone();
        if let Err(misuse) = command(&mut self.connection) {
            assert_eq!(self.connection, before, "{misuse:?} has changed the connection");
        }
    }

    /// What holds at every moment.
    fn look(&mut self) {
        let connection = &self.connection;
        assert_eq!(connection.bytes_sent(), self.sent);
        let unanswered: Vec<_> = connection.unanswered().collect();
        assert!(unanswered.is_sorted_by(|one, other| one.exchange < other.exchange));
        assert!(unanswered.iter().all(|one| one.exchange.index() < self.requests));
        assert!(unanswered.iter().map(|one| one.sent).sum::<u64>() <= self.sent);
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
        if let Err(back) = connection.clone().into_switched() {
            assert_eq!(*back, *connection, "a refused switch has changed the connection");
        }
    }
}

/// The most that a peer can make a connection hold: the receive buffer, the values that were rewritten (they are no
/// longer than a head, and their memory grows by doubling), and the index of fields (twenty bytes a line, doubled; a
/// short index may come from a connection that had a longer one).
fn bound(config: &Config) -> usize {
    let room = config.limits.receive_buffer.max(256) as usize;
    let lines = config.limits.fields.max(config.limits.trailer_fields).max(128) as usize;
    3 * room + 2 * 20 * lines
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn any_steps_in_any_order(config in input::settings(), steps in vec(step(), 1..40)) {
        let mut walk = Walk { connection: Connection::new(config), requests: 0, sent: 0, never: false };
        for step in steps {
            walk.take(step);
        }
    }

    // conformance: F17 L12
    #[test]
    fn memory_stays_within_the_limits(
        config in input::settings(),
        request in input::request(),
        beginning in input::stream(),
        endless in input::stream(),
        takes_events in any::<bool>(),
    ) {
        let mut connection = Connection::new(config);
        connection.send_request(&request).unwrap();
        connection.transmitted(connection.transmit().len());
        let own = connection.memory();
        // Whatever the peer goes on with, and for however long.
        let stream = [beginning, endless.repeat(20_000 / endless.len().max(1))].concat();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let space = connection.receive_space();
            let n = space.len().min(rest.len()).min(777);
            space[..n].copy_from_slice(&rest[..n]);
            if n == 0 {
                break;
            }
            connection.received(n);
            rest = &rest[n..];
            while takes_events && connection.advance() == Ok(true) {}
            prop_assert!(connection.memory() <= own + bound(&config), "{} bytes", connection.memory());
        }
    }
}
