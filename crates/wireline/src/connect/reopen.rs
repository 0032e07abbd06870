//! Connecting anew.

use std::fmt;

use crate::connect::connecting::{Connecting, Step};
use crate::connection::Reopen;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::reply::Head;
use crate::transport::stream::Stream;

/// Makes what connects anew as a connection is made.
#[derive(Clone, Copy)]
pub(super) struct Anew(fn(&Connecting) -> Box<dyn Reopen<Stream>>);

impl Anew {
    /// The same way, from its beginning.
    pub(super) const AS_BEFORE: Self =
        Self(|made| Box::new(Connecting::new(&made.connector, &made.origin, made.place.clone())));

    pub(super) fn of(self, made: &Connecting) -> Box<dyn Reopen<Stream>> {
        (self.0)(made)
    }
}

impl fmt::Debug for Anew {
    /// Not by the address of a function, which is another one in each run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as before")
    }
}

impl Reopen<Stream> for Connecting {
    fn begun(&self) -> Option<&Self> {
        (!matches!(self.step, Step::Beginning)).then_some(self)
    }

    fn reopen(&mut self, before: &mut Driver<Stream>) -> Result<Option<Box<Head>>, Error> {
        self.connector.timeouts.clone_from(&before.timeouts);
        self.connector.deadline = before.deadline;
        self.connector.canceller.clone_from(&before.canceller);
        self.is_nonblocking = before.is_nonblocking;
        let made = self.finish();
        if made.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Timeout(_))) {
            // The next request has time again, and nothing of it is for whoever has not answered in this one's.
            self.step = Step::Beginning;
            self.forget();
        }
        Ok(made?.replace(before))
    }
}

#[cfg(test)]
mod tests {
    use crate::connect::Connector;

    #[test]
    fn what_is_printed_of_a_connector_is_the_same_in_each_run() {
        assert!(format!("{:?}", Connector::new().auto_open(true)).contains("anew: Some(as before)"));
    }
}
