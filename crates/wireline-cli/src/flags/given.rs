//! The value that was given to a flag.

use std::ffi::OsStr;
use std::time::Duration;

/// The value given to a flag; empty where none was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a>(pub(crate) Option<&'a OsStr>);

impl<'a> Given<'a> {
    pub(super) fn is_given(self) -> bool {
        self.0.is_some()
    }

    pub(super) fn os(self) -> &'a OsStr {
        self.0.unwrap_or_default()
    }

    /// As the system passed it: on Unix the bytes that were typed.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.os().as_encoded_bytes()
    }

    /// The name of a file, without the `@` that may stand before it.
    pub(super) fn behind_at(self) -> &'a OsStr {
        let name = self.os();
        name.to_str().and_then(|text| text.strip_prefix('@')).map_or(name, OsStr::new)
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        self.os().to_str().ok_or_else(|| "it is not UTF-8".to_owned())
    }

    pub(super) fn number(self) -> Result<usize, String> {
        self.text()?.parse().map_err(|_| "it is not a number".to_owned())
    }

    /// Seconds, with a fraction if need be; `s` and `ms` behind the number are understood.
    pub(super) fn duration(self) -> Result<Duration, String> {
        let text = self.text()?;
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1e-3),
            None => (text.strip_suffix('s').unwrap_or(text), 1.0),
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds = number.parse::<f64>().ok().filter(|_| is_number);
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok());
        duration.ok_or_else(|| "it is not a duration: seconds, as in 2, 1.5 or 300ms".to_owned())
    }

    /// A duration as a bound: 0 is none, as curl has it.
    pub(super) fn bound(self) -> Result<Option<Duration>, String> {
        Ok(Some(self.duration()?).filter(|bound| !bound.is_zero()))
    }
}
