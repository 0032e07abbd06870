//! What is let through on request: [`Leniency`], named switches, all off, each with the attack that it opens.

use std::ops::Deref;

use crate::limits::Limits;

/// How a [`Connection`](crate::Connection) treats its peer. The default is strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How much is too much.
    pub limits: Limits,
    /// What is let through although it is wrong.
    pub leniency: Leniency,
    /// Refuse folded field lines (`obs-fold`). RFC 9112 section 5.2 obliges a user agent to take them, so this is
    /// off; Node.js and hyper refuse them.
    pub refuse_obs_fold: bool,
    /// Let requests whose method is not idempotent into a pipeline, and others behind them. Off: RFC 9112
    /// section 9.3.2 advises against it, since after a lost connection nobody knows which of them ran.
    pub pipeline_any_method: bool,
}

/// The configuration of one connection. Most have the default one, which takes no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own(Option<Box<Config>>);

impl From<Config> for Own {
    fn from(config: Config) -> Self {
        Self((config != Config::DEFAULT).then(|| Box::new(config)))
    }
}

impl Deref for Own {
    type Target = Config;

    #[inline]
    fn deref(&self) -> &Config {
        self.0.as_deref().unwrap_or(&Config::DEFAULT)
    }
}

impl Config {
    const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        leniency: Leniency::STRICT,
        refuse_obs_fold: false,
        pipeline_any_method: false,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Declares the switches once: the struct, their names, and the report that counts them.
macro_rules! leniencies {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What is let through on request. All switches are off; each names what it tolerates, who else does, and
        /// the attack that it opens. What was in fact tolerated in a response is counted in [`Deviations`].
        ///
        /// ```
        /// use wireline_proto::{Config, Leniency};
        ///
        /// let mut config = Config::default();
        /// config.leniency.bare_lf_in_head = true;
        /// assert!(Leniency::BROWSER.bare_lf_in_head && !Leniency::STRICT.bare_lf_in_head);
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        #[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own, none excludes another")]
        pub struct Leniency { $($(#[$doc])* pub $name: bool,)* }

        impl Leniency {
            /// The names of all switches, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Nothing is let through: the default.
            pub const STRICT: Self = Self { $($name: false,)* };

            /// Sets the switch called `name`; `false` when there is none of that name.
            #[must_use]
            pub fn set(&mut self, name: &str, on: bool) -> bool {
                match name {
                    $(stringify!($name) => self.$name = on,)*
                    _ => return false,
                }
                true
            }
        }

        /// How often each switch of [`Leniency`] let something through in one response.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Deviations { $(#[doc = concat!("By [`Leniency::", stringify!($name), "`].")] pub $name: u16,)* }

        impl Deviations {
            /// Nothing had to be tolerated.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// The name of each switch that let something through, with how often.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u16)> + use<> {
                [$((stringify!($name), self.$name)),*].into_iter().filter(|(_, count)| *count > 0)
            }
        }
    };
}

/// Counts what was let through once more; a peer cannot make the count wrap.
pub(crate) fn tolerate(count: &mut u16) {
    *count = count.saturating_add(1);
}

leniencies! {
    /// A lone CR in a head counts as a space. Opens: a peer behind an intermediary that ends lines at CR sees other
    /// fields than you do (header injection).
    bare_cr_as_space,
    /// LF alone ends chunk lines, chunk data and trailer lines. Opens: request and response smuggling against intermediaries that
    /// do not take it (CVE-2025-22871). Chromium, curl and http.client do.
    bare_lf_in_chunked,
    /// LF alone ends the status line and the field lines of a head: RFC 9112 section 2.2 permits it. Opens: a response that
    /// another parser splits elsewhere. curl, http.client, hyper, Go and Node.js do.
    bare_lf_in_head,
    /// White space behind a chunk size. Opens: nothing known alone; it hides differences between parsers. curl,
    /// http.client, hyper, Go and Chromium do.
    chunk_size_trailing_ws,
    /// Control bytes in field values and reason phrases: NUL becomes a space, others stay. Opens: injection into
    /// logs and into whatever treats the value as text (CVE-2026-34520).
    ctl_in_values,
    /// A head that is cut off by the end of the stream is taken for whole, unless it would switch protocols. Opens:
    /// truncation taken for success; a cut field value is believed.
    eof_ends_head,
    /// After the last chunk the end of the stream takes the place of the trailer section. Opens: trailers lost
    /// unnoticed. http.client does.
    eof_ends_trailers,
    /// An answer that does not begin with `HTTP/` is HTTP/0.9: all of it is content. Opens: any service that echoes
    /// can be made to answer as an HTTP server.
    http09,
    /// Content that ends early counts as complete. Opens: truncation taken for success.
    incomplete_as_end,
    /// A `Content-Length` that is no number, or several that differ: the content lasts until the connection closes.
    /// Opens: response splitting where an intermediary believes one of them. Browsers and http.client do.
    invalid_length_reads_to_close,
    /// Transfer codings other than chunked are handed over undecoded. Opens: content in a form that the caller
    /// does not expect.
    raw_transfer_coding,
    /// Field lines that are no field lines are dropped, unless what they might be is a framing field. Opens: fields
    /// that another parser sees and you do not.
    skip_bad_fields,
    /// White space between a field name and the colon. Opens: smuggling (CVE-2019-16276).
    space_before_colon,
    /// White space around the parts of a status line: leading, repeated, HTAB. Opens: disagreement about the
    /// status code.
    status_line_whitespace,
    /// `Transfer-Encoding` wins over a `Content-Length` beside it, which is hidden, and in HTTP/1.0 it counts; the
    /// connection closes. Opens: the classic request smuggling (RFC 9112 section 11.2).
    te_with_cl,
}

impl Leniency {
    /// What browsers let through.
    pub const BROWSER: Self = Self {
        bare_lf_in_chunked: true,
        bare_lf_in_head: true,
        chunk_size_trailing_ws: true,
        invalid_length_reads_to_close: true,
        skip_bad_fields: true,
        space_before_colon: true,
        status_line_whitespace: true,
        te_with_cl: true,
        ..Self::STRICT
    };

    /// What Python's `http.client` lets through and its users rely on.
    pub const HTTP_CLIENT: Self = Self {
        bare_cr_as_space: true,
        bare_lf_in_chunked: true,
        bare_lf_in_head: true,
        chunk_size_trailing_ws: true,
        ctl_in_values: true,
        eof_ends_head: true,
        eof_ends_trailers: true,
        invalid_length_reads_to_close: true,
        skip_bad_fields: true,
        status_line_whitespace: true,
        ..Self::STRICT
    };
}
