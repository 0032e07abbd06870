//! Connecting anew.

use crate::connect::connecting::{Connecting, Step};
use crate::connection::{Connection, Reopen};
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::transport::stream::Stream;

/// Makes what connects anew as a connection is made.
pub(super) type Anew = fn(&Connecting) -> Box<dyn Reopen<Stream>>;

/// The same way, from its beginning.
pub(super) fn anew(made: &Connecting) -> Box<dyn Reopen<Stream>> {
    Box::new(Connecting::new(made.connector.clone(), made.origin.clone(), made.place.clone()))
}

impl Reopen<Stream> for Connecting {
    fn begun(&self) -> Option<&Self> {
        (!matches!(self.step, Step::Beginning)).then_some(self)
    }

    fn reopen(&mut self, settings: &Driver<Stream>) -> Result<Connection<Stream>, Error> {
        self.connector.timeouts.clone_from(&settings.timeouts);
        self.connector.deadline = settings.deadline;
        self.connector.canceller.clone_from(&settings.canceller);
        self.is_nonblocking = settings.is_nonblocking;
        let made = self.finish();
        if made.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Timeout(_))) {
            // The next request has time again, and nothing of it is for whoever has not answered in this one's.
            self.step = Step::Beginning;
            self.forget();
        }
        made
    }
}
