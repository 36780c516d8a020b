//! Many forms in one body: which of them are valid, what is wrong with the others, and what each is told. Pure.

use std::collections::BTreeMap;

use garde::Validate;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{Fault, form};

/// How many forms one body has at most.
pub(crate) const MOST: usize = 500;

/// What the forms of a body are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// One of them.
    pub one: &'static str,
    /// The field that has them.
    pub many: &'static str,
}

/// The forms of a body, each with its place in it.
#[derive(Debug)]
pub struct Batch<T> {
    naming: Naming,
    size: u64,
    /// Whether what is valid is made, where not all is.
    is_partial: bool,
    valid: Vec<(u64, T)>,
    faults: Vec<(u64, Fault)>,
}

#[derive(Deserialize, Validate)]
struct Head {
    #[garde(required, length(min = 1, max = MOST))]
    items: Option<Vec<Json>>,
    #[garde(skip)]
    partial: Option<bool>,
}

impl<T> Batch<T> {
    /// Reads a body with many forms, each by `read`.
    pub fn read(
        body: &Json,
        naming: Naming,
        read: impl Fn(&Json) -> Result<T, Vec<Fault>>,
    ) -> Result<Self, Vec<Fault>> {
        let head = json!({"items": body[naming.many], "partial": body["partial"]});
        let Head { items, partial } = form(&head).map_err(|mut faults| {
            faults
                .iter_mut()
                .filter(|fault| fault.field == "items")
                .for_each(|fault| naming.many.clone_into(&mut fault.field));
            faults
        })?;
        let items = items.unwrap_or_default();
        let (mut valid, mut faults) = (Vec::new(), Vec::new());
        for (place, item) in (0..).zip(&items) {
            match read(item) {
                Ok(item) => valid.push((place, item)),
                Err(more) => faults.extend(more.into_iter().map(|fault| (place, fault))),
            }
        }
        Ok(Self { naming, size: items.len() as u64, is_partial: partial.unwrap_or(false), valid, faults })
    }

    /// How many forms the body has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Those that are valid.
    pub fn valid(&self) -> impl Iterator<Item = &T> {
        self.valid.iter().map(|(_, item)| item)
    }

    /// Takes out those with a fault that they do not show themselves.
    pub fn take_out(&mut self, is_at_fault: impl Fn(&T) -> bool, fault: &Fault) {
        let taken = self.valid.extract_if(.., |(_, item)| is_at_fault(item));
        self.faults.extend(taken.map(|(place, _)| (place, fault.clone())));
    }

    /// Goes on only if something may be made: all of it, or, if the body says so, what is valid.
    pub fn check(&self) -> Result<(), Vec<Fault>> {
        if self.faults.is_empty() || self.is_partial {
            return Ok(());
        }
        let mut faults: Vec<_> = self.faults.iter().collect();
        faults.sort_by_key(|(place, _)| *place);
        let within = |(place, fault): &(u64, Fault)| {
            let dot = if fault.field.is_empty() { "" } else { "." };
            Fault::new(format!("{}[{place}]{dot}{}", self.naming.many, fault.field), fault.message.clone())
        };
        Err(faults.into_iter().map(within).collect())
    }

    /// The valid forms, numbered from `first` by their places, and what each place of the body is told. Every place has a number, whether
    /// or not it is used: so a form has the same one when the body comes again.
    #[must_use]
    pub fn numbered(self, first: u64) -> (Vec<(u64, T)>, Vec<Json>) {
        let mut told: BTreeMap<u64, Json> = BTreeMap::new();
        for (place, fault) in self.faults {
            let field = if fault.field.is_empty() { self.naming.one } else { &fault.field };
            let errors =
                &mut told.entry(place).or_insert_with(|| json!({"index": place, "errors": {}}))["errors"][field];
            match errors {
                Json::Array(messages) => messages.push(fault.message.into()),
                nothing => *nothing = json!([fault.message]),
            }
        }
        told.extend(self.valid.iter().map(|(place, _)| (*place, json!({"index": place, "id": first + place}))));
        let numbered = self.valid.into_iter().map(|(place, item)| (first + place, item)).collect();
        (numbered, told.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COINS: Naming = Naming { one: "coin", many: "coins" };

    #[derive(Debug, Deserialize, Validate)]
    struct Coin {
        #[garde(required, range(min = 1))]
        cents: Option<u64>,
        #[garde(inner(length(min = 1)))]
        mint: Option<String>,
    }

    fn read(partial: bool) -> Batch<Coin> {
        let coins = json!([{"cents": 5}, {"cents": 0, "mint": ""}, "text", {"cents": 10, "mint": "A"}]);
        Batch::read(&json!({"partial": partial, "coins": coins}), COINS, form).unwrap()
    }

    fn cents(batch: &[(u64, Coin)]) -> Vec<(u64, u64)> {
        batch.iter().map(|(number, coin)| (*number, coin.cents.unwrap_or_default())).collect()
    }

    #[test]
    fn all_are_made_or_none_and_every_fault_is_told_by_its_place() {
        let faults = read(false).check().unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["coins[1].cents", "coins[1].mint", "coins[2]"]);
    }

    #[test]
    fn what_is_valid_is_made_if_asked_for_and_each_is_told_its_own() {
        let mut batch = read(true);
        assert_eq!((batch.size(), batch.valid().count()), (4, 2));
        batch.take_out(|coin| coin.cents == Some(5), &Fault::new("cents", "are out of use"));
        batch.check().unwrap();
        let (numbered, told) = batch.numbered(100);
        assert_eq!(cents(&numbered), [(103, 10)]);
        assert_eq!(told[0], json!({"index": 0, "errors": {"cents": ["are out of use"]}}));
        assert!(told[1]["errors"]["mint"].is_array() && told[2]["errors"]["coin"].is_array());
        assert_eq!(told[3], json!({"index": 3, "id": 103}));
    }

    #[test]
    fn a_batch_has_1_to_500_forms() {
        for (wrong, field) in [
            (json!({"coins": []}), "coins"),
            (json!({"coins": 5}), "coins"),
            (json!({"coins": null}), "coins"),
            (json!({"coins": vec![json!({}); 501]}), "coins"),
            (json!({"coins": [{}], "partial": "yes"}), "partial"),
        ] {
            let faults = Batch::<Coin>::read(&wrong, COINS, form).unwrap_err();
            assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), [field], "{wrong}");
        }
    }
}
