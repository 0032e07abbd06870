//! The message body: how long it is, how it is decoded, how it is encoded.

mod chunk_line;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod encoded;
pub(crate) mod length;
pub(crate) mod trailer_name;
