//! What happens, told to `tracing` where its feature is on. Nothing here holds a credential: neither a target nor a field
//! is told.

#[cfg(feature = "tracing")]
mod told {
    use http::Method;
    use tracing::debug;
    use wireline_proto::ExchangeId;

    use crate::error::Error;
    use crate::timeouts::Operation;
    use crate::timing::Clock;

    /// A step on the way to a connection is done.
    pub(crate) fn step(operation: Operation, host: &str) {
        debug!(target: "wireline", step = operation.name(), host, "step done");
    }

    /// A request was given to the connection.
    pub(crate) fn request(exchange: ExchangeId, method: &Method) {
        debug!(target: "wireline", exchange = exchange.index(), method = method.as_str(), "request");
    }

    /// The head of a response came.
    pub(crate) fn head(exchange: ExchangeId, status: u16, is_final: bool) {
        debug!(target: "wireline", exchange = exchange.index(), status, is_final, "response head");
    }

    /// A response ended.
    pub(crate) fn end(exchange: ExchangeId, content: u64, clock: &Clock) {
        let timing = clock.last();
        let micros =
            |span: Option<std::time::Duration>| span.map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
        debug!(
            target: "wireline",
            exchange = exchange.index(),
            content,
            send_us = micros(timing.send),
            wait_us = micros(timing.wait),
            receive_us = micros(timing.receive),
            total_us = micros(Some(timing.total)),
            "response end"
        );
    }

    /// A connection failed, or was never made.
    pub(crate) fn failure(error: &Error) {
        let exchange = error.exchange().map(ExchangeId::index);
        debug!(target: "wireline", exchange, kind = error.kind().name(), stage = error.stage().name(), %error, "failure");
    }
}

#[cfg(not(feature = "tracing"))]
mod told {
    use http::Method;
    use wireline_proto::ExchangeId;

    use crate::error::Error;
    use crate::timeouts::Operation;
    use crate::timing::Clock;

    pub(crate) fn step(_: Operation, _: &str) {}
    pub(crate) fn request(_: ExchangeId, _: &Method) {}
    pub(crate) fn head(_: ExchangeId, _: u16, _: bool) {}
    pub(crate) fn end(_: ExchangeId, _: u64, _: &Clock) {}
    pub(crate) fn failure(_: &Error) {}
}

pub(crate) use told::{end, failure, head, request, step};
