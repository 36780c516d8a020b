//! Opaque cursors: where a listing goes on, as a text for callers to hand back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest cursor that is read, in characters.
const LONGEST: usize = 2_000;

/// A cursor of `position`.
#[must_use]
pub fn write<T: Serialize>(position: &T) -> Option<String> {
    Some(BASE64.encode(serde_json::to_vec(position).ok()?))
}

/// The position of a cursor; none if it is not one.
#[must_use]
pub fn read<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    if cursor.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(&BASE64.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_gives_back_its_position_and_nothing_else_is_one() {
        let cursor = write(&("linkedin", 7_u32)).unwrap();
        assert_eq!(read::<(String, u32)>(&cursor), Some(("linkedin".to_owned(), 7)));
        for wrong in ["", "x", "!!!", "e30", &"a".repeat(3_000)] {
            assert_eq!(read::<(String, u32)>(wrong), None, "{wrong}");
        }
    }
}
