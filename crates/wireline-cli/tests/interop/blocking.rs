//! The exchanges through `wireline`.

use std::io::Read;

use wireline::{Connection, Connector, Origin, Request, Response, Reuse, Stream};

use crate::exchange::{self, Course, Exchange};
use crate::outcome::Outcome;
use crate::peer::{Peer, patient};

/// What comes of an exchange, and of the probe behind it.
pub(crate) fn outcomes(peer: &Peer, exchange: &Exchange) -> Vec<Outcome> {
    let request = exchange.request(peer);
    let content = exchange.content.as_deref().unwrap_or_default();
    let mut client = Client { peer, kept: None, outcomes: Vec::new() };
    match exchange.course {
        Course::InTurn(times) => (0..times).for_each(|_| client.send(&request, content)),
        Course::Pipelined(times) => client.pipeline(&request, times),
        Course::Tunnelled => return vec![tunnelled(peer, &request)],
    }
    client.send(&exchange::probe(peer).request(peer), &[]);
    client.outcomes
}

struct Client<'a> {
    peer: &'a Peer,
    /// The connection of the last exchange, if it goes on.
    kept: Option<Connection<Stream>>,
    outcomes: Vec<Outcome>,
}

impl Client<'_> {
    fn send(&mut self, request: &Request, content: &[u8]) {
        let is_kept = self.kept.is_some();
        let mut connection = self.kept.take().unwrap_or_else(|| connect(self.peer));
        let mut outcome = exchange(&mut connection, request, content);
        // A server may close between two exchanges without a word, and then nothing has come of the second.
        let persists = is_kept && !outcome.heads.is_empty();
        if is_kept && !persists {
            connection = connect(self.peer);
            outcome = exchange(&mut connection, request, content);
        }
        if let Some(last) = self.outcomes.last_mut() {
            last.persists = persists;
        }
        self.kept = (connection.reuse() == Reuse::Now).then_some(connection);
        self.outcomes.push(outcome);
    }

    fn pipeline(&mut self, request: &Request, times: usize) {
        let mut connection = connect(self.peer);
        let mut pipeline = connection.pipeline();
        for _ in 0..times {
            pipeline.queue(request).unwrap();
        }
        for number in 0..times {
            let mut outcome = Outcome { persists: number + 1 < times, ..Outcome::default() };
            if let Ok(response) = pipeline.receive() {
                take(response, &mut outcome);
            }
            self.outcomes.push(outcome);
        }
        drop(pipeline);
        self.kept = (connection.reuse() == Reuse::Now).then_some(connection);
    }
}

fn connect(peer: &Peer) -> Connection<Stream> {
    let connector = match peer.proxy() {
        Some(proxy) => connector().proxy(proxy),
        None => connector(),
    };
    connector.connect(&origin(&peer.site)).unwrap()
}

fn connector() -> Connector {
    Connector::new().timeouts(patient())
}

fn origin(authority: &str) -> Origin {
    Origin::parse(&format!("http://{authority}")).unwrap()
}

fn exchange(connection: &mut Connection<Stream>, request: &Request, content: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    if let Ok(response) = connection.send(request, content) {
        take(response, &mut outcome);
        return outcome;
    }
    outcome.heads = connection.interim().iter().map(|head| head.as_bytes().to_vec()).collect();
    outcome
}

fn take(mut response: Response<'_, Stream>, outcome: &mut Outcome) {
    let heads = response.interim().iter().chain([response.head()]);
    outcome.heads.extend(heads.map(|head| head.as_bytes().to_vec()));
    outcome.is_complete = response.read_to_end(&mut outcome.content).is_ok();
    outcome.trailers = response.trailers().as_bytes().to_vec();
}

fn tunnelled(peer: &Peer, request: &Request) -> Outcome {
    let mut outcome = Outcome::default();
    match connector().proxy(peer.tunnel()).connect(&origin(&peer.application)) {
        Ok(mut connection) => {
            outcome.heads.extend(connection.proxy_answer().map(|head| head.as_bytes().to_vec()));
            if let Ok(response) = connection.send(request, ()) {
                take(response, &mut outcome);
            }
        }
        Err(error) => outcome.heads.extend(error.proxy_answer().map(|head| head.as_bytes().to_vec())),
    }
    outcome
}
