//! `wireline-proto` alone: heads from memory, with every check on and the index of fields built.

use wireline::Request;
use wireline::proto::{Config, Connection, Event};
use wireline_bench::{Answer, Failure, Job, Report, Scenario};

/// A GET is an exchange without its content: the head of the answer comes, as if to HEAD, and is parsed.
pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    if job.scenario != Scenario::Get || !job.authority.is_empty() {
        return Ok(None);
    }
    let answer = Answer::to(&job.target);
    let head = Request::builder("HEAD", &job.target).host("a").build()?;
    let mut connection = Connection::new(Config::default());
    job.repeat(|| {
        connection.send_request(&head)?;
        let queued = connection.transmit().len();
        connection.transmitted(queued);
        connection.receive_space()[..answer.head().len()].copy_from_slice(answer.head());
        connection.received(answer.head().len());
        let mut fields = 0;
        while connection.advance()? {
            match connection.event() {
                Event::Response(head) => fields = head.fields().len(),
                Event::End(_) => break,
                _ => return Err("an event that has no place behind HEAD".into()),
            }
        }
        std::hint::black_box(fields);
        Ok(answer.content())
    })
}
