//! How long is this body? RFC 9112 section 6.3, its rules in order and numbered as there. The only reader of
//! `Content-Length` and `Transfer-Encoding`.

use http::{StatusCode, Version};

use crate::config::{Deviations, Leniency, tolerate};
use crate::error::Violation;
use crate::exchange::Role;
use crate::fields::FieldsRef;
use crate::fields::known::Known;
use crate::grammar;

/// How the end of a message body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// There is no body.
    None,
    /// After this many bytes: `Content-Length`.
    Length(u64),
    /// After the last chunk and the trailer section: `Transfer-Encoding: chunked`.
    Chunked,
    /// When the connection closes. Never for a request.
    UntilClose,
    /// Never: a tunnel or another protocol.
    Tunnel,
}

impl Framing {
    /// One word that does not change: `none`, `length`, `chunked`, `close`, `tunnel`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Length(_) => "length",
            Self::Chunked => "chunked",
            Self::UntilClose => "close",
            Self::Tunnel => "tunnel",
        }
    }

    /// The length of the content, where the peer has said it: 0 for no body.
    #[must_use]
    pub const fn length(self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Length(length) => Some(length),
            Self::Chunked | Self::UntilClose | Self::Tunnel => None,
        }
    }
}

/// A framing field that is wrong, and where its value starts in the field section.
pub(crate) type Wrong = (Violation, Place);

/// Which field line: its place in the order of the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) usize);

/// The framing of a final response to a request of this role.
///
/// A length cannot be right that does not see the request and the status, so both are here.
pub(crate) fn of_response(
    role: &Role,
    status: StatusCode,
    version: Version,
    fields: FieldsRef<'_>,
    leniency: &Leniency,
    deviations: &mut Deviations,
) -> Result<Framing, Wrong> {
    // 2. 2xx to CONNECT: a tunnel, whatever the fields say. "Any 2xx" includes 204, so this is asked before rule 1.
    if role.is_connect && status.is_success() {
        return Ok(Framing::Tunnel);
    }
    // 1. HEAD, 1xx, 204, 304: the message ends with its head, whatever the fields say.
    if role.is_head || status.is_informational() || matches!(status.as_u16(), 204 | 304) {
        return Ok(Framing::None);
    }
    let coding = transfer_coding(fields);
    let length = content_length(fields);
    if let Some((coding, place)) = coding {
        // 3. Transfer-Encoding and Content-Length: "ought to be handled as an error". Section 6.1 says the same of
        //    Transfer-Encoding in HTTP/1.0.
        let beside_length = length.as_ref().map(|found| match found {
            Ok((_, place)) | Err((_, place)) => *place,
        });
        if beside_length.is_some() || version < Version::HTTP_11 {
            if !leniency.te_with_cl {
                return Err(match beside_length {
                    Some(length) => (Violation::CodingWithLength, Place(length.0.max(place.0))),
                    None => (Violation::CodingInHttp10, place),
                });
            }
            tolerate(&mut deviations.te_with_cl);
        }
        return match coding {
            // 4. Transfer-Encoding: chunked last, the chunks say;
            Coding::Chunked => Ok(Framing::Chunked),
            Coding::ChunkedLast if leniency.raw_transfer_coding => {
                tolerate(&mut deviations.raw_transfer_coding);
                Ok(Framing::Chunked)
            }
            //    otherwise, in a response, until the connection closes.
            Coding::Other if leniency.raw_transfer_coding => {
                tolerate(&mut deviations.raw_transfer_coding);
                Ok(Framing::UntilClose)
            }
            Coding::ChunkedLast | Coding::Other | Coding::Wrong => Err((Violation::CodingUnsupported, place)),
        };
    }
    match length {
        // 6. a valid Content-Length.
        Some(Ok((length, _))) => Ok(Framing::Length(length)),
        // 5. an invalid one.
        Some(Err(_)) if leniency.invalid_length_reads_to_close => {
            tolerate(&mut deviations.invalid_length_reads_to_close);
            Ok(Framing::UntilClose)
        }
        Some(Err(wrong)) => Err(wrong),
        // 8. nothing said: until the connection closes.
        None => Ok(Framing::UntilClose),
    }
}

