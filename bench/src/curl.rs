//! libcurl by its Rust binding: one easy handle, which keeps its connection.

use std::fs::File;
use std::io::{Read, Seek, Write};

use curl::easy::{Easy2, Handler, List, ReadError, WriteError};
use wireline_bench::{Failure, Job, Report, Scenario};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    match job.scenario {
        Scenario::Fresh => {
            let mut easy = easy(job)?;
            easy.fresh_connect(true)?;
            easy.forbid_reuse(true)?;
            job.repeat(|| perform(&mut easy))
        }
        Scenario::Get => {
            let mut easy = easy(job)?;
            job.repeat(|| perform(&mut easy))
        }
        Scenario::Idle => {
            let mut held = Vec::with_capacity(job.depth);
            for _ in 0..job.depth {
                let mut easy = easy(job)?;
                perform(&mut easy)?;
                held.push(easy);
            }
            job.held(held)
        }
        Scenario::Put => {
            let mut easy = easy(job)?;
            upload(&mut easy, job.size as u64)?;
            easy.get_mut().memory = job.content();
            job.repeat(|| perform(&mut easy))
        }
        Scenario::PutFile => {
            let mut easy = easy(job)?;
            let file = File::open(&job.file)?;
            upload(&mut easy, file.metadata()?.len())?;
            easy.get_mut().from = Some(file);
            job.repeat(|| perform(&mut easy))
        }
        Scenario::Save => {
            let mut easy = easy(job)?;
            easy.get_mut().to = Some(File::create(&job.file)?);
            job.repeat(|| perform(&mut easy))
        }
        _ => Ok(None),
    }
}

fn easy(job: &Job) -> Result<Easy2<Exchange>, Failure> {
    let mut easy = Easy2::new(Exchange::default());
    easy.url(&job.url())?;
    if let Some(root) = &job.root {
        easy.cainfo(root)?;
    }
    Ok(easy)
}

fn upload(easy: &mut Easy2<Exchange>, length: u64) -> Result<(), Failure> {
    easy.upload(true)?;
    easy.in_filesize(length)?;
    // Nobody else waits for 100 (Continue).
    let mut fields = List::new();
    fields.append("Expect:")?;
    Ok(easy.http_headers(fields)?)
}

fn perform(easy: &mut Easy2<Exchange>) -> Result<u64, Failure> {
    let exchange = easy.get_mut();
    exchange.received = 0;
    exchange.sent = 0;
    for file in [&mut exchange.from, &mut exchange.to].into_iter().flatten() {
        file.rewind()?;
    }
    easy.perform()?;
    Ok(easy.get_ref().received)
}

#[derive(Default)]
struct Exchange {
    received: u64,
    /// What to send: a file, or memory and how much of it has gone.
    from: Option<File>,
    memory: Vec<u8>,
    sent: usize,
    to: Option<File>,
}

impl Handler for Exchange {
    fn write(&mut self, content: &[u8]) -> Result<usize, WriteError> {
        self.received += content.len() as u64;
        match self.to.as_mut().map(|file| file.write_all(content)) {
            Some(Err(_)) => Ok(0),
            _ => Ok(content.len()),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, ReadError> {
        if let Some(file) = &mut self.from {
            return file.read(into).map_err(|_| ReadError::Abort);
        }
        let rest = &self.memory[self.sent..];
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        self.sent += len;
        Ok(len)
    }
}
