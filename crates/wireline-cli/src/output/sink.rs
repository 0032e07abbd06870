//! Where content goes: standard output, a file, or nowhere; and what it was.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use wireline::{ErrorKind, Response, Transport};

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::url::Url;

/// Takes the content of one response, piece by piece.
#[derive(Debug)]
pub(crate) struct Sink {
    place: Place,
    /// Made when the first byte, or the end, comes: no response, no file.
    file: Option<File>,
    digest: Option<Sha256>,
    length: u64,
}

#[derive(Debug)]
enum Place {
    Nowhere,
    Stdout,
    File(PathBuf),
}

impl Sink {
    /// Where the content of the URL with this `index` goes.
    pub(crate) fn new(args: &Args, index: usize, url: &Url) -> Result<Self, Failure> {
        let place = match args.outputs.get(index) {
            Some(path) if path.as_os_str() == "-" => Place::Stdout,
            Some(path) => Place::File(path.clone()),
            None if args.remote_name => match url.file_name() {
                Some(name) => Place::File(name.into()),
                None => {
                    let why = format!("{}: -O: the path ends without a name for a file", url.text.escape_debug());
                    return Err(Failure::new(Exit::Output, "write", why));
                }
            },
            None => Place::Stdout,
        };
        let place = if args.json && matches!(place, Place::Stdout) { Place::Nowhere } else { place };
        let digest = args.json.then(Sha256::new);
        Ok(Self { place, file: None, digest, length: 0 })
    }

    /// Whether bytes of the content appear on standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Stdout)
    }

    /// The content that follows is not to be written, but still counted: it belongs to a failure.
    pub(crate) fn discard(&mut self) {
        self.place = Place::Nowhere;
    }

    /// Bytes that are not content: heads, with `-i`.
    pub(crate) fn write_head(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes)
    }

    pub(crate) fn write_content(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.length += bytes.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.write(bytes)
    }

    /// Moves some content straight into the file, where there is one and nobody has to see the bytes, and says how much: 0
    /// at the end. `None`: it has to be read.
    pub(crate) fn save_content<S: Transport>(
        &mut self,
        response: &mut Response<'_, S>,
    ) -> Result<Option<u64>, Failure> {
        self.open()?;
        let (Place::File(path), Some(file), None) = (&self.place, &self.file, &self.digest) else { return Ok(None) };
        let saved = response.save_content(file).map_err(|error| match (error.kind(), error.io_error()) {
            (ErrorKind::Sink, Some(error)) => Failure::output(path.display(), error),
            _ => Failure::of(&error),
        })?;
        self.length += saved;
        Ok(Some(saved))
    }

    /// Makes the file if there is none yet: content of no bytes is content.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        if let (Place::File(path), None) = (&self.place, &self.file) {
            self.file = Some(File::create(path).map_err(|error| Failure::output(path.display(), &error))?);
        }
        Ok(())
    }

    /// How much content came, and its SHA-256 in hexadecimal digits.
    pub(crate) fn summary(&self) -> (u64, String) {
        let digest = self.digest.clone().unwrap_or_default().finalize();
        (self.length, digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.open()?;
        match (&self.place, &mut self.file) {
            (Place::File(path), Some(file)) => {
                file.write_all(bytes).map_err(|error| Failure::output(path.display(), &error))
            }
            (Place::Stdout, _) => {
                let mut stdout = io::stdout().lock();
                // Whoever reads along wants what has come, not what fills a buffer.
                let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
                written.map_err(|error| Failure::output("standard output", &error))
            }
            _ => Ok(()),
        }
    }
}
