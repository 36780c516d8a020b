//! Records that workers make and change as they go: what they have in common.

use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use table::{Millis, Update};

/// A record that workers make and change.
pub trait Tracked: Serialize + DeserializeOwned + Send + Sync {
    /// What callers send of it.
    type Fields: Fields<Record = Self>;
}

/// What callers send of a record: all fields that it needs when it is made, and any of them when it is changed.
pub trait Fields: DeserializeOwned + Validate<Context = ()> + Send {
    /// The record.
    type Record;
    /// The fields without which none is made.
    const NEEDED: &'static [&'static str];

    /// The record with this number.
    fn at(self, id: u64, created_at: Millis) -> Self::Record;

    /// What becomes of a record that is there.
    fn change(self) -> Update;
}

#[cfg(test)]
pub(crate) mod testing {
    use std::fmt::Debug;

    use serde_json::Value as Json;
    use table::{Item, decode};

    use super::*;

    /// The fields that are at fault in a body that is to make a record.
    pub(crate) fn faults<F: Fields>(body: &Json) -> Vec<String> {
        let faults = input::form_needing::<F>(body, F::NEEDED).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    /// That a record which is changed field by field is the same, but for its times, as one that was made so.
    pub(crate) fn assert_changes_as_made<R: Tracked + Debug>(least: &Json, body: &Json) {
        let fields = |body: &Json| input::form::<R::Fields>(body).unwrap();
        let stored = |body: &Json| -> Item { serde_dynamo::to_item(fields(body).at(7, Millis(5))).unwrap() };
        let (mut changed, made) = (stored(least), stored(body));
        assert_ne!(changed, made);
        for (name, value) in body.as_object().unwrap() {
            let change = fields(&serde_json::json!({ name: value })).change();
            assert!(!change.is_empty(), "{name} changes nothing");
            assert!(change.apply(&mut changed));
        }
        assert_eq!(changed, made);
        decode::<R>(changed).unwrap();
        assert!(fields(&serde_json::json!({"unknown": 1})).change().is_empty());
    }
}
