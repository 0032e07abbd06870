//! What a connection can be asked, at any time.

use std::fmt;
use std::time::Instant;

use wireline_proto::{Deviations, ExchangeId, Interest, Reuse, Unanswered};

use super::Connection;
use crate::connect::connecting::Connecting;
use crate::connect::origin::Origin;
use crate::reply::Head;
use crate::response::Dropped;
use crate::timing::Timing;
use crate::transport::Transport;

/// Questions, which have answers at any time, after an error above all.
impl<S: Transport> Connection<S> {
    /// Looks, without waiting, whether the peer has closed or said something unasked, and says whether the connection
    /// can carry another request. A request does the same look by itself when the connection was idle.
    pub fn look(&mut self) -> Reuse {
        self.driver.look();
        self.reuse()
    }

    /// Whether the connection can carry another request, as far as is known.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.driver.core.reuse()
    }

    /// Each exchange without a complete response, in order: after a failure, what is safe to send again.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> + '_ {
        self.driver.core.unanswered()
    }

    /// The exchange whose response comes next.
    #[must_use]
    pub fn receiving(&self) -> Option<ExchangeId> {
        self.driver.core.receiving()
    }

    /// The interim responses of the exchange that is going on, or of the last one: also where no final response came.
    #[must_use]
    pub fn interim(&self) -> &[Head] {
        self.driver.reply.interim()
    }

    /// What had to be tolerated in the response being received, or the last one.
    #[must_use]
    pub fn deviations(&self) -> Deviations {
        self.driver.core.deviations()
    }

    /// What has come and has not been made sense of: after an error, the bytes from the one on that it is about, as far as
    /// they had been read. For those who look for the reason.
    #[must_use]
    pub fn unparsed(&self) -> &[u8] {
        self.driver.core.unparsed()
    }

    /// How many bytes were handed to the transport.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.driver.core.bytes_sent()
    }

    /// How many bytes have come.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.driver.core.bytes_received()
    }

    /// How much content of the last request was handed to the transport, in bytes, framing not counted.
    #[must_use]
    pub fn content_sent(&self) -> u64 {
        self.driver.content_sent
    }

    /// The timing of the exchange that is going on, or of the last one.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.driver.clock.timing()
    }

    /// What became of the last response that was dropped before its end.
    #[must_use]
    pub fn dropped(&self) -> Option<Dropped> {
        self.driver.dropped
    }

    /// What the connection waits for: with [`fd`](Self::fd), what an event loop has to know. Ask after a call has said
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock), and not before: until then there may be bytes that no descriptor
    /// tells of. [`until`](Self::until) is the time at which to call again all the same.
    #[must_use]
    pub fn interest(&self) -> Interest {
        let mut interest = self.driver.core.interest();
        interest.write |= self.driver.transport.as_ref().is_some_and(Transport::is_flushing);
        interest
    }

    /// When to make the call again that was [`WouldBlock`](crate::ErrorKind::WouldBlock), though nothing has happened: then
    /// a bound is over, and the call says which. `None` where there is none, and for a connection that
    /// [waits](Self::set_nonblocking).
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.driver.until()
    }

    /// The next connection, where one is being made by itself ([`Connector::auto_open`](crate::Connector::auto_open)) and a
    /// call would have had to wait for it: its [`wanted`](Connecting::wanted) and [`until`](Connecting::until) take the
    /// place of this one's [`interest`](Self::interest) and [`until`](Self::until), and nothing was sent yet.
    #[must_use]
    pub fn reopening(&self) -> Option<&Connecting> {
        self.reopen.as_ref()?.begun()
    }

    /// The origin, where the connection was made by a [`Connector`](crate::Connector).
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The proxy's answer to CONNECT, where the connection goes through such a tunnel: its status and its fields.
    #[must_use]
    pub fn proxy_answer(&self) -> Option<&Head> {
        self.proxy_answer.as_deref()
    }

    /// What carries the bytes; `None` once it is closed.
    #[must_use]
    pub fn transport(&self) -> Option<&S> {
        self.driver.transport.as_ref()
    }

    /// What carries the bytes, to set something about it. Reading from it or writing to it takes bytes away from the
    /// connection.
    pub fn transport_mut(&mut self) -> Option<&mut S> {
        self.driver.transport.as_mut()
    }
}

/// Without how to connect anew: as a part of every `Reopen`, that would be in each program, though few print it.
impl<S: Transport> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Connection");
        shown.field("origin", &self.origin).field("driver", &self.driver).finish_non_exhaustive()
    }
}
