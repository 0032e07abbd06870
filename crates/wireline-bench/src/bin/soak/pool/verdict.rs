//! What the client was told, held against what the server saw.

use super::client::{ATTEMPTS, Account};
use super::plan::{Method, asked};
use super::server::{OfRequest, Record};

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) answered: u64,
    pub(super) reported: u64,
    /// How often a request was sent again.
    pub(super) repeated: u64,
    /// How often one was seen again.
    pub(super) twice: u64,
}

/// Adds whatever does not agree.
pub(super) fn troubles(seed: u64, accounts: &[Account], record: &Record, troubles: &mut Vec<String>) -> Counts {
    let mut counts = Counts::default();
    if record.strange > 0 {
        troubles.push(format!("{} times something came that nobody was to send", record.strange));
    }
    for (number, (account, seen)) in accounts.iter().zip(&record.requests).enumerate() {
        counts.answered += u64::from(account.is_answered);
        counts.reported += u64::from(account.is_reported);
        counts.repeated += account.failures().saturating_sub(u64::from(account.is_reported));
        counts.twice += seen.heads.saturating_sub(1);
        for what in of_request(asked(seed, number).method, account, seen) {
            troubles.push(format!("request {number}: {what}: {account:?}, {seen:?}"));
        }
    }
    if record.requests[accounts.len()..].iter().any(|seen| *seen != OfRequest::default()) {
        troubles.push("a request was seen that nobody sent".to_owned());
    }
    counts
}

fn of_request(method: Method, account: &Account, seen: &OfRequest) -> Vec<&'static str> {
    let answered = u64::from(account.is_answered);
    let (all_sent, some_sent) = (account.sent + account.begun, account.partly_sent);
    let is_idempotent = method != Method::Post;
    let rules = [
        (account.is_answered == account.is_reported, "neither answered nor reported, or both"),
        (account.is_answered && seen.answered == 0, "answered, and the server did not answer"),
        (seen.heads > answered + all_sent + some_sent, "seen more often than sent"),
        (seen.whole > answered + all_sent, "all of it seen more often than all of it was sent"),
        (account.begun > seen.begun, "a response begun that the server did not begin"),
        (!is_idempotent && seen.heads > 1, "seen twice, and that was not safe"),
        (!is_idempotent && all_sent + some_sent > 0 && account.is_answered, "sent again, and that was not safe"),
        (account.unsafe_ones > u64::from(account.is_reported), "sent again, and the verdict was that it is not safe"),
        (account.begun > account.unsafe_ones, "safe to repeat, and a response had begun"),
        (
            account.is_reported && account.unsafe_ones == 0 && account.failures() < ATTEMPTS,
            "reported, and it was safe to send it again",
        ),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, what)| what).collect()
}
