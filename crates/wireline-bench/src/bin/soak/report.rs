//! Totals, and what became of each kind of ending.

use std::fmt::{self, Display};
use std::time::Duration;

use wireline::Progress;

use crate::plan::{Ending, Expect, Mode, Plan};
use crate::server::Record;
use crate::told::Told;

/// What a lane, or the whole, has come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    rows: [Row; Ending::ALL.len()],
    modes: [u64; Mode::NAMES.len()],
    pub(crate) connections: u64,
    pub(crate) exchanges: u64,
    delays: u64,
    expects: [u64; 3],
    bytes: [u64; 2],
    unheard: u64,
    full: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    connections: u64,
    /// In the order of [`COLUMNS`].
    outcomes: [u64; 6],
}

const COLUMNS: [&str; 6] = ["delivered", "begun", "sent", "partly sent", "nothing sent", "not begun"];

impl Report {
    pub(crate) fn count(&mut self, plan: &Plan, record: &Record, told: &Told) {
        let row = &mut self.rows[Ending::ALL.iter().position(|ending| *ending == plan.ending).unwrap_or_default()];
        row.connections += 1;
        row.outcomes[0] += told.answered as u64;
        for left in &told.left {
            let column = match left.progress {
                Progress::ResponseBegun => 1,
                Progress::Sent => 2,
                Progress::PartlySent => 3,
                _ => 4,
            };
            row.outcomes[column] += 1;
        }
        row.outcomes[5] += (plan.exchanges.len() - told.accepted) as u64;
        self.modes[plan.mode.index()] += 1;
        self.connections += 1;
        self.exchanges += plan.exchanges.len() as u64;
        for (of, seen) in plan.exchanges.iter().zip(&record.seen) {
            self.bytes[0] += seen.bytes;
            self.bytes[1] += seen.written;
            self.delays += u64::from(of.answer.delay.is_some() && seen.written > 0);
            if let Some(expect) = of.upload.and_then(|upload| upload.expect).filter(|_| seen.written > 0) {
                self.expects[match expect {
                    Expect::Granted => 0,
                    Expect::Ignored => 1,
                    Expect::Refused => 2,
                }] += 1;
            }
        }
        self.full += told.full;
        self.unheard += record.seen[told.answered..].iter().filter(|seen| seen.answered).count() as u64;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.connections += more.connections;
            add(&mut row.outcomes, &more.outcomes);
        }
        add(&mut self.modes, &other.modes);
        add(&mut self.expects, &other.expects);
        add(&mut self.bytes, &other.bytes);
        self.connections += other.connections;
        self.exchanges += other.exchanges;
        self.delays += other.delays;
        self.unheard += other.unheard;
        self.full += other.full;
    }

    /// The lines that say how fast it was.
    pub(crate) fn rate(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let rate = self.exchanges as f64 / seconds;
        format!(
            "{} exchanges on {} connections in {seconds:.1} s: {rate:.0} a second",
            self.exchanges, self.connections
        )
    }
}

fn add<const N: usize>(to: &mut [u64; N], more: &[u64; N]) {
    for (to, more) in to.iter_mut().zip(more) {
        *to += more;
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<18}{:>12}", "end", "connections")?;
        for column in COLUMNS {
            write!(f, "{column:>14}")?;
        }
        for (ending, row) in Ending::ALL.iter().zip(&self.rows) {
            write!(f, "\n{:<18}{:>12}", ending.name(), row.connections)?;
            for count in row.outcomes {
                write!(f, "{count:>14}")?;
            }
        }
        write!(f, "\n\nconnections:")?;
        for (name, count) in Mode::NAMES.iter().zip(self.modes) {
            write!(f, " {name} {count}")?;
        }
        let [granted, ignored, refused] = self.expects;
        let [came, went] = self.bytes.map(|bytes| bytes >> 20);
        write!(f, "\n100 (Continue): sent {granted}, not sent {ignored}, answered instead {refused}; ")?;
        write!(f, "{} delays; {} answers lost in resets; ", self.delays, self.unheard)?;
        write!(f, "receive buffer full {}; ", self.full)?;
        write!(f, "{came} MiB of requests, {went} MiB of answers")
    }
}
