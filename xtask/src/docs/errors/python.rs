//! Which exception of pykit's `http.Client`, of `http.client` and of dugong a name stands for; `-` where there is none: it
//! cannot happen there, or is let through. One row for each name in docs/errors.md: a new one without a row is a finding.

/// In this order.
pub(super) const LIBRARIES: [&str; 3] = ["pykit", "`http.client`", "dugong"];

/// A name and its three exceptions.
pub(super) type Rows = [(&'static str, [&'static str; 3])];

pub(super) const KINDS: &Rows = &[
    ("canceled", ["-", "-", "-"]),
    ("certificate", ["`ssl.SSLError`", "`ssl.SSLCertVerificationError`", "`ssl.SSLCertVerificationError`"]),
    ("charset", ["-", "-", "-"]),
    ("closed", ["`NotConnectedError`", "`NotConnected`", "`ConnectionClosed`"]),
    ("coding", ["-", "-", "-"]),
    ("connect", ["`socket.error`", "`OSError`", "`OSError`"]),
    ("expansion", ["-", "-", "-"]),
    ("in-flight", ["-", "`CannotSendRequest`", "`StateError`"]),
    ("invalid-request", ["-", "`ValueError`, `InvalidURL`", "`ValueError`"]),
    ("invalid-url", ["-", "`InvalidURL`", "-"]),
    ("lost", ["`socket.error`", "`RemoteDisconnected`, `IncompleteRead`, `ConnectionError`", "`ConnectionClosed`"]),
    ("misuse", ["`NotConnectedError`", "`CannotSendRequest`, `CannotSendHeader`", "`StateError`, `ExcessBodyData`"]),
    ("no-such-host", ["`socket.gaierror`", "`socket.gaierror`", "`HostnameNotResolvable`"]),
    ("nothing-owed", ["`ResponseNotReadyError`", "`ResponseNotReady`", "`StateError`"]),
    ("not-text", ["-", "-", "-"]),
    ("protocol", ["`HttpError`", "`HTTPException`", "`InvalidResponse`, `UnsupportedResponse`"]),
    ("proxy", ["-", "`OSError`", "`ConnectionError`"]),
    ("receive-buffer-full", ["-", "-", "-"]),
    ("receive-first", ["-", "`ResponseNotReady`", "`StateError`"]),
    ("resolve", ["`socket.gaierror`", "`socket.gaierror`", "`HostnameNotResolvableOrDNSUnavailable`"]),
    ("resolver-unreachable", ["`socket.gaierror`", "`socket.gaierror`", "`DNSUnavailable`"]),
    ("sink", ["-", "what `write` of the file raises", "-"]),
    ("source", ["-", "what `read` of the file raises", "-"]),
    ("timeout", ["`socket.timeout`", "`TimeoutError`", "`ConnectionTimedOut`"]),
    ("tls", ["`ssl.SSLError`", "`ssl.SSLError`", "`ssl.SSLError`"]),
    ("too-long", ["-", "-", "-"]),
    ("would-block", ["`socket.timeout`", "`BlockingIOError`", "`PollNeeded`, which is no exception"]),
];

pub(super) const VIOLATIONS: &Rows = &[
    ("bare-cr", ["-", "-", "-"]),
    ("bare-lf", ["-", "-", "-"]),
    ("chunk-data-end", ["-", "-", "-"]),
    ("chunk-extension", ["-", "-", "-"]),
    ("chunk-size", ["`ChunkedSizeError`", "`IncompleteRead`", "`InvalidResponse`"]),
    ("chunk-size-overflow", ["-", "-", "-"]),
    ("coding-in-http10", ["-", "-", "-"]),
    ("coding-unsupported", ["-", "`UnknownTransferEncoding`, never raised", "`InvalidResponse`"]),
    ("coding-with-length", ["-", "-", "-"]),
    ("control-byte", ["-", "-", "-"]),
    ("field-name", ["-", "-", "-"]),
    ("field-without-colon", ["`HeadersError`", "-", "-"]),
    ("fold-refused", ["`HeadersError`", "-", "-"]),
    ("folded-framing", ["`HeadersError`", "-", "-"]),
    ("leading-whitespace", ["-", "-", "-"]),
    ("length-conflict", ["-", "-", "-"]),
    ("length-invalid", ["`HeadersError`", "-", "`InvalidResponse`"]),
    ("length-overflow", ["-", "-", "-"]),
    ("space-before-colon", ["-", "-", "-"]),
    ("status-code", ["`BadStatusLineError`", "`BadStatusLine`", "`InvalidResponse`"]),
    ("status-line", ["`BadStatusLineError`", "`BadStatusLine`", "`UnsupportedResponse`"]),
    ("switch-unasked", ["-", "-", "-"]),
    ("unsolicited", ["-", "-", "-"]),
    ("version", ["-", "`UnknownProtocol`", "`UnsupportedResponse`"]),
];

