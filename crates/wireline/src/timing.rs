//! When things happened.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ExchangeId;

/// How long the phases of an exchange took. A phase that has not ended is `None`, and so is one that did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// Looking the name up; only in a connection's first exchange.
    pub resolve: Option<Duration>,
    /// Connecting; only in a connection's first exchange.
    pub connect: Option<Duration>,
    /// Asking a proxy for a way to the origin; only in a connection's first exchange.
    pub tunnel: Option<Duration>,
    /// The TLS handshake, that with a proxy included; only in a connection's first exchange.
    pub tls: Option<Duration>,
    /// From the call to the last byte of the request handed to the transport, a wait for 100 (Continue) included.
    pub send: Option<Duration>,
    /// From then to the head of the final response. Zero when it came before the request had left completely.
    pub wait: Option<Duration>,
    /// From then to the end of the response.
    pub receive: Option<Duration>,
    /// All of it; while the exchange goes on, so far.
    pub total: Duration,
}

/// What making the connection took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) resolve: Took,
    pub(crate) connect: Took,
    pub(crate) tunnel: Took,
    pub(crate) tls: Took,
}

/// How long something took, in nanoseconds and one more; 0 for what did not happen. Half as large as it is with a `Duration`,
/// since every connection keeps some.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took(u64);

impl Took {
    /// It happened, perhaps once more, and took so long.
    pub(crate) fn add(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0 = self.0.max(1).saturating_add(nanos);
    }

    fn duration(self) -> Option<Duration> {
        Some(Duration::from_nanos(self.0.checked_sub(1)?))
    }
}

/// The moments of an exchange; `None` for what has not happened yet. [`Timing`] is the same as spans of time.
///
/// ```
/// # let server = wireline_testkit::Origin::start()?;
/// # let mut connection = wireline::Connection::connect(&server.url(""))?;
/// let requests = [connection.request("GET", "/bytes/9").build()?, connection.request("GET", "/bytes/1").build()?];
/// let mut pipeline = connection.pipeline();
/// for request in &requests {
///     pipeline.queue(request)?;
/// }
/// let first = pipeline.receive()?.exchange();
/// let second = pipeline.receive()?.exchange();
/// let (first, second) = (pipeline.marks(first), pipeline.marks(second).expect("the last one is still known"));
/// assert!(first.is_none() && second.sent < second.turn);
/// println!("{:?} of its waiting was behind another answer", second.behind());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Marks {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// Its request was given to the connection.
    pub started: Instant,
    /// The first bytes of its request had been handed to the transport.
    pub sending: Option<Instant>,
    /// The last byte of its request had been handed to the transport; `None` for ever when its content was given up.
    pub sent: Option<Instant>,
    /// The answers before it had ended: from here on only its own was waited for. `started` when there were none.
    pub turn: Option<Instant>,
    /// The head of its final response had come.
    pub begun: Option<Instant>,
    /// Its response had ended.
    pub ended: Option<Instant>,
    /// How many bytes have left before the request's first, and with its last; unknown while content is to come.
    begin: u64,
    end: Option<u64>,
}

impl Marks {
    /// How much of the waiting was behind earlier answers, when the request had left already: what head-of-line
    /// blocking has cost at most. So far, while the earlier answers go on; `None` before the request has left.
    #[must_use]
    pub fn behind(&self) -> Option<Duration> {
        Some(self.turn.unwrap_or_else(Instant::now).saturating_duration_since(self.sent?))
    }

    fn timing(&self, setup: Setup) -> Timing {
        let first = self.exchange.index() == 0;
        let setup = if first { setup } else { Setup::default() };
        let [resolve, connect, tunnel, tls] =
            [setup.resolve, setup.connect, setup.tunnel, setup.tls].map(Took::duration);
        let before = [resolve, connect, tunnel, tls].into_iter().flatten().sum::<Duration>();
        let sent = self.sent.or(self.begun);
        let between = |from: Option<Instant>, to: Option<Instant>| Some(to?.saturating_duration_since(from?));
        let end = self.ended.unwrap_or_else(Instant::now);
        Timing {
            resolve,
            connect,
            tunnel,
            tls,
            send: between(Some(self.started), sent),
            wait: between(sent, self.begun),
            receive: between(self.begun, self.ended),
            total: before + end.saturating_duration_since(self.started),
        }
    }
}

