//! From an accepted head to the end of its message.

use super::pending::Pending;
use super::{Context, Receive, Stream};
use crate::body::decode::Found;
use crate::config::{Config, tolerate};
use crate::error::{Error, Phase};
use crate::exchange::CloseReason;
use crate::head::Rules;
use crate::state::ReceiveStep;

impl Receive {
    pub(super) fn advance_body(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let mut rules = Rules { config: context.config, deviations: &mut self.deviations };
            match self.body.find(self.buffer.filled(), &mut self.scanner, &mut rules) {
                Ok(Found::Content(len)) => {
                    self.take_content(len as u64);
                    self.event = Pending::Content { len };
                    return Ok(true);
                }
                Ok(Found::Framing(len)) => self.skip(len),
                Ok(Found::End(len)) => return Ok(self.complete(len, context)),
                Ok(Found::NeedMore(..)) if self.stream == Stream::Open => return Ok(false),
                Ok(Found::NeedMore(phase, missing)) => return self.cut_off(context, phase, missing),
                Err(fault) => {
                    let id = context.queue.front().map(|exchange| exchange.id);
                    return Err(self.fault(id, &fault));
                }
            }
        }
    }

    /// Goes on to the content of the next chunk, where nothing is the matter with what stands between.
    pub(super) fn advance_chunk(&mut self, config: &Config) -> bool {
        let Some((framing, len)) = self.body.next_chunk(self.buffer.filled(), config) else { return false };
        self.skip(framing);
        self.take_content(len as u64);
        self.event = Pending::Content { len };
        true
    }

    pub(super) fn take_content(&mut self, n: u64) {
        self.content += n;
        self.body.take(n);
    }

    /// The stream is over, and the body is not, or ends with it.
    fn cut_off(&mut self, context: &mut Context<'_>, phase: Phase, missing: Option<u64>) -> Result<bool, Error> {
        let leniency = &context.config.leniency;
        if self.stream == Stream::Failed {
            return Err(self.incomplete(context, phase, missing));
        }
        if self.body.ends_with_stream() {
            return Ok(self.complete(0, context));
        }
        if phase == Phase::Trailers && leniency.eof_ends_trailers {
            tolerate(&mut self.deviations.eof_ends_trailers);
        } else if leniency.incomplete_as_end {
            tolerate(&mut self.deviations.incomplete_as_end);
        } else {
            return Err(self.incomplete(context, phase, missing));
        }
        self.discard();
        self.last = true;
        self.close(CloseReason::PeerClosed);
        context.peer_closed();
        Ok(self.complete(0, context))
    }

    /// The message is complete; its trailer section is the next `len` bytes.
    fn complete(&mut self, len: usize, context: &mut Context<'_>) -> bool {
        context.queue.pop();
        let step = match (self.last, context.queue.is_empty()) {
            (true, _) => ReceiveStep::Last,
            (false, true) => ReceiveStep::Complete,
            (false, false) => ReceiveStep::Next,
        };
        self.step(step);
        self.event = Pending::End { len };
        true
    }
}
