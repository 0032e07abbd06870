//! A checker that cannot fail is worth nothing: each lie is noticed, and the truth is not.

use super::*;
use crate::plan::Method;
use crate::server::Seen;

const ANSWERED: Seen = Seen { request: Saw::All, bytes: 50, content: 0, written: 90, answered: true };
const SEEN: Seen = Seen { request: Saw::All, bytes: 50, content: 0, written: 0, answered: false };

/// The first plan with this ending in which two exchanges are behind it, all of them `GET`.
fn plan(ending: Ending) -> Plan {
    let fits = |plan: &Plan| plan.ending == ending && plan.exchanges.len() >= plan.at + 3;
    let mut plan = (0..).map(|connection| Plan::new(1, connection)).find(fits).unwrap();
    for exchange in &mut plan.exchanges {
        (exchange.method, exchange.upload) = (Method::Get, None);
    }
    plan
}

/// What an honest server and an honest client have to say of a plan that ends with `failure`, with `answered` answers
/// and `begun` bytes of the next one; of two exchanges that are left, and of others that never began.
fn truth(plan: &Plan, answered: usize, begun: u64, failure: Failure) -> (Record, Told) {
    let mut seen = vec![Seen::default(); plan.exchanges.len()];
    seen[..answered].fill(ANSWERED);
    seen[answered..answered + 2].fill(SEEN);
    seen[answered].written = begun;
    let mut told = Told::new();
    (told.answered, told.accepted) = (answered, answered + 2);
    let next = if begun > 0 { Progress::ResponseBegun } else { Progress::Sent };
    told.left = [next, Progress::Sent]
        .into_iter()
        .zip(answered..)
        .map(|(progress, exchange)| {
            let is_safe = progress == Progress::Sent;
            Left { exchange, progress, sent: 50, idempotent: true, is_safe }
        })
        .collect();
    told.failure = Some(failure);
    told.reuse = Reuse::Never(CloseReason::PeerClosed);
    told.bytes_sent = seen.iter().map(|seen| seen.bytes).sum();
    let record = Record { seen, end: End::Read, exposed: Exposed::default(), troubles: Vec::new() };
    (record, told)
}

fn failure(kind: ErrorKind, exchange: usize) -> Failure {
    Failure { kind, exchange: Some(exchange), violation: None, phase: None }
}

/// An announced close behind exchange `plan.at`.
fn closed() -> (Plan, Record, Told) {
    let plan = plan(Ending::Close);
    let next = plan.at + 1;
    let (record, told) = truth(&plan, next, 0, failure(ErrorKind::Closed(CloseReason::PeerSentClose), next));
    (plan, record, told)
}

/// An answer that is cut off in its head.
fn cut() -> (Plan, Record, Told) {
    let mut plan = plan(Ending::Truncated);
    plan.part = 0;
    plan.exchanges[plan.at].answer.interims = 0;
    let (mut record, mut told) = truth(&plan, plan.at, 0, failure(ErrorKind::Lost, plan.at));
    record.seen[plan.at].written = 1;
    plan.part = 1000 / Wire::new(&plan, plan.at).head.end;
    let failure = told.failure.as_mut().unwrap();
    failure.phase = Some(Phase::Head);
    told.left[0].progress = Progress::ResponseBegun;
    told.left[0].is_safe = false;
    (plan, record, told)
}

#[track_caller]
fn noticed(of: fn() -> (Plan, Record, Told), lie: impl FnOnce(&mut Record, &mut Told, usize), as_what: &str) {
    let (plan, mut record, mut told) = of();
    assert_eq!(troubles(&plan, &record, &told), [""; 0], "the truth is no lie");
    lie(&mut record, &mut told, plan.at);
    let found = troubles(&plan, &record, &told);
    assert!(found.iter().any(|trouble| trouble.contains(as_what)), "{as_what}: {found:?}");
}

#[test]
fn an_answer_that_was_not_given_is_noticed() {
    noticed(closed, |record, _, at| record.seen[at].answered = false, "it was not answered completely");
    noticed(closed, |record, _, at| record.seen[at].request = Saw::PartOfHead, "delivered, and it was not seen");
    noticed(cut, |_, told, _| told.answered += 1, "it was not answered completely");
}

#[test]
fn an_exchange_that_is_lost_or_listed_twice_is_noticed() {
    noticed(closed, |_, told, _| told.left.truncate(1), "are left of");
    noticed(closed, |_, told, _| told.left.push(told.left[0]), "are left of");
    noticed(closed, |_, told, _| told.left.swap(0, 1), "are left of");
    noticed(closed, |_, told, _| told.answered -= 1, "answered completely, and it was not delivered");
    noticed(closed, |_, told, _| told.failure = None, "left, without an error");
}