/// The framing of a request, for whose content nothing but a length or chunks will do (RFC 9112 section 6.3, rule 7:
/// otherwise it has none).
pub(crate) fn of_request(version: Version, fields: FieldsRef<'_>) -> Result<Framing, RequestFault> {
    let lengths = fields.known(Known::ContentLength).count();
    match (transfer_coding(fields), content_length(fields)) {
        (None, None) => Ok(Framing::None),
        (None, Some(_)) if lengths > 1 => Err(RequestFault::LengthRepeated),
        // To merge equal members of a list is for recipients; who sends, sends digits.
        (None, Some(_)) => {
            match fields.known(Known::ContentLength).next().and_then(|(_, value)| grammar::decimal(value)) {
                Some(length) => Ok(Framing::Length(length)),
                None => Err(RequestFault::LengthInvalid),
            }
        }
        (Some(_), Some(_)) => Err(RequestFault::LengthWithCoding),
        (Some(_), None) if version < Version::HTTP_11 => Err(RequestFault::CodingInHttp10),
        (Some((Coding::Chunked | Coding::ChunkedLast, _)), None) if is_plain_list(fields) => Ok(Framing::Chunked),
        (Some(_), None) => Err(RequestFault::CodingUnsupported),
    }
}

/// Whether `Transfer-Encoding` is a list that a sender may send: no empty elements (RFC 9110 section 5.6.1.1), no
/// parameters, which no coding has, and not `identity`, which is none. Recipients differ over all of these.
fn is_plain_list(fields: FieldsRef<'_>) -> bool {
    let is_plain = |coding: &[u8]| {
        let coding = &coding[grammar::without_ows(coding)];
        let is_token = !coding.is_empty() && grammar::first_not(coding, grammar::TOKEN).is_none();
        is_token && !coding.eq_ignore_ascii_case(b"identity")
    };
    fields.known(Known::TransferEncoding).all(|(_, value)| value.split(|&byte| byte == b',').all(is_plain))
}

/// Why the framing fields of a request cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestFault {
    CodingInHttp10,
    CodingUnsupported,
    LengthInvalid,
    LengthRepeated,
    LengthWithCoding,
}

enum Coding {
    /// `chunked` and nothing else.
    Chunked,
    /// Others, then `chunked`, once.
    ChunkedLast,
    /// Others, and no `chunked`.
    Other,
    /// `chunked` twice, in the wrong place or with parameters, or no coding at all (RFC 9112 sections 6.1 and 7.1).
    Wrong,
}

fn transfer_coding(fields: FieldsRef<'_>) -> Option<(Coding, Place)> {
    if !fields.has(Known::TransferEncoding) {
        return None;
    }
    let place = Place(fields.known(Known::TransferEncoding).next()?.0);
    let (mut codings, mut chunked, mut last_is_chunked) = (0_u32, 0_u32, false);
    let mut wrong = false;
    for (_, value) in fields.known(Known::TransferEncoding) {
        for coding in grammar::list(value) {
            codings += 1;
            last_is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            chunked += u32::from(last_is_chunked);
            let name = grammar::without_parameters(coding);
            wrong |= grammar::first_not(name, grammar::TOKEN).is_some();
            wrong |= !last_is_chunked && name.eq_ignore_ascii_case(b"chunked");
        }
    }
    let coding = match (wrong, codings, chunked) {
        (false, 1, 1) => Coding::Chunked,
        (false, 2.., 1) if last_is_chunked => Coding::ChunkedLast,
        (false, 1.., 0) => Coding::Other,
        _ => Coding::Wrong,
    };
    Some((coding, place))
}

/// `Content-Length = 1*DIGIT`; the same number several times, as a list or on several lines, is taken once (RFC 9110
/// section 8.6).
fn content_length(fields: FieldsRef<'_>) -> Option<Result<(u64, Place), Wrong>> {
    if !fields.has(Known::ContentLength) {
        return None;
    }
    if let Some((line, value)) = fields.only(Known::ContentLength) {
        if let Some(number) = grammar::decimal(value) {
            return Some(Ok((number, Place(line))));
        }
    }
    any_content_length(fields)
}

/// The same where it is not one number on one line.
#[cold]
fn any_content_length(fields: FieldsRef<'_>) -> Option<Result<(u64, Place), Wrong>> {
    let mut length = None;
    for (line, value) in fields.known(Known::ContentLength) {
        let place = Place(line);
        for number in value.split(|&byte| byte == b',') {
            let number = &number[grammar::without_ows(number)];
            let Some(number) = grammar::decimal(number) else {
                let digits = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
                let violation = if digits { Violation::LengthOverflow } else { Violation::LengthInvalid };
                return Some(Err((violation, place)));
            };
            match length {
                None => length = Some((number, place)),
                Some((same, _)) if same == number => {}
                Some(_) => return Some(Err((Violation::LengthConflict, place))),
            }
        }
    }
    length.map(Ok)
}
