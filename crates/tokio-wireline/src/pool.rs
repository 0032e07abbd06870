//! Connections that are kept and lent.

mod kept;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wireline::{Error, Origin, Reuse};

use crate::connect::Connector;
use crate::connection::Connection;
use kept::{Kept, Loan};

/// How much a [`Pool`] keeps, and for how long.
///
/// ```
/// let mut limits = tokio_wireline::PoolLimits::default();
/// limits.per_origin = 2;
/// limits.depth = 8;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolLimits {
    /// Connections to one origin at a time, at least 1. Six, as browsers have it: RFC 9112 section 9.4 names no number,
    /// and asks for few.
    pub per_origin: usize,
    /// Connections in all, lent and idle, at least 1. A hundred, far below what a process may have open (1,024 descriptors
    /// on most systems).
    pub in_all: usize,
    /// How long a connection may be idle and is lent again all the same. A minute: nginx closes after 75 seconds, so that
    /// it is us who close and not, just then, the server.
    pub idle: Duration,
    /// How many requests whoever borrows a connection has in flight on it: [`Pooled::depth`]. One: pipelining makes the
    /// others wait for whom one of them is waiting.
    pub depth: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { per_origin: 6, in_all: 100, idle: Duration::from_secs(60), depth: 1 }
    }
}

/// A bounded number of connections for one process, each lent to one borrower at a time and kept for the next.
///
/// Who asks first is served first: of an origin's connections, and, where the bound on all of them is in the way, of all.
/// A connection is lent again only when it has been given back with nothing in flight, nothing left over and nothing said
/// about closing ([`Reuse::Now`]), has not been idle for too long, and a [look](Connection::look) finds it open and quiet.
/// Whether the peer closes it just then nobody can know: then the request fails, and
/// [`unanswered`](wireline::Connection::unanswered) says whether it may be sent again. The pool sends nothing by itself.
///
/// There is no task and no timer: what has been idle for too long is closed with the next call, or by
/// [`close_idle`](Self::close_idle). A clone is the same pool.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let server = wireline_testkit::Origin::start()?;
/// # let url = server.url("");
/// use tokio_wireline::{Connector, Origin, Pool};
///
/// let pool = Pool::new(Connector::new());
/// let origin = Origin::parse(&url)?;
/// for n in 1..=3 {
///     let mut connection = pool.get(&origin).await?;
///     assert_eq!(connection.get(&format!("/bytes/{n}")).await?.bytes().await?.len(), n);
/// }
/// assert_eq!((pool.connections(), pool.idle()), (1, 1));
/// # assert_eq!(server.connections(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connector: Connector,
    limits: PoolLimits,
    /// A permit for each connection that may be lent.
    in_all: Arc<Semaphore>,
    kept: Kept,
}

impl Pool {
    /// A pool with the default [limits](PoolLimits), whose connections this connector makes.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        Self::with(connector, PoolLimits::default())
    }

    /// The same with limits of your own. A deadline of the connector is the pool's: it is for a pool that does not last.
    #[must_use]
    pub fn with(connector: Connector, limits: PoolLimits) -> Self {
        let permits = |bound: usize| bound.clamp(1, Semaphore::MAX_PERMITS);
        let limits = PoolLimits { per_origin: permits(limits.per_origin), in_all: permits(limits.in_all), ..limits };
        Self(Arc::new(Shared {
            connector,
            limits,
            in_all: Arc::new(Semaphore::new(limits.in_all)),
            kept: Kept::new(limits),
        }))
    }

    /// Lends a connection to `origin`: the one that was given back last, or a new one. Where all are lent, it waits for its
    /// turn, for as long as that takes: a [timeout](tokio::time::timeout) bounds it.
    ///
    /// Dropped, the future gives up its turn, and the attempt to connect.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    ///
    /// # Panics
    /// As [`Connector::connect`].
    pub async fn get(&self, origin: &Origin) -> Result<Pooled, Error> {
        const NEVER_CLOSED: &str = "nobody closes it";
        let shared = &self.0;
        self.close_idle();
        // In this order: who waits for one origin is in nobody's way to another.
        let of_origin = shared.kept.turns(origin).acquire_owned().await.expect(NEVER_CLOSED);
        let of_all = Arc::clone(&shared.in_all).acquire_owned().await.expect(NEVER_CLOSED);
        let lend = |loan| Pooled {
            loan: Some(loan),
            origin: origin.clone(),
            shared: Arc::clone(shared),
            _turns: [of_origin, of_all],
        };
        while let Some(mut loan) = shared.kept.take(origin, Instant::now()) {
            if shared.connector.renew(&mut loan.connection).is_ok() && loan.connection.look() == Reuse::Now {
                return Ok(lend(loan));
            }
        }
        let place = shared.kept.make_room();
        let connection = shared.connector.connect(origin).await?;
        Ok(lend(shared.kept.first_loan(connection, place)))
    }

    /// Closes what has been idle for longer than [`PoolLimits::idle`]. Each [`get`](Self::get) begins with it.
    pub fn close_idle(&self) {
        self.0.kept.close_idle(Instant::now());
    }

    /// Closes all that is idle, and so all that is not lent.
    pub fn clear(&self) {
        self.0.kept.clear();
    }

    /// How many connections there are, lent, idle, and being made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.kept.open()
    }

    /// How many of them are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.kept.idle()
    }

    /// How many it has made so far, attempts that failed not counted.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.0.kept.made()
    }

    /// What it was made with; of 0 connections it has made 1.
    #[must_use]
    pub fn limits(&self) -> PoolLimits {
        self.0.limits
    }
}

