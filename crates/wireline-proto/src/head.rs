//! Reads a head or a trailer section line by line, as its bytes come. Where a line has not come completely it remembers up
//! to where its end has been looked for: the work is linear in the bytes, however they are cut.

use std::thread::LocalKey;

use crate::config::{Config, Deviations};
use crate::error::{ErrorKind, Limit, Violation};
use crate::fault::Fault;
use crate::fields::known::{Known, KnownLines};
use crate::fields::{FieldsRef, Line};
use crate::free::{self, Free, Lend};
use crate::grammar::{self, TOKEN};
use crate::status_line::{self, StatusLine};

mod irregular;
mod plain;
mod whole_line;

use plain::place;
use whole_line::WholeLine;

/// What is known of a section that has come in part. Places count from its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scanner {
    lines: Vec<Line>,
    known: KnownLines,
    rewritten: Vec<u8>,
    status: Option<StatusLine>,
    /// Where the line starts that is not complete yet, and up to where its end has been looked for.
    line: usize,
    searched: usize,
    /// Where the field section starts.
    section: usize,
    /// How much white space was let through before the status line.
    blank: usize,
    /// The reason phrase stands in `rewritten`.
    reason_rewritten: bool,
    /// Something was folded, replaced, dropped or hidden: the bytes of the section are not just its lines.
    irregular: bool,
    /// A field that decides framing was let through in a form that another parser ignores.
    pub(crate) ambiguous: bool,
    /// The last field line was dropped, and so is what is folded onto it.
    dropped: bool,
}

/// Done, or need more. Wrong is the error beside it: an answer is never two of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The section is complete and is this long, its empty line included.
    Complete(usize),
    NeedMore,
}

type Result<T> = std::result::Result<T, Fault>;

/// The bounds on a section, and the limits that they name.
struct Bounds {
    line: (u32, Limit),
    total: (usize, Limit),
    fields: (u32, Limit),
}

/// What a line is read under.
pub(crate) struct Rules<'a> {
    pub(crate) config: &'a Config,
    pub(crate) deviations: &'a mut Deviations,
}

thread_local! {
    static SCANNERS: Free<Box<Scanner>> = const { Free::new() };
}

/// An index of more lines than this is freed, not kept: a long one was needed once.
const KEPT_LINES: usize = 256;

/// Lent only while a section is read, and as long as its event is.
impl Lend for Scanner {
    const NONE: &'static Self = &Self::NEW;

    fn free() -> &'static LocalKey<Free<Box<Self>>> {
        &SCANNERS
    }

    fn clear(&mut self) -> bool {
        self.reset();
        free::is_small(&self.rewritten) && self.lines.capacity() <= KEPT_LINES
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::NEW
    }
}

impl Scanner {
    pub(crate) const NEW: Self = Self {
        lines: Vec::new(),
        known: KnownLines::NONE,
        rewritten: Vec::new(),
        status: None,
        line: 0,
        searched: 0,
        section: 0,
        blank: 0,
        reason_rewritten: false,
        irregular: false,
        ambiguous: false,
        dropped: false,
    };

    /// Begins anew; keeps the memory of the index.
    pub(crate) fn reset(&mut self) {
        self.lines.clear();
        self.known = KnownLines::NONE;
        self.rewritten.clear();
        (self.status, self.blank) = (None, 0);
        (self.reason_rewritten, self.irregular, self.ambiguous, self.dropped) = (false, false, false, false);
        (self.line, self.searched, self.section) = (0, 0, 0);
    }

    /// Whether the status line is complete.
    pub(crate) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// Whether the bytes are no HTTP/1 at all, as far as they say: what has been let through before them does not count.
    pub(crate) fn is_no_status_line(&self, fault: &Fault) -> bool {
        self.status.is_none() && fault.kind == Violation::StatusLine.into() && fault.at < self.blank + b"HTTP/".len()
    }

    /// Whether less has come than tells HTTP/1 from anything else.
    pub(crate) fn is_undecided(&self, bytes: &[u8]) -> bool {
        self.status.is_none() && bytes.len() < self.blank + b"HTTP/".len()
    }

