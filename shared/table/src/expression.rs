//! Conditions and updates, written in Rust and rendered as DynamoDB expressions. Every name and value goes through a placeholder,
//! so that no attribute can be a reserved word and no input can become syntax.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::clock::Millis;
use crate::key::Key;

/// Something that can be stored in an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(pub AttributeValue);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(AttributeValue::S(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(AttributeValue::S(text))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self(AttributeValue::Bool(truth))
    }
}

impl From<Millis> for Value {
    fn from(moment: Millis) -> Self {
        moment.0.into()
    }
}

impl From<&Key> for Value {
    fn from(key: &Key) -> Self {
        Self(AttributeValue::M(key.attributes()))
    }
}

impl From<AttributeValue> for Value {
    fn from(value: AttributeValue) -> Self {
        Self(value)
    }
}

/// A condition on an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The attribute is there.
    Exists(&'static str),
    /// The attribute is not there; of the partition key: the item is not there.
    Absent(&'static str),
    /// The attribute compares so with the value.
    Compare(&'static str, Comparison, Value),
    /// The attribute lies between the two, both included.
    Between(&'static str, Value, Value),
    /// The attribute is one of these.
    OneOf(&'static str, Vec<Value>),
    /// The set of texts does not hold this one, or is not there.
    Lacks(&'static str, String),
    /// All hold.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
}

/// How an attribute compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

impl Condition {
    /// `attribute = value`
    pub fn equal(attribute: &'static str, value: impl Into<Value>) -> Self {
        Self::Compare(attribute, Comparison::Equal, value.into())
    }

    /// The attribute is not there, or has another value.
    pub fn other_than(attribute: &'static str, value: impl Into<Value>) -> Self {
        Self::Any(vec![Self::Absent(attribute), Self::Compare(attribute, Comparison::Unequal, value.into())])
    }

    /// `attribute <= value`
    pub fn at_most(attribute: &'static str, value: impl Into<Value>) -> Self {
        Self::Compare(attribute, Comparison::AtMost, value.into())
    }

    /// `attribute >= value`
    pub fn at_least(attribute: &'static str, value: impl Into<Value>) -> Self {
        Self::Compare(attribute, Comparison::AtLeast, value.into())
    }

    /// The condition as an expression of its own, with its placeholders.
    pub(crate) fn rendered(&self) -> (String, Placeholders) {
        let mut terms = Terms::default();
        (self.render(&mut terms), terms.into_maps())
    }

    pub(crate) fn render(&self, terms: &mut Terms) -> String {
        match self {
            Self::Exists(attribute) => format!("attribute_exists({})", terms.name(attribute)),
            Self::Absent(attribute) => format!("attribute_not_exists({})", terms.name(attribute)),
            Self::Compare(attribute, comparison, value) => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::Unequal => "<>",
                    Comparison::AtMost => "<=",
                    Comparison::AtLeast => ">=",
                };
                format!("{} {sign} {}", terms.name(attribute), terms.value(value.clone()))
            }
            Self::Between(attribute, from, to) => {
                let (name, from, to) = (terms.name(attribute), terms.value(from.clone()), terms.value(to.clone()));
                format!("{name} BETWEEN {from} AND {to}")
            }
            Self::OneOf(attribute, values) => {
                let name = terms.name(attribute);
                let values: Vec<_> = values.iter().map(|value| terms.value(value.clone())).collect();
                format!("{name} IN ({})", values.join(", "))
            }
            Self::Lacks(attribute, text) => {
                format!("NOT contains({}, {})", terms.name(attribute), terms.value(text.as_str()))
            }
            Self::All(conditions) => join(conditions, " AND ", terms),
            Self::Any(conditions) => join(conditions, " OR ", terms),
        }
    }
}

/// One alone stands bare: DynamoDB refuses parentheses that are not needed.
fn join(conditions: &[Condition], operator: &str, terms: &mut Terms) -> String {
    if let [only] = conditions {
        return only.render(terms);
    }
    let rendered: Vec<_> = conditions.iter().map(|condition| format!("({})", condition.render(terms))).collect();
    rendered.join(operator)
}

/// Names and values by their placeholders, as the SDK takes them: none rather than empty, which DynamoDB refuses.
pub(crate) type Placeholders = (Option<HashMap<String, String>>, Option<HashMap<String, AttributeValue>>);

/// The placeholders of one request's expressions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Terms {
    /// The placeholder of an attribute name; the same for the same name.
    pub(crate) fn name(&mut self, attribute: &str) -> String {
        let placeholder = format!("#{attribute}");
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    /// A new placeholder for a value.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value.into().0);
        placeholder
    }

    pub(crate) fn into_maps(self) -> Placeholders {
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        (names, values)
    }
}

/// Changes to one item, with the condition under which they are made.
///
/// ```
/// use table::{Condition, Update};
/// let rename = Update::new().set("name", "new name").add("edits", 1).when(Condition::Exists("pk"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub(crate) changes: Vec<Change>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Set(&'static str, Value),
    Copy(&'static str, &'static str),
    SetIfAbsent(&'static str, Value),
    Add(&'static str, Value),
    Append(&'static str, Vec<AttributeValue>),
    Include(&'static str, Vec<String>),
    Remove(&'static str),
}

/// An update's expressions and placeholders.
pub(crate) struct RenderedUpdate {
    pub(crate) update: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) terms: Terms,
}

impl Update {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute.
    #[must_use]
    pub fn set(mut self, attribute: &'static str, value: impl Into<Value>) -> Self {
        self.changes.push(Change::Set(attribute, value.into()));
        self
    }

    /// Sets an attribute to what another one was before the update; that one must be there.
    #[must_use]
    pub fn copy(mut self, attribute: &'static str, from: &'static str) -> Self {
        self.changes.push(Change::Copy(attribute, from));
        self
    }

    /// Sets an attribute that is not there yet.
    #[must_use]
    pub fn set_if_absent(mut self, attribute: &'static str, value: impl Into<Value>) -> Self {
        self.changes.push(Change::SetIfAbsent(attribute, value.into()));
        self
    }

    /// Sets an attribute, or removes it where there is no value.
    #[must_use]
    pub fn set_or_remove(self, attribute: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self.remove(attribute),
        }
    }

    /// Sets an attribute where there is a value, and leaves it as it is where there is none.
    #[must_use]
    pub fn set_given(self, attribute: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self,
        }
    }

    /// Adds to a number; one that is not there counts as 0.
    #[must_use]
    pub fn add(mut self, attribute: &'static str, amount: i64) -> Self {
        self.changes.push(Change::Add(attribute, amount.into()));
        self
    }

    /// Adds to the end of a list; one that is not there counts as empty.
    #[must_use]
    pub fn append(mut self, attribute: &'static str, values: Vec<AttributeValue>) -> Self {
        self.changes.push(Change::Append(attribute, values));
        self
    }

    /// Adds a text to a set of them; one that is not there counts as empty.
    #[must_use]
    pub fn include(self, attribute: &'static str, text: impl Into<String>) -> Self {
        self.include_all(attribute, vec![text.into()])
    }

    /// Adds texts, one or more, to a set of them; one that is not there counts as empty.
    #[must_use]
    pub fn include_all(mut self, attribute: &'static str, texts: Vec<String>) -> Self {
        self.changes.push(Change::Include(attribute, texts));
        self
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(mut self, attribute: &'static str) -> Self {
        self.changes.push(Change::Remove(attribute));
        self
    }

    /// Makes the changes only if this holds too.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Makes the other's changes as well, under both conditions. No attribute may be changed by both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self.conditions.extend(other.conditions);
        self
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn render(self) -> RenderedUpdate {
        let mut terms = Terms::default();
        let (mut sets, mut adds, mut removes) = (Vec::new(), Vec::new(), Vec::new());
        for change in self.changes {
            match change {
                Change::Set(attribute, value) => {
                    sets.push(format!("{} = {}", terms.name(attribute), terms.value(value)));
                }
                Change::Copy(attribute, from) => {
                    sets.push(format!("{} = {}", terms.name(attribute), terms.name(from)));
                }
                Change::SetIfAbsent(attribute, value) => {
                    let (name, value) = (terms.name(attribute), terms.value(value));
                    sets.push(format!("{name} = if_not_exists({name}, {value})"));
                }
                Change::Add(attribute, amount) => {
                    adds.push(format!("{} {}", terms.name(attribute), terms.value(amount)));
                }
                Change::Append(attribute, values) => {
                    let (name, nothing) = (terms.name(attribute), terms.value(AttributeValue::L(Vec::new())));
                    let values = terms.value(AttributeValue::L(values));
                    sets.push(format!("{name} = list_append(if_not_exists({name}, {nothing}), {values})"));
                }
                Change::Include(attribute, texts) => {
                    adds.push(format!("{} {}", terms.name(attribute), terms.value(AttributeValue::Ss(texts))));
                }
                Change::Remove(attribute) => removes.push(terms.name(attribute)),
            }
        }
        let clauses: Vec<_> = [("SET", sets), ("ADD", adds), ("REMOVE", removes)]
            .into_iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect();
        let update = (!clauses.is_empty()).then(|| clauses.join(" "));
        let condition = (!self.conditions.is_empty()).then(|| join(&self.conditions, " AND ", &mut terms));
        RenderedUpdate { update, condition, terms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_renders_its_clauses_and_conditions_with_placeholders_only() {
        let rendered = Update::new()
            .set("status", "running")
            .set_if_absent("started_at", Millis(5))
            .add("attempts", 1)
            .remove("error")
            .when(Condition::at_most("claimable_at", 9_u64))
            .when(Condition::Any(vec![Condition::Absent("owner"), Condition::equal("owner", "me")]))
            .render();
        assert_eq!(
            rendered.update.as_deref(),
            Some("SET #status = :v0, #started_at = if_not_exists(#started_at, :v1) ADD #attempts :v2 REMOVE #error")
        );
        assert_eq!(
            rendered.condition.as_deref(),
            Some("(#claimable_at <= :v3) AND ((attribute_not_exists(#owner)) OR (#owner = :v4))")
        );
        assert_eq!(rendered.terms.names["#status"], "status");
        assert_eq!(rendered.terms.values[":v3"], AttributeValue::N("9".into()));
    }

    #[test]
    fn a_list_and_a_set_grow_from_nothing() {
        let rendered = Update::new()
            .append("lines", vec![AttributeValue::S("a".to_owned())])
            .include("seen", "n")
            .when(Condition::Lacks("seen", "n".to_owned()))
            .render();
        assert_eq!(
            rendered.update.as_deref(),
            Some("SET #lines = list_append(if_not_exists(#lines, :v0), :v1) ADD #seen :v2")
        );
        assert_eq!(rendered.condition.as_deref(), Some("NOT contains(#seen, :v3)"));
        assert_eq!(rendered.terms.values[":v2"], AttributeValue::Ss(vec!["n".to_owned()]));
    }

    #[test]
    fn an_update_without_changes_has_no_expression() {
        let rendered = Update::new().when(Condition::Exists("pk")).render();
        assert_eq!(rendered.update, None);
        assert_eq!(rendered.condition.as_deref(), Some("attribute_exists(#pk)"));
    }
}
