//! A field section. [`Fields`] *is its bytes*: one block in wire form with an index of offsets, for sending and
//! receiving alike. Order, case, repeated lines and access without a copy follow from that.

use std::borrow::Cow;
use std::fmt;

use crate::fields::known::{Known, KnownLines};
use crate::grammar::{self, TEXT, TOKEN};

mod convert;
mod invalid;
pub(crate) mod known;

pub use invalid::InvalidField;

/// Where a field line is in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: u32,
    pub(crate) name_len: u32,
    pub(crate) value: u32,
    pub(crate) value_len: u32,
    /// The value is not contiguous on the wire (it was folded, or bytes of it were replaced): it stands in the
    /// section's `rewritten` block instead.
    pub(crate) rewritten: bool,
    pub(crate) known: Known,
}

/// A field section of your own: ordered, with the case and the repetitions that you gave it, in wire form.
///
/// ```
/// use wireline_proto::Fields;
///
/// let mut fields = Fields::new();
/// fields.append("X-Tag", "a")?;
/// fields.append("x-tag", "b")?;
/// assert_eq!(fields.as_bytes(), b"X-Tag: a\r\nx-tag: b\r\n");
/// assert_eq!(fields.get("X-TAG"), Some(&b"a"[..]));
/// assert_eq!(fields.joined("x-tag").as_deref(), Some(&b"a, b"[..]));
/// # Ok::<(), wireline_proto::InvalidField>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Fields {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    rewritten: Vec<u8>,
    known: KnownLines,
    /// The bytes are the lines and nothing else: they can be sent as they are.
    plain: bool,
}

impl Default for Fields {
    fn default() -> Self {
        Self::new()
    }
}

