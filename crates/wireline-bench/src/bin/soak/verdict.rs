//! Does what the client was told agree with what the server saw? A pure function of the two and of the plan, so that it
//! can be shown to notice a lie.

use wireline::{CloseReason, ErrorKind, Phase, Progress, Reuse};

use crate::plan::{Ending, Framing, Plan};
use crate::server::{End, Exposed, Record, Saw};
use crate::told::{Failure, Left, Told};
use crate::wire::Wire;

/// Everything that does not agree.
pub(crate) fn troubles(plan: &Plan, record: &Record, told: &Told) -> Vec<String> {
    let mut troubles: Vec<String> = record.troubles.iter().chain(&told.troubles).cloned().collect();
    let mut found = Findings { plan, record, told, troubles: Vec::new() };
    found.outcomes();
    for (exchange, left) in told.left.iter().enumerate() {
        found.left(told.answered + exchange, left);
    }
    for exchange in told.accepted..plan.exchanges.len() {
        found.check(record.seen[exchange].bytes == 0, exchange, "seen, and it was never accepted");
    }
    found.ending();
    found.failure();
    found.bytes();
    found.reuse();
    troubles.append(&mut found.troubles);
    troubles
}

struct Findings<'a> {
    plan: &'a Plan,
    record: &'a Record,
    told: &'a Told,
    troubles: Vec<String>,
}

