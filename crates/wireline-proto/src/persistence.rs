//! Does the connection persist? RFC 9112 section 9.3, in its order.

use http::Version;

use crate::body::length::Framing;
use crate::exchange::{CloseReason, Role};
use crate::fields::FieldsRef;
use crate::fields::known::Known;
use crate::grammar;

/// Why the connection ends with this final response; `None` when it persists.
pub(crate) fn close_reason(version: Version, fields: FieldsRef<'_>, framing: Framing) -> Option<CloseReason> {
    let is_http10 = version < Version::HTTP_11;
    if closes(fields) {
        Some(CloseReason::PeerSentClose)
    } else if is_http10 && !has_option(fields, b"keep-alive") {
        Some(CloseReason::Http10)
    } else if is_http10 && fields.known(Known::TransferEncoding).next().is_some() {
        // RFC 9112 section 6.1: framing that is faulty, also where there is no body for it.
        Some(CloseReason::Deviation)
    } else if framing == Framing::UntilClose {
        Some(CloseReason::UntilClose)
    } else {
        None
    }
}

/// Whether a response says that the connection ends: an interim one, behind the final response, which is still owed.
pub(crate) fn closes(fields: FieldsRef<'_>) -> bool {
    has_option(fields, b"close")
}

/// Whether `Connection` has this option: one list over all its lines, in any case (RFC 9110 section 7.6.1).
fn has_option(fields: FieldsRef<'_>, option: &[u8]) -> bool {
    match fields.only(Known::Connection) {
        // The one that is sent mostly, where it is sent at all.
        Some((_, b"keep-alive")) => option == b"keep-alive",
        _ if !fields.has(Known::Connection) => false,
        _ => fields.known(Known::Connection).any(|(_, value)| grammar::lists(value, option)),
    }
}

/// Whether a 101 is the answer to what was offered (RFC 9110 sections 7.8 and 15.2.2): the request asked to switch, and
/// each protocol that the response names was among those offered, whatever the case.
pub(crate) fn accepts_switch(role: &Role, fields: FieldsRef<'_>) -> bool {
    let Some(offered) = &role.offered else { return false };
    let is_offered = |protocol: &[u8]| grammar::lists(offered, protocol);
    fields.has_element("upgrade", &is_offered) && !fields.has_element("upgrade", &|protocol| !is_offered(protocol))
}
