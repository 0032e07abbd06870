//! Content into a file.

use std::fs::File;

use super::Response;
use crate::error::Error;
use crate::transport::Transport;

impl<S: Transport> Response<'_, S> {
    /// Writes the content that has not been read yet to a file, at its position, and says how much it was.
    ///
    /// On Linux, content from a TCP or Unix socket goes there without being copied through memory here (`splice`), but
    /// for small content and small chunks, under a [`Tap`](crate::Tap), and into a file that is only added to
    /// (`O_APPEND`); elsewhere, and over TLS, it is read and written.
    ///
    /// ```
    /// # let server = wireline_testkit::Origin::start()?;
    /// # let mut connection = wireline::Connection::connect(&server.url(""))?;
    /// # let path = std::env::temp_dir().join(format!("wireline-saved-{}", std::process::id()));
    /// let file = std::fs::File::create(&path)?;
    /// assert_eq!(connection.get("/bytes/300000")?.save_to(&file)?, 300_000);
    /// assert_eq!(file.metadata()?.len(), 300_000);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_content`](Self::read_content); all content that has come is in the file then, and
    /// [`content_read`](Self::content_read) says how much that is. Or [`Sink`](crate::ErrorKind::Sink): the file does not
    /// take it. The call can be made again after either, wherever the connection goes on, and nothing is lost but what is in
    /// [`Error::partial`].
    pub fn save_to(&mut self, file: &File) -> Result<u64, Error> {
        let mut saved = 0;
        loop {
            match self.save_content(file)? {
                0 => return Ok(saved),
                some => saved += some,
            }
        }
    }

    /// The same with what comes next, at most 1 MiB: for those who do something else in between. 0 when the content is
    /// complete.
    ///
    /// # Errors
    /// As [`save_to`](Self::save_to).
    pub fn save_content(&mut self, file: &File) -> Result<u64, Error> {
        self.driver.save_content(file)
    }
}
