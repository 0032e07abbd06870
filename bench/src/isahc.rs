//! isahc: libcurl on a thread of its own.

use isahc::HttpClient;
use isahc::config::Configurable;
use wireline_bench::{Failure, Job, Report, Scenario};

use crate::{BUFFER, drain};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    if job.secure {
        return Ok(None);
    }
    let client = HttpClient::builder().tcp_nodelay().proxy(None).build()?;
    let url = job.url();
    let mut buffer = vec![0; BUFFER];
    match job.scenario {
        Scenario::Get => job.repeat(|| drain(client.get(&url)?.into_body(), &mut buffer)),
        Scenario::Put => {
            let content = job.content();
            job.repeat(|| drain(client.put(&url, content.clone())?.into_body(), &mut buffer))
        }
        _ => Ok(None),
    }
}