impl Fields {
    /// No fields. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), lines: Vec::new(), rewritten: Vec::new(), known: KnownLines::NONE, plain: true }
    }

    /// Reads a section from its wire form: lines that end in CRLF, with or without the empty line behind them. The
    /// bytes are kept as they are.
    ///
    /// # Errors
    /// [`InvalidField`] at the first byte that is not legal. Folded lines are not: nobody may send them (RFC 9112
    /// section 5.2).
    pub fn parse(wire: &[u8]) -> Result<Self, InvalidField> {
        let mut fields = Self::new();
        let section = if wire == b"\r\n" {
            &[][..]
        } else {
            wire.strip_suffix(b"\r\n\r\n").map_or(wire, |s| &wire[..s.len() + 2])
        };
        let mut start = 0;
        while start < section.len() {
            let line = &section[start..];
            let len = grammar::find(b'\n', line).ok_or(InvalidField::Line { at: section.len() })?;
            let text = line[..len].strip_suffix(b"\r").ok_or(InvalidField::Line { at: start + len })?;
            let colon = grammar::find(b':', text).ok_or(InvalidField::Line { at: start })?;
            let (name, value) = (&text[..colon], &text[colon + 1..]);
            check_name(name).map_err(|at| InvalidField::Name { at: start + at })?;
            check_value(value).map_err(|at| InvalidField::Value { at: start + colon + 1 + at })?;
            fields.index(start, name, value);
            start += len + 1;
        }
        fields.bytes.extend_from_slice(section);
        Ok(fields)
    }

    /// Adds a field line at the end. White space around the value is sent as given and is not part of the value.
    ///
    /// # Errors
    /// A name that is no token (RFC 9110 section 5.1), or a value with a control byte other than HTAB (RFC 9110
    /// section 5.5): nothing is added, so a value cannot smuggle in a second line.
    pub fn append(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let (name, value) = (name.as_ref(), value.as_ref());
        check_name(name).map_err(|at| InvalidField::Name { at })?;
        check_value(value).map_err(|at| InvalidField::Value { at })?;
        self.push(name, value);
        Ok(())
    }

    /// Puts one line of this name in the place of the first one and drops the others; adds it when there is none.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let (name, value) = (name.as_ref(), value.as_ref());
        Self::new().append(name, value)?;
        let mut placed = false;
        let mut fields = Self::new();
        for field in self.iter() {
            if !field.name.eq_ignore_ascii_case(name) {
                fields.push(field.name, field.value);
            } else if !placed {
                fields.push(name, value);
                placed = true;
            }
        }
        if !placed {
            fields.push(name, value);
        }
        fields.plain = fields.is_sendable();
        *self = fields;
        Ok(())
    }

    /// Drops all lines of this name and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.lines.len();
        let mut fields = Self::new();
        for field in self.iter().filter(|field| !field.is(name)) {
            fields.push(field.name, field.value);
        }
        fields.plain = fields.is_sendable();
        *self = fields;
        before - self.lines.len()
    }

    /// The section to look at.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "AsRef cannot return a value that borrows")]
    pub fn as_ref(&self) -> FieldsRef<'_> {
        FieldsRef {
            bytes: &self.bytes,
            lines: &self.lines,
            rewritten: &self.rewritten,
            known: &self.known,
            plain: self.plain,
        }
    }

    /// See [`FieldsRef::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no field lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// See [`FieldsRef::iter`].
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.as_ref().iter()
    }

    /// See [`FieldsRef::get`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.as_ref().get(name)
    }

    /// See [`FieldsRef::get_all`].
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.as_ref().get_all(name)
    }

    /// See [`FieldsRef::joined`].
    #[must_use]
    pub fn joined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.as_ref().joined(name)
    }

    /// See [`FieldsRef::contains`].
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.as_ref().contains(name)
    }

    /// See [`FieldsRef::has_token`].
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.as_ref().has_token(name, token)
    }

    /// See [`FieldsRef::as_bytes`].
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the bytes are the lines and nothing else. Not so for what was received folded, or let through.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether each value could be sent.
    pub(crate) fn is_sendable(&self) -> bool {
        self.iter().all(|field| check_value(field.value).is_ok())
    }

    /// Adds a line whose parts are known to be legal.
    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.index(self.bytes.len(), name, value);
        // The value's place in the index is behind the colon; the space that is sent there is OWS.
        if let Some(line) = self.lines.last_mut() {
            line.value += 1;
        }
        for part in [name, b": ", value, b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
    }

    /// Notes a line that starts at `start` and whose value, `value`, stands right behind the colon.
    fn index(&mut self, start: usize, name: &[u8], value: &[u8]) {
        let range = grammar::without_ows(value);
        let known = Known::of(name);
        self.known.note(known, self.lines.len());
        self.lines.push(Line {
            known,
            name: offset(start),
            name_len: offset(name.len()),
            value: offset(start + name.len() + 1 + range.start),
            value_len: offset(range.len()),
            rewritten: false,
        });
    }

    /// Puts a line in front of the others.
    pub(crate) fn prepend(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidField> {
        let mut fields = Self::new();
        fields.append(name, value)?;
        let shift = offset(fields.bytes.len());
        fields.bytes.append(&mut self.bytes);
        fields.lines.extend(self.lines.iter().map(|line| Line {
            name: line.name + shift,
            value: if line.rewritten { line.value } else { line.value + shift },
            ..*line
        }));
        fields.rewritten = std::mem::take(&mut self.rewritten);
        fields.known = KnownLines::of(&fields.lines);
        fields.plain = self.plain;
        *self = fields;
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<Line>, KnownLines) {
        (self.bytes, self.lines, self.known)
    }
}

/// Places in a section fit into 32 bits: what is received is bounded by [`Limits`](crate::Limits), which are 32 bits
/// wide, and what is sent has to be in memory.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a field section is smaller than 4 GiB")
}

fn check_name(name: &[u8]) -> Result<(), usize> {
    match grammar::first_not(name, TOKEN) {
        None if name.is_empty() => Err(0),
        None => Ok(()),
        Some(at) => Err(at),
    }
}

fn check_value(value: &[u8]) -> Result<(), usize> {
    grammar::first_not(value, TEXT).map_or(Ok(()), Err)
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A field section lent from a connection, or from [`Fields`].
#[derive(Clone, Copy)]
pub struct FieldsRef<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) lines: &'a [Line],
    pub(crate) rewritten: &'a [u8],
    pub(crate) known: &'a KnownLines,
    /// The bytes are the lines and nothing else.
    pub(crate) plain: bool,
}

impl<'a> FieldsRef<'a> {
    pub(crate) const EMPTY: Self =
        Self { bytes: &[], lines: &[], rewritten: &[], known: &KnownLines::NONE, plain: true };

