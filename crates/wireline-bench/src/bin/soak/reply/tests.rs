//! Each way in which an answer can be another than the server gave is noticed.

use wireline::Fields;

use super::*;
use crate::plan::{Framing, Method};

/// An answer in memory, which may lie.
#[derive(Clone)]
struct Canned {
    index: u64,
    status: u16,
    fields: Fields,
    interims: usize,
    content: Vec<u8>,
    is_complete: bool,
    trailers: Fields,
    reuse: Reuse,
}

impl Reply for Canned {
    fn index(&self) -> u64 {
        self.index
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn fields(&self) -> FieldsRef<'_> {
        self.fields.as_ref()
    }

    fn interims(&self) -> usize {
        self.interims
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let len = self.content.len().min(into.len());
        into[..len].copy_from_slice(&self.content[..len]);
        self.content.drain(..len);
        Ok(len)
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn trailers(&self) -> FieldsRef<'_> {
        self.trailers.as_ref()
    }

    fn reuse(&self) -> Option<Reuse> {
        Some(self.reuse)
    }
}

fn fields(name: &str, value: &str) -> Fields {
    let mut fields = Fields::new();
    fields.append(name, value).unwrap();
    fields
}

fn truth() -> (Plan, Canned) {
    let mut plan = Plan::new(1, 0);
    let first = &mut plan.exchanges[0];
    (first.method, first.upload) = (Method::Get, None);
    let answer = &mut first.answer;
    (answer.status, answer.framing, answer.trailers, answer.close) = (200, Framing::Chunked, true, true);
    (answer.len, answer.interims) = (100_000, 2);
    let canned = Canned {
        index: 0,
        status: 200,
        fields: fields("X-Exchange", "0/0"),
        interims: 2,
        content: content(0, 0, Side::Response, 100_000).to_vec(),
        is_complete: true,
        trailers: fields("X-Length", "100000"),
        reuse: Reuse::NotYet,
    };
    (plan, canned)
}

/// What is found when the answer is changed in this way.
fn found(lie: impl FnOnce(&mut Canned)) -> Vec<String> {
    let (plan, mut canned) = truth();
    lie(&mut canned);
    let mut told = Told::new();
    take(&plan, &mut told, &mut [0; 1000], &mut canned);
    assert_eq!(told.answered == 1, told.troubles.iter().all(|trouble| !trouble.contains("other content")));
    told.troubles
}

#[test]
fn the_truth_is_believed_and_each_lie_noticed() {
    assert_eq!(found(|_| {}), [""; 0]);
    assert!(found(|canned| canned.content[99_999] ^= 1)[0].contains("other content between"));
    assert!(found(|canned| canned.content.push(0))[0].contains("and 100001"));
    assert!(found(|canned| canned.content.truncate(99_999))[0].contains("99999 bytes of 100000, without an error"));
    assert!(found(|canned| canned.is_complete = false)[0].contains("without an error"));
    assert!(found(|canned| canned.fields = fields("X-Exchange", "0/1"))[0].contains("another's"));
    assert!(found(|canned| canned.index = 1)[0].contains("another's"));
    assert!(found(|canned| canned.status = 404)[0].contains("status 404"));
    assert!(found(|canned| canned.interims = 1)[0].contains("1 interim responses instead of 2"));
    assert!(found(|canned| canned.trailers = Fields::new())[0].contains("trailers"));
    assert!(found(|canned| canned.reuse = Reuse::Now)[0].contains("reuse now"));
}