/// The moments of every exchange in flight, and of the last one that ended.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    pub(crate) setup: Setup,
    /// In order; the first is that of the last exchange that ended, if any has.
    known: VecDeque<Marks>,
    has_ended: bool,
    /// How many, at the front, have left completely, or never will any more.
    sent: usize,
}

impl Clock {
    pub(crate) fn start(&mut self, exchange: ExchangeId, started: Instant, begin: u64, end: Option<u64>) {
        let is_alone = !self.is_running();
        if is_alone && self.known.len() == self.known.capacity() {
            // Mostly one at a time is all that there is.
            self.known.reserve_exact(1);
        }
        self.known.push_back(Marks {
            exchange,
            started,
            sending: None,
            sent: None,
            turn: is_alone.then_some(started),
            begun: None,
            ended: None,
            begin,
            end,
        });
    }

    /// The request sent last is complete when this many bytes have left.
    pub(crate) fn finish(&mut self, end: u64) {
        if let Some(marks) = self.known.back_mut().filter(|marks| marks.ended.is_none()) {
            marks.end = Some(end);
        }
    }

    /// This many bytes have left.
    pub(crate) fn sent(&mut self, bytes: u64, now: Instant) {
        while let Some(marks) = self.known.get_mut(self.sent) {
            let has_left = marks.end.is_some_and(|end| end <= bytes);
            if !has_left && bytes <= marks.begin {
                break;
            }
            marks.sending.get_or_insert(now);
            if !has_left {
                break;
            }
            marks.sent = Some(now);
            self.sent += 1;
        }
    }

    /// Shares bytes out that leave behind `from` others: each exchange's, in order.
    pub(crate) fn share_out(&self, mut from: u64, mut bytes: &[u8], mut give: impl FnMut(&[u8], Option<ExchangeId>)) {
        while !bytes.is_empty() {
            // The last one may have been answered before its content had left.
            let behind = self.known.partition_point(|marks| marks.begin <= from);
            let whose = behind.checked_sub(1).and_then(|at| self.known.get(at));
            let next = self.known.get(behind).map(|marks| marks.begin);
            let len =
                next.map_or(bytes.len(), |next| bytes.len().min(usize::try_from(next - from).unwrap_or(usize::MAX)));
            let (part, rest) = bytes.split_at(len);
            give(part, whose.map(|marks| marks.exchange));
            (from, bytes) = (from + len as u64, rest);
        }
    }

    pub(crate) fn begin(&mut self, now: Instant) {
        if let Some(marks) = self.known.get_mut(usize::from(self.has_ended)) {
            marks.begun = Some(now);
        }
    }

    pub(crate) fn end(&mut self, now: Instant) {
        if !self.is_running() {
            return;
        }
        if self.has_ended {
            self.known.pop_front();
            self.sent -= 1;
        }
        self.has_ended = true;
        self.sent = self.sent.max(1);
        if let Some(marks) = self.known.front_mut() {
            marks.ended = Some(now);
        }
        if let Some(next) = self.known.get_mut(1) {
            next.turn = Some(now.max(next.started));
        }
    }

    /// The moments of an exchange in flight, or of the last one that ended.
    pub(crate) fn marks(&self, exchange: ExchangeId) -> Option<Marks> {
        self.known.iter().find(|marks| marks.exchange == exchange).copied()
    }

    /// Whether any is in flight.
    pub(crate) fn is_running(&self) -> bool {
        self.known.len() > usize::from(self.has_ended)
    }

    /// The exchange whose response comes next.
    pub(crate) fn front(&self) -> Option<&Marks> {
        self.known.get(usize::from(self.has_ended))
    }

    /// The timing of the exchange at the front, or of the last one.
    pub(crate) fn timing(&self) -> Timing {
        let marks = self.front().or_else(|| self.known.front());
        marks.map_or_else(Timing::default, |marks| marks.timing(self.setup))
    }

    /// The timing of the last exchange that ended.
    pub(crate) fn last(&self) -> Timing {
        let marks = self.known.front().filter(|_| self.has_ended);
        marks.map_or_else(Timing::default, |marks| marks.timing(self.setup))
    }
}
