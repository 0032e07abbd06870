//! One connection as a `tower_service::Service` of the `http` crate's types, so that middleware can be put around it. It is
//! ready when the connection can take a request: not while an exchange goes on, and never again when it is over.
//!
//! ```text
//! cargo run --example tower_service -- http://127.0.0.1:8080
//! ```

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::oneshot;
use tokio_wireline::{Connection, Reuse};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One connection, or who has it until it comes back.
pub(crate) enum Client {
    Here(Box<Connection>),
    Lent(oneshot::Receiver<Box<Connection>>),
}

impl Service<Request<Bytes>> for Client {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Self::Lent(comes_back) = self {
            // A future that was dropped has taken the connection with it: its exchange cannot be the next one's.
            *self = Self::Here(ready!(Pin::new(comes_back).poll(cx)).map_err(|_| "an exchange was given up")?);
        }
        match self {
            Self::Here(connection) => match connection.look() {
                Reuse::Now => Poll::Ready(Ok(())),
                reuse => Poll::Ready(Err(format!("the connection is over: {reuse}").into())),
            },
            Self::Lent(_) => Poll::Pending,
        }
    }

    /// # Panics
    /// Unless it was ready.
    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (give_back, comes_back) = oneshot::channel();
        let Self::Here(mut connection) = std::mem::replace(self, Self::Lent(comes_back)) else {
            panic!("it is not ready")
        };
        Box::pin(async move {
            let response = connection.send_http(&request).await?.into_http().await;
            // Nobody may want it any more.
            let _given_up = give_back.send(connection);
            Ok(response?.map(Bytes::from))
        })
    }
}

/// Asks for each target, when the service is ready for it.
pub(crate) async fn run(origin: &str, targets: &[&str]) -> Result<Vec<Response<Bytes>>, BoxError> {
    let connection = Connection::connect(origin).await?;
    let mut client = Client::Here(Box::new(connection));
    let mut responses = Vec::new();
    for target in targets {
        std::future::poll_fn(|cx| client.poll_ready(cx)).await?;
        let request = Request::get(*target).body(Bytes::new())?;
        responses.push(client.call(request).await?);
    }
    Ok(responses)
}

#[tokio::main(flavor = "current_thread")]
#[allow(dead_code, reason = "a test runs it by its function")]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
async fn main() -> Result<(), BoxError> {
    let origin = std::env::args().nth(1).ok_or("usage: tower_service ORIGIN")?;
    for response in run(&origin, &["/headers", "/bytes/100"]).await? {
        println!("{} {} bytes", response.status(), response.body().len());
    }
    Ok(())
}
