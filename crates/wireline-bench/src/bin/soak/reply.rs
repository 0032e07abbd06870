//! Takes an answer in and compares it with the plan, byte for byte.

use wireline::{Error, FieldsRef, Received, Response, Reuse};

use crate::plan::Plan;
use crate::random::{Random, Side, content};
use crate::told::Told;

/// What a [`Response`] and a [`Received`] have in common.
pub(crate) trait Reply {
    fn index(&self) -> u64;
    fn status(&self) -> u16;
    fn fields(&self) -> FieldsRef<'_>;
    fn interims(&self) -> usize;
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error>;
    fn is_complete(&self) -> bool;
    fn trailers(&self) -> FieldsRef<'_>;
    /// Where it can be asked for.
    fn reuse(&self) -> Option<Reuse>;
}

impl Reply for Response<'_> {
    fn index(&self) -> u64 {
        self.exchange().index()
    }

    fn status(&self) -> u16 {
        self.status().as_u16()
    }

    fn fields(&self) -> FieldsRef<'_> {
        self.fields()
    }

    fn interims(&self) -> usize {
        self.interim().len()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        self.read_content(into)
    }

    fn is_complete(&self) -> bool {
        self.is_complete()
    }

    fn trailers(&self) -> FieldsRef<'_> {
        self.trailers()
    }

    fn reuse(&self) -> Option<Reuse> {
        Some(self.reuse())
    }
}

impl Reply for Received<'_> {
    fn index(&self) -> u64 {
        self.exchange().index()
    }

    fn status(&self) -> u16 {
        self.status().as_u16()
    }

    fn fields(&self) -> FieldsRef<'_> {
        self.fields()
    }

    fn interims(&self) -> usize {
        self.interim().len()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        self.read_content(into)
    }

    fn is_complete(&self) -> bool {
        self.is_complete()
    }

    fn trailers(&self) -> FieldsRef<'_> {
        self.trailers()
    }

    fn reuse(&self) -> Option<Reuse> {
        None
    }
}

/// Reads an answer to its end, in pieces of some size. Only then it counts as delivered.
pub(crate) fn take(plan: &Plan, told: &mut Told, scratch: &mut [u8], reply: &mut impl Reply) {
    let exchange = told.answered;
    let Some(of) = plan.exchanges.get(exchange) else {
        return told.trouble(exchange, "an answer to nothing");
    };
    let id = format!("{}/{exchange}", plan.connection);
    if reply.index() != plan.first + exchange as u64 || reply.fields().get("x-exchange") != Some(id.as_bytes()) {
        told.trouble(exchange, format_args!("the answer is another's: {:?}", reply.fields()));
    }
    if reply.status() != of.answer.status {
        told.trouble(exchange, format_args!("status {}", reply.status()));
    }
    if reply.interims() != of.interims() {
        told.trouble(exchange, format_args!("{} interim responses instead of {}", reply.interims(), of.interims()));
    }
    let expected = content(plan.connection, exchange, Side::Response, of.content_len());
    let mut random: Random = plan.details(exchange, SIDE);
    let most = if random.percent(80) { scratch.len() } else { 1 + random.below(scratch.len()) };
    let mut had = 0;
    loop {
        match reply.read(&mut scratch[..most]) {
            Ok(0) => break,
            Ok(read) => {
                if expected.get(had..had + read) != Some(&scratch[..read]) {
                    return told.trouble(exchange, format_args!("other content between {had} and {}", had + read));
                }
                had += read;
            }
            Err(error) => return told.fail(&error),
        }
    }
    if had != expected.len() || !reply.is_complete() {
        told.trouble(exchange, format_args!("{had} bytes of {}, without an error", expected.len()));
    }
    let trailer = of.has_trailers().then(|| had.to_string());
    if reply.trailers().get("x-length") != trailer.as_deref().map(str::as_bytes) {
        told.trouble(exchange, format_args!("trailers {:?}", reply.trailers()));
    }
    if of.answer.close && reply.reuse() == Some(Reuse::Now) {
        told.trouble(exchange, "reuse now, behind an answer that said close");
    }
    told.answered += 1;
}

/// Which generator of an exchange this is.
const SIDE: u64 = 3;

#[cfg(test)]
mod tests;
