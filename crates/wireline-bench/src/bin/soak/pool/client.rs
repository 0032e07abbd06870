//! The tasks: each takes requests, and sends again what is safe to send again.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Instant;

use tokio_wireline::{Error, Origin, Pool, Pooled, Progress, Request, Unanswered};

use super::CONNECTIONS;
use super::plan::{Method, asked};
use crate::Settings;
use crate::random::{Random, Side, content};
use crate::watchdog::Pulse;

/// How often a request is sent at most.
pub(super) const ATTEMPTS: u64 = 6;

/// How often in a hundred an exchange is given up in its middle.
const GIVEN_UP: usize = 2;

/// What the client was told of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// How many attempts ended so, by [`Progress`].
    pub(super) nothing_sent: u64,
    pub(super) partly_sent: u64,
    pub(super) sent: u64,
    pub(super) begun: u64,
    /// How many of them were not safe to repeat.
    pub(super) unsafe_ones: u64,
    pub(super) is_answered: bool,
    pub(super) is_reported: bool,
}

impl Account {
    pub(super) fn failures(&self) -> u64 {
        self.nothing_sent + self.partly_sent + self.sent + self.begun
    }
}

pub(super) struct Client<'a> {
    seed: u64,
    pool: Pool,
    origin: Origin,
    requests: usize,
    end: Option<Instant>,
    pulse: &'a Pulse,
    next: Cell<usize>,
    lent: Cell<usize>,
    accounts: RefCell<Vec<Account>>,
    troubles: RefCell<Vec<String>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(settings: Settings, requests: usize, pool: Pool, origin: Origin, pulse: &'a Pulse) -> Self {
        Self {
            seed: settings.seed,
            pool,
            origin,
            requests,
            end: settings.time.map(|time| Instant::now() + time),
            pulse,
            next: Cell::new(0),
            lent: Cell::new(0),
            accounts: RefCell::default(),
            troubles: RefCell::default(),
        }
    }

    /// Goes through all requests, with so many tasks.
    pub(super) async fn run(&self, tasks: usize) {
        let mut tasks: Vec<_> = (0..tasks).map(|task| Box::pin(self.work(task))).collect();
        // So few of them that each can be asked whenever one is woken.
        poll_fn(|cx| {
            tasks.retain_mut(|task| task.as_mut().poll(cx).is_pending());
            if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// What each request was told, and what was wrong.
    pub(super) fn told(self) -> (Vec<Account>, Vec<String>) {
        self.pool.clear();
        (self.accounts.into_inner(), self.troubles.into_inner())
    }

    async fn work(&self, task: usize) {
        let mut random = Random::new(self.seed, &[3, task as u64]);
        loop {
            let mut left = self.take(&mut random);
            if left.is_empty() {
                return;
            }
            let mut is_first = true;
            while !left.is_empty() {
                self.pulse.progress.fetch_add(1, Ordering::Relaxed);
                match self.pool.get(&self.origin).await {
                    Ok(mut connection) => {
                        self.lent.set(self.lent.get() + 1);
                        if self.lent.get() > CONNECTIONS || self.pool.connections() > CONNECTIONS {
                            self.trouble(format!("{} lent, {} open", self.lent.get(), self.pool.connections()));
                        }
                        // What is sent again is sent alone.
                        if is_first && left.len() > 1 {
                            self.several(&mut connection, &mut left).await;
                        } else {
                            self.one(&mut connection, &mut left, &mut random).await;
                        }
                        self.lent.set(self.lent.get() - 1);
                    }
                    Err(error) => {
                        self.trouble(format!("cannot connect: {error}"));
                        self.failed(&mut left, None);
                    }
                }
                is_first = false;
            }
        }
    }

    /// The next request, or several that may be in flight at once.
    fn take(&self, random: &mut Random) -> VecDeque<usize> {
        let is_late = self.end.is_some_and(|end| Instant::now() >= end);
        let (first, mut taken) = (self.next.get(), VecDeque::new());
        let most = if random.percent(30) { 12 } else { 1 };
        while !is_late && first + taken.len() < self.requests && taken.len() < most {
            let number = first + taken.len();
            if taken.len() == 1 && asked(self.seed, first).method != Method::Get
                || !taken.is_empty() && asked(self.seed, number).method != Method::Get
            {
                break;
            }
            taken.push_back(number);
        }
        self.next.set(first + taken.len());
        self.accounts.borrow_mut().resize(self.next.get(), Account::default());
        taken
    }

    /// Sends the first of them.
    async fn one(&self, connection: &mut Pooled, left: &mut VecDeque<usize>, random: &mut Random) {
        let number = left[0];
        let Some(request) = self.request(connection, number) else { return self.failed(left, None) };
        let upload = content(number as u32, 0, Side::Request, asked(self.seed, number).upload);
        let exchange = async {
            let response = connection.send(&request, upload).await?;
            let status = response.status().as_u16();
            Ok::<_, Error>((status, response.bytes().await?))
        };
        let polls = if random.percent(GIVEN_UP) { 1 + random.below(4) } else { usize::MAX };
        match up_to(polls, exchange).await {
            Some(Ok((200, bytes))) => {
                self.answered(number, &bytes);
                left.pop_front();
            }
            Some(Ok((status, _))) => {
                self.trouble(format!("{number}: status {status}"));
                left.pop_front();
            }
            Some(Err(_)) | None => {
                let unanswered = connection.unanswered().last();
                self.failed(left, unanswered);
            }
        }
    }

    /// Sends all of them, some at a time.
    async fn several(&self, connection: &mut Pooled, left: &mut VecDeque<usize>) {
        let requests: Vec<Request> = left.iter().map_while(|number| self.request(connection, *number)).collect();
        let depth = connection.depth();
        let mut pipeline = connection.pipeline();
        let mut run = pipeline.run(&requests, depth);
        while let Ok(Some(response)) = run.receive().await {
            match response.bytes().await {
                Ok(bytes) => self.answered(left.pop_front().unwrap_or(usize::MAX), &bytes),
                Err(_) => break,
            }
        }
        drop(run);
        // In order; what is not among them was never sent.
        let unanswered: Vec<Unanswered> = pipeline.unanswered().collect();
        if unanswered.len() > left.len() {
            self.trouble(format!("{} unanswered of {} that are left", unanswered.len(), left.len()));
        }
        let mut again = VecDeque::new();
        for (index, number) in left.drain(..).enumerate() {
            let mut this = VecDeque::from([number]);
            if let Some(unanswered) = unanswered.get(index) {
                self.failed(&mut this, Some(*unanswered));
            }
            again.append(&mut this);
        }
        *left = again;
    }

    fn request(&self, connection: &Pooled, number: usize) -> Option<Request> {
        let asked = asked(self.seed, number);
        let request = connection.request(asked.method.name(), format!("/{number}"));
        let request = if asked.method == Method::Get { request } else { request.content_length(asked.upload as u64) };
        request.build().map_err(|invalid| self.trouble(format!("{number}: {invalid}"))).ok()
    }

    fn answered(&self, number: usize, bytes: &[u8]) {
        if bytes != content(number as u32, 0, Side::Response, asked(self.seed, number).answer) {
            self.trouble(format!("{number}: another answer"));
        }
        if let Some(account) = self.accounts.borrow_mut().get_mut(number) {
            account.is_answered = true;
        }
    }

    /// An attempt at the first of them came to nothing. It is reported, unless it is safe to try again.
    fn failed(&self, left: &mut VecDeque<usize>, unanswered: Option<Unanswered>) {
        let number = left[0];
        let mut accounts = self.accounts.borrow_mut();
        let account = &mut accounts[number];
        match unanswered.map(|unanswered| unanswered.progress) {
            None | Some(Progress::NothingSent) => account.nothing_sent += 1,
            Some(Progress::PartlySent) => account.partly_sent += 1,
            Some(Progress::Sent) => account.sent += 1,
            Some(_) => account.begun += 1,
        }
        let is_safe = unanswered.is_none_or(|unanswered| unanswered.is_safe_to_repeat());
        account.unsafe_ones += u64::from(!is_safe);
        if !is_safe || account.failures() >= ATTEMPTS {
            account.is_reported = true;
            left.pop_front();
        }
    }

    fn trouble(&self, trouble: String) {
        self.troubles.borrow_mut().push(trouble);
    }
}

/// Gives up when it has been waited for so often.
async fn up_to<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}
