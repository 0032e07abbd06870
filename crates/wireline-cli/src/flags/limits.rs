//! The bounds that `--limit` sets.

use wireline::Limits;

/// Where the bound of each name is kept.
pub(super) type LimitPlace = fn(&mut Limits) -> &mut u32;

/// The bounds by the names of their fields.
pub(super) const LIMITS: &[(&str, LimitPlace)] = &[
    ("start_line", |limits| &mut limits.start_line),
    ("field_line", |limits| &mut limits.field_line),
    ("head", |limits| &mut limits.head),
    ("fields", |limits| &mut limits.fields),
    ("interim_responses", |limits| &mut limits.interim_responses),
    ("interim_bytes", |limits| &mut limits.interim_bytes),
    ("chunk_line", |limits| &mut limits.chunk_line),
    ("chunk_extensions", |limits| &mut limits.chunk_extensions),
    ("trailers", |limits| &mut limits.trailers),
    ("trailer_fields", |limits| &mut limits.trailer_fields),
    ("leading_empty_lines", |limits| &mut limits.leading_empty_lines),
    ("receive_buffer", |limits| &mut limits.receive_buffer),
    ("transmit_buffer", |limits| &mut limits.transmit_buffer),
];

/// The names that `--limit` knows.
pub(crate) fn limit_names() -> String {
    LIMITS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
