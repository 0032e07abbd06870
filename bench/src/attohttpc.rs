//! attohttpc keeps no connection: each request is on a new one.

use wireline_bench::{Failure, Job, Report, Scenario};

use crate::{BUFFER, drain};

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    if job.scenario != Scenario::Fresh || job.secure {
        return Ok(None);
    }
    let mut buffer = vec![0; BUFFER];
    let url = job.url();
    job.repeat(|| drain(attohttpc::get(&url).send()?, &mut buffer))
}
