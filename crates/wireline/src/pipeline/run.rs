//! A pipeline over an iterator of requests.

use std::borrow::Borrow;

use wireline_proto::{Misuse, Request};

use crate::error::{Error, ErrorKind};
use crate::pipeline::Pipeline;
use crate::response::Response;
use crate::transport::Transport;

/// Sends an iterator of requests, so many in flight at a time, and lends each response in order: see
/// [`Pipeline::run`].
#[derive(Debug)]
pub struct Run<'p, 'c, S: Transport, I: Iterator> {
    pub(crate) pipeline: &'p mut Pipeline<'c, S>,
    requests: I,
    /// The next request, where it could not be sent yet.
    refused: Option<I::Item>,
    depth: usize,
}

impl<'p, 'c, S: Transport, I: Iterator<Item: Borrow<Request>>> Run<'p, 'c, S, I> {
    pub(crate) fn new(pipeline: &'p mut Pipeline<'c, S>, requests: I, depth: usize) -> Self {
        Self { pipeline, requests, refused: None, depth: depth.max(1) }
    }

    /// The next response, in the order of the requests; `None` when each has had its own.
    ///
    /// Requests are sent when half of the depth has been answered, as many as there is room for.
    ///
    /// A request that is not idempotent waits until nothing is in flight, and so does one for which the receive buffer
    /// leaves no room.
    ///
    /// # Errors
    /// As [`Pipeline::receive`] and [`Pipeline::queue`]. After [`Timeout`](ErrorKind::Timeout) and
    /// [`WouldBlock`](ErrorKind::WouldBlock) call it again. After the others, [`Pipeline::unanswered`] has what was sent
    /// and [`rest`](Self::rest) what was not.
    pub fn receive(&mut self) -> Result<Option<Response<'_, S>>, Error> {
        let mut in_flight = self.pipeline.in_flight();
        // In batches, each of them one write; meanwhile the peer has the other half to answer.
        let is_low = in_flight <= self.depth / 2;
        while is_low && in_flight < self.depth {
            let Some(request) = self.refused.take().or_else(|| self.requests.next()) else { break };
            if let Err(error) = self.pipeline.queue(request.borrow()) {
                self.refused = Some(request);
                let is_over = match error.kind() {
                    // What is in flight comes first, and may be all that is in the way.
                    ErrorKind::Misuse(Misuse::NotIdempotent | Misuse::SwitchPending)
                    | ErrorKind::ReceiveBufferFull { .. }
                    | ErrorKind::Closed(_) => in_flight == 0,
                    _ => true,
                };
                if is_over {
                    return Err(error);
                }
                break;
            }
            in_flight += 1;
        }
        // An answer may have been the connection's last, with others unanswered behind it.
        if in_flight == 0 && self.pipeline.unanswered().next().is_none() {
            Ok(None)
        } else {
            self.pipeline.receive().map(Some)
        }
    }

    /// The response that was received last: [`Connection::response`](crate::Connection::response).
    pub fn response(&mut self) -> Option<Response<'_, S>> {
        self.pipeline.response()
    }

    /// The requests of which nothing was sent, in order.
    pub fn rest(self) -> impl Iterator<Item = I::Item> {
        self.refused.into_iter().chain(self.requests)
    }
}
