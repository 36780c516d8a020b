//! How things are written in JSON for whoever reads it: moments as RFC 3339.

use serde::Serializer;
use table::Millis;

/// A moment, as `2024-01-15T10:30:00Z`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn moment<S: Serializer>(moment: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// A moment, or null.
#[expect(clippy::ref_option, reason = "serde passes a reference")]
pub(crate) fn maybe_moment<S: Serializer>(moment: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.collect_str(moment),
        None => serializer.serialize_none(),
    }
}
