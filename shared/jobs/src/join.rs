//! The join of a job's children: a job hands parts of its work out, and is claimable again when the last of them has ended.
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | the join of a parent's children | `pk = JOIN#token#sk#OF#pk`, by the parent's key, `sk = JOIN` | – |
//! | a child | the same `pk`, `sk = CHILD#` and its number | – |
//! | children that wait, in their order | the same `pk`, ordered by `turn` | `by_turn` (local) |
//!
//! A child is a job like any other, with its lease, attempts and place in the `due` index; what it takes slots from, and what counts it, is the
//! join. The join is an item of its own because it is written with each child's end: the parent holds the whole order, and would cost as many
//! units as it is large.
//!
//! Each end of a child is one transaction with the join, on condition that the parent still wants it; the end of the last one also makes the
//! parent claimable. Whatever comes twice fails its condition on the child. The parent's `lease_token` is in the keys: what an attempt that has
//! lost its lease still writes lies where nobody looks, and goes when somebody is hinted at it.

use serde::{Deserialize, Serialize};
use table::{Condition, Key, Update};

use crate::account::{Outcome, signed};
use crate::record::Job;
use crate::slots::Slots;

/// What the children of a job have in common, and how far they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// The job that handed them out.
    pub parent: Key,
    /// Whether the parent still wants their work.
    pub is_open: bool,
    /// How many there are.
    pub children: u64,
    /// How many have not ended.
    pub children_open: u64,
    /// How many have ended badly.
    pub children_failed: u64,
    /// The compute units that those which have ended used.
    pub units_used: u64,
    /// How many log lines the parent had when it handed them out, and they since: all of them are the parent's, in one order.
    #[serde(default)]
    pub log_lines: u64,
    /// How many may run at once.
    #[serde(flatten)]
    pub slots: Slots,
}

/// Whose part a child is; an attribute `part_of` of its item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    /// The join's key.
    pub join: Key,
    /// The parent's key.
    pub parent: Key,
    /// The fencing token of the parent's attempt that handed it out.
    pub parent_token: u64,
}

impl PartOf {
    /// A part of the work of `parent`, handed out under this token.
    #[must_use]
    pub fn new(parent: &Key, parent_token: u64) -> Self {
        let join = Key::new(format!("{JOIN}{parent_token}#{}{OF}{}", parent.sk, parent.pk), "JOIN");
        Self { join, parent: parent.clone(), parent_token }
    }

    /// The key of the `number`th child.
    #[must_use]
    pub fn child(&self, number: usize) -> Key {
        Key::new(&self.join.pk, format!("{CHILD}{number:06}"))
    }
}

/// What the sort keys of children begin with.
pub(crate) const CHILD: &str = "CHILD#";
/// What the partitions of children begin with.
const JOIN: &str = "JOIN#";
/// What stands there before the parent's partition. No job's sort key has it.
const OF: &str = "#OF#";

/// The partition of the owner of what lies in this one: of children, their parent's.
pub(crate) fn owners_partition(partition: &str) -> &str {
    let of_children = partition.strip_prefix(JOIN).and_then(|rest| rest.split_once(OF));
    of_children.map_or(partition, |(_, owners)| owners)
}

/// The job that what lies at a key is a part of: itself, unless it is a child.
#[must_use]
pub fn whole(key: &Key) -> Key {
    let of_children = key.pk.strip_prefix(JOIN).and_then(|rest| rest.split_once(OF));
    let parent = of_children.and_then(|(parent, owners)| Some(Key::new(owners, parent.split_once('#')?.1)));
    parent.unwrap_or_else(|| key.clone())
}

impl Join {
    /// So many children, of which so many may run at once.
    pub(crate) fn of(part_of: &PartOf, children: usize, slots: u32, log_lines: u64) -> Self {
        Self {
            key: part_of.join.clone(),
            parent: part_of.parent.clone(),
            is_open: true,
            children: children as u64,
            children_open: children as u64,
            children_failed: 0,
            units_used: 0,
            log_lines,
            slots: Slots::of(slots),
        }
    }

