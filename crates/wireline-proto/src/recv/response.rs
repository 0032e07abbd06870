//! From the bytes between messages to an accepted head.

use http::{StatusCode, Version};

use super::interims::Interims;
use super::pending::Pending;
use super::{Context, Receive, Stream};
use crate::body::decode::Decoder;
use crate::body::length::{self, Framing};
use crate::config::{Config, tolerate};
use crate::error::{Error, Phase, Violation};
use crate::exchange::{CloseReason, Exchange, ExchangeId};
use crate::fault::Fault;
use crate::fields::known::Known;
use crate::head::{Rules, Scan};
use crate::persistence;
use crate::state::ReceiveStep;

impl Receive {
    pub(super) fn advance_head(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let cut = self.stream != Stream::Open;
            let http09 = self.takes_http09(context);
            if !http09 {
                self.drop_empty_lines(context.config);
            }
            let bytes = self.buffer.filled();
            if bytes.is_empty() {
                return match (cut, context.queue.front()) {
                    (false, _) => Ok(false),
                    (true, None) => Ok(self.closed()),
                    (true, Some(_)) => Err(self.incomplete(context, Phase::BeforeResponse, None)),
                };
            }
            let may_be_empty_line =
                !http09 && bytes == b"\r" && self.empty_lines < context.config.limits.leading_empty_lines;
            if may_be_empty_line && !cut {
                return Ok(false);
            }
            // Nobody asked: no request is unanswered, or no byte of the one that is had left when this came.
            let offset = self.offset;
            let asked = context.queue.front().filter(|exchange| exchange.since.is_some_and(|since| since <= offset));
            let Some(id) = asked.map(|exchange| exchange.id) else {
                return Err(self.fault(None, &Fault::up_to(Violation::Unsolicited, 0, 0)));
            };
            if may_be_empty_line {
                return Err(self.incomplete(context, Phase::Head, None));
            }
            if let Some(exchange) = context.queue.front_mut() {
                exchange.heard = true;
            }
            let bytes = self.buffer.filled();
            let mut rules = Rules { config: context.config, deviations: &mut self.deviations };
            match self.scanner.scan_head(bytes, &mut rules) {
                Ok(Scan::Complete(len)) => return self.head(id, len, context),
                Ok(Scan::NeedMore) if !cut => return Ok(false),
                Ok(Scan::NeedMore) if http09 && self.scanner.is_undecided(bytes) => {
                    return Ok(self.begin_http09(id, context));
                }
                Err(fault) if http09 && self.scanner.is_no_status_line(&fault) => {
                    return Ok(self.begin_http09(id, context));
                }
                Ok(Scan::NeedMore) => {
                    let leniency = context.config.leniency.eof_ends_head;
                    if !leniency || !self.scanner.has_status() || self.stream == Stream::Failed || self.made_up > 0 {
                        return Err(self.incomplete(context, Phase::Head, None));
                    }
                    self.make_up_head_end();
                }
                Err(fault) => return Err(self.fault(Some(id), &fault)),
            }
        }
    }

    /// Ends a head that was cut off as it should have ended.
    fn make_up_head_end(&mut self) {
        let end: &[u8] = match self.buffer.filled() {
            [.., b'\n', b'\r'] => b"\n",
            [.., b'\r'] => b"\n\r\n",
            [.., b'\n'] => b"\r\n",
            _ => b"\r\n\r\n",
        };
        self.buffer.push(end);
        self.made_up = end.len();
    }

    /// Counts the end that was made up, once something has come of it.
    fn count_made_up(&mut self) {
        if self.made_up > 0 {
            tolerate(&mut self.deviations.eof_ends_head);
        }
    }

    /// `CRLF` before a status line (RFC 9112 section 9.2), as many as the limit says.
    fn drop_empty_lines(&mut self, config: &Config) {
        while !self.scanner.has_begun() && self.empty_lines < config.limits.leading_empty_lines {
            let len = match self.buffer.filled() {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] if config.leniency.bare_lf_in_head => {
                    tolerate(&mut self.deviations.bare_lf_in_head);
                    1
                }
                _ => break,
            };
            self.buffer.consume(len);
            self.offset += len as u64;
            self.empty_lines += 1;
        }
    }

    /// A complete head.
    fn head(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> Result<bool, Error> {
        let bytes = self.buffer.filled();
        let fields = self.scanner.fields(bytes);
        let (Some(line), Some(exchange)) = (self.scanner.status(), context.queue.front_mut()) else {
            return Ok(false);
        };
        let (version, status) = (line.version, line.status);
        if status == StatusCode::SWITCHING_PROTOCOLS {
            if self.made_up == 0 && !persistence::accepts_switch(&exchange.role, fields) {
                let fault = self.scanner.fault_in_status(Violation::SwitchUnasked);
                return Err(self.fault(Some(id), &fault));
            }
            return self.switch(id, len, context);
        }
        if status.is_informational() {
            return self.interim(id, len, context);
        }
        let wrong = length::of_response(
            &exchange.role,
            status,
            version,
            fields,
            &context.config.leniency,
            &mut self.deviations,
        );
        let framing = match wrong {
            Ok(Framing::Tunnel) => return self.switch(id, len, context),
            Ok(framing) => framing,
            Err((violation, place)) => {
                let fault = self.scanner.fault_in_value(bytes, violation, place.0);
                return Err(self.fault(Some(id), &fault));
            }
        };
        let closing = persistence::close_reason(version, fields, framing);
        let closing = closing.or_else(|| self.closes.then_some(CloseReason::PeerSentClose));
        self.http10 = version < Version::HTTP_11;
        let both = self.deviations.te_with_cl > 0;
        let ambiguous = both || self.scanner.ambiguous;
        exchange.begun = true;
        let (ours, asked) = (exchange.last, exchange.role.may_switch());
        if both {
            self.scanner.hide(Known::ContentLength);
        }
        self.last = closing.is_some() || ambiguous || ours;
        context.send.answered(id, asked);
        if self.last {
            context.peer_closed();
        }
        if let Some(reason) = closing.or_else(|| ambiguous.then_some(CloseReason::Deviation)) {
            self.close(reason);
        }
        self.begin(id, len, framing, context.config);
        Ok(true)
    }

    /// The body of a final response begins.
    fn begin(&mut self, id: ExchangeId, len: usize, framing: Framing, config: &Config) {
        self.body = Decoder::new(framing, config.limits.chunk_extensions);
        (self.empty_lines, self.interims, self.content) = (0, Interims::default(), 0);
        self.step(ReceiveStep::Final);
        self.count_made_up();
        self.event = Pending::Response { id, len, framing };
    }

    fn interim(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> Result<bool, Error> {
        if let Err((limit, at)) = self.interims.admit(len, &context.config.limits) {
            return Err(self.fault(Some(id), &Fault::up_to(limit, 0, at)));
        }
        self.closes |= persistence::closes(self.scanner.fields(self.buffer.filled()));
        self.empty_lines = 0;
        if self.scanner.status().is_some_and(|line| line.status == StatusCode::CONTINUE) {
            context.send.continued(id);
        }
        self.step(ReceiveStep::Interim);
        self.count_made_up();
        self.event = Pending::Interim { id, len };
        Ok(true)
    }

    fn switch(&mut self, id: ExchangeId, len: usize, context: &mut Context<'_>) -> Result<bool, Error> {
        // No leniency makes a switch of a head that was cut off: there is nothing to read behind it, and what would be
        // sent is another protocol, secrets perhaps, to a peer that may have said less than all of its answer.
        if self.made_up > 0 {
            return Err(self.incomplete(context, Phase::Head, None));
        }
        context.queue.pop();
        context.send.switched();
        self.close(CloseReason::Switched);
        self.step(ReceiveStep::Switch);
        self.event = Pending::Switched { id, len, framing: Framing::Tunnel };
        Ok(true)
    }

    /// Whether an answer that is no HTTP/1 is let through as HTTP/0.9: to GET, the one method that it knows, on a connection
    /// that has not spoken HTTP/1.
    fn takes_http09(&self, context: &Context<'_>) -> bool {
        let is_first = |exchange: &Exchange| exchange.id.index() == 0 && exchange.role.is_get;
        context.config.leniency.http09
            && context.queue.front().is_some_and(is_first)
            && self.interims == Interims::default()
    }

    fn begin_http09(&mut self, id: ExchangeId, context: &mut Context<'_>) -> bool {
        self.scanner.reset();
        tolerate(&mut self.deviations.http09);
        if let Some(exchange) = context.queue.front_mut() {
            (exchange.heard, exchange.begun) = (true, true);
        }
        self.last = true;
        self.close(CloseReason::UntilClose);
        context.send.answered(id, true);
        context.peer_closed();
        self.begin(id, 0, Framing::UntilClose, context.config);
        true
    }
}

/// Whether this is nothing but line ends that may still be dropped, the last one perhaps not complete.
pub(super) fn only_empty_lines(mut bytes: &[u8], most: u32, config: &Config) -> bool {
    for _ in 0..most {
        bytes = match bytes {
            [b'\r', b'\n', rest @ ..] => rest,
            [b'\n', rest @ ..] if config.leniency.bare_lf_in_head => rest,
            [] | [b'\r'] => return true,
            [..] => return false,
        };
    }
    bytes.is_empty()
}
