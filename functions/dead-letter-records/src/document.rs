//! Parameters as the document tells them.

use input::schema::{one_of, text};
use operations::QUEUES;

/// The longest id of a letter that is read, in characters.
pub(crate) const LONGEST_ID: usize = 215;

input::parameters! {
    /// The letter of a path.
    pub(crate) LetterPath {
        path "letter_id" "The letter's id." => text::<1, LONGEST_ID>(),
    }
}

input::parameters! {
    /// A page of letters.
    pub(crate) LetterQuery {
        query "queue" "Only those of this queue." => one_of(QUEUES),
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, LONGEST_ID>(),
    }
}

input::parameters! {
    /// The letters of a queue.
    pub(crate) QueueQuery {
        needed "queue" "The queue." => one_of(QUEUES),
    }
}
