//! The pages.

pub(crate) mod overview;
