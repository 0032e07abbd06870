//! The exit statuses: the one table. Where curl has a number for the same thing, it is curl's.

use std::process::ExitCode;

/// Declares the statuses with their numbers and their texts, and lists them all for the help.
macro_rules! exits {
    ($($variant:ident = $code:literal, $text:literal;)*) => {
        /// How the command ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Exit { $(#[doc = $text] $variant = $code,)* }

        impl Exit {
            /// Every status, by number.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// What it means, in a few words.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

exits! {
    Success = 0, "every exchange is complete";
    CheckFailed = 1, "a check of the tour failed";
    Usage = 2, "wrong use of the command";
    Url = 3, "a URL that cannot be used";
    Resolve = 6, "the name of the host could not be resolved";
    Connect = 7, "the host could not be reached";
    Incomplete = 18, "the response ended early";
    Status = 22, "a status of 400 or more, with --fail";
    Output = 23, "what was received could not be written";
    Input = 26, "what is to be sent could not be read";
    Timeout = 28, "out of time";
    Tls = 35, "the TLS handshake failed";
    Empty = 52, "the peer closed without a byte of the response";
    Send = 55, "the connection broke before all of the request left";
    Receive = 56, "the connection broke, or what came is not HTTP/1.1 or too much";
    Certificate = 60, "the certificate of the peer was not accepted";
    CertificateFile = 77, "the file given to --cacert could not be used";
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The first failure of two.
    pub(crate) fn or(self, later: Self) -> Self {
        if self == Self::Success { later } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_status_says_what_it_means() {
        assert!(Exit::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        assert!(Exit::ALL.iter().all(|exit| !exit.text().is_empty()));
    }
}
