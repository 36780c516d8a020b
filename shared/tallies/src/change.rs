//! Changes, as the streams of the tables tell them.

use table::{Item, Millis};

/// Whose stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The table `extract`.
    Extract,
    /// The table `portal`.
    Portal,
    /// The table `video`.
    Video,
    /// The table `credentials`.
    Credentials,
}

/// A change of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Of which table.
    pub source: Source,
    /// Its place in its shard of the stream: with the moment and the item's key what tells it from all others, each time that it is told.
    pub sequence: String,
    /// When it was made, as the stream says: in whole seconds, the same each time that it is told.
    pub at: Millis,
    /// The item as it was; empty if there was none.
    pub before: Item,
    /// The item as it is since; empty if there is none.
    pub after: Item,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Extract, Self::Portal, Self::Video, Self::Credentials];

    /// What it is called: as its table is.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Portal => "portal",
            Self::Video => "video",
            Self::Credentials => "credentials",
        }
    }
}
