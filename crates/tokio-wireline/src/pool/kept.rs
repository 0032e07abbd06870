//! The connections that are idle, and the count of all. The lock is never held over an await, nor while a connection is
//! closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use wireline::{Origin, Timeouts};

use super::PoolLimits;
use crate::connection::Connection;

/// What is kept for whoever comes next.
#[derive(Debug)]
pub(super) struct Kept {
    limits: PoolLimits,
    origins: Mutex<HashMap<Origin, OfOrigin>>,
    /// How many connections there are, and how many there have been.
    open: Arc<AtomicUsize>,
    made: AtomicU64,
}

#[derive(Debug)]
struct OfOrigin {
    /// A permit for each connection to this origin that may be lent.
    turns: Arc<Semaphore>,
    /// The one that was given back last comes last.
    idle: Vec<Idle>,
}

#[derive(Debug)]
struct Idle {
    loan: Loan,
    since: Instant,
}

/// A connection of the pool.
#[derive(Debug)]
pub(super) struct Loan {
    pub(super) connection: Connection,
    pub(super) is_reused: bool,
    /// As the connector made it.
    timeouts: Timeouts,
    /// Of all connections of the pool, from 0.
    pub(super) number: u64,
    _place: Place,
}

/// Stands for a connection that is open, or about to be.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Kept {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self { limits, origins: Mutex::default(), open: Arc::default(), made: AtomicU64::new(0) }
    }

    /// Where to wait for a connection to `origin`.
    pub(super) fn turns(&self, origin: &Origin) -> Arc<Semaphore> {
        let mut origins = self.lock();
        if let Some(of_origin) = origins.get(origin) {
            return Arc::clone(&of_origin.turns);
        }
        let turns = Arc::new(Semaphore::new(self.limits.per_origin));
        origins.insert(origin.clone(), OfOrigin { turns: Arc::clone(&turns), idle: Vec::new() });
        turns
    }

    /// The one that was given back last: of those that are needed now and then the others grow old.
    pub(super) fn take(&self, origin: &Origin, now: Instant) -> Option<Loan> {
        let Idle { loan, since } = self.lock().get_mut(origin)?.idle.pop()?;
        // It has waited for its turn since the others were closed.
        (now.duration_since(since) <= self.limits.idle).then_some(loan)
    }

    /// Keeps a connection that can carry another request.
    pub(super) fn put(&self, origin: &Origin, mut loan: Loan, since: Instant) {
        let connection = &mut loan.connection;
        connection.set_timeouts(loan.timeouts);
        connection.set_deadline(None);
        connection.set_tap(None);
        connection.set_host(origin.host_field());
        // Without one, there is nothing that could fail.
        let _none = connection.set_canceller(None);
        loan.is_reused = true;
        if let Some(of_origin) = self.lock().get_mut(origin) {
            of_origin.idle.push(Idle { loan, since });
        }
    }

    /// A place for one more connection. Where there is none, the one that has been idle for longest is closed: there is
    /// one, since no more may be lent than there may be.
    pub(super) fn make_room(&self) -> Place {
        let mut closing = Vec::new();
        let mut origins = self.lock();
        while self.open() - closing.len() >= self.limits.in_all {
            let idle = origins.values_mut().filter(|of_origin| !of_origin.idle.is_empty());
            let Some(oldest) = idle.min_by_key(|of_origin| of_origin.idle[0].since) else { break };
            closing.push(oldest.idle.remove(0));
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        drop(origins);
        drop(closing);
        Place(Arc::clone(&self.open))
    }

    /// A connection that has just been made.
    pub(super) fn first_loan(&self, connection: Connection, place: Place) -> Loan {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Loan { timeouts: connection.timeouts(), connection, is_reused: false, number, _place: place }
    }

    /// Closes what has been idle for too long, and forgets the origins that nobody asks for.
    pub(super) fn close_idle(&self, now: Instant) {
        let mut closing = Vec::new();
        self.lock().retain(|_, of_origin| {
            let is_over = |idle: &Idle| now.duration_since(idle.since) > self.limits.idle;
            let over = of_origin.idle.iter().take_while(|idle| is_over(idle)).count();
            closing.extend(of_origin.idle.drain(..over));
            // Whoever waits, or has one, has a part in it.
            !of_origin.idle.is_empty() || Arc::strong_count(&of_origin.turns) > 1
        });
    }

    pub(super) fn clear(&self) {
        let mut closing = Vec::new();
        self.lock().values_mut().for_each(|of_origin| closing.append(&mut of_origin.idle));
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn idle(&self) -> usize {
        self.lock().values().map(|of_origin| of_origin.idle.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, OfOrigin>> {
        // Nothing that is done under it can be left half done.
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
