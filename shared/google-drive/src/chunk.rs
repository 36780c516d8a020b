//! Which bytes of a file are sent next, and how they are called:
//! <https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable>.

use std::ops::Range;

/// What every chunk but the last must be a multiple of, in bytes.
pub(crate) const BLOCK: u64 = 256 * 1024;

/// The chunk that begins at `at` of a file of `size` bytes.
pub(crate) fn next(at: u64, size: u64, chunk: u64) -> Range<u64> {
    at..at.saturating_add(chunk).min(size)
}

/// How a chunk is called; it must not be empty.
pub(crate) fn content_range(chunk: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", chunk.start, chunk.end.saturating_sub(1))
}

/// How it is asked which bytes have come; of a file without bytes, how it is sent.
pub(crate) fn question(size: u64) -> String {
    format!("bytes */{size}")
}

/// How many bytes Drive says it has, from the `Range` of its 308. Without one it has none; `None` if it says something else.
pub(crate) fn received(range: Option<&str>) -> Option<u64> {
    let Some(range) = range else { return Some(0) };
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let last: u64 = digits(last)?;
    if digits(first)? == 0 { last.checked_add(1) } else { None }
}

/// A number without sign or space, which `parse` would let pass.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_come_is_read_from_the_range() {
        for (range, count) in [
            (None, Some(0)),
            (Some("bytes=0-0"), Some(1)),
            (Some("bytes=0-524287"), Some(524_288)),
            (Some(" bytes=0-42 "), Some(43)),
            (Some("bytes=1-42"), None),
            (Some("bytes=0-"), None),
            (Some("bytes=0-+4"), None),
            (Some("0-42"), None),
            (Some("bytes=0-18446744073709551615"), None),
            (Some("bytes=0-42,50-60"), None),
            (Some(""), None),
        ] {
            assert_eq!(received(range), count, "{range:?}");
        }
    }

    #[test]
    fn ranges_are_called_as_documented() {
        assert_eq!(content_range(&(0..524_288), 2_000_000), "bytes 0-524287/2000000");
        assert_eq!(content_range(&(43..2_000_000), 2_000_000), "bytes 43-1999999/2000000");
        assert_eq!(question(2_000_000), "bytes */2000000");
    }

    proptest! {
        /// Whatever part of each chunk arrives: all bytes are sent once, in order, in chunks that Drive takes.
        #[test]
        fn chunks_cover_a_file_wherever_they_are_cut(size in 1_u64..40 * BLOCK, blocks in 1_u64..8, cuts in prop::collection::vec(0_u64..=100, 0..40)) {
            let (mut at, mut cuts) = (0, cuts.into_iter());
            let mut requests = 0_u64;
            while at < size {
                let chunk = next(at, size, blocks * BLOCK);
                let length = chunk.end - chunk.start;
                prop_assert!(chunk.start == at && length > 0 && length <= blocks * BLOCK && chunk.end <= size);
                prop_assert!(chunk.end == size || length.is_multiple_of(BLOCK));
                let name = content_range(&chunk, size);
                let told = name.strip_prefix("bytes ").and_then(|name| name.split_once('/'));
                let (told, total) = told.unwrap();
                prop_assert_eq!(total.parse::<u64>().unwrap(), size);
                let (first, last) = told.split_once('-').unwrap();
                prop_assert_eq!(last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap(), length);
                let kept = cuts.next().map_or(length, |percent| length * percent / 100);
                at += kept;
                requests += 1;
                let answer = (at > 0).then(|| format!("bytes=0-{}", at.saturating_sub(1)));
                prop_assert_eq!(received(answer.as_deref()), Some(at));
                prop_assert!(requests < 200);
            }
            prop_assert_eq!(at, size);
        }

        #[test]
        fn no_range_is_too_strange(range in ".{0,40}") {
            let count = received(Some(&range));
            prop_assert!(count.is_none_or(|count| range.contains(&(count - 1).to_string())));
        }
    }
}
