//! The pool: what it lends, to whom first, and what it does not keep.

#[path = "../../../examples/pool.rs"]
mod example;

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::{LocalSet, yield_now};
use tokio_wireline::{Canceller, Connector, ErrorKind, ExchangeId, Origin, Pool, PoolLimits, Pooled, Reuse, Tap};
use wireline_testkit::{Script, ScriptedPeer};

fn origin(url: &str) -> Origin {
    Origin::parse(url).expect("an origin")
}

fn pool(per_origin: usize, in_all: usize) -> Pool {
    let mut limits = PoolLimits::default();
    (limits.per_origin, limits.in_all) = (per_origin, in_all);
    Pool::with(Connector::new(), limits)
}

async fn get(connection: &mut Pooled, target: &str) -> usize {
    connection.get(target).await.expect("an answer").bytes().await.expect("its content").len()
}

/// Polls it once, and says whether it is still waiting.
async fn waits<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// A server on a thread for each connection, each with the same script.
fn peers(count: usize, script: &Script) -> ScriptedPeer {
    ScriptedPeer::start(std::iter::repeat_n(script.clone(), count)).expect("a server")
}

fn answer(close: bool) -> Script {
    let line = if close { "Connection: close\r\n" } else { "" };
    Script::new().read_head().send(format!("HTTP/1.1 200 OK\r\n{line}Content-Length: 2\r\n\r\nok"))
}

#[test]
fn it_goes_from_thread_to_thread() {
    fn is_shared<T: Send + Sync + Clone>() {}
    fn is_sent<T: Send>(_: T) {}
    is_shared::<Pool>();
    let pool = pool(1, 1);
    is_sent(pool.get(&origin("http://a")));
    let limits = Pool::with(Connector::new(), PoolLimits::default()).limits();
    assert_eq!((limits.per_origin, limits.in_all, limits.depth), (6, 100, 1));
}

#[tokio::test]
async fn what_is_given_back_is_lent_again() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(6, 100), origin(&server.url("")));
    for round in 0..3 {
        let mut connection = pool.get(&origin).await.expect("a connection");
        assert_eq!((connection.number(), connection.is_reused(), connection.depth()), (0, round > 0, 1));
        assert_eq!(get(&mut connection, "/bytes/5").await, 5);
        assert_eq!((pool.connections(), pool.idle()), (1, 0));
    }
    // The one that was given back last goes first.
    let (first, second) = (pool.get(&origin).await.expect("one"), pool.get(&origin).await.expect("two"));
    assert_eq!((first.number(), second.number(), pool.connections()), (0, 1, 2));
    drop(second);
    drop(first);
    assert_eq!(pool.get(&origin).await.expect("one of them").number(), 0);
    assert_eq!((pool.connections(), pool.idle()), (2, 2));
    pool.clear();
    assert_eq!((pool.connections(), pool.idle(), pool.made()), (0, 0, 2));
}

#[tokio::test]
async fn who_asks_first_is_served_first() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(2, 100), origin(&server.url("")));
    let order = Rc::new(RefCell::new(Vec::new()));
    let tasks = LocalSet::new();
    let held = [pool.get(&origin).await.expect("one"), pool.get(&origin).await.expect("two")];
    for number in 0..20 {
        let (pool, origin, order) = (pool.clone(), origin.clone(), Rc::clone(&order));
        tasks.spawn_local(async move {
            let mut connection = pool.get(&origin).await.expect("a turn");
            order.borrow_mut().push(number);
            assert_eq!(get(&mut connection, "/bytes/1").await, 1);
        });
    }
    tasks.run_until(yield_now()).await;
    assert_eq!(order.borrow().len(), 0, "both are lent");
    drop(held);
    tasks.await;
    assert!(order.borrow().iter().copied().eq(0..20), "{order:?}");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_turn_that_is_given_up_is_the_next_ones() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(1, 100), origin(&server.url("")));
    let held = pool.get(&origin).await.expect("the only one");
    let (mut first, mut second) = (Box::pin(pool.get(&origin)), Box::pin(pool.get(&origin)));
    assert!(waits(&mut first).await && waits(&mut second).await);
    drop(held);
    // It is the first one's turn, who does not want it any more.
    drop(first);
    assert_eq!(second.await.expect("its turn").number(), 0);
}

