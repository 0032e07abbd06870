//! A line that has come completely, and how it ends.

use crate::config::tolerate;
use crate::error::Violation;
use crate::fault::Fault;

/// A line with its end.
pub(super) struct WholeLine {
    pub(super) start: usize,
    pub(super) lf: usize,
    pub(super) has_cr: bool,
}

impl WholeLine {
    pub(super) fn text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.lf - usize::from(self.has_cr)]
    }

    /// A fault in this line can show all of it.
    pub(super) fn holds(&self, fault: Fault) -> Fault {
        Fault { shown: self.start..self.lf + 1, ..fault }
    }

    /// CRLF, or LF where that is let through (RFC 9112 section 2.2). Asked last, since what is wrong before the line
    /// end comes first.
    pub(super) fn check_end(&self, lenient: bool, tolerated: &mut u16) -> Result<(), Fault> {
        if self.has_cr {
            return Ok(());
        }
        if !lenient {
            return Err(Fault::up_to(Violation::BareLf, self.start, self.lf));
        }
        tolerate(tolerated);
        Ok(())
    }
}
