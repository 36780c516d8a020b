//! Knows how a worker's rows wait as lines of JSON, the newest in memory and those before them in part files, until they are written to the one result
//! that is asked for (docs/decisions/0020-results-in-parts.md). Neither needs more memory than a part. Knows nothing of where rows come from.

mod feed;
mod stored;

pub use feed::{ToWriter, feed_file, feed_lines};
pub use stored::{Stored, Unstored, discard, store_rows, stored};

/// How many bytes of rows a worker keeps in memory: of more, a part is made.
pub const MOST_IN_MEMORY: usize = 4 * 1024 * 1024;

/// Adds a line to those in memory, and gives its size in bytes.
pub fn add_line(lines: &mut Vec<u8>, line: &impl serde::Serialize) -> u64 {
    let before = lines.len();
    // Of such values, into memory, none fails.
    let _ = serde_json::to_writer(&mut *lines, line);
    lines.push(b'\n');
    (lines.len() - before) as u64
}