/// A connection of a [`Pool`], lent: a [`Connection`], which goes back when this is dropped, if it can carry another
/// request then, and is closed otherwise. What the borrower has set goes back to what the [`Connector`] has: timeouts,
/// deadline, canceller, tap and `Host`; but not [`set_drain`](Connection::set_drain).
#[derive(Debug)]
pub struct Pooled {
    /// Until it goes back.
    loan: Option<Loan>,
    origin: Origin,
    shared: Arc<Shared>,
    /// Given back behind the connection, so that whoever comes next finds it.
    _turns: [OwnedSemaphorePermit; 2],
}

const LENT: &str = "only dropping it takes the loan";

impl Pooled {
    /// Which connection of the pool this is: they are counted from 0 as they are made.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.loan().number
    }

    /// Whether somebody else had it before.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.loan().is_reused
    }

    /// How many requests to have in flight on it, at least 1: [`PoolLimits::depth`], for [`Pipeline::run`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let url = server.url("");
    /// use tokio_wireline::{Connector, Origin, Pool, PoolLimits};
    ///
    /// let mut limits = PoolLimits::default();
    /// limits.depth = 16;
    /// let pool = Pool::with(Connector::new(), limits);
    /// let mut connection = pool.get(&Origin::parse(&url)?).await?;
    /// let requests: Vec<_> =
    ///     (0..100).map(|n| connection.request("GET", format!("/bytes/{n}")).build()).collect::<Result<_, _>>()?;
    /// let depth = connection.depth();
    /// let mut pipeline = connection.pipeline();
    /// let mut run = pipeline.run(&requests, depth);
    /// let mut total = 0;
    /// while let Some(response) = run.receive().await? {
    ///     total += response.discard().await?;
    /// }
    /// assert_eq!(total, 99 * 100 / 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Pipeline::run`]: crate::Pipeline::run
    #[must_use]
    pub fn depth(&self) -> usize {
        self.shared.limits.depth.max(1)
    }

    /// Takes it out of the pool, which may then make another one: for a connection that switches to another protocol, or
    /// is to stay with its borrower.
    #[must_use]
    pub fn into_connection(mut self) -> Connection {
        self.end().connection
    }

    fn loan(&self) -> &Loan {
        self.loan.as_ref().expect(LENT)
    }

    fn end(&mut self) -> Loan {
        self.loan.take().expect(LENT)
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Self::Target {
        &self.loan().connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.loan.as_mut().expect(LENT).connection
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let Some(loan) = self.loan.take() else { return };
        // A borrower may have put another connection in its place.
        let is_at_home = loan.connection.origin() == Some(&self.origin);
        if is_at_home && loan.connection.reuse() == Reuse::Now {
            self.shared.kept.put(&self.origin, loan, Instant::now());
        }
    }
}