pub(super) const LIMITS: &Rows = &[
    ("chunk-extensions", ["-", "-", "-"]),
    ("chunk-line", ["`LineTooLongError`", "`LineTooLong`", "`InvalidResponse`"]),
    ("field-line", ["`LineTooLongError`", "`LineTooLong`", "`InvalidResponse`"]),
    ("fields", ["-", "`HTTPException`", "-"]),
    ("head", ["-", "-", "`InvalidResponse`"]),
    ("interim-bytes", ["-", "-", "-"]),
    ("interim-responses", ["-", "`HTTPException`, newer ones", "-"]),
    ("start-line", ["`LineTooLongError`", "`LineTooLong`", "`InvalidResponse`"]),
    ("trailer-fields", ["-", "`HTTPException`, newer ones", "-"]),
    ("trailers", ["`LineTooLongError`", "`LineTooLong`", "`InvalidResponse`"]),
];

pub(super) const INCOMPLETE: &Rows = &[
    ("before-response", ["`socket.error`", "`RemoteDisconnected`; 2.x: `BadStatusLine`", "`ConnectionClosed`"]),
    ("head", ["`socket.error`", "-", "`ConnectionClosed`"]),
    ("content", ["`socket.error`", "`IncompleteRead`", "`ConnectionClosed`"]),
    ("chunk-line", ["`socket.error`", "`IncompleteRead`", "`ConnectionClosed`"]),
    ("trailers", ["`socket.error`", "-", "`ConnectionClosed`"]),
];

pub(super) const MISUSE: &Rows = &[
    ("awaiting-continue", ["-", "-", "`StateError`"]),
    ("chunks-to-http10", ["-", "-", "-"]),
    ("closed", ["`NotConnectedError`", "`NotConnected`", "`ConnectionClosed`"]),
    ("content-excess", ["-", "-", "`ExcessBodyData`"]),
    ("content-short", ["-", "-", "`StateError`"]),
    ("content-unfinished", ["-", "`CannotSendRequest`", "`StateError`"]),
    ("framed-content-owed", ["-", "-", "-"]),
    ("forbidden-trailer", ["-", "-", "-"]),
    ("no-content-due", ["-", "-", "`StateError`"]),
    ("not-awaiting-continue", ["-", "-", "-"]),
    ("not-idempotent", ["-", "-", "-"]),
    ("switch-pending", ["-", "-", "-"]),
    ("trailers-without-chunks", ["-", "-", "-"]),
];

pub(super) const REQUESTS: &Rows = &[
    ("coding-in-http10", ["-", "-", "-"]),
    ("coding-unsupported", ["-", "-", "-"]),
    ("connection-option", ["-", "-", "-"]),
    ("content-forbidden", ["-", "-", "-"]),
    ("credentials-in-trace", ["-", "-", "-"]),
    ("expect-in-http10", ["-", "-", "-"]),
    ("expect-without-content", ["-", "-", "`ValueError`"]),
    ("host-invalid", ["-", "`InvalidURL`", "-"]),
    ("host-mismatch", ["-", "-", "-"]),
    ("host-missing", ["-", "-", "-"]),
    ("host-repeated", ["-", "-", "-"]),
    ("length-invalid", ["-", "-", "-"]),
    ("length-repeated", ["-", "-", "-"]),
    ("length-with-coding", ["-", "-", "-"]),
    ("method", ["-", "`ValueError`", "-"]),
    ("target", ["-", "`InvalidURL`", "-"]),
    ("target-form", ["-", "-", "-"]),
    ("te-chunked", ["-", "-", "-"]),
    ("te-without-connection", ["-", "-", "-"]),
    ("upgrade-without-connection", ["-", "-", "-"]),
    ("userinfo-in-target", ["-", "-", "-"]),
    ("version", ["-", "-", "-"]),
    ("field-name", ["-", "`ValueError`", "-"]),
    ("field-value", ["-", "`ValueError`", "-"]),
];

/// The exceptions that a name stands for, as cells of a table.
pub(super) fn cells(rows: &Rows, name: &str) -> Result<String, String> {
    match rows.iter().find(|(row, _)| *row == name) {
        Some((_, exceptions)) => Ok(exceptions.join(" | ")),
        None => Err(format!("docs/errors/python.rs does not say which exceptions `{name}` stands for")),
    }
}

/// A row without its name is one that has been left behind.
pub(super) fn check<'a>(rows: &Rows, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), String> {
    match rows.iter().find(|(row, _)| !names.clone().any(|name| name == *row)) {
        Some((row, _)) => Err(format!("docs/errors/python.rs knows `{row}`, the code does not")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_exceptions_is_an_error() {
        let rows: &Rows = &[("lost", ["`a`", "-", "`b`"])];
        assert_eq!(cells(rows, "lost").unwrap(), "`a` | - | `b`");
        assert!(cells(rows, "found").is_err());
        assert_eq!(check(rows, ["lost", "found"].into_iter()), Ok(()));
        assert!(check(rows, ["found"].into_iter()).is_err());
    }
}