#[test]
fn a_request_that_was_not_sent_and_was_seen_is_noticed() {
    let nothing_sent = |left: &mut Left| (left.progress, left.sent) = (Progress::NothingSent, 0);
    noticed(closed, |_, told, _| nothing_sent(&mut told.left[1]), "seen, and nothing was sent");
    noticed(closed, |_, told, _| nothing_sent(&mut told.left[1]), "more seen than sent");
    let never = |_: &mut Record, told: &mut Told, _: usize| {
        told.left.pop();
        told.accepted -= 1;
    };
    noticed(closed, never, "it was never accepted");
}

#[test]
fn a_wrong_account_of_what_was_sent_is_noticed() {
    noticed(closed, |_, told, _| told.left[0].sent += 1, "less seen than sent");
    noticed(closed, |_, told, _| told.left[0].progress = Progress::PartlySent, "part of it sent");
    noticed(closed, |record, _, at| record.seen[at + 1].request = Saw::Head, "not all of it was seen");
    noticed(closed, |_, told, _| told.bytes_sent += 1, "bytes sent");
    noticed(closed, |_, told, _| told.content_sent = Some(1), "bytes of content sent");
}

#[test]
fn a_wrong_word_about_the_response_is_noticed() {
    noticed(closed, |_, told, _| told.left[0].progress = Progress::ResponseBegun, "no byte of one was written");
    noticed(cut, |_, told, _| told.left[0].progress = Progress::Sent, "and not heard");
    noticed(cut, |_, told, _| told.left[1].progress = Progress::ResponseBegun, "others come before it");
}

#[test]
fn a_wrong_word_about_sending_again_is_noticed() {
    noticed(closed, |_, told, _| told.left[0].idempotent = false, "idempotent, or not");
    noticed(closed, |_, told, _| told.left[0].is_safe = false, "nobody knows why");
    noticed(cut, |_, told, _| told.left[0].is_safe = true, "a response had begun");
    let (mut plan, record, mut told) = closed();
    plan.exchanges[plan.at + 1].method = Method::Post;
    told.left[0].idempotent = false;
    let found = troubles(&plan, &record, &told);
    assert!(found.len() == 1 && found[0].contains("safe to repeat, and not idempotent"), "{found:?}");
}

#[test]
fn a_connection_that_is_over_and_offered_is_noticed() {
    noticed(closed, |_, told, _| told.reuse = Reuse::Now, "reuse now");
    noticed(cut, |_, told, _| told.reuse = Reuse::Now, "reuse now");
}

#[test]
fn another_error_than_was_planned_is_noticed() {
    noticed(cut, |_, told, _| told.failure.as_mut().unwrap().kind = ErrorKind::Protocol, "not planned");
    noticed(cut, |_, told, at| told.failure.as_mut().unwrap().exchange = Some(at + 1), "about another");
    noticed(cut, |_, told, _| told.failure.as_mut().unwrap().phase = Some(Phase::Content), "cut at");
    noticed(closed, |_, told, _| told.refused = Some(ErrorKind::Lost), "not planned");
    let plan = plan(Ending::Violation);
    let mut wrong = failure(ErrorKind::Protocol, plan.at);
    wrong.violation = plan.violation();
    let (record, mut told) = truth(&plan, plan.at, 20, wrong);
    assert_eq!(troubles(&plan, &record, &told), [""; 0]);
    told.failure.as_mut().unwrap().violation = None;
    assert_eq!(troubles(&plan, &record, &told).len(), 1);
}

#[test]
fn only_a_reset_may_take_answers_along_and_only_what_had_no_room() {
    let plan = plan(Ending::Reset);
    let (mut record, mut told) = truth(&plan, 0, 0, failure(ErrorKind::Lost, 0));
    (told.accepted, record.seen[1], record.end) = (2, ANSWERED, End::Reset);
    assert!(troubles(&plan, &record, &told)[0].contains("answered completely, and it was not delivered"));
    record.exposed = Exposed { bytes: ROOM + 1, pieces: 1 };
    assert_eq!(troubles(&plan, &record, &told), [""; 0]);
}

#[test]
fn what_either_side_found_is_handed_on() {
    noticed(closed, |record, _, _| record.troubles.push("server".to_owned()), "server");
    noticed(closed, |_, told, _| told.troubles.push("client".to_owned()), "client");
}
