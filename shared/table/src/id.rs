//! Ids: UUIDv7, which sort by the moment they were made, and nonces, which only differ.

use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::Millis;

/// A new id that sorts by `now`.
#[must_use]
pub fn new_id(now: Millis) -> Uuid {
    let millis_part = u32::try_from(now.0 % 1000).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, now.epoch_seconds(), millis_part * 1_000_000))
}

/// The smallest id that [`new_id`] may give at `moment`: a bound for key ranges.
#[must_use]
pub const fn smallest_id_at(moment: Millis) -> Uuid {
    let millis = moment.0 & 0xffff_ffff_ffff;
    Uuid::from_u128(((millis as u128) << 80) | (0x7 << 76) | (0x2 << 62))
}

/// A fresh random text, to recognise one's own write by.
#[must_use]
pub fn new_nonce() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_lie_above_the_bound_of_their_moment() {
        let (earlier, later) = (Millis(1_705_314_600_123), Millis(1_705_314_600_124));
        for _ in 0..100 {
            let (a, b) = (new_id(earlier), new_id(later));
            assert!(smallest_id_at(earlier) <= a && a < smallest_id_at(later) && smallest_id_at(later) <= b);
        }
    }
}