    /// Whether any byte of the section has been looked at.
    pub(crate) fn has_begun(&self) -> bool {
        self.searched > 0 || self.status.is_some()
    }

    pub(crate) fn status(&self) -> Option<&StatusLine> {
        self.status.as_ref()
    }

    /// A copy of what has been read, in memory that `kept` has already.
    pub(crate) fn clone_into(&self, kept: &mut Self) {
        self.lines.clone_into(&mut kept.lines);
        self.rewritten.clone_into(&mut kept.rewritten);
        (kept.known, kept.status) = (self.known, self.status.clone());
        (kept.section, kept.line) = (self.section, self.line);
        (kept.reason_rewritten, kept.irregular) = (self.reason_rewritten, self.irregular);
    }

    /// The reason phrase of a complete head.
    pub(crate) fn reason<'a>(&'a self, bytes: &'a [u8]) -> &'a [u8] {
        let reason = self.status.as_ref().map_or(0..0, |line| line.reason.clone());
        &(if self.reason_rewritten { &self.rewritten } else { bytes })[reason]
    }

    /// The field section of a complete head or trailer section.
    pub(crate) fn fields<'a>(&'a self, bytes: &'a [u8]) -> FieldsRef<'a> {
        FieldsRef {
            bytes: &bytes[self.section..self.line],
            lines: &self.lines,
            rewritten: &self.rewritten,
            known: &self.known,
            plain: !self.irregular,
        }
    }

    /// A fault in the value of a field line.
    pub(crate) fn fault_in_value(&self, bytes: &[u8], kind: Violation, line: usize) -> Fault {
        let Some(line) = self.lines.get(line) else { return fault(kind, self.section, self.section) };
        let name = self.section + line.name as usize;
        let behind_colon = name + line.name_len as usize + 1;
        if line.rewritten {
            return fault(kind, behind_colon + grammar::leading_ows(&bytes[behind_colon..]), name);
        }
        let value = self.section + line.value as usize;
        Fault::within(kind, name..value + line.value_len as usize, value)
    }

    /// A fault in the status line as a whole.
    pub(crate) fn fault_in_status(&self, kind: Violation) -> Fault {
        Fault::within(kind, 0..self.section, 0)
    }

    /// Hides the field lines of this name from whoever reads the section.
    pub(crate) fn hide(&mut self, known: Known) {
        self.irregular = true;
        self.lines.retain(|line| line.known != known);
        self.known = KnownLines::of(&self.lines);
    }

