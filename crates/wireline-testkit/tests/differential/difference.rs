//! Where wireline and another reader differ, and what explains it.

use wireline_proto::{Config, Error, ErrorKind, Phase, Violation};

use super::input::Input;
use super::rules::RULES;
use super::verdict::{After, Verdict};
use super::wireline::{self, Scope};

/// The other readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    H11,
    Httparse,
    Hyper,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::H11, Self::Httparse, Self::Hyper];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::H11 => "h11",
            Self::Httparse => "httparse",
            Self::Hyper => "hyper",
        }
    }

    pub(crate) fn scope(self) -> Scope {
        if self == Self::Httparse { Scope::Head } else { Scope::Message }
    }
}

/// A class of differences.
pub(crate) struct Rule {
    /// That of its section in `docs/differences.md`.
    pub(crate) name: &'static str,
    pub(crate) peers: &'static [Peer],
    /// Whether the class explains this difference, or a part of it: then it takes that part away.
    pub(crate) explain: fn(&mut Difference<'_>) -> bool,
}

/// Two verdicts about one input. Rules take away what they explain, until nothing is left.
pub(crate) struct Difference<'a> {
    pub(crate) peer: Peer,
    pub(crate) input: &'a Input,
    pub(crate) config: Config,
    pub(crate) ours: Verdict,
    pub(crate) error: Option<Error>,
    pub(crate) theirs: Verdict,
}

impl<'a> Difference<'a> {
    pub(crate) fn new(peer: Peer, input: &'a Input, theirs: Verdict) -> Self {
        let config = Config::default();
        let ours = wireline::read(input, peer.scope(), config);
        Self { peer, input, config, ours: ours.verdict, error: ours.error, theirs }
    }

    /// The places in [`RULES`] of those that explain all of it; `None` when something is left.
    pub(crate) fn explain(&mut self) -> Option<Vec<usize>> {
        let mut explained = Vec::new();
        while !self.is_none() {
            let (ours, config) = (self.ours.clone(), self.config);
            let explains = |rule: &Rule| rule.peers.contains(&self.peer) && (rule.explain)(self);
            let place = RULES.iter().position(explains)?;
            assert!(self.ours != ours || self.config != config, "{} explains nothing", RULES[place].name);
            explained.push(place);
            assert!(explained.len() < 2 * RULES.len(), "{}: rules undo each other", self.input);
        }
        Some(explained)
    }

    /// Not every reader tells reason phrases.
    fn is_none(&self) -> bool {
        let mut ours = self.ours.clone();
        if let (Some(ours), Some(theirs)) = (ours.head_mut(), self.theirs.head()) {
            ours.reason = ours.reason.take().filter(|_| theirs.reason.is_some());
        }
        ours == self.theirs
    }

    // For rules

    /// wireline judges otherwise when it is told to.
    pub(crate) fn reads_with(&mut self, change: impl FnOnce(&mut Config)) -> bool {
        let mut config = self.config;
        change(&mut config);
        let ours = wireline::read(self.input, self.peer.scope(), config);
        let changes = config != self.config && (&ours.verdict, &ours.error) != (&self.ours, &self.error);
        if changes {
            (self.config, self.ours, self.error) = (config, ours.verdict, ours.error);
        }
        changes
    }

    /// It is explained by what is seen in it: nothing else is to be looked for.
    pub(crate) fn is_explained_by(&mut self, seen: bool) -> bool {
        if seen {
            self.ours = self.theirs.clone();
        }
        seen
    }

    /// wireline closes the connection, and they do not: nothing else is explained by it.
    pub(crate) fn is_kept_open(&mut self) -> bool {
        let (Some(ours), Some(theirs)) = (self.ours.message_mut(), self.theirs.message()) else { return false };
        let seen = (ours.after, theirs.after) == (Some(After::Closes), Some(After::Persists));
        if seen {
            ours.after = theirs.after;
        }
        seen
    }

    /// wireline refuses for this reason.
    pub(crate) fn has(&self, violation: Violation) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Violation(violation))
    }

    /// wireline refuses because it is too much.
    pub(crate) fn is_limit(&self) -> bool {
        self.error.as_ref().is_some_and(|error| matches!(error.kind(), ErrorKind::Limit(_)))
    }

    /// Where in a response wireline refuses.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.error.as_ref().map(Error::phase)
    }

    /// The bytes from the one on at which wireline refuses.
    pub(crate) fn behind_fault(&self) -> &[u8] {
        let at = self.error.as_ref().map_or(usize::MAX, |error| usize::try_from(error.offset()).unwrap());
        self.input.stream.get(at..).unwrap_or_default()
    }

    pub(crate) fn fault_byte(&self) -> Option<u8> {
        self.behind_fault().first().copied()
    }

    /// What wireline would say if more had come, and it were told otherwise.
    pub(crate) fn reading_of_more(&self, more: &[u8], change: impl FnOnce(&mut Config)) -> Verdict {
        let mut config = self.config;
        change(&mut config);
        let stream = [&self.input.stream[..], more].concat();
        wireline::read(&Input { stream, ..*self.input }, self.peer.scope(), config).verdict
    }
}
