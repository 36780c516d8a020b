//! What pages are made of.

pub(crate) mod badge;
pub(crate) mod confirm;
pub(crate) mod facts;
pub(crate) mod pager;
pub(crate) mod plot;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;
