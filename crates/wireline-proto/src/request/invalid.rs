//! What cannot be sent.

use std::fmt;

use crate::body::length::RequestFault;
use crate::fields::InvalidField;

/// Declares the mistakes with their names and texts.
macro_rules! mistakes {
    ($($(#[$inner:meta])* $variant:ident $({ $field:ident: $type:ty })? = $name:literal, $text:literal;)*) => {
        /// A request that cannot be sent: it would be illegal, or could be read as something else. Nothing has left.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum InvalidRequest {
            $($(#[$inner])* #[doc = concat!("`", $name, "`: ", $text, ".")] $variant $({
                #[doc = "The place of the byte, counted from the start of the target."] $field: $type
            })?,)*
            /// `field-line`, `field-name`, `field-value`: a field that cannot be sent.
            Field(InvalidField),
        }

        impl InvalidRequest {
            /// Every name of a mistake that [`build`](super::RequestBuilder::build) can report.
            pub const NAMES: &'static [&'static str] = &[$($name,)* "field-name", "field-value"];

            /// A short name that does not change: what the wire cases print.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant $({ $field: _ })? => $name,)*
                    Self::Field(InvalidField::Line { .. }) => "field-line",
                    Self::Field(InvalidField::Name { .. }) => "field-name",
                    Self::Field(InvalidField::TooMany) => "too-many-fields",
                    Self::Field(InvalidField::Value { .. }) => "field-value",
                }
            }
        }

        impl fmt::Display for InvalidRequest {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant $({ $field })? => {
                        f.write_str($text)?;
                        $(write!(f, " at byte {}", $field)?;)?
                        Ok(())
                    })*
                    Self::Field(invalid) => invalid.fmt(f),
                }
            }
        }
    };
}

mistakes! {
    CodingInHttp10 = "coding-in-http10", "Transfer-Encoding in an HTTP/1.0 request";
    CodingUnsupported = "coding-unsupported", "a Transfer-Encoding that does not end in one chunked";
    ConnectionOption = "connection-option", "a Connection that names a field which every recipient has to see";
    ContentForbidden = "content-forbidden", "content in a CONNECT or TRACE request";
    CredentialsInTrace = "credentials-in-trace", "credentials in a TRACE request, which is sent back as it came";
    ExpectInHttp10 = "expect-in-http10", "Expect: 100-continue in an HTTP/1.0 request";
    ExpectWithoutContent = "expect-without-content", "Expect: 100-continue in a request without content";
    HostInvalid = "host-invalid", "a Host that is no host with an optional port";
    HostMismatch = "host-mismatch", "a Host that is not the authority of the request target";
    HostMissing = "host-missing", "an HTTP/1.1 request without Host";
    HostRepeated = "host-repeated", "more than one Host";
    LengthInvalid = "length-invalid", "a Content-Length that is not decimal digits alone, or does not fit into 64 bits";
    LengthRepeated = "length-repeated", "more than one Content-Length";
    LengthWithCoding = "length-with-coding", "Content-Length and Transfer-Encoding together";
    Method = "method", "a method that is no token";
    Target { at: usize } = "target", "a byte that no request target may hold (white space, a control byte, #, or above 0x7E)";
    TargetForm = "target-form", "a request target that is in none of the four forms, or not in the one of its method";
    TeChunked = "te-chunked", "TE lists chunked";
    TeWithoutConnection = "te-without-connection", "TE without Connection: TE";
    UpgradeWithoutConnection = "upgrade-without-connection", "Upgrade without Connection: upgrade";
    UserinfoInTarget = "userinfo-in-target", "userinfo in the request target";
    Version = "version", "an HTTP version other than 1.0 and 1.1";
}

impl std::error::Error for InvalidRequest {}

impl From<RequestFault> for InvalidRequest {
    fn from(fault: RequestFault) -> Self {
        match fault {
            RequestFault::CodingInHttp10 => Self::CodingInHttp10,
            RequestFault::CodingUnsupported => Self::CodingUnsupported,
            RequestFault::LengthInvalid => Self::LengthInvalid,
            RequestFault::LengthRepeated => Self::LengthRepeated,
            RequestFault::LengthWithCoding => Self::LengthWithCoding,
        }
    }
}