    /// How many field lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no field lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The field lines in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'a>> + use<'a> {
        let section = *self;
        self.lines.iter().map(move |line| section.field(line))
    }

    /// The value of the first line of this name, whatever its case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.get_all(name).next()
    }

    /// The values of all lines of this name, in order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let section = *self;
        // Most names differ in length, so that is asked first.
        let lines = self.lines.iter().filter(move |line| line.name_len as usize == name.len());
        lines.map(move |line| section.field(line)).filter(move |field| field.is(name)).map(|field| field.value)
    }

    /// The values of all lines of this name, in order, with the place of each line in the section.
    pub(crate) fn known(&self, known: Known) -> impl Iterator<Item = (usize, &'a [u8])> + use<'a> {
        let section = *self;
        let within = self.known.within(known, self.lines.len());
        let lines = within.clone().zip(&self.lines[within]).filter(move |(_, line)| line.known == known);
        lines.map(move |(i, line)| (i, section.value(line)))
    }

    /// The value of the line of this name where there is just one, as there mostly is, and its place in the section.
    #[inline]
    pub(crate) fn only(&self, known: Known) -> Option<(usize, &'a [u8])> {
        let at = self.known.only(known)?;
        Some((at, self.value(self.lines.get(at)?)))
    }

    /// Whether there is a line of this name.
    #[inline]
    pub(crate) fn has(&self, known: Known) -> bool {
        self.known.has(known)
    }

    fn value(&self, line: &Line) -> &'a [u8] {
        part(if line.rewritten { self.rewritten } else { self.bytes }, line.value, line.value_len)
    }

    fn field(&self, line: &Line) -> Field<'a> {
        Field { name: part(self.bytes, line.name, line.name_len), value: self.value(line) }
    }

    /// The values of all lines of this name joined by `, ` (RFC 9110 section 5.3). Not for `Set-Cookie`, which must
    /// be taken line by line.
    #[must_use]
    pub fn joined(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let mut values = self.get_all(name);
        let mut joined = Cow::Borrowed(values.next()?);
        for value in values {
            let joined = joined.to_mut();
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        Some(joined)
    }

    /// Whether there is a line of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether `token` is an element of the list that the lines of this name make up, whatever its case (RFC 9110
    /// sections 5.3 and 5.6.1).
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.get_all(name).any(|value| grammar::lists(value, token.as_bytes()))
    }

    /// Whether an element of that list is what is looked for.
    pub(crate) fn has_element(&self, name: &str, is: &dyn Fn(&[u8]) -> bool) -> bool {
        self.get_all(name).any(|value| grammar::list(value).any(is))
    }

    /// The section in wire form, as it came or as it goes, without the empty line behind it.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// A copy to keep, in memory that `fields` has already.
    pub fn clone_into(&self, fields: &mut Fields) {
        fields.bytes.clear();
        fields.bytes.extend_from_slice(self.bytes);
        fields.lines.clear();
        fields.lines.extend_from_slice(self.lines);
        fields.rewritten.clear();
        fields.rewritten.extend_from_slice(self.rewritten);
        (fields.known, fields.plain) = (*self.known, self.plain);
    }

    /// A copy to keep.
    #[must_use]
    pub fn to_owned(&self) -> Fields {
        Fields {
            bytes: self.bytes.to_vec(),
            lines: self.lines.to_vec(),
            rewritten: self.rewritten.to_vec(),
            known: *self.known,
            plain: self.plain,
        }
    }
}

fn part(block: &[u8], start: u32, len: u32) -> &[u8] {
    &block[start as usize..][..len as usize]
}

impl fmt::Debug for FieldsRef<'_> {
    /// Values of fields that carry credentials are left out, so that a log does not give them away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A field line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The name in the case in which it came.
    ///
    /// # Panics
    /// Never: a field name is a token, and so ASCII.
    #[must_use]
    pub fn name(&self) -> &'a str {
        std::str::from_utf8(self.name).expect("a field name is a token, and so ASCII")
    }

    /// The value without the white space around it, as octets: RFC 9110 section 5.5 gives those above 0x7F no meaning.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value as text, octets above 0x7F as the code points U+0080 to U+00FF: nothing is lost.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        match std::str::from_utf8(self.value) {
            Ok(text) if text.is_ascii() => Cow::Borrowed(text),
            _ => self.value.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        }
    }

    /// Whether this is a line of that name, whatever its case (RFC 9110 section 5.1).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.len() == name.len() && self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    fn is_secret(&self) -> bool {
        grammar::is_named(self.name, &["authorization", "proxy-authorization", "cookie", "set-cookie"])
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() {
            write!(f, "{}: [{} bytes not shown]", self.name(), self.value.len())
        } else {
            write!(f, "{}: {}", self.name(), self.value.escape_ascii())
        }
    }
}