#[tokio::test]
async fn a_connect_that_is_given_up_leaves_no_trace() {
    // Nobody answers the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = origin(&format!("https://{}", listener.local_addr().expect("an address")));
    let pool = pool(1, 1);
    for _ in 0..3 {
        let mut getting = Box::pin(pool.get(&origin));
        assert!(waits(&mut getting).await);
        assert_eq!(pool.connections(), 1);
        drop(getting);
        assert_eq!(pool.connections(), 0);
    }
}

// conformance: C16
#[tokio::test]
async fn the_bound_on_all_is_kept_and_idle_ones_make_room() {
    let servers = [(); 3].map(|()| wireline_testkit::Origin::start().expect("a server"));
    let [a, b, c] = [0, 1, 2].map(|index: usize| origin(&servers[index].url("")));
    let pool = pool(6, 2);
    drop(pool.get(&a).await.expect("a"));
    drop(pool.get(&b).await.expect("b"));
    // The one that has been idle for longest goes.
    let mut of_c = pool.get(&c).await.expect("c");
    assert_eq!((pool.connections(), pool.idle()), (2, 1));
    let of_b = pool.get(&b).await.expect("b, kept");
    assert_eq!((of_b.number(), get(&mut of_c, "/bytes/3").await), (1, 3));
    let mut of_a = Box::pin(pool.get(&a));
    assert!(waits(&mut of_a).await, "both are lent");
    drop(of_b);
    let of_a = of_a.await.expect("a turn");
    assert_eq!((of_a.number(), pool.connections(), pool.idle()), (3, 2, 0));
    assert_eq!(pool.made(), 4, "two of them to a");
}

#[tokio::test]
async fn who_waits_for_one_origin_is_not_in_the_way_to_another() {
    let servers = [(); 2].map(|()| wireline_testkit::Origin::start().expect("a server"));
    let [a, b] = [0, 1].map(|index: usize| origin(&servers[index].url("")));
    let pool = pool(1, 2);
    let held = pool.get(&a).await.expect("a");
    let mut waiting = Box::pin(pool.get(&a));
    assert!(waits(&mut waiting).await);
    assert_eq!(get(&mut pool.get(&b).await.expect("b"), "/bytes/1").await, 1);
    drop(held);
    assert!(waiting.await.is_ok());
}

#[tokio::test]
async fn what_has_been_idle_for_too_long_is_closed() {
    let server = peers(2, &answer(false).read_to_end());
    let (pool, origin) = (pool(6, 100), origin(&server.url("")));
    let (mut one, two) = (pool.get(&origin).await.expect("one"), pool.get(&origin).await.expect("two"));
    assert_eq!(get(&mut one, "/").await, 2);
    tokio::time::pause();
    drop(one);
    tokio::time::advance(Duration::from_secs(40)).await;
    drop(two);
    pool.close_idle();
    assert_eq!(pool.idle(), 2);
    tokio::time::advance(Duration::from_secs(40)).await;
    pool.close_idle();
    assert_eq!((pool.connections(), pool.idle()), (1, 1), "the first has been idle for 80 seconds, the second for 40");
    tokio::time::advance(Duration::from_secs(40)).await;
    let mut waiting = Box::pin(pool.get(&origin));
    let _new = waits(&mut waiting).await;
    assert_eq!(pool.idle(), 0);
}

