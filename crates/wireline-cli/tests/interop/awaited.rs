//! The exchanges through `tokio-wireline`.

use tokio::io::AsyncReadExt;
use tokio_wireline::{Connection, Connector, Origin, Request, Response, Reuse, Stream};

use crate::exchange::{self, Course, Exchange};
use crate::outcome::Outcome;
use crate::peer::{Peer, patient};

/// What comes of an exchange, and of the probe behind it.
pub(crate) fn outcomes(peer: &Peer, exchange: &Exchange) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(awaited(peer, exchange))
}

async fn awaited(peer: &Peer, exchange: &Exchange) -> Vec<Outcome> {
    let request = exchange.request(peer);
    let content = exchange.content.as_deref().unwrap_or_default();
    let mut client = Client { peer, kept: None, outcomes: Vec::new() };
    match exchange.course {
        Course::InTurn(times) => {
            for _ in 0..times {
                client.send(&request, content).await;
            }
        }
        Course::Pipelined(times) => client.pipeline(&request, times).await,
        Course::Tunnelled => return vec![tunnelled(peer, &request).await],
    }
    client.send(&exchange::probe(peer).request(peer), &[]).await;
    client.outcomes
}

struct Client<'a> {
    peer: &'a Peer,
    /// The connection of the last exchange, if it goes on.
    kept: Option<Connection<Stream>>,
    outcomes: Vec<Outcome>,
}

impl Client<'_> {
    async fn send(&mut self, request: &Request, content: &[u8]) {
        let kept = self.kept.take();
        let is_kept = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect(self.peer).await,
        };
        let mut outcome = exchange(&mut connection, request, content).await;
        // A server may close between two exchanges without a word, and then nothing has come of the second.
        let persists = is_kept && !outcome.heads.is_empty();
        if is_kept && !persists {
            connection = connect(self.peer).await;
            outcome = exchange(&mut connection, request, content).await;
        }
        if let Some(last) = self.outcomes.last_mut() {
            last.persists = persists;
        }
        self.kept = (connection.reuse() == Reuse::Now).then_some(connection);
        self.outcomes.push(outcome);
    }

    async fn pipeline(&mut self, request: &Request, times: usize) {
        let mut connection = connect(self.peer).await;
        let mut pipeline = connection.pipeline();
        for _ in 0..times {
            pipeline.queue(request).await.unwrap();
        }
        for number in 0..times {
            let mut outcome = Outcome { persists: number + 1 < times, ..Outcome::default() };
            if let Ok(response) = pipeline.receive().await {
                take(response, &mut outcome).await;
            }
            self.outcomes.push(outcome);
        }
        drop(pipeline);
        self.kept = (connection.reuse() == Reuse::Now).then_some(connection);
    }
}

async fn connect(peer: &Peer) -> Connection<Stream> {
    let connector = match peer.proxy() {
        Some(proxy) => connector().proxy(proxy),
        None => connector(),
    };
    connector.connect(&origin(&peer.site)).await.unwrap()
}

fn connector() -> Connector {
    Connector::new().timeouts(patient())
}

fn origin(authority: &str) -> Origin {
    Origin::parse(&format!("http://{authority}")).unwrap()
}

async fn exchange(connection: &mut Connection<Stream>, request: &Request, content: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    if let Ok(response) = connection.send(request, content).await {
        take(response, &mut outcome).await;
        return outcome;
    }
    outcome.heads = connection.interim().iter().map(|head| head.as_bytes().to_vec()).collect();
    outcome
}

async fn take(mut response: Response<'_, Stream>, outcome: &mut Outcome) {
    let heads = response.interim().iter().chain([response.head()]);
    outcome.heads.extend(heads.map(|head| head.as_bytes().to_vec()));
    outcome.is_complete = response.read_to_end(&mut outcome.content).await.is_ok();
    outcome.trailers = response.trailers().as_bytes().to_vec();
}

async fn tunnelled(peer: &Peer, request: &Request) -> Outcome {
    let mut outcome = Outcome::default();
    match connector().proxy(peer.tunnel()).connect(&origin(&peer.application)).await {
        Ok(mut connection) => {
            outcome.heads.extend(connection.proxy_answer().map(|head| head.as_bytes().to_vec()));
            if let Ok(response) = connection.send(request, ()).await {
                take(response, &mut outcome).await;
            }
        }
        Err(error) => outcome.heads.extend(error.proxy_answer().map(|head| head.as_bytes().to_vec())),
    }
    outcome
}
