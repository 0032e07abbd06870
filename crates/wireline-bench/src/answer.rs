//! What the origin answers: known to the byte by both sides, so that a floor without any HTTP can be measured.

use std::io::{self, Write};

/// The names and values of the first ten fields, as a server in common use sends them.
const FIELDS: [&str; 10] = [
    "Date: Sat, 21 Nov 2026 12:00:00 GMT",
    "Server: nginx/1.22.1",
    "Content-Type: application/octet-stream",
    "Content-Length: 1024",
    "Connection: keep-alive",
    "Last-Modified: Sat, 21 Nov 2026 11:00:00 GMT",
    "ETag: \"5f8a6b2c-400\"",
    "Accept-Ranges: bytes",
    "Cache-Control: max-age=3600",
    "X-Request-Id: 0123456789abcdef",
];

/// Content is written in blocks of this many bytes, so that a large one needs no memory of its size.
const BLOCK: u64 = 1 << 20;

/// One answer in wire form: a head, then content that is one block over and over.
#[derive(Debug)]
pub struct Answer {
    head: Vec<u8>,
    block: Vec<u8>,
    times: u64,
    tail: Vec<u8>,
    content: u64,
}

impl Answer {
    /// The answer to a target: `/fields/N` has N fields and 1 KiB of content, `/length/N` N bytes of content, and
    /// `/chunked/N/SIZE` N bytes in chunks of SIZE. Anything else has no content.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let mut parts = target.split('/').skip(1);
        let kind = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        match kind {
            "fields" => Self::with_fields(number()),
            "length" => Self::with_length(number()),
            "chunked" => Self::in_chunks(number(), number().max(1)),
            _ => Self::with_length(0),
        }
    }

    /// How much content there is.
    #[must_use]
    pub fn content(&self) -> u64 {
        self.content
    }

    /// The length of the whole on the wire.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head.len() as u64 + self.block.len() as u64 * self.times + self.tail.len() as u64
    }

    /// Never: there is always a head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The head alone.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What stands [so many times](Self::times) behind the head.
    #[must_use]
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// How often the block stands behind the head.
    #[must_use]
    pub fn times(&self) -> u64 {
        self.times
    }

    /// What stands behind the blocks.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Writes the whole; what is small in one piece.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        if self.len() <= BLOCK {
            let mut whole = self.head.clone();
            (0..self.times).for_each(|_| whole.extend_from_slice(&self.block));
            whole.extend_from_slice(&self.tail);
            return to.write_all(&whole);
        }
        to.write_all(&self.head)?;
        (0..self.times).try_for_each(|_| to.write_all(&self.block))?;
        to.write_all(&self.tail)
    }

    fn with_fields(count: u64) -> Self {
        let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
        for number in 0..count {
            let more = || format!("X-Field-{number}: value number {number} of many");
            head += &FIELDS
                .get(usize::try_from(number).unwrap_or(usize::MAX))
                .map_or_else(more, |field| (*field).to_owned());
            head += "\r\n";
        }
        head += "\r\n";
        Self { head: head.into_bytes(), block: vec![b'x'; 1024], times: 1, tail: Vec::new(), content: 1024 }
    }

    fn with_length(content: u64) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {content}\r\n\r\n").into_bytes();
        let block = vec![b'x'; usize::try_from(content.min(BLOCK)).unwrap_or_default()];
        let (times, rest) = if block.is_empty() { (0, 0) } else { (content / BLOCK.min(content), content % BLOCK) };
        let rest = if content < BLOCK { 0 } else { usize::try_from(rest).unwrap_or_default() };
        Self { head, block, times, tail: vec![b'x'; rest], content }
    }

    /// Whole blocks of whole chunks: the content is rounded up to that.
    fn in_chunks(content: u64, size: u64) -> Self {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(usize::try_from(size).unwrap_or_default()));
        let chunks = BLOCK.min(content).div_ceil(size).max(1);
        let times = content.div_ceil(chunks * size);
        let block = chunk.repeat(usize::try_from(chunks).unwrap_or(1)).into_bytes();
        Self { head, block, times, tail: b"0\r\n\r\n".to_vec(), content: times * chunks * size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(target: &str) -> (Answer, Vec<u8>) {
        let answer = Answer::to(target);
        let mut written = Vec::new();
        answer.write(&mut written).unwrap();
        assert_eq!(written.len() as u64, answer.len(), "{target}");
        (answer, written)
    }

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        for target in
            ["/none", "/fields/10", "/fields/30", "/length/0", "/length/5", "/length/1048576", "/length/3000001"]
        {
            let (answer, written) = whole(target);
            assert_eq!(written.len() as u64 - answer.head().len() as u64, answer.content(), "{target}");
        }
        assert_eq!(Answer::to("/length/3000001").content(), 3_000_001);
    }

    #[test]
    fn an_answer_has_as_many_fields_as_its_target_says() {
        for count in [10, 30] {
            let (answer, _) = whole(&format!("/fields/{count}"));
            assert_eq!(answer.head().iter().filter(|byte| **byte == b'\n').count(), count + 2);
        }
    }

    #[test]
    fn chunks_have_their_size() {
        let (answer, written) = whole("/chunked/4194304/64");
        assert_eq!(answer.content(), 4 << 20);
        assert_eq!(written.len(), answer.head().len() + (4 << 20) / 64 * (64 + 6) + 5);
        assert_eq!(whole("/chunked/10/3").0.content(), 12);
    }
}
