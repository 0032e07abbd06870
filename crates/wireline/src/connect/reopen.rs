//! Connecting anew.

use crate::connect::connecting::{Connecting, Step};
use crate::connection::Reopen;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::reply::Head;
use crate::transport::stream::Stream;

/// Makes what connects anew as a connection is made.
pub(super) type Anew = fn(&Connecting) -> Box<dyn Reopen<Stream>>;

/// The same way, from its beginning.
pub(super) fn anew(made: &Connecting) -> Box<dyn Reopen<Stream>> {
    Box::new(Connecting::new(&made.connector, &made.origin, made.place.clone()))
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