    /// How much memory is held, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.lines.capacity() * size_of::<Line>() + self.rewritten.capacity()
    }

    /// Reads on in a head; `bytes` begin with its first byte.
    pub(crate) fn scan_head(&mut self, bytes: &[u8], rules: &mut Rules<'_>) -> Result<Scan> {
        let limits = &rules.config.limits;
        let total = (limits.in_one_piece(limits.head), Limit::Head);
        if self.status.is_none() {
            let line = (limits.start_line, Limit::StartLine);
            let bounds = Bounds { line, total, fields: (limits.fields, Limit::Fields) };
            if !self.take_plain_status_line(bytes, &bounds) && !self.status_line(bytes, &bounds, rules)? {
                return Ok(Scan::NeedMore);
            }
            self.section = self.line;
        }
        let limits = &rules.config.limits;
        let bounds =
            Bounds { line: (limits.field_line, Limit::FieldLine), total, fields: (limits.fields, Limit::Fields) };
        self.scan_fields(bytes, &bounds, rules, Place::Head)
    }

    fn take_plain_status_line(&mut self, bytes: &[u8], bounds: &Bounds) -> bool {
        if self.searched > 0 || self.blank > 0 {
            return false;
        }
        let within = bytes.len().min(bounds.line.0 as usize).min(bounds.total.0);
        let Some((status, len)) = status_line::plain(&bytes[..within]) else { return false };
        self.status = Some(status);
        (self.line, self.searched) = (len, len);
        true
    }

    /// Whether the status line is complete.
    fn status_line(&mut self, bytes: &[u8], bounds: &Bounds, rules: &mut Rules<'_>) -> Result<bool> {
        let begun = &bytes[..bytes.len().min(bounds.line.0 as usize).min(bounds.total.0)];
        if rules.config.leniency.status_line_whitespace {
            self.blank += grammar::leading_ows(&begun[self.blank..]);
        }
        status_line::check_prefix(&begun[self.blank..])
            .map_err(|(violation, at)| fault(violation, self.blank + at, 0))?;
        let Some(line) = self.next_line(bytes, bounds)? else { return Ok(false) };
        let text = line.text(bytes);
        let parsed = status_line::parse(text, self.blank, &rules.config.leniency, rules.deviations);
        let mut status = parsed.map_err(|(violation, at)| line.holds(fault(violation, at, 0)))?;
        if grammar::text_len(&text[status.reason.clone()]) < status.reason.len() {
            let reason = status.reason.clone();
            let rewritten = self.rewrite(&text[reason.clone()], reason.start, 0, rules);
            status.reason = rewritten.map_err(|fault| line.holds(fault))?;
            self.reason_rewritten = true;
        }
        line.check_end(rules.config.leniency.bare_lf_in_head, &mut rules.deviations.bare_lf_in_head)?;
        self.status = Some(status);
        Ok(true)
    }

    /// Reads on in a trailer section; `bytes` begin with its first byte.
    pub(crate) fn scan_trailers(&mut self, bytes: &[u8], rules: &mut Rules<'_>) -> Result<Scan> {
        let limits = &rules.config.limits;
        let bounds = Bounds {
            line: (limits.field_line, Limit::FieldLine),
            total: (limits.in_one_piece(limits.trailers), Limit::Trailers),
            fields: (limits.trailer_fields, Limit::TrailerFields),
        };
        self.scan_fields(bytes, &bounds, rules, Place::Trailers)
    }

    #[inline]
    fn scan_fields(&mut self, bytes: &[u8], bounds: &Bounds, rules: &mut Rules<'_>, place: Place) -> Result<Scan> {
        if self.take_plain_lines(bytes, bounds) {
            return Ok(Scan::Complete(self.searched));
        }
        self.scan_any_fields(bytes, bounds, rules, place)
    }

    /// The same line by line, as far as the next is not plain.
    #[inline(never)]
    fn scan_any_fields(&mut self, bytes: &[u8], bounds: &Bounds, rules: &mut Rules<'_>, place: Place) -> Result<Scan> {
        loop {
            let Some(line) = self.next_line(bytes, bounds)? else { return Ok(Scan::NeedMore) };
            let leniency = &rules.config.leniency;
            let deviations = &mut *rules.deviations;
            let (bare_lf, tolerated) = match place {
                Place::Head => (leniency.bare_lf_in_head, &mut deviations.bare_lf_in_head),
                Place::Trailers => (leniency.bare_lf_in_chunked, &mut deviations.bare_lf_in_chunked),
            };
            let text = line.text(bytes);
            if text.is_empty() {
                line.check_end(bare_lf, tolerated)?;
                let complete = self.line;
                // The section ends where its empty line begins.
                self.line = line.start;
                return Ok(Scan::Complete(complete));
            }
            self.field_line(bytes, text, line.start, bounds, rules).map_err(|fault| line.holds(fault))?;
            let deviations = &mut *rules.deviations;
            let tolerated = match place {
                Place::Head => &mut deviations.bare_lf_in_head,
                Place::Trailers => &mut deviations.bare_lf_in_chunked,
            };
            line.check_end(bare_lf, tolerated)?;
            self.irregular |= !line.has_cr;
            if self.take_plain_lines(bytes, bounds) {
                return Ok(Scan::Complete(self.searched));
            }
        }
    }

    /// Takes the lines that are whole, within the bounds, and plain. Whether they are all, and the section ends behind them.
    fn take_plain_lines(&mut self, bytes: &[u8], bounds: &Bounds) -> bool {
        let Some(rest) = bytes[..bytes.len().min(bounds.total.0)].get(self.line..) else { return false };
        if self.searched != self.line {
            return false;
        }
        let before = self.lines.len();
        let plain = plain::Bounds { line: bounds.line.0 as usize, lines: bounds.fields.0 as usize };
        let behind = plain::take_lines(rest, self.line - self.section, &plain, &mut self.lines, &mut self.known);
        self.line += rest.len() - behind.len();
        self.searched = self.line;
        self.dropped &= self.lines.len() == before;
        let is_end = behind.starts_with(b"\r\n") && bounds.line.0 >= 2;
        if is_end {
            self.searched += 2;
        }
        is_end
    }

    /// The next line, if it is complete.
    fn next_line(&mut self, bytes: &[u8], bounds: &Bounds) -> Result<Option<WholeLine>> {
        let line_bound = self.line + bounds.line.0 as usize;
        let total_bound = bounds.total.0;
        let bound = line_bound.min(total_bound);
        let end = bytes.len().min(bound);
        if let Some(lf) = grammar::find(b'\n', &bytes[self.searched.min(end)..end]) {
            let lf = self.searched + lf;
            let start = std::mem::replace(&mut self.line, lf + 1);
            self.searched = self.line;
            return Ok(Some(WholeLine { start, lf, has_cr: lf > start && bytes[lf - 1] == b'\r' }));
        }
        self.searched = end;
        if bytes.len() > bound {
            let limit = if total_bound <= line_bound { bounds.total.1 } else { bounds.line.1 };
            return Err(fault(limit, bound, self.line));
        }
        Ok(None)
    }

    /// `field-line = field-name ":" OWS field-value OWS` (RFC 9112 section 5), without its line end, which starts at
    /// `start`.
    fn field_line(
        &mut self,
        bytes: &[u8],
        text: &[u8],
        start: usize,
        bounds: &Bounds,
        rules: &mut Rules<'_>,
    ) -> Result<()> {
        if grammar::is_ows(text[0]) {
            return self.folded_line(bytes, text, start, rules);
        }
        let name_len = grammar::first_not(text, TOKEN).unwrap_or(text.len());
        let (name_len, colon) = if name_len > 0 && text.get(name_len) == Some(&b':') {
            (name_len, name_len)
        } else {
            match self.bad_name(text, name_len, start, rules)? {
                Some(found) => found,
                None => return Ok(()),
            }
        };
        if self.lines.len() >= bounds.fields.0 as usize {
            return Err(fault(bounds.fields.1, start, start));
        }
        let behind = &text[colon + 1..];
        let range = grammar::without_ows(behind);
        let value = &behind[range.clone()];
        let value_at = start + colon + 1 + range.start;
        let known = Known::of(&text[..name_len]);
        self.ambiguous |= name_len < colon && known != Known::Other;
        let wrong = Some(grammar::text_len(value)).filter(|&len| len < value.len());
        let rewritten = wrong.is_some();
        let (value, value_len) = if let Some(wrong) = wrong {
            // Nothing is let through in a field that decides framing.
            if known != Known::Other {
                let violation = if value[wrong] == b'\r' { Violation::BareCr } else { Violation::ControlByte };
                return Err(fault(violation, value_at + wrong, start));
            }
            let range = self.rewrite_value(value, value_at, start, rules)?;
            (range.start, range.len())
        } else {
            (value_at - self.section, value.len())
        };
        let name = place(start - self.section);
        self.known.note(known, self.lines.len());
        self.lines.push(Line {
            name,
            name_len: place(name_len),
            value: place(value),
            value_len: place(value_len),
            rewritten,
            known,
        });
        self.dropped = false;
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Place {
    Head,
    Trailers,
}

fn fault(kind: impl Into<ErrorKind>, at: usize, line: usize) -> Fault {
    Fault::up_to(kind, line, at)
}
