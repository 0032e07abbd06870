//! What the command shows.

pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod sink;