impl Findings<'_> {
    fn check(&mut self, holds: bool, exchange: usize, otherwise: &str) {
        if !holds {
            let seen = self.record.seen.get(exchange);
            let left = self.told.left.iter().find(|left| left.exchange == exchange);
            self.troubles.push(format!("exchange {exchange}: {otherwise}: {seen:?}, {left:?}"));
        }
    }

    /// One outcome for each exchange: first those that were answered, then those that are left, then those that never
    /// began; and what was answered had been asked and answered.
    fn outcomes(&mut self) {
        let (told, record) = (self.told, self.record);
        self.check(told.answered <= told.accepted, told.answered, "answered, and never accepted");
        self.check(told.accepted <= self.plan.exchanges.len(), told.accepted, "more accepted than there are");
        let left: Vec<usize> = told.left.iter().map(|left| left.exchange).collect();
        let expected: Vec<usize> = (told.answered..told.accepted).collect();
        self.check(left == expected, told.answered, &format!("{left:?} are left of {expected:?}"));
        for (exchange, seen) in record.seen.iter().enumerate().take(told.answered) {
            self.check(seen.answered, exchange, "delivered, and it was not answered completely");
            self.check(seen.request >= Saw::Head, exchange, "delivered, and it was not seen");
        }
        for (exchange, seen) in record.seen.iter().enumerate().skip(told.answered) {
            self.check(!seen.answered || self.may_be_lost(), exchange, "answered completely, and it was not delivered");
        }
    }

    /// Whether something that was written may never come: a reset takes along what the peer's system had no room for.
    fn may_be_lost(&self) -> bool {
        let Exposed { bytes, pieces } = self.record.exposed;
        self.plan.ending.is_reset() && (bytes > ROOM || pieces > PIECES)
    }

    /// The verdict about an exchange that was not answered.
    fn left(&mut self, exchange: usize, left: &Left) {
        let Some(seen) = self.record.seen.get(exchange).copied() else { return };
        let idempotent = self.plan.exchanges[exchange].method.is_idempotent();
        self.check(left.idempotent == idempotent, exchange, "idempotent, or not");
        // What was seen had been sent; and all that was sent was seen, where the server read to the end.
        self.check(seen.bytes <= left.sent, exchange, "more seen than sent");
        let is_known = self.record.end == End::Read;
        self.check(!is_known || seen.bytes == left.sent, exchange, "less seen than sent");
        match left.progress {
            Progress::NothingSent => {
                self.check(left.sent == 0 && seen.request == Saw::Nothing, exchange, "seen, and nothing was sent");
            }
            Progress::PartlySent => {
                self.check(seen.request != Saw::All, exchange, "all of it seen, and part of it sent");
                self.check(left.sent > 0, exchange, "partly sent, and nothing was");
            }
            Progress::Sent => {
                self.check(!is_known || seen.request == Saw::All, exchange, "sent, and not all of it was seen");
            }
            _ => {
                self.check(seen.written > 0, exchange, "a response begun, and no byte of one was written");
                self.check(seen.request >= Saw::Head, exchange, "a response begun, and no request was seen");
            }
        }
        let is_next = exchange == self.told.answered;
        let is_begun = left.progress == Progress::ResponseBegun;
        self.check(is_next || !is_begun, exchange, "a response begun, and others come before it");
        // Nothing of what was written can be lost, and what comes first is read first.
        let is_told = is_next && seen.written > 0 && !self.may_be_lost();
        self.check(!is_told || is_begun, exchange, "bytes of a response were written, and not heard");
        // To send again must not repeat what may have happened, nor be forbidden without a reason.
        self.check(!left.is_safe || idempotent || seen.bytes == 0, exchange, "safe to repeat, and not idempotent");
        let is_forbidden = seen.written > 0 || (!idempotent && (seen.bytes > 0 || !is_known));
        self.check(left.is_safe || is_forbidden, exchange, "not safe to repeat, and nobody knows why");
        self.check(!left.is_safe || !is_begun, exchange, "safe to repeat, and a response had begun");
    }

    /// How many answers have to be there.
    fn ending(&mut self) {
        let (plan, told) = (self.plan, self.told);
        let all = plan.exchanges.len();
        let range = match plan.ending {
            Ending::Orderly => all..=all,
            Ending::HalfClose | Ending::Truncated | Ending::Violation => plan.at..=plan.at,
            // How many, `outcomes` has asked.
            Ending::Reset | Ending::EarlyReset => 0..=plan.at + 1,
            Ending::ResetUntilClose => 0..=plan.at,
            // The stop may cost the connection, and need not.
            Ending::Early => plan.at + 1..=all,
            // What the server had written had come: it is small.
            _ => plan.at + 1..=plan.at + 1,
        };
        let answered = told.answered;
        self.check(range.contains(&answered), answered, &format!("{answered} delivered, {range:?} expected"));
    }

    /// What the client was told of the end.
    fn failure(&mut self) {
        let told = self.told;
        let kinds = [told.failure.map(|failure| failure.kind), told.refused];
        for kind in kinds.into_iter().flatten() {
            let fits = self.fits(kind);
            self.check(fits, told.answered, &format!("an end that was not planned: {kind}"));
        }
        let Some(failure) = told.failure else {
            let is_over = told.answered == told.accepted;
            return self.check(is_over, told.answered, "left, without an error");
        };
        if matches!(failure.kind, ErrorKind::Lost | ErrorKind::Protocol) {
            self.broken(failure);
        }
    }

    /// Whether such an error, or refusal, may come of the ending.
    fn fits(&self, kind: ErrorKind) -> bool {
        use CloseReason as Why;
        let says_close = self.plan.exchanges[self.plan.at].answer.close;
        let ending = self.plan.ending;
        match kind {
            ErrorKind::Lost => {
                ending.is_reset() || matches!(ending, Ending::SilentClose | Ending::HalfClose | Ending::Truncated)
            }
            ErrorKind::Protocol | ErrorKind::Closed(Why::Error) => ending == Ending::Violation,
            ErrorKind::Closed(Why::PeerSentClose) => says_close,
            ErrorKind::Closed(Why::Http10) => ending == Ending::Http10,
            ErrorKind::Closed(Why::UntilClose) => matches!(ending, Ending::UntilClose | Ending::ResetUntilClose),
            ErrorKind::Closed(Why::Unsolicited) => ending == Ending::Surplus,
            ErrorKind::Closed(Why::ContentAbandoned) => {
                // A reset may come behind the head of an answer that comes early.
                matches!(ending, Ending::Early | Ending::EarlyReset | Ending::Refused | Ending::Reset)
            }
            // The end may be there before the answers in front of it have been taken.
            ErrorKind::Closed(Why::PeerClosed) => {
                says_close || !matches!(ending, Ending::Orderly | Ending::Surplus | Ending::Early | Ending::Refused)
            }
            ErrorKind::Closed(Why::StreamBroken | Why::TransmitClosed) => ending.is_reset(),
            _ => false,
        }
    }

    /// An error in an exchange names it, and where it was.
    fn broken(&mut self, failure: Failure) {
        let (plan, next) = (self.plan, self.told.answered);
        self.check(failure.exchange == Some(next), next, &format!("the error is about another: {failure:?}"));
        if plan.ending == Ending::Violation {
            let fits = failure.violation == plan.violation();
            self.check(fits, next, &format!("{:?}, and it was {:?}", failure.violation, plan.violation()));
        }
        if plan.ending == Ending::Truncated && plan.is_at(next) {
            let wire = Wire::new(plan, next);
            let fits = match (failure.phase, wire.bytes.len()) {
                (Some(Phase::BeforeResponse), len) => len <= wire.head.start,
                (Some(Phase::Head), len) => len < wire.head.end,
                (Some(Phase::Content), len) => len >= wire.head.end,
                (Some(Phase::ChunkLine | Phase::Trailers), len) => {
                    len >= wire.head.end && plan.exchanges[next].answer.framing == Framing::Chunked
                }
                _ => false,
            };
            self.check(fits, next, &format!("cut at {} of {:?}: {:?}", wire.bytes.len(), wire.head, failure.phase));
        }
    }

    /// What was sent was seen, and what waited for 100 (Continue) in vain was not.
    fn bytes(&mut self) {
        let (told, record) = (self.told, self.record);
        let seen: u64 = record.seen.iter().map(|seen| seen.bytes).sum();
        let fits = if record.end == End::Read { seen == told.bytes_sent } else { seen <= told.bytes_sent };
        self.check(fits, told.answered, &format!("{} bytes sent, {seen} seen, {:?}", told.bytes_sent, record.end));
        if let (Some(sent), Some(last)) = (told.content_sent, told.accepted.checked_sub(1)) {
            let seen = record.seen[last].content;
            let fits = if record.end == End::Read { seen == sent } else { seen <= sent };
            self.check(fits, last, &format!("{sent} bytes of content sent, {seen} seen"));
        }
        let refused = self.plan.ending == Ending::Refused;
        let sent = record.seen[self.plan.at].content;
        self.check(!refused || sent == 0, self.plan.at, "content sent, and it was not asked for");
    }

    fn reuse(&mut self) {
        let (plan, told) = (self.plan, self.told);
        let is_whole = told.answered == plan.exchanges.len() && told.refused.is_none() && told.failure.is_none();
        match (plan.ending, told.reuse) {
            (Ending::Orderly, reuse) => {
                self.check(reuse == Reuse::Now, told.answered, &format!("all is well, and reuse is {reuse}"));
            }
            // What closes without a word may not have been noticed, and what is early may cost nothing.
            (Ending::SilentClose | Ending::Reset | Ending::Early | Ending::EarlyReset, Reuse::Now) => {
                let closes = plan.exchanges[plan.at].answer.close && told.answered > plan.at;
                self.check(is_whole && !closes, told.answered, "reuse now, and the connection is over");
            }
            (_, reuse) => self.check(reuse != Reuse::Now, told.answered, "reuse now, and the connection is over"),
        }
    }
}

/// A system has room for so much that has come and not been read, however it counts; and so many pieces are on their way
/// before the first has to be acknowledged (RFC 6928: ten).
const ROOM: u64 = 16 << 10;
const PIECES: u64 = 8;

#[cfg(test)]
mod tests;
