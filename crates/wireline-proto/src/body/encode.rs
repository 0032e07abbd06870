//! Content in chunks, outwards (RFC 9112 section 7.1).

/// The longest that the framing of one chunk can be: sixteen digits and two line ends.
pub(crate) const CHUNK_FRAMING: usize = 16 + 2 + 2;

/// The line that goes before a chunk of `len` bytes: `chunk-size CRLF`, in upper case as `http.client` writes it.
pub(crate) fn chunk_line(len: u64) -> ([u8; 18], usize) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut line = [0; 18];
    let digits = (64 - len.leading_zeros()).div_ceil(4).max(1) as usize;
    for (i, byte) in line[..digits].iter_mut().enumerate() {
        *byte = DIGITS[(len >> (4 * (digits - 1 - i)) & 0xF) as usize];
    }
    line[digits] = b'\r';
    line[digits + 1] = b'\n';
    (line, digits + 2)
}

/// `last-chunk` without the line end that closes the trailer section behind it.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_lines_are_hexadecimal() {
        for (len, line) in
            [(0, "0\r\n"), (9, "9\r\n"), (16, "10\r\n"), (65_535, "FFFF\r\n"), (u64::MAX, "FFFFFFFFFFFFFFFF\r\n")]
        {
            let (bytes, end) = chunk_line(len);
            assert_eq!(&bytes[..end], line.as_bytes());
        }
    }
}
