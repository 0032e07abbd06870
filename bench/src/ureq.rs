//! ureq, with one agent.

use std::fs::File;
use std::io::{self, Seek};

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use wireline_bench::{Failure, Job, Report, Scenario};

use crate::{BUFFER, drain};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    let mut config = Agent::config_builder().proxy(None);
    if job.secure {
        let root = Certificate::from_pem(&job.root()?)?;
        config = config.tls_config(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build());
    }
    if job.scenario == Scenario::Fresh {
        config = config.max_idle_connections(0);
    }
    let agent = Agent::new_with_config(config.build());
    let url = job.url();
    let mut buffer = vec![0; BUFFER];
    match job.scenario {
        Scenario::Fresh | Scenario::Get => {
            job.repeat(|| drain(agent.get(&url).call()?.into_body().into_reader(), &mut buffer))
        }
        Scenario::Put => {
            let content = job.content();
            job.repeat(|| drain(agent.put(&url).send(&content)?.into_body().into_reader(), &mut buffer))
        }
        Scenario::PutFile => {
            let mut file = File::open(&job.file)?;
            let length = file.metadata()?.len();
            job.repeat(|| {
                file.rewind()?;
                let put = agent.put(&url).header("content-length", length);
                drain(put.send(&file)?.into_body().into_reader(), &mut buffer)
            })
        }
        Scenario::Save => {
            let mut file = File::create(&job.file)?;
            job.repeat(|| {
                file.rewind()?;
                Ok(io::copy(&mut agent.get(&url).call()?.into_body().into_reader(), &mut file)?)
            })
        }
        Scenario::Idle => {
            // A pool keeps as many as there were at once, and no more than it is told to.
            let keep = Agent::config_builder().proxy(None).max_idle_connections(job.depth);
            let agent = Agent::new_with_config(keep.max_idle_connections_per_host(job.depth).build());
            let mut open = Vec::with_capacity(job.depth);
            for _ in 0..job.depth {
                open.push(agent.get(&url).call()?.into_body().into_reader());
            }
            for content in open {
                drain(content, &mut buffer)?;
            }
            job.held(agent)
        }
        _ => Ok(None),
    }
}
