//! The floor with bare httparse: what it takes to find the end of a head and its Content-Length, and no more.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use wireline_bench::{Answer, Failure, Job, Report, Scenario};

use crate::BUFFER;

pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    let answer = Answer::to(&job.target);
    if job.secure {
        return Ok(None);
    }
    if job.authority.is_empty() {
        return job.repeat(|| {
            head(answer.head())?.ok_or("part of a head")?;
            Ok(answer.content())
        });
    }
    let get = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", job.target, job.authority).into_bytes();
    let stream = TcpStream::connect(&job.authority)?;
    stream.set_nodelay(true)?;
    let mut reader = Reader { stream, buffer: vec![0; BUFFER], start: 0, end: 0 };
    match job.scenario {
        Scenario::Get => job.repeat(|| {
            reader.stream.write_all(&get)?;
            reader.response()
        }),
        Scenario::Pipeline => {
            let batch = get.repeat(job.depth);
            let mut waiting = 0;
            job.repeat(|| {
                if waiting == 0 {
                    reader.stream.write_all(&batch)?;
                    waiting = job.depth;
                }
                waiting -= 1;
                reader.response()
            })
        }
        _ => Ok(None),
    }
}

/// The length of a head and of the content behind it; nothing while the head is not complete.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(len) = response.parse(bytes)? else { return Ok(None) };
    let found = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = found.and_then(|field| std::str::from_utf8(field.value).ok()?.parse().ok());
    Ok(Some((len, length.unwrap_or(0))))
}

struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Reader {
    fn response(&mut self) -> Result<u64, Failure> {
        let (head, content) = loop {
            if self.start < self.end
                && let Some(found) = head(&self.buffer[self.start..self.end])?
            {
                break found;
            }
            self.fill()?;
        };
        self.start += head;
        let mut left = content;
        loop {
            let here = left.min(self.end - self.start);
            self.start += here;
            left -= here;
            if left == 0 {
                return Ok(content as u64);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }
}
