//! The floor: the bytes of a request out, as many bytes as the answer has in. No HTTP at all.

mod secure;

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::TcpStream;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use wireline_bench::{Answer, Failure, Job, Report, Scenario};

/// As much as a read asks for, as wireline's subject does.
const BUFFER: usize = 64 << 10;

/// As much as the system lets a pipe hold, for anybody.
const PIPE: usize = 1 << 20;

/// With reads that sleep until something comes.
pub(crate) fn measure(job: &Job) -> Result<Option<Report>, Failure> {
    let get = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", job.target, job.authority).into_bytes();
    if job.secure {
        return secure::measure(job, &get);
    }
    let answer = Answer::to(&job.target);
    let mut buffer = vec![0; BUFFER];
    let mut stream = connect(job)?;
    match job.scenario {
        Scenario::Fresh => job.repeat(|| {
            let mut stream = connect(job)?;
            stream.write_all(&get)?;
            take(&mut stream, &mut buffer, answer.len())?;
            Ok(answer.content())
        }),
        Scenario::Get => job.repeat(|| {
            stream.write_all(&get)?;
            take(&mut stream, &mut buffer, answer.len())?;
            Ok(answer.content())
        }),
        Scenario::Pipeline => pipeline(job, &mut stream, &get, &answer, &mut buffer),
        Scenario::Put => {
            let mut whole = put(job, job.size as u64);
            whole.extend_from_slice(&job.content());
            job.repeat(|| {
                stream.write_all(&whole)?;
                take(&mut stream, &mut buffer, answer.len())?;
                Ok(0)
            })
        }
        Scenario::PutFile => {
            let mut file = File::open(&job.file)?;
            let length = file.metadata()?.len();
            let head = put(job, length);
            job.repeat(|| {
                file.rewind()?;
                stream.write_all(&head)?;
                let mut left = length;
                while left > 0 {
                    let most = usize::try_from(left).unwrap_or(usize::MAX);
                    left -= rustix::fs::sendfile(&stream, &file, None, most)? as u64;
                }
                take(&mut stream, &mut buffer, answer.len())?;
                Ok(0)
            })
        }
        Scenario::Save => {
            let head = &mut buffer[..usize::try_from(answer.len() - answer.content())?];
            let mut file = File::create(&job.file)?;
            let (output, input) = pipe_with(PipeFlags::CLOEXEC)?;
            fcntl_setpipe_size(&input, PIPE)?;
            job.repeat(|| {
                file.rewind()?;
                stream.write_all(&get)?;
                stream.read_exact(head)?;
                let mut left = answer.content();
                while left > 0 {
                    let most = usize::try_from(left).map_or(PIPE, |left| left.min(PIPE));
                    let mut taken = splice(&stream, None, &input, None, most, SpliceFlags::MOVE)?;
                    if taken == 0 {
                        return Err("the origin closed".into());
                    }
                    left -= taken as u64;
                    while taken > 0 {
                        taken -= splice(&output, None, &file, None, taken, SpliceFlags::MOVE)?;
                    }
                }
                Ok(answer.content())
            })
        }
        _ => Ok(None),
    }
}

/// With reads that ask again and again: what a connection that never sleeps could gain.
pub(crate) fn measure_polling(job: &Job) -> Result<Option<Report>, Failure> {
    if job.scenario != Scenario::Get || job.secure {
        return Ok(None);
    }
    let answer = Answer::to(&job.target);
    let mut buffer = vec![0; BUFFER];
    let get = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", job.target, job.authority).into_bytes();
    let mut stream = connect(job)?;
    stream.set_nonblocking(true)?;
    job.repeat(|| {
        // A request of some hundred bytes always has room.
        stream.write_all(&get)?;
        let mut left = answer.len();
        while left > 0 {
            match stream.read(&mut buffer) {
                Ok(0) => return Err("the origin closed".into()),
                Ok(read) => left -= read as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::hint::spin_loop(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(answer.content())
    })
}

/// As many requests as `depth` says in one write, then their answers.
fn pipeline(
    job: &Job,
    stream: &mut TcpStream,
    get: &[u8],
    answer: &Answer,
    buffer: &mut [u8],
) -> Result<Option<Report>, Failure> {
    let batch = get.repeat(job.depth);
    let mut asked = 0;
    let mut taken = 0;
    job.repeat(|| {
        if taken == asked {
            stream.write_all(&batch)?;
            asked += job.depth;
            take(stream, buffer, answer.len() * job.depth as u64)?;
        }
        taken += 1;
        Ok(answer.content())
    })
}

fn connect(job: &Job) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(&job.authority)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn put(job: &Job, length: u64) -> Vec<u8> {
    let Job { target, authority, .. } = job;
    format!("PUT {target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

fn take(stream: &mut TcpStream, buffer: &mut [u8], mut left: u64) -> io::Result<()> {
    while left > 0 {
        match stream.read(buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read as u64,
        }
    }
    Ok(())
}
