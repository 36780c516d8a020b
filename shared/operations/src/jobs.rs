//! Jobs of all kinds and tenants: found, listed, shown, followed, cancelled, taken up again, cleaned away.

pub(crate) mod acts;
pub(crate) mod cleaning;
pub(crate) mod detail;
pub(crate) mod kind;
pub(crate) mod listing;
pub(crate) mod name;
pub(crate) mod record;
pub(crate) mod row;
