//! What httparse makes of the first head of a stream.

use super::input::Input;
use super::verdict::{Head, Message, Verdict};

/// As many field lines as wireline takes.
const FIELDS: usize = 256;

pub(crate) fn read(input: &Input) -> Verdict {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(&input.stream) {
        Err(_) => Verdict::Refused,
        Ok(httparse::Status::Partial) => Verdict::Incomplete(Message::default()),
        Ok(httparse::Status::Complete(len)) => {
            let head = Head {
                version: format!("1.{}", response.version.unwrap()),
                status: response.code.unwrap(),
                reason: response.reason.map(|reason| reason.as_bytes().to_vec()),
                fields: response
                    .headers
                    .iter()
                    .map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()))
                    .collect(),
            };
            let surplus = input.stream[len..].to_vec();
            Verdict::Accepted(Message { head: Some(head), surplus, ..Message::default() })
        }
    }
}
