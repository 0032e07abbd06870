//! What somebody else has to know who waits for a connection.

use std::time::Instant;

use crate::coding::Decoded;
use crate::connection::Connection;
use crate::pipeline::Pipeline;
use crate::pipeline::run::Run;
use crate::response::Response;
use crate::transport::Transport;
use crate::writer::ContentWriter;

/// A connection, or what has borrowed it, as an adapter to a runtime needs it: its calls do not wait
/// ([`Connection::set_nonblocking`]), and the adapter does. For a loop around `poll`, [`Connection::interest`] and
/// [`Connection::until`] are all there is to know.
pub trait Nonblocking {
    /// What carries the bytes.
    type Transport: Transport;

    /// What carries the bytes, to tell it who is to be woken; `None` once it is closed.
    fn transport_mut(&mut self) -> Option<&mut Self::Transport>;

    /// When to make the call again that would have had to wait, though nothing has happened: [`Connection::until`].
    fn until(&self) -> Option<Instant>;
}

impl<S: Transport> Nonblocking for Connection<S> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.driver().transport.as_mut()
    }

    fn until(&self) -> Option<Instant> {
        Self::until(self)
    }
}

impl<S: Transport> Nonblocking for Decoded<'_, '_, S> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.response().transport_mut()
    }

    fn until(&self) -> Option<Instant> {
        self.source().until()
    }
}

impl<S: Transport> Nonblocking for ContentWriter<'_, S> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.driver().transport.as_mut()
    }

    fn until(&self) -> Option<Instant> {
        self.driver.as_ref().and_then(|driver| driver.until())
    }
}

impl<S: Transport> Nonblocking for Pipeline<'_, S> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.driver.transport.as_mut()
    }

    fn until(&self) -> Option<Instant> {
        self.driver.until()
    }
}

impl<S: Transport, I: Iterator> Nonblocking for Run<'_, '_, S, I> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.pipeline.transport_mut()
    }

    fn until(&self) -> Option<Instant> {
        self.pipeline.until()
    }
}

impl<S: Transport> Nonblocking for Response<'_, S> {
    type Transport = S;

    fn transport_mut(&mut self) -> Option<&mut S> {
        self.driver.transport.as_mut()
    }

    fn until(&self) -> Option<Instant> {
        self.driver.until()
    }
}
