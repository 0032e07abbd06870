//! minreq keeps no connection: each request is on a new one, and content is read whole.

use wireline_bench::{Failure, Job, Report, Scenario};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    if job.scenario != Scenario::Fresh || job.secure {
        return Ok(None);
    }
    let url = job.url();
    job.repeat(|| Ok(minreq::get(&url).send()?.as_bytes().len() as u64))
}