#[tokio::test]
async fn what_grows_old_behind_who_waits_for_it_is_not_lent() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(1, 1), origin(&server.url("")));
    let held = pool.get(&origin).await.expect("a connection");
    let mut waiting = Box::pin(pool.get(&origin));
    assert!(waits(&mut waiting).await);
    tokio::time::pause();
    drop(held);
    // Nobody lets the one who waits go on meanwhile.
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(waiting.await.expect("another").number(), 1);
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_meanwhile_is_not_lent() {
    let server = peers(2, &answer(false));
    let (pool, origin) = (pool(6, 100), origin(&server.url("")));
    let mut first = pool.get(&origin).await.expect("a connection");
    assert_eq!((get(&mut first, "/").await, first.reuse()), (2, Reuse::Now));
    drop(first);
    assert_eq!(pool.idle(), 1);
    let mut next = pool.get(&origin).await.expect("a connection");
    // Until the end of the first one has come.
    while next.number() == 0 {
        drop(next);
        yield_now().await;
        next = pool.get(&origin).await.expect("a connection");
    }
    assert_eq!((get(&mut next, "/").await, pool.connections()), (2, 1));
}

#[tokio::test]
async fn what_cannot_carry_another_request_is_closed() {
    let server = peers(1, &answer(true));
    let pool = pool(6, 100);
    let mut connection = pool.get(&origin(&server.url(""))).await.expect("a connection");
    assert_eq!(get(&mut connection, "/").await, 2);
    drop(connection);
    assert_eq!(pool.connections(), 0, "the peer said so");

    let server = wireline_testkit::Origin::start().expect("a server");
    let origin = origin(&server.url(""));
    let mut connection = pool.get(&origin).await.expect("a connection");
    connection.get("/bytes/1000").await.expect("an answer").suspend();
    drop(connection);
    assert_eq!(pool.connections(), 0, "its response has not been read");

    let mut connection = pool.get(&origin).await.expect("a connection");
    let mut asking = Box::pin(connection.get("/delay/60000"));
    assert!(waits(&mut asking).await);
    drop(asking);
    drop(connection);
    assert_eq!(pool.connections(), 0, "its response has not come");
}

#[tokio::test]
async fn what_is_taken_out_makes_place() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(1, 1), origin(&server.url("")));
    let mut mine = pool.get(&origin).await.expect("a connection").into_connection();
    assert_eq!(pool.connections(), 0);
    assert_eq!(get(&mut pool.get(&origin).await.expect("another"), "/bytes/2").await, 2);
    assert_eq!(mine.get("/bytes/1").await.expect("an answer").bytes().await.expect("its content").len(), 1);
    drop(mine);
    assert_eq!((pool.connections(), server.connections()), (1, 2));
}

/// Counts what it is shown.
struct Nosy(Arc<AtomicUsize>);

impl Tap for Nosy {
    fn sent(&mut self, bytes: &[u8], _: Instant, _: Option<ExchangeId>) {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
    }

