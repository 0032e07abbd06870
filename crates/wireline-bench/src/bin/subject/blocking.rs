//! `wireline`, with a deadline set: a bound on every wait is what it is for.

use std::fs::File;
use std::io::Seek;
use std::time::{Duration, Instant};

use wireline::{Connection, Connector, Content, Origin, Request, Response, TlsSettings};
use wireline_bench::{Failure, Job, Report, Scenario};

const DEADLINE: Duration = Duration::from_secs(3600);

/// As long as an answer on loopback takes, several times over.
const BUSY: Duration = Duration::from_micros(200);

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    measure_with(job, Duration::ZERO)
}

/// The same, busy for some time before it sleeps.
pub(crate) fn measure_polling(job: &Job) -> Result<Option<Report>, Failure> {
    measure_with(job, BUSY)
}

fn measure_with(job: &Job, busy: Duration) -> Result<Option<Report>, Failure> {
    let connector = connector(job)?;
    let origin = Origin::parse(&job.origin())?;
    let connect = || -> Result<Connection, Failure> {
        let mut connection = connector.connect(&origin)?;
        connection.set_deadline(Some(Instant::now() + DEADLINE));
        connection.set_busy_poll(busy);
        Ok(connection)
    };
    let mut connection = connect()?;
    let get = connection.request("GET", &job.target).build()?;
    let mut buffer = vec![0; room(job)];
    match job.scenario {
        Scenario::Fresh => job.repeat(|| read(connect()?.send(&get, ())?, &mut buffer)),
        Scenario::Get => job.repeat(|| read(connection.send(&get, ())?, &mut buffer)),
        Scenario::Idle => {
            let mut held = Vec::with_capacity(job.depth);
            for _ in 0..job.depth {
                let mut connection = connect()?;
                read(connection.send(&get, ())?, &mut buffer)?;
                held.push(connection);
            }
            job.held((held, connector))
        }
        Scenario::Pipeline => pipeline(job, &mut connection, &get, &mut buffer),
        Scenario::Put => {
            let content = job.content();
            let put = connection.request("PUT", &job.target).content_length(job.size as u64).build()?;
            job.repeat(|| read(connection.send(&put, &content)?, &mut buffer))
        }
        Scenario::PutFile => {
            let mut file = File::open(&job.file)?;
            let put = connection.request("PUT", &job.target).content_length(file.metadata()?.len()).build()?;
            job.repeat(|| {
                file.rewind()?;
                read(connection.send(&put, Content::file(&file))?, &mut buffer)
            })
        }
        Scenario::Save => {
            let mut file = File::create(&job.file)?;
            job.repeat(|| {
                file.rewind()?;
                Ok(connection.send(&get, ())?.save_to(&file)?)
            })
        }
        _ => Ok(None),
    }
}

fn connector(job: &Job) -> Result<Connector, Failure> {
    let connector = Connector::new();
    Ok(match job.secure {
        true => connector.tls(TlsSettings::roots_pem(&job.root()?)?),
        false => connector,
    })
}

/// As many requests as `depth` says are queued, leave together, and are answered.
fn pipeline(
    job: &Job,
    connection: &mut Connection,
    get: &Request,
    buffer: &mut [u8],
) -> Result<Option<Report>, Failure> {
    let mut pipeline = connection.pipeline();
    let mut waiting = 0;
    job.repeat(|| {
        if waiting == 0 {
            for _ in 0..job.depth {
                pipeline.queue(get)?;
            }
            waiting = job.depth;
        }
        waiting -= 1;
        read(pipeline.receive()?, buffer)
    })
}

/// How much memory content is read into: none, since it is looked at where it is. Out of TLS it comes by a copy, and the one
/// that goes straight to the caller is the cheapest.
pub(crate) fn room(job: &Job) -> usize {
    if job.secure { 64 << 10 } else { 0 }
}

fn read(mut response: Response<'_>, buffer: &mut [u8]) -> Result<u64, Failure> {
    if !buffer.is_empty() {
        while response.read_content(buffer)? > 0 {}
        return Ok(response.content_read());
    }
    loop {
        let len = response.fill_content()?.len();
        if len == 0 {
            return Ok(response.content_read());
        }
        response.consume_content(len);
    }
}
