//! Parameters as the document tells them.

use input::schema::{moment_or_day, one_of, pattern, uuid};

input::parameters! {
    /// What is followed, from where, and how it is told.
    pub(crate) StreamQuery {
        header "Last-Event-ID" "The id of the last event that was seen; all after it follows. If it is given, `since` does not count."
            => pattern(0, 20, "^([0-9]{1,13}-[0-9]{1,6})?$"),
        query "job_id" "The only job to follow, from its beginning." => uuid(),
        query "since" "From when on; unless given, what the last hour has brought." => moment_or_day(),
        query "format" "`text`, the message alone, unless `json` is given: an object of everything that is known of the line." => one_of(["text", "json"]),
    }
}
