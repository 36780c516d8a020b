//! What DynamoDB would do with a condition or an update, on an item in memory: so that the very rules that production sends can be
//! driven by property tests. Numbers are whole here, as all of Drover's are.

use std::cmp::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::Item;
use crate::expression::{Change, Comparison, Condition, Update, Value};

impl Condition {
    /// Whether the condition holds of `item` (an empty one if there is none).
    #[must_use]
    pub fn holds(&self, item: &Item) -> bool {
        let ordering = |attribute: &str, value: &Value| item.get(attribute).and_then(|found| compare(found, &value.0));
        match self {
            Self::Exists(attribute) => item.contains_key(*attribute),
            Self::Absent(attribute) => !item.contains_key(*attribute),
            Self::Compare(attribute, comparison, value) => {
                ordering(attribute, value).is_some_and(|found| match comparison {
                    Comparison::Equal => found.is_eq(),
                    Comparison::Unequal => found.is_ne(),
                    Comparison::AtMost => found.is_le(),
                    Comparison::AtLeast => found.is_ge(),
                })
            }
            Self::Between(attribute, from, to) => {
                ordering(attribute, from).is_some_and(Ordering::is_ge)
                    && ordering(attribute, to).is_some_and(Ordering::is_le)
            }
            Self::OneOf(attribute, values) => {
                values.iter().any(|value| ordering(attribute, value).is_some_and(Ordering::is_eq))
            }
            Self::Lacks(attribute, text) => {
                item.get(*attribute).and_then(|found| found.as_ss().ok()).is_none_or(|texts| !texts.contains(text))
            }
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(item)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(item)),
        }
    }
}

impl Update {
    /// Makes the changes to `item` if the conditions hold; says whether they did.
    pub fn apply(&self, item: &mut Item) -> bool {
        if !self.conditions.iter().all(|condition| condition.holds(item)) {
            return false;
        }
        let before = item.clone();
        for change in &self.changes {
            match change {
                Change::Copy(attribute, from) => {
                    if let Some(value) = before.get(*from) {
                        item.insert((*attribute).to_owned(), value.clone());
                    }
                }
                Change::Set(attribute, value) => {
                    item.insert((*attribute).to_owned(), value.0.clone());
                }
                Change::SetIfAbsent(attribute, value) => {
                    item.entry((*attribute).to_owned()).or_insert_with(|| value.0.clone());
                }
                Change::Add(attribute, amount) => {
                    let sum = item.get(*attribute).and_then(number).unwrap_or(0) + number(&amount.0).unwrap_or(0);
                    item.insert((*attribute).to_owned(), AttributeValue::N(sum.to_string()));
                }
                Change::Append(attribute, values) => {
                    let before = item.get(*attribute).and_then(|list| list.as_l().ok()).cloned().unwrap_or_default();
                    let list = before.into_iter().chain(values.iter().cloned()).collect();
                    item.insert((*attribute).to_owned(), AttributeValue::L(list));
                }
                Change::Include(attribute, more) => {
                    let mut texts = item.get(*attribute).and_then(|set| set.as_ss().ok()).cloned().unwrap_or_default();
                    for text in more {
                        if !texts.contains(text) {
                            texts.push(text.clone());
                        }
                    }
                    item.insert((*attribute).to_owned(), AttributeValue::Ss(texts));
                }
                Change::Remove(attribute) => {
                    item.remove(*attribute);
                }
            }
        }
        true
    }
}

fn number(value: &AttributeValue) -> Option<i128> {
    value.as_n().ok()?.parse().ok()
}

/// The order of two values of one type; values of different types do not compare.
fn compare(left: &AttributeValue, right: &AttributeValue) -> Option<Ordering> {
    match (left, right) {
        (AttributeValue::S(left), AttributeValue::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (AttributeValue::N(_), AttributeValue::N(_)) => Some(number(left)?.cmp(&number(right)?)),
        (AttributeValue::Bool(left), AttributeValue::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_applied_whole_or_not_at_all() {
        let mut item = Item::from([("n".to_owned(), AttributeValue::N("9".to_owned()))]);
        let update = Update::new().add("n", 1).set_if_absent("n2", 5_u64).when(Condition::at_most("n", 10_u64));
        assert!(update.apply(&mut item));
        assert!(update.apply(&mut item), "10 is at most 10: compared as numbers, not as text");
        assert!(!update.apply(&mut item));
        assert_eq!(item["n"], AttributeValue::N("11".to_owned()));
        assert_eq!(item["n2"], AttributeValue::N("5".to_owned()));
        assert!(Condition::other_than("n", 10_u64).holds(&item) && !Condition::other_than("n", 11_u64).holds(&item));
    }

    #[test]
    fn a_list_grows_once_for_each_text_that_its_set_lacks() {
        let mut item = Item::new();
        let append = |text: &str| {
            let value = AttributeValue::S(text.to_owned());
            Update::new()
                .append("list", vec![value])
                .include("seen", text)
                .when(Condition::Lacks("seen", text.to_owned()))
        };
        assert!(append("a").apply(&mut item) && append("b").apply(&mut item) && !append("a").apply(&mut item));
        assert_eq!(item["list"].as_l().unwrap().len(), 2);
        assert_eq!(item["seen"], AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn an_attribute_that_is_not_there_satisfies_no_comparison() {
        let nothing = Item::new();
        assert!(!Condition::at_most("n", 10_u64).holds(&nothing));
        assert!(!Condition::equal("n", 0_u64).holds(&nothing));
        assert!(!Condition::OneOf("n", vec![0_u64.into()]).holds(&nothing));
        assert!(Condition::Absent("n").holds(&nothing));
        assert!(Condition::other_than("n", 0_u64).holds(&nothing));
        let deleted = Item::from([("b".to_owned(), AttributeValue::Bool(false))]);
        assert!(Condition::other_than("b", true).holds(&deleted) && !Condition::other_than("b", false).holds(&deleted));
    }
}
