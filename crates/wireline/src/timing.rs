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
    pub(crate) resolve: Option<Duration>,
    pub(crate) connect: Option<Duration>,
    pub(crate) tunnel: Option<Duration>,
    pub(crate) tls: Option<Duration>,
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
        let before = [setup.resolve, setup.connect, setup.tunnel, setup.tls].into_iter().flatten().sum::<Duration>();
        let sent = self.sent.or(self.begun);
        let between = |from: Option<Instant>, to: Option<Instant>| Some(to?.saturating_duration_since(from?));
        let end = self.ended.unwrap_or_else(Instant::now);
        Timing {
            resolve: setup.resolve,
            connect: setup.connect,
            tunnel: setup.tunnel,
            tls: setup.tls,
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
    flying: VecDeque<Marks>,
    last: Option<Marks>,
    /// How many at the front of `flying` have left completely.
    sent: usize,
}

impl Clock {
    pub(crate) fn start(&mut self, exchange: ExchangeId, started: Instant, begin: u64, end: Option<u64>) {
        let turn = self.flying.is_empty().then_some(started);
        if self.flying.capacity() == 0 {
            // Mostly one at a time is all that there is.
            self.flying.reserve_exact(1);
        }
        self.flying.push_back(Marks {
            exchange,
            started,
            sending: None,
            sent: None,
            turn,
            begun: None,
            ended: None,
            begin,
            end,
        });
    }

    /// The request sent last is complete when this many bytes have left.
    pub(crate) fn finish(&mut self, end: u64) {
        if let Some(marks) = self.flying.back_mut() {
            marks.end = Some(end);
        }
    }

    /// This many bytes have left.
    pub(crate) fn sent(&mut self, bytes: u64, now: Instant) {
        while let Some(marks) = self.flying.get_mut(self.sent).filter(|marks| marks.end.is_some_and(|end| end <= bytes))
        {
            marks.sending.get_or_insert(now);
            marks.sent = Some(now);
            self.sent += 1;
        }
        if let Some(marks) = self.flying.get_mut(self.sent).filter(|marks| marks.begin < bytes) {
            marks.sending.get_or_insert(now);
        }
    }

    /// Shares bytes out that leave behind `from` others: each exchange's, in order.
    pub(crate) fn share_out(&self, mut from: u64, mut bytes: &[u8], mut give: impl FnMut(&[u8], Option<ExchangeId>)) {
        while !bytes.is_empty() {
            // The last one may have been answered before its content had left.
            let behind = self.flying.partition_point(|marks| marks.begin <= from);
            let whose = behind.checked_sub(1).map_or(self.last.as_ref(), |at| self.flying.get(at));
            let next = self.flying.get(behind).map(|marks| marks.begin);
            let len =
                next.map_or(bytes.len(), |next| bytes.len().min(usize::try_from(next - from).unwrap_or(usize::MAX)));
            let (part, rest) = bytes.split_at(len);
            give(part, whose.map(|marks| marks.exchange));
            (from, bytes) = (from + len as u64, rest);
        }
    }

    pub(crate) fn begin(&mut self, now: Instant) {
        if let Some(marks) = self.flying.front_mut() {
            marks.begun = Some(now);
        }
    }

    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(mut marks) = self.flying.pop_front() {
            marks.ended = Some(now);
            self.sent = self.sent.saturating_sub(1);
            self.last = Some(marks);
            if let Some(next) = self.flying.front_mut() {
                next.turn = Some(now.max(next.started));
            }
        }
    }

    /// The moments of an exchange in flight, or of the last one that ended.
    pub(crate) fn marks(&self, exchange: ExchangeId) -> Option<Marks> {
        let mut known = self.flying.iter().chain(self.last.as_ref());
        known.find(|marks| marks.exchange == exchange).copied()
    }

    /// The exchange whose response comes next.
    pub(crate) fn front(&self) -> Option<&Marks> {
        self.flying.front()
    }

    /// The timing of the exchange at the front, or of the last one.
    pub(crate) fn timing(&self) -> Timing {
        self.flying.front().or(self.last.as_ref()).map_or_else(Timing::default, |marks| marks.timing(self.setup))
    }

    /// The timing of the last exchange that ended.
    pub(crate) fn last(&self) -> Timing {
        self.last.as_ref().map_or_else(Timing::default, |marks| marks.timing(self.setup))
    }
}