    fn received(&mut self, bytes: &[u8], _: Instant, _: Option<ExchangeId>) {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn settings_are_the_borrowers_and_not_the_next_ones() {
    let server = wireline_testkit::Origin::start().expect("a server");
    let (canceller, others) = (Canceller::new().expect("one"), Canceller::new().expect("another"));
    let pool = Pool::new(Connector::new().canceller(canceller.clone()));
    let origin = origin(&server.url(""));
    let mut connection = pool.get(&origin).await.expect("a connection");
    let before = connection.timeouts();
    let mut timeouts = before;
    timeouts.read = Some(Duration::from_millis(1));
    connection.set_timeouts(timeouts);
    connection.set_deadline(Instant::now().checked_sub(Duration::from_secs(1)));
    connection.set_host("elsewhere");
    connection.set_canceller(Some(others.clone())).expect("a descriptor");
    let shown = Arc::new(AtomicUsize::new(0));
    connection.set_tap(Some(Box::new(Nosy(Arc::clone(&shown)))));
    drop(connection);
    others.cancel();
    let mut connection = pool.get(&origin).await.expect("a connection");
    assert_eq!((connection.number(), connection.timeouts()), (0, before));
    let head = connection.get("/headers").await.expect("an answer").text().await.expect("its content");
    assert!(head.contains(&format!("Host: {}\r\n", server.host())), "{head}");
    assert_eq!(shown.load(Ordering::Relaxed), 0, "what the next one sends is not shown to the one before");
    canceller.cancel();
    let error = connection.get("/bytes/1").await.map(drop).expect_err("it is canceled");
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

#[tokio::test]
async fn connections_that_change_places_do_not_go_to_the_wrong_origin() {
    let servers = [(); 2].map(|()| wireline_testkit::Origin::start().expect("a server"));
    let [a, b] = [0, 1].map(|index: usize| origin(&servers[index].url("")));
    let pool = pool(6, 100);
    let (mut of_a, mut of_b) = (pool.get(&a).await.expect("a"), pool.get(&b).await.expect("b"));
    std::mem::swap(&mut *of_a, &mut *of_b);
    drop((of_a, of_b));
    assert_eq!((pool.idle(), pool.connections()), (0, 0));
}

#[tokio::test]
async fn a_host_that_is_not_there_takes_no_place() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = origin(&format!("http://{}", listener.local_addr().expect("an address")));
    drop(listener);
    let pool = pool(1, 1);
    for _ in 0..3 {
        assert_eq!(pool.get(&origin).await.map(drop).expect_err("nobody is there").kind(), ErrorKind::Connect);
    }
    assert_eq!(pool.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_on_two_threads_share_few_connections() {
    const CONNECTIONS: usize = 4;
    let server = wireline_testkit::Origin::start().expect("a server");
    let (pool, origin) = (pool(CONNECTIONS, 100), origin(&server.url("")));
    let lent = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..40)
        .map(|task: usize| {
            let (pool, origin, lent) = (pool.clone(), origin.clone(), Arc::clone(&lent));
            tokio::spawn(async move {
                for round in 0..25 {
                    let mut connection = pool.get(&origin).await.expect("a turn");
                    assert!(lent.fetch_add(1, Ordering::SeqCst) < CONNECTIONS);
                    if (task + round) % 7 == 0 {
                        // Given up in its middle, which costs the connection.
                        let mut asking = pin!(connection.get("/bytes/100"));
                        let _may_be_there = waits(&mut asking).await;
                    } else {
                        assert_eq!(get(&mut connection, "/bytes/10").await, 10);
                    }
                    lent.fetch_sub(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it does not panic");
    }
    assert!(pool.connections() <= CONNECTIONS && pool.idle() == pool.connections(), "{pool:?}");
}

#[tokio::test]
async fn the_example_fetches_over_few_connections() {
    let servers = [(); 2].map(|()| wireline_testkit::Origin::start().expect("a server"));
    let pool = pool(2, 100);
    let mut urls: Vec<_> = (0..60).map(|n: usize| servers[n % 2].url(&format!("/bytes/{n}"))).collect();
    urls.push("ftp://a/".to_owned());
    let contents = example::run(&pool, &urls).await;
    for (n, content) in contents[..60].iter().enumerate() {
        assert_eq!(content.as_ref().expect("its content").len(), n);
    }
    assert!(matches!(&contents[60], Err(error) if matches!(error.kind(), ErrorKind::InvalidUrl(_))));
    assert!(servers.iter().all(|server| server.connections() <= 2) && pool.made() <= 4, "{pool:?}");
}

#[tokio::test]
async fn the_example_sends_again_what_a_kept_connection_lost() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let lost = Script::new().read_head().send(ok).read_head();
    // Of the second connection a part of an answer comes, after which nothing is sent again.
    let server = ScriptedPeer::start([lost, answer(false).read_head().send("HTTP")]).expect("a server");
    let (pool, urls) = (pool(1, 1), [server.url("/1")]);
    for is_there in [true, true, false] {
        let contents = example::run(&pool, &urls).await;
        assert_eq!(contents[0].is_ok(), is_there, "{contents:?}");
    }
    assert_eq!((pool.made(), server.join().len()), (2, 2));
}