    /// How much of the work has ended, in percent; never quite all, since the parent has to put it together.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let ended = self.children.saturating_sub(self.children_open);
        u8::try_from((ended * 100 / self.children.max(1)).min(99)).unwrap_or(99)
    }

    /// Adds what the children have done to their parent, as it is shown.
    pub(crate) fn add_to(&self, parent: &mut Job) {
        parent.progress = parent.progress.max(self.percent());
        parent.units_used = parent.units_used.max(self.units_used);
        parent.log_lines = parent.log_lines.max(self.log_lines);
    }

    /// Takes the next numbers of the parent's log, for so many lines of a child.
    pub(crate) fn number(lines: usize) -> Update {
        Update::new().add("log_lines", i64::try_from(lines).unwrap_or(i64::MAX)).when(Self::is_wanted())
    }

    /// Holds while the parent wants the children's work.
    pub(crate) fn is_wanted() -> Condition {
        Condition::equal("is_open", true)
    }

    /// Counts the end of a child: of the last one, or of one that is not.
    pub(crate) fn child_ended(is_last: bool, outcome: Outcome, units_used: u64) -> Update {
        let others = if is_last {
            Condition::equal("children_open", 1_u64)
        } else {
            Condition::at_least("children_open", 2_u64)
        };
        Update::new()
            .add("children_open", -1)
            .add("children_failed", i64::from(outcome == Outcome::Failed))
            .add("units_used", signed(units_used))
            .when(Self::is_wanted())
            .when(others)
    }

    /// Lets the children go, because the parent has ended: on condition that what they have used is as it was read.
    pub(crate) fn close(&self) -> Update {
        Update::new()
            .set("is_open", false)
            .when(Self::is_wanted())
            .when(Condition::equal("units_used", self.units_used))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use table::{decode, encode};

    use super::*;

    #[test]
    fn all_of_an_owners_work_is_of_one_partition() {
        for owner in ["USER#2f1c", "TENANT#a#OF#b", "TENANT#JOIN#"] {
            assert_eq!(owners_partition(owner), owner);
            let (one, other) = (Key::new(owner, "TASK#1"), Key::new(owner, "JOB#2#x"));
            for (parent, token) in [(&one, 1), (&one, 2), (&other, 1)] {
                let child = PartOf::new(parent, token).child(7);
                assert_eq!(owners_partition(&child.pk), owner, "{child:?}");
                assert_eq!(whole(&child), *parent);
                assert_eq!(whole(parent), *parent);
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A child's end arrives, perhaps not for the first time; its sender takes it for the last one or not, rightly or wrongly.
        End { child: usize, is_last: bool, units: u64, failed: bool },
        /// The parent is cancelled by somebody who has read the join now, or before the last child's end.
        Cancel { late: bool },
    }

    const CHILDREN: usize = 6;

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let end = (0..CHILDREN, any::<bool>(), 0_u64..5, any::<bool>());
        let step = prop_oneof![
            12 => end.prop_map(|(child, is_last, units, failed)| Step::End { child, is_last, units, failed }),
            1 => any::<bool>().prop_map(|late| Step::Cancel { late }),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// As the transaction has it: the child's own condition is that it has not ended.
        #[test]
        fn each_child_counts_once_and_the_last_one_is_known(steps in steps()) {
            let parent = Key::new("USER#u", "TASK#1");
            let mut item = encode(&Join::of(&PartOf::new(&parent, 1), CHILDREN, 2, 0)).unwrap();
            let (mut ended, mut failures, mut charged, mut woken) = (BTreeSet::new(), 0, 0, 0);
            let (mut is_open, mut read_before) = (true, decode::<Join>(item.clone()).unwrap());
            for step in steps {
                let join: Join = decode(item.clone()).unwrap();
                match step {
                    Step::End { child, is_last, units, failed } if !ended.contains(&child) => {
                        let outcome = if failed { Outcome::Failed } else { Outcome::Completed };
                        let counted = Join::child_ended(is_last, outcome, units).apply(&mut item);
                        let is_the_last = ended.len() == CHILDREN - 1;
                        prop_assert_eq!(counted, is_open && is_last == is_the_last);
                        if counted {
                            read_before = join;
                            ended.insert(child);
                            failures += u64::from(failed);
                            charged += units;
                            woken += u32::from(is_last);
                        }
                    }
                    Step::End { .. } => {}
                    Step::Cancel { late } => {
                        let seen = if late { &read_before } else { &join };
                        let closed = seen.close().apply(&mut item);
                        prop_assert_eq!(closed, is_open && seen.units_used == charged, "charged what was used, or not yet");
                        is_open &= !closed;
                    }
                }
                let join: Join = decode(item.clone()).unwrap();
                prop_assert_eq!(join.children_open, (CHILDREN - ended.len()) as u64);
                prop_assert_eq!((join.children_failed, join.units_used, join.is_open), (failures, charged, is_open));
                prop_assert!(join.percent() < 100);
                prop_assert_eq!(woken, u32::from(ended.len() == CHILDREN), "the parent is woken once, by the last");
            }
        }
    }
}
