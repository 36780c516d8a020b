//! Slots: how many jobs of a group may run at once. A claim takes one, an end gives it back, each in the same transaction as the job's change.

use serde::{Deserialize, Serialize};
use table::{Condition, Update};

/// The slots of a group; part of the item that the group has in common: an account, or the join of a job's children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// How many may run at once.
    #[serde(default)]
    pub slots: i64,
    /// How many more may begin now. Below zero where more run than a smaller plan lets.
    #[serde(default)]
    pub slots_free: i64,
    /// How often a slot was taken or given back: by which a count of what runs knows whether it is still true.
    #[serde(default)]
    pub slot_moves: i64,
}

impl Slots {
    /// So many slots, all of them free.
    #[must_use]
    pub const fn of(slots: u32) -> Self {
        Self { slots: slots as i64, slots_free: slots as i64, slot_moves: 0 }
    }

    /// Takes a slot, if one is free.
    pub(crate) fn take() -> Update {
        Update::new().add("slots_free", -1).add("slot_moves", 1).when(Condition::at_least("slots_free", 1_u64))
    }

    /// Takes a slot, free or not: for a job that runs again.
    pub(crate) fn take_beyond() -> Update {
        Update::new().add("slots_free", -1).add("slot_moves", 1)
    }

    /// Gives a slot back.
    pub(crate) fn give_back() -> Update {
        Update::new().add("slots_free", 1).add("slot_moves", 1)
    }

    /// As many more or fewer as [`Self::resize`] makes them.
    #[must_use]
    pub fn resized(self, slots: u32) -> Self {
        let slots = i64::from(slots);
        Self { slots, slots_free: self.slots_free + slots - self.slots, ..self }
    }

    /// Makes them more or fewer; what runs goes on, whatever it is.
    #[must_use]
    pub fn resize(self, slots: u32) -> Update {
        let slots = i64::from(slots);
        Update::new()
            .set("slots", slots)
            .add("slots_free", slots - self.slots)
            .add("slot_moves", 1)
            .when(Condition::equal("slots", self.slots))
    }

    /// How many jobs run, if no slot has been lost.
    #[must_use]
    pub const fn taken(self) -> i64 {
        self.slots - self.slots_free
    }

    /// Brings lost slots back, where fewer jobs run than slots are taken; on condition that none was moved since they were read, so that the
    /// count is still true.
    pub(crate) fn repair(self, running: i64) -> Option<Update> {
        let repair = Update::new()
            .set("slots_free", self.slots - running)
            .add("slot_moves", 1)
            .when(Condition::equal("slot_moves", self.slot_moves))
            .when(Condition::equal("slots", self.slots));
        (running < self.taken()).then_some(repair)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use table::{Item, decode, encode};

    use super::*;

    /// What happens to a group's slots. A release before slots begins and ends jobs without them.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Begin,
        End,
        EndByAnOldRelease,
        Resize(u32),
        /// Counts, lets something else happen first or not, and repairs by the count.
        Heal {
            meanwhile: Option<bool>,
        },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Begin),
            3 => Just(Step::End),
            1 => Just(Step::EndByAnOldRelease),
            1 => (0_u32..6).prop_map(Step::Resize),
            2 => prop::option::of(any::<bool>()).prop_map(|meanwhile| Step::Heal { meanwhile }),
        ];
        prop::collection::vec(step, 0..100)
    }

    fn read(item: &Item) -> Slots {
        decode(item.clone()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn no_more_run_than_there_are_slots_and_lost_ones_come_back(steps in steps()) {
            let mut item = encode(&Slots::of(3)).unwrap();
            let mut running = 0_i64;
            for step in steps {
                let before = read(&item);
                match step {
                    Step::Begin => {
                        let began = Slots::take().apply(&mut item);
                        prop_assert!(!began || running < before.slots, "{running} run already: {before:?}");
                        running += i64::from(began);
                    }
                    Step::End if running > 0 => {
                        prop_assert!(Slots::give_back().apply(&mut item));
                        running -= 1;
                    }
                    Step::EndByAnOldRelease if running > 0 => running -= 1,
                    Step::End | Step::EndByAnOldRelease => {}
                    Step::Resize(slots) => prop_assert!(before.resize(slots).apply(&mut item)),
                    Step::Heal { meanwhile } => {
                        let counted = running;
                        match meanwhile {
                            Some(true) => running += i64::from(Slots::take().apply(&mut item)),
                            Some(false) if running > 0 => {
                                prop_assert!(Slots::give_back().apply(&mut item));
                                running -= 1;
                            }
                            _ => {}
                        }
                        let moved = read(&item).slot_moves != before.slot_moves;
                        if let Some(repair) = before.repair(counted) {
                            prop_assert_eq!(repair.apply(&mut item), !moved, "a count that is not true any more");
                        }
                        if !moved {
                            prop_assert_eq!(read(&item).taken(), running, "healed");
                        }
                    }
                }
                prop_assert!(read(&item).taken() >= running, "a slot was given that nobody had");
            }
        }
    }
}
