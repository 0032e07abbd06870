//! Fetches URLs of several origins at once over few connections, which are kept from one to the next. A request that a
//! kept connection lost, because the server closed it just then, is sent once more where the verdict says that it is safe.
//!
//! ```text
//! cargo run -p tokio-wireline --example pool -- http://127.0.0.1:8080/1 http://127.0.0.1:8081/2
//! ```

use tokio_wireline::{Connector, Error, Origin, Pool, PoolLimits, Pooled};

/// The content of each URL, in their order.
pub(crate) async fn run(pool: &Pool, urls: &[String]) -> Vec<Result<Vec<u8>, Error>> {
    let tasks: Vec<_> = urls
        .iter()
        .map(|url| {
            let (pool, url) = (pool.clone(), url.clone());
            // As many tasks as there are URLs: it is the pool that bounds them, and serves who came first.
            tokio::spawn(async move { fetch(&pool, &url).await })
        })
        .collect();
    let mut contents = Vec::with_capacity(urls.len());
    for task in tasks {
        contents.push(task.await.expect("it does not panic"));
    }
    contents
}

async fn fetch(pool: &Pool, url: &str) -> Result<Vec<u8>, Error> {
    let (origin, target) = Origin::of_url(url)?;
    let mut connection = pool.get(&origin).await?;
    match get(&mut connection, target).await {
        Err(_) if connection.is_reused() && connection.unanswered().all(|exchange| exchange.is_safe_to_repeat()) => {}
        done => return done,
    }
    // It goes back first, that is: it is closed, and somebody else may have its place.
    drop(connection);
    get(&mut pool.get(&origin).await?, target).await
}

async fn get(connection: &mut Pooled, target: &str) -> Result<Vec<u8>, Error> {
    connection.get(target).await?.bytes().await
}

#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut limits = PoolLimits::default();
    limits.per_origin = 2;
    let pool = Pool::with(Connector::new(), limits);
    let urls: Vec<_> = std::env::args().skip(1).collect();
    for (url, content) in urls.iter().zip(run(&pool, &urls).await) {
        match content {
            Ok(content) => println!("{url}: {} bytes", content.len()),
            Err(error) => println!("{url}: {error}"),
        }
    }
    println!("{} connections", pool.made());
}
