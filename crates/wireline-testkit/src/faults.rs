//! A fault at every call: an exchange with a peer in memory, whose n-th call goes wrong, for each n and each [`Fault`].
//!
//! A [`Scenario`] is the exchange and a [`Peer`] its other end. How they are brought together is for whoever is tested: it
//! runs a scenario and says what came of it, and [`at_every_call`] holds that against what the peer has seen.

mod peer;
mod scenario;

use std::fmt::{self, Display};

use wireline_proto::{Progress, Reuse};

pub use peer::{Fault, Peer};
pub use scenario::{By, Scenario, scenarios};

/// What came of a run, as its driver knows it.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "whoever runs a scenario has all of it to say")]
pub struct Outcome {
    /// What it ended with.
    pub failure: Option<Failure>,
    /// The content that was delivered.
    pub content: Vec<u8>,
    /// How often a call was made again that would have had to wait, or whose time was up.
    pub repeated: usize,
    /// A call was dropped in its middle that cannot be made again: the request may have ended with it.
    pub gave_up: bool,
    /// How much is known to have left.
    pub bytes_sent: u64,
    /// What is said of the exchange, when it has no complete answer.
    pub progress: Option<Progress>,
    /// What is said of the connection.
    pub reuse: Reuse,
}

/// An error that ended a run.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "whoever runs a scenario has all of it to say")]
pub struct Failure {
    /// In words.
    pub text: String,
    /// It says that the connection ended, or that nothing more can be sent on it.
    pub is_end: bool,
    /// How much it says was received.
    pub bytes_received: u64,
}

/// What all runs came to.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// How many scenarios there were.
    pub scenarios: usize,
    /// How many runs.
    pub runs: usize,
    /// How many of them ended with an error.
    pub failed: usize,
}

/// Nothing is made again so often that comes to an end.
pub const ENDLESS: usize = 2_000;

/// Behind the last call of a run without faults others may be made, to close it.
const BEHIND: usize = 3;

/// Runs each of these [`scenarios()`] without a fault, and then with each of these faults at each call.
///
/// Whatever fails, what came before has to be delivered; what only had to wait has to go on to the same end as without a
/// fault; and what is said of the exchange has to agree with what the peer has seen.
///
/// # Panics
/// When something does not agree: with the scenario, the fault and the call.
pub fn at_every_call(
    scenarios: impl IntoIterator<Item = Scenario>,
    faults: &[Fault],
    mut run: impl FnMut(&Scenario, &Peer) -> Outcome,
) -> Tally {
    let mut tally = Tally::default();
    for scenario in scenarios {
        tally.scenarios += 1;
        let peer = scenario.peer(None);
        let smooth = run(&scenario, &peer);
        let name = Named(&scenario, None);
        assert!(smooth.failure.is_none(), "{name}: {:?}", smooth.failure);
        assert_eq!(peer.delivered(), smooth.content, "{name}");
        // An answer that is early ends the request where it is.
        assert!(scenario.is_answered_early() || scenario.is_whole(&peer.seen()), "{name}");
        for call in 1..=peer.calls() + BEHIND {
            for fault in faults {
                let peer = scenario.peer(Some((call, *fault)));
                let outcome = run(&scenario, &peer);
                check(&Named(&scenario, Some((call, *fault))), &smooth.content, &peer, &outcome);
                tally.runs += 1;
                tally.failed += usize::from(outcome.failure.is_some());
            }
        }
    }
    tally
}

/// `smooth` is the content that comes without a fault.
fn check(name: &Named<'_>, smooth: &[u8], peer: &Peer, outcome: &Outcome) {
    let (Named(scenario, fault), seen) = (name, peer.seen());
    let Outcome { failure, content, repeated, gave_up, progress, reuse, .. } = outcome;
    assert!(*repeated < ENDLESS, "{name}: it waits for ever");
    assert_eq!(outcome.bytes_sent, seen.len() as u64, "{name}: it counts what it has sent");
    let Some(failure) = failure else {
        // Where only the end of the stream ends the content, an early one cannot be told from the right one.
        let is_all = if scenario.ends_with_the_stream() { &*peer.delivered() == content } else { content == smooth };
        assert!(is_all, "{name}: part of the content for all of it");
        assert_eq!(progress, &None, "{name}");
        return;
    };
    assert!(*gave_up || fault.is_some_and(|(_, fault)| fault.is_final()), "{name}: {}", failure.text);
    assert!(failure.is_end, "{name}: {}", failure.text);
    assert!(matches!(reuse, Reuse::Never(_)), "{name}: {reuse}");
    assert!(peer.delivered().starts_with(content), "{name}: content that was never sent");
    assert!(*gave_up || peer.delivered() == *content, "{name}: {} bytes of content are lost", peer.delivered().len());
    let agrees = match progress {
        None => true,
        Some(Progress::NothingSent) => seen.is_empty(),
        Some(Progress::PartlySent) => !seen.is_empty() && !scenario.is_whole(&seen),
        Some(Progress::Sent) => scenario.is_whole(&seen),
        Some(_) => failure.bytes_received > 0,
    };
    assert!(agrees, "{name}: {progress:?}, and the peer has {} bytes: {}", seen.len(), failure.text);
}

struct Named<'s>(&'s Scenario, Option<(usize, Fault)>);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scenario, fault) = self;
        match fault {
            Some((call, fault)) => write!(f, "{scenario}; {fault:?} at call {call}"),
            None => write!(f, "{scenario}; no fault"),
        }
    }
}

#[cfg(test)]
mod tests;
