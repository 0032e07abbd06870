//! `tokio-wireline`, on a runtime of one thread.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use tokio_wireline::{Connection, Connector, Origin, Request, Response, TlsSettings};
use wireline_bench::{Failure, Job, Report, Scenario};

use crate::blocking::room;

const DEADLINE: Duration = Duration::from_secs(3600);

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if job.scenario == Scenario::Idle {
        let held = runtime.block_on(hold(job))?;
        return job.held((held, runtime));
    }
    exchanges(&runtime, job)
}

fn exchanges(runtime: &Runtime, job: &Job) -> Result<Option<Report>, Failure> {
    let mut buffer = vec![0; room(job)];
    runtime.block_on(async {
        let opener = Opener::new(job)?;
        let mut connection = opener.connect().await?;
        let get = connection.request("GET", &job.target).build()?;
        match job.scenario {
            Scenario::Fresh => {
                job.repeat_async(async || read(opener.connect().await?.send(&get, ()).await?, &mut buffer).await).await
            }
            Scenario::Get => job.repeat_async(async || read(connection.send(&get, ()).await?, &mut buffer).await).await,
            Scenario::Many => many(job, &opener, &get).await,
            Scenario::Pipeline => {
                let mut pipeline = connection.pipeline();
                let mut waiting = 0;
                job.repeat_async(async || {
                    if waiting == 0 {
                        for _ in 0..job.depth {
                            pipeline.queue(&get).await?;
                        }
                        waiting = job.depth;
                    }
                    waiting -= 1;
                    read(pipeline.receive().await?, &mut buffer).await
                })
                .await
            }
            Scenario::Put => {
                let content = job.content();
                let put = connection.request("PUT", &job.target).content_length(job.size as u64).build()?;
                job.repeat_async(async || read(connection.send(&put, &content).await?, &mut buffer).await).await
            }
            _ => Ok(None),
        }
    })
}

/// Each connection is a task of its own; an exchange is one GET on each of them.
async fn many(job: &Job, opener: &Opener, get: &Request) -> Result<Option<Report>, Failure> {
    let mut connections = Vec::with_capacity(job.depth);
    for _ in 0..job.depth {
        connections.push(opener.connect().await?);
    }
    let tasks = LocalSet::new();
    tasks
        .run_until(job.repeat_many(connections, |mut connection, count| {
            let get = get.clone();
            async move {
                let mut received = 0;
                for _ in 0..count {
                    received += read(connection.send(&get, ()).await?, &mut []).await?;
                }
                Ok((connection, received))
            }
        }))
        .await
}

async fn hold(job: &Job) -> Result<Vec<Connection>, Failure> {
    let opener = Opener::new(job)?;
    let mut buffer = vec![0; room(job)];
    let mut held = Vec::with_capacity(job.depth);
    for _ in 0..job.depth {
        let mut connection = opener.connect().await?;
        let get = connection.request("GET", &job.target).build()?;
        read(connection.send(&get, ()).await?, &mut buffer).await?;
        held.push(connection);
    }
    Ok(held)
}

/// Makes connections to the origin.
struct Opener {
    connector: Connector,
    origin: Origin,
}

impl Opener {
    fn new(job: &Job) -> Result<Self, Failure> {
        let connector = Connector::new();
        let connector = match job.secure {
            true => connector.tls(TlsSettings::roots_pem(&job.root()?)?),
            false => connector,
        };
        Ok(Self { connector, origin: Origin::parse(&job.origin())? })
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let mut connection = self.connector.connect(&self.origin).await?;
        connection.set_deadline(Some(Instant::now() + DEADLINE));
        Ok(connection)
    }
}

async fn read(mut response: Response<'_>, buffer: &mut [u8]) -> Result<u64, Failure> {
    if !buffer.is_empty() {
        while response.read_content(buffer).await? > 0 {}
        return Ok(response.content_read());
    }
    loop {
        let len = response.fill_content().await?.len();
        if len == 0 {
            return Ok(response.content_read());
        }
        response.consume_content(len);
    }
}
