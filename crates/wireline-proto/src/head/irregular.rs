//! Lines of a section that are not as most are: without a name, folded, or with bytes in the value that a leniency changes.

use std::ops::Range;

use super::plain::place;
use super::{Result, Rules, Scanner, fault};
use crate::config::tolerate;
use crate::error::Violation;
use crate::fields::known::Known;
use crate::grammar::{self, TOKEN};

impl Scanner {
    /// A line that has no name in front of a colon: where its name ends and its colon stands, `None` when the line is
    /// to be dropped.
    #[cold]
    pub(super) fn bad_name(
        &mut self,
        text: &[u8],
        name_len: usize,
        start: usize,
        rules: &mut Rules<'_>,
    ) -> Result<Option<(usize, usize)>> {
        let colon = grammar::find(b':', text);
        let (violation, at) = match colon {
            None => (Violation::FieldWithoutColon, 0),
            Some(colon) if name_len > 0 && name_len + grammar::leading_ows(&text[name_len..]) == colon => {
                if rules.config.leniency.space_before_colon {
                    self.irregular = true;
                    tolerate(&mut rules.deviations.space_before_colon);
                    return Ok(Some((name_len, colon)));
                }
                (Violation::SpaceBeforeColon, name_len)
            }
            Some(_) => (Violation::FieldName, name_len),
        };
        self.drop_line(text, violation, start + at, start, rules)?;
        Ok(None)
    }

    /// Drops a line that is no field line, where that is let through and it cannot be a framing field.
    #[cold]
    fn drop_line(
        &mut self,
        text: &[u8],
        violation: Violation,
        at: usize,
        start: usize,
        rules: &mut Rules<'_>,
    ) -> Result<()> {
        // What another parser might take for the name: all before the colon, or the first word; and where a line begins, if
        // it takes a lone CR or another control byte for the end of one.
        let token =
            |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(|&byte| grammar::is(byte, TOKEN)).collect() };
        let is_end = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        let is_framing = text.split(is_end).chain([text]).any(|line| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            let word = name.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
            [name, word].iter().any(|name| Known::of(&token(name)) != Known::Other)
        });
        if !rules.config.leniency.skip_bad_fields || is_framing {
            return Err(fault(violation, at, start));
        }
        tolerate(&mut rules.deviations.skip_bad_fields);
        (self.dropped, self.irregular) = (true, true);
        Ok(())
    }

    /// `obs-fold`: a line that continues the one before it. It is joined to it with one space (RFC 9112 section 5.2).
    #[cold]
    pub(super) fn folded_line(&mut self, bytes: &[u8], text: &[u8], start: usize, rules: &mut Rules<'_>) -> Result<()> {
        if self.dropped {
            return self.drop_line(text, Violation::LeadingWhitespace, start, start, rules);
        }
        let Some(mut line) = self.lines.pop() else {
            return self.drop_line(text, Violation::LeadingWhitespace, start, start, rules);
        };
        if rules.config.refuse_obs_fold {
            return Err(fault(Violation::FoldRefused, start, start));
        }
        if line.known != Known::Other {
            return Err(fault(Violation::FoldedFraming, start, start));
        }
        self.irregular = true;
        if !line.rewritten {
            let section = &bytes[self.section..];
            let value = &section[line.value as usize..][..line.value_len as usize];
            line.value = place(self.rewritten.len());
            line.rewritten = true;
            self.rewritten.extend_from_slice(value);
        }
        let range = grammar::without_ows(text);
        if !range.is_empty() {
            let before = self.rewritten.len();
            if line.value_len > 0 {
                self.rewritten.push(b' ');
            }
            let at = start + range.start;
            // What a leniency turns into white space may leave nothing to join.
            if self.rewrite_value(&text[range], at, start, rules)?.is_empty() {
                self.rewritten.truncate(before);
            }
        }
        line.value_len = place(self.rewritten.len()) - line.value;
        self.lines.push(line);
        Ok(())
    }

    /// Copies text, replacing what is let through in it; where it is in the copy.
    #[cold]
    pub(super) fn rewrite(
        &mut self,
        value: &[u8],
        at: usize,
        line: usize,
        rules: &mut Rules<'_>,
    ) -> Result<Range<usize>> {
        let start = self.rewritten.len();
        self.irregular = true;
        let leniency = &rules.config.leniency;
        for (i, &byte) in value.iter().enumerate() {
            let kept = match byte {
                _ if grammar::is(byte, grammar::TEXT) => byte,
                b'\r' if leniency.bare_cr_as_space => {
                    tolerate(&mut rules.deviations.bare_cr_as_space);
                    b' '
                }
                b'\r' => return Err(fault(Violation::BareCr, at + i, line)),
                _ if !leniency.ctl_in_values => return Err(fault(Violation::ControlByte, at + i, line)),
                _ => {
                    tolerate(&mut rules.deviations.ctl_in_values);
                    if byte == 0 { b' ' } else { byte }
                }
            };
            self.rewritten.push(kept);
        }
        Ok(start..self.rewritten.len())
    }

    /// The same with a field value. What has become a space at either end is white space around it.
    #[cold]
    pub(super) fn rewrite_value(
        &mut self,
        value: &[u8],
        at: usize,
        line: usize,
        rules: &mut Rules<'_>,
    ) -> Result<Range<usize>> {
        let Range { start, end } = self.rewrite(value, at, line, rules)?;
        let kept = grammar::without_ows(&self.rewritten[start..end]);
        self.rewritten.truncate(start + kept.end);
        self.rewritten.drain(start..start + kept.start);
        Ok(start..self.rewritten.len())
    }
}
