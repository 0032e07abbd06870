//! The bytes of an answer, right or wrong as its plan says.

use wireline::Violation;

use crate::plan::{Ending, Framing, Method, Plan};
use crate::random::{Random, Side, content};

/// An answer in wire form.
#[derive(Debug)]
pub(crate) struct Wire {
    /// What is sent: not all of the answer when it is to be cut off, more when there is a surplus.
    pub(crate) bytes: Vec<u8>,
    /// Where the head of the final response begins and ends.
    pub(crate) head: std::ops::Range<usize>,
    /// The length of a complete answer; `None` when these bytes are none.
    pub(crate) whole: Option<usize>,
}

/// Which generator of an exchange this is.
const SIDE: u64 = 1;

impl Wire {
    pub(crate) fn new(plan: &Plan, exchange: usize) -> Self {
        let mut random = plan.details(exchange, SIDE);
        let ending = plan.is_at(exchange).then_some(plan.ending);
        let violation = plan.violation().filter(|_| ending.is_some());
        let mut bytes = Vec::with_capacity(plan.exchanges[exchange].answer.len + 512);
        for _ in 0..plan.exchanges[exchange].answer.interims {
            // 100 too: one that comes late, or for nothing, changes nothing.
            bytes.extend_from_slice(random.pick(&INTERIMS));
        }
        let start = bytes.len();
        head(plan, exchange, ending, violation, &mut random, &mut bytes);
        let head = start..bytes.len();
        body(plan, exchange, violation, &mut random, &mut bytes);
        let len = bytes.len();
        let mut whole = Some(len).filter(|_| violation.is_none());
        match ending {
            Some(Ending::HalfClose) => bytes.clear(),
            Some(Ending::Truncated) => bytes.truncate((len * plan.part / 1000).min(len - 1)),
            Some(Ending::Reset) => bytes.truncate(len * plan.part / 1000),
            // It would have to be closed in order.
            Some(Ending::ResetUntilClose) => whole = None,
            Some(Ending::Surplus) => bytes.extend_from_slice(random.pick(&SURPLUS)),
            _ => {}
        }
        whole = whole.filter(|whole| *whole <= bytes.len());
        Self { bytes, head, whole }
    }
}

const INTERIMS: [&[u8]; 3] = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>\r\n\r\n",
];

/// More than the two empty lines that may be there, a response that nobody asked for, and worse.
const SURPLUS: [&[u8]; 4] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"surplus",
];

fn head(
    plan: &Plan,
    exchange: usize,
    ending: Option<Ending>,
    violation: Option<Violation>,
    random: &mut Random,
    bytes: &mut Vec<u8>,
) {
    let of = &plan.exchanges[exchange];
    let status_line = match (violation, ending) {
        (Some(Violation::StatusLine), _) => "HTP/1.1 200 OK\r\n".to_owned(),
        (Some(Violation::Version), _) => "HTTP/2.0 200 OK\r\n".to_owned(),
        (Some(Violation::BareLf), _) => "HTTP/1.1 200 OK\n".to_owned(),
        (_, Some(Ending::Http10)) => format!("HTTP/1.0 {} \r\n", of.answer.status),
        _ => format!("HTTP/1.1 {} {}\r\n", of.answer.status, random.pick(&["", "OK", "as you \u{e9} like"])),
    };
    bytes.extend_from_slice(status_line.as_bytes());
    let mut lines = vec![format!("X-Exchange: {}/{exchange}", plan.connection)];
    for number in 0..random.below(4) {
        lines.push(format!("X-{number}:{}{}", random.pick(&["", " ", "\t "]), "v".repeat(random.below(60))));
    }
    if of.answer.close {
        lines.push(random.pick(&["Connection: close", "connection: x, Close", "CONNECTION:close"]).to_owned());
    }
    let has_length = of.answer.status != 204;
    match violation {
        Some(Violation::ChunkDataEnd | Violation::ChunkSize) => lines.push("Transfer-Encoding: chunked".to_owned()),
        Some(Violation::CodingUnsupported) => lines.push("Transfer-Encoding: gzip".to_owned()),
        Some(Violation::LengthInvalid) => lines.push("Content-Length: 1x".to_owned()),
        _ => match of.answer.framing {
            Framing::Chunked if has_length => lines.push("transfer-encoding:chunked".to_owned()),
            Framing::Length if has_length => lines.push(format!("Content-Length: {}", of.answer.len)),
            _ => {}
        },
    }
    match violation {
        Some(Violation::CodingWithLength) => lines.push("Transfer-Encoding: chunked".to_owned()),
        Some(Violation::ControlByte) => lines.push("X-A: a\u{1}b".to_owned()),
        Some(Violation::FieldWithoutColon) => lines.push("X-A b".to_owned()),
        Some(Violation::LengthConflict) => lines.push(format!("Content-Length: {}", of.answer.len + 1)),
        Some(Violation::SpaceBeforeColon) => lines.push("X-A : b".to_owned()),
        _ => {}
    }
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
}

fn body(plan: &Plan, exchange: usize, violation: Option<Violation>, random: &mut Random, bytes: &mut Vec<u8>) {
    let of = &plan.exchanges[exchange];
    if of.method == Method::Head || matches!(of.answer.status, 204 | 304) {
        return;
    }
    let content = content(plan.connection, exchange, Side::Response, of.answer.len);
    let is_chunked = match violation {
        Some(violation) => matches!(violation, Violation::ChunkDataEnd | Violation::ChunkSize),
        None => of.answer.framing == Framing::Chunked,
    };
    if !is_chunked {
        return bytes.extend_from_slice(content);
    }
    let mut rest = content;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(1 + random.length(rest.len() - 1));
        let size = match random.below(3) {
            0 => format!("{:X}", chunk.len()),
            1 => format!("00{:x}", chunk.len()),
            _ => format!("{:x}", chunk.len()),
        };
        let extension = random.pick(&["", "", "", ";a", ";a=b;c=\"d\\\";e\"", " ; a=b"]);
        bytes.extend_from_slice(size.as_bytes());
        bytes.extend_from_slice(extension.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(if violation == Some(Violation::ChunkDataEnd) { b"XX" } else { b"\r\n" });
        rest = behind;
    }
    bytes.extend_from_slice(match violation {
        Some(Violation::ChunkSize) => b"zz\r\n",
        _ => random.pick(&[&b"0\r\n"[..], b"000;last\r\n"]),
    });
    if of.has_trailers() {
        bytes.extend_from_slice(format!("X-Length: {}\r\nX-More: 1\r\n", content.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_whole_or_known_not_to_be() {
        for connection in 0..3000 {
            let plan = Plan::new(1, connection);
            for exchange in 0..plan.exchanges.len() {
                let wire = Wire::new(&plan, exchange);
                let is_whole = match plan.ending {
                    _ if !plan.is_at(exchange) => true,
                    Ending::HalfClose | Ending::Truncated | Ending::ResetUntilClose | Ending::Violation => false,
                    Ending::Reset => plan.part == 1000,
                    _ => true,
                };
                assert_eq!(wire.whole.is_some(), is_whole, "{plan:?} {exchange}");
                let has_surplus = plan.ending == Ending::Surplus && plan.is_at(exchange);
                assert_eq!(wire.whole.is_some_and(|whole| whole < wire.bytes.len()), has_surplus);
            }
        }
    }
}
