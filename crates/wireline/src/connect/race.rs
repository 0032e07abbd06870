//! In which order several addresses are tried, and when (RFC 8305). It decides, and moves nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an attempt has for itself before the next begins beside it (RFC 8305 section 8).
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The schedule of the attempts to connect to one host. The first that succeeds wins; the others are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    waiting: VecDeque<SocketAddr>,
    /// When the next attempt may begin; `None` for at once.
    not_before: Option<Instant>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Begin an attempt to connect to this address.
    Start(SocketAddr),
    /// Ask again at this time, if none has succeeded.
    Wait(Instant),
    /// All attempts have begun.
    Nothing,
}

impl Race {
    /// The families take turns, beginning with that of the first address; within one the order stays (RFC 8305 section
    /// 4: the resolver has sorted them, RFC 6724).
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        let leads_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
        let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
            addresses.iter().partition(|address| address.is_ipv6() == leads_v6);
        let mut waiting = VecDeque::with_capacity(addresses.len());
        while let Some(address) = first.pop_front() {
            waiting.push_back(address);
            if !second.is_empty() {
                std::mem::swap(&mut first, &mut second);
            }
        }
        Self { waiting, not_before: None }
    }

    /// What to do now.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        let next = self.peek(now);
        if let Next::Start(_) = next {
            self.waiting.pop_front();
            self.not_before = Some(now + ATTEMPT_DELAY);
        }
        next
    }

    /// The same, and nothing has begun.
    pub(crate) fn peek(&self, now: Instant) -> Next {
        match (self.waiting.front(), self.not_before.filter(|&time| now < time)) {
            (None, _) => Next::Nothing,
            (Some(_), Some(time)) => Next::Wait(time),
            (Some(&address), None) => Next::Start(address),
        }
    }

    /// Whether attempts have not begun yet.
    pub(crate) fn has_more(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// An attempt failed: there is no reason to let the next one wait.
    pub(crate) fn failed(&mut self) {
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split_whitespace().map(|address| address.parse().expect("an address")).collect()
    }

    fn order(text: &str) -> Vec<SocketAddr> {
        let mut race = Race::new(&addresses(text));
        let now = Instant::now();
        let mut order = Vec::new();
        while let Next::Start(address) = race.next(now) {
            order.push(address);
            race.failed();
        }
        order
    }

    #[test]
    fn families_take_turns() {
        assert_eq!(order("[::1]:1 [::2]:1 1.1.1.1:1 [::3]:1"), addresses("[::1]:1 1.1.1.1:1 [::2]:1 [::3]:1"));
        assert_eq!(order("1.1.1.1:1 1.1.1.2:1 [::1]:1"), addresses("1.1.1.1:1 [::1]:1 1.1.1.2:1"));
        assert_eq!(order("1.1.1.1:1 1.1.1.2:1 1.1.1.3:1"), addresses("1.1.1.1:1 1.1.1.2:1 1.1.1.3:1"));
        assert_eq!(order(""), []);
    }

    #[test]
    fn an_attempt_has_its_time_for_itself_unless_it_fails() {
        let [first, second, third] = addresses("[::1]:1 1.1.1.1:1 [::2]:1")[..] else { unreachable!() };
        let mut race = Race::new(&[first, second, third]);
        let start = Instant::now();
        assert_eq!(race.next(start), Next::Start(first));
        assert_eq!(race.next(start), Next::Wait(start + ATTEMPT_DELAY));
        assert_eq!(race.next(start + ATTEMPT_DELAY), Next::Start(second));
        race.failed();
        assert_eq!(race.next(start + ATTEMPT_DELAY), Next::Start(third));
        assert_eq!(race.next(start + ATTEMPT_DELAY), Next::Nothing);
    }
}
