//! The content of a request: bytes, files and standard input, one after the other, never held whole.

use std::fs::File;
use std::io::{self, Cursor, Read};

use crate::args::{Args, Source};
use crate::failure::Failure;

/// How much content is little, in bytes: it fits into the buffer of a socket.
const SMALL: u64 = 64 << 10;

/// Content that is about to be sent.
pub(crate) struct Upload {
    parts: std::vec::IntoIter<Part>,
    current: Option<Part>,
    length: Option<u64>,
    fault: Option<Failure>,
}

/// One source, open.
struct Part {
    name: String,
    bytes: Box<dyn Read + Send>,
    length: Option<u64>,
}

impl Upload {
    /// Opens what `-d` and `-T` name; `None` when the request has no content.
    pub(crate) fn open(args: &Args) -> Result<Option<Self>, Failure> {
        let mut parts = Vec::new();
        for source in args.data.iter().chain(&args.upload) {
            if !parts.is_empty() {
                parts.push(Part::from_bytes(b"&".to_vec()));
            }
            parts.push(Part::open(source)?);
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let length = parts.iter().map(|part| part.length).sum();
        Ok(Some(Self { parts: parts.into_iter(), current: None, length, fault: None }))
    }

    /// How many bytes there are, where that is known before they are read.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// All of it, where it is known to be little: it then leaves in one piece with the head. Otherwise nothing is read.
    pub(crate) fn read_small(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if self.length.is_none_or(|length| length > SMALL) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(self.take_fault().unwrap_or_else(|| Failure::input("the content", &error))),
        }
    }

    /// Why reading failed, if it did: whoever sends sees an error without the name of the file.
    pub(crate) fn take_fault(&mut self) -> Option<Failure> {
        self.fault.take()
    }
}

impl Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(part) = self.current.as_mut() else {
                self.current = self.parts.next();
                if self.current.is_none() {
                    return Ok(0);
                }
                continue;
            };
            match part.bytes.read(buffer) {
                Ok(0) if !buffer.is_empty() => self.current = None,
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fault = Some(Failure::input(&part.name, &error));
                    return Err(error);
                }
            }
        }
    }
}

impl Part {
    fn from_bytes(bytes: Vec<u8>) -> Self {
        let length = Some(bytes.len() as u64);
        Self { name: "the command line".to_owned(), bytes: Box::new(Cursor::new(bytes)), length }
    }

    fn open(source: &Source) -> Result<Self, Failure> {
        let path = match source {
            Source::Bytes(bytes) => return Ok(Self::from_bytes(bytes.clone())),
            Source::Stdin => {
                return Ok(Self { name: "standard input".to_owned(), bytes: Box::new(io::stdin()), length: None });
            }
            Source::File(path) => path,
        };
        let name = path.display().to_string();
        let fault = |error: io::Error| Failure::input(&name, &error);
        let file = File::open(path).map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        if metadata.is_dir() {
            return Err(fault(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            // A pipe or a device says 0, whatever comes out of it.
            return Ok(Self { bytes: Box::new(file), length: None, name });
        }
        if metadata.len() > 0 {
            return Ok(Self { bytes: Box::new(file), length: Some(metadata.len()), name });
        }
        // So does a file of /proc: whether this one is empty is seen by reading.
        let mut first = Vec::new();
        (&file).take(1).read_to_end(&mut first).map_err(fault)?;
        let length = if first.is_empty() { Some(0) } else { None };
        Ok(Self { bytes: Box::new(Cursor::new(first).chain(file)), length, name })
    }
}

/// A source, open, and its name.
pub(crate) fn open(source: &Source) -> Result<(String, Box<dyn Read + Send>), Failure> {
    let Part { name, bytes, .. } = Part::open(source)?;
    Ok((name, bytes))
}

/// All bytes of a source: for a raw request, which leaves in one piece.
pub(crate) fn read_all(source: &Source) -> Result<Vec<u8>, Failure> {
    let mut part = Part::open(source)?;
    let mut bytes = Vec::new();
    part.bytes.read_to_end(&mut bytes).map_err(|error| Failure::input(&part.name, &error))?;
    Ok(bytes)
}
