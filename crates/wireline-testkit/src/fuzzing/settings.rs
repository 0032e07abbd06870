//! Choices, made by the bytes of an input: any byte is one, so that a fuzzer finds a choice behind every change.

use wireline_proto::{Config, Leniency, Method, Request};

/// The choices that are left. When there are none, each is the first: an empty line is what is usual.
#[derive(Debug)]
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

impl<'a> Choices<'a> {
    /// The choices in the first line, and what stands behind it.
    pub(super) fn split(input: &'a [u8]) -> (Self, &'a [u8]) {
        let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
        (Self(&input[..end]), input.get(end + 1..).unwrap_or_default())
    }

    /// Letters count from `a`, so that corpora can be read and written.
    pub(super) fn number(&mut self) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(first.wrapping_sub(b'a'))
    }

    pub(super) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn config(&mut self) -> Config {
        let mut config = Config::default();
        config.leniency = match self.number() % 4 {
            1 => Leniency::BROWSER,
            2 => Leniency::HTTP_CLIENT,
            3 => {
                let mut leniency = Leniency::STRICT;
                let mut bits = 0;
                for (place, name) in Leniency::NAMES.iter().enumerate() {
                    if place % 4 == 0 {
                        bits = self.number();
                    }
                    assert!(leniency.set(name, bits >> (place % 4) & 1 == 1), "{name} is a leniency");
                }
                leniency
            }
            _ => Leniency::STRICT,
        };
        let flags = self.number();
        (config.refuse_obs_fold, config.pipeline_any_method) = (flags & 1 != 0, flags & 2 != 0);
        if flags & 4 != 0 {
            let bytes = 16 + 3 * u32::try_from(self.number()).unwrap_or(0);
            let count = u32::try_from(self.number() % 6).unwrap_or(0);
            let limits = &mut config.limits;
            (limits.start_line, limits.field_line, limits.head) = (bytes, bytes, bytes);
            (limits.chunk_line, limits.chunk_extensions, limits.trailers) = (bytes, bytes, bytes);
            (limits.interim_bytes, limits.receive_buffer, limits.transmit_buffer) = (bytes, bytes, bytes);
            (limits.fields, limits.trailer_fields, limits.interim_responses) = (count, count, count);
            limits.leading_empty_lines = count;
        }
        config
    }

    /// A request of each kind that is answered or sent in a way of its own.
    pub(super) fn request(&mut self) -> Request {
        let to = |method: &str| Request::builder(method, if method == "CONNECT" { "a:1" } else { "/" }).host("a:1");
        let upgrade = |method: &str| to(method).field("Connection", "upgrade").field("Upgrade", "test");
        let request = match self.number() % 14 {
            1 => to("HEAD"),
            2 => to("GET").close(),
            3 => to("POST").content_length(0),
            4 => to("POST").idempotent(true).content_length(3),
            5 => to("PUT").content_length(5),
            6 => to("PUT").chunked(),
            7 => to("PUT").chunked().expect_continue(),
            8 => to("PUT").content_length(5).expect_continue(),
            9 => upgrade("GET"),
            10 => upgrade("PUT").chunked(),
            11 => to("CONNECT"),
            12 => return Request::unchecked(&b"GET /\r\n"[..], Method::GET),
            13 => to("PUT").chunked().encoded(),
            _ => to("GET"),
        };
        request.build().expect("a request that can be sent")
    }

    /// The rest: places to cut so many bytes at.
    pub(super) fn cuts(&self, len: usize) -> Vec<usize> {
        let mut cuts: Vec<_> = self.0.iter().map(|&byte| usize::from(byte) * len / 256).collect();
        cuts.sort_unstable();
        cuts
    }
}
