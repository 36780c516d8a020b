//! Lives of subscriptions, told in every order.

use std::collections::BTreeSet;

use extract::CloudAccount;
use jobs::{Account, Entry, Outcome, ledger};
use proptest::prelude::*;
use table::{Item, Key};

use super::*;
use crate::events::Fact;

const PROFESSIONAL: u64 = 12;
const ENTERPRISE: u64 = 34;
const SUBSCRIPTION: u64 = 5;
const ORDER: u64 = 77;
/// A user signs up on the first day and subscribes on the tenth; a month is 30 days here, as January has 31.
const DAY: u64 = 86_400_000;
const JANUARY: u64 = 1_704_067_200_000;

fn day(number: u64) -> Millis {
    Millis(JANUARY + (number - 1) * DAY)
}

fn offers() -> Offers {
    "professional=12@29.99,enterprise=34@199.99".parse().unwrap()
}

/// How the subscription stands on a day: renewed until, or ended on, another.
fn state(on: u64, status: SubscriptionStatus, variant: u64, until: u64) -> Fact {
    let ends = matches!(status, SubscriptionStatus::Cancelled | SubscriptionStatus::Expired);
    let state = State {
        updated_at: day(on),
        renews_at: Some(day(until)),
        status,
        ends_at: ends.then(|| day(until)),
        variant,
        customer: 9,
        order: ORDER,
        card: Some("4242".to_owned()),
    };
    Fact::State(SUBSCRIPTION, state)
}

fn paid(invoice: u64, on: u64) -> Fact {
    Fact::Payment(SUBSCRIPTION, payment(invoice, on))
}

fn refunded(invoice: u64, on: u64, later: u64) -> Fact {
    let payment = Payment { refunded: true, updated_at: day(later), ..payment(invoice, on) };
    Fact::Payment(SUBSCRIPTION, payment)
}

fn payment(invoice: u64, on: u64) -> Payment {
    let (created_at, initial) = (day(on), invoice == 1);
    Payment { created_at, invoice, updated_at: created_at, refunded: false, initial, used: false }
}

/// What is stored of a user.
struct World {
    billing: Billing,
    account: Item,
    entries: Vec<Entry>,
    told: usize,
}

impl World {
    fn new() -> Self {
        let (account, grant) = CloudAccount::opened("u", Plan::Free, None, day(1));
        let account = table::encode(&account).unwrap();
        Self { billing: Billing::of("u"), account, entries: vec![grant], told: 0 }
    }

    fn account(&self) -> CloudAccount {
        table::decode(self.account.clone()).unwrap()
    }

    /// Does what recording a fact does.
    fn tell(&mut self, fact: &Fact) -> Move {
        let (account, now) = (self.account(), day(10));
        self.told += 1;
        self.billing.note(fact);
        let moved = self.billing.settle(&account, &offers());
        let change = match &moved {
            Move::Stay => return moved,
            Move::Begin(period) => account.begin(period, now),
            Move::Change(terms) => account.change_terms(terms, &format!("event-{}", self.told), now),
        };
        assert!(change.apply(&mut self.account), "{change:?}");
        self.entries.extend(change.entries().iter().cloned());
        moved
    }

    /// Runs a task that reserves 10 units and uses some, if there are as many.
    fn run(&mut self, number: usize, used: u64) {
        let (account, job) = (self.account().key, Key::new("USER#u", format!("TASK#{number}")));
        if Account::reserve(10).apply(&mut self.account) {
            assert!(Account::settle(10, used, Outcome::Completed).apply(&mut self.account));
            self.entries.push(Entry::reserve(&account, &job, 10, day(10)));
            self.entries.push(Entry::settle(&account, &job, 10, used, day(10)));
        }
    }

    /// Checks that the ledger adds up, and that nothing is in it twice.
    fn check(&self) {
        assert_eq!(ledger::check(&self.entries, &self.account().account), Ok(()));
        let keys: BTreeSet<_> = self.entries.iter().map(|entry| &entry.key.sk).collect();
        assert_eq!(keys.len(), self.entries.len(), "an entry twice: {:?}", self.entries);
    }

    /// What can be seen on a day: all but how often slots moved.
    fn seen(&self, on: u64) -> (Billing, CloudAccount) {
        let mut account = self.account().as_of(day(on));
        account.account.slots.slot_moves = 0;
        (self.billing.clone(), account)
    }
}

/// Lives as they are lived, with a day on which to look, and the plan and the units that there are then.
fn lives() -> Vec<(&'static str, Vec<Fact>, u64, Plan, i64)> {
    use SubscriptionStatus::{Active, Cancelled, Expired, PastDue, Paused, Unpaid};
    let begun = || vec![state(10, Active, PROFESSIONAL, 41), paid(1, 10)];
    let then = |more: Vec<Fact>| begun().into_iter().chain(more).collect::<Vec<_>>();
    vec![
        ("bought", begun(), 12, Plan::Professional, 10_000),
        (
            "renewed",
            then(vec![
                paid(2, 41),
                state(41, Active, PROFESSIONAL, 70),
                paid(3, 70),
                state(71, Active, PROFESSIONAL, 101),
            ]),
            75,
            Plan::Professional,
            10_000,
        ),
        (
            "made larger, and smaller again",
            then(vec![
                state(15, Active, ENTERPRISE, 41),
                state(20, Active, PROFESSIONAL, 41),
                state(25, Active, ENTERPRISE, 41),
                paid(2, 41),
                state(42, Active, ENTERPRISE, 70),
            ]),
            50,
            Plan::Enterprise,
            100_000,
        ),
        (
            "cancelled and taken up again",
            then(vec![state(12, Cancelled, PROFESSIONAL, 41), state(13, Active, PROFESSIONAL, 41), paid(2, 41)]),
            45,
            Plan::Professional,
            10_000,
        ),
        ("cancelled, not over", then(vec![state(12, Cancelled, PROFESSIONAL, 41)]), 40, Plan::Professional, 10_000),
        // That it has ended need not come.
        ("cancelled and over", then(vec![state(12, Cancelled, PROFESSIONAL, 41)]), 41, Plan::Free, 1_000),
        (
            "expired",
            then(vec![state(12, Cancelled, PROFESSIONAL, 41), state(41, Expired, PROFESSIONAL, 41)]),
            50,
            Plan::Free,
            1_000,
        ),
        (
            "not paid, and paid after all",
            then(vec![
                state(41, PastDue, PROFESSIONAL, 44),
                state(48, PastDue, PROFESSIONAL, 51),
                state(55, Unpaid, PROFESSIONAL, 60),
                paid(2, 41),
                state(60, Active, PROFESSIONAL, 70),
            ]),
            61,
            Plan::Professional,
            10_000,
        ),
        ("past due", then(vec![state(41, PastDue, PROFESSIONAL, 44)]), 45, Plan::Professional, 10_000),
        (
            "not paid",
            then(vec![state(41, PastDue, PROFESSIONAL, 44), state(55, Unpaid, PROFESSIONAL, 60)]),
            56,
            Plan::Free,
            1_000,
        ),
        ("paused, not over", then(vec![state(12, Paused, PROFESSIONAL, 41)]), 40, Plan::Professional, 10_000),
        ("paused and over", then(vec![state(12, Paused, PROFESSIONAL, 41)]), 42, Plan::Free, 1_000),
        ("money back", then(vec![refunded(1, 10, 14), state(14, Active, PROFESSIONAL, 41)]), 15, Plan::Free, 1_000),
        ("money back by its order", then(vec![Fact::OrderRefunded(ORDER)]), 15, Plan::Free, 1_000),
        (
            "money back for what is over",
            then(vec![paid(2, 41), state(41, Active, PROFESSIONAL, 70), refunded(1, 10, 42)]),
            45,
            Plan::Professional,
            10_000,
        ),
        ("of a plan that is not ours", vec![state(10, Active, 99, 41), paid(1, 10)], 12, Plan::Free, 1_000),
        ("not paid for", vec![state(10, Active, PROFESSIONAL, 41)], 12, Plan::Free, 1_000),
        ("paid, and nothing known of what", vec![paid(1, 10)], 12, Plan::Free, 1_000),
    ]
}

#[test]
fn a_life_ends_the_same_in_whichever_order_it_is_told() {
    for (what, facts, on, plan, units) in lives() {
        let expected = told(facts.iter()).seen(on);
        assert_eq!((expected.1.period.plan, expected.1.account.units_available), (plan, units), "{what}");
        let mut orders = 0;
        permute(&mut (0..facts.len()).collect::<Vec<_>>(), 0, &mut |order| {
            orders += 1;
            let world = told(order.iter().map(|place| &facts[*place]));
            assert_eq!(world.seen(on), expected, "{what}: {order:?}");
        });
        assert_eq!(orders, (1..=facts.len()).product::<usize>(), "{what}");
    }
}

fn told<'life>(facts: impl Iterator<Item = &'life Fact>) -> World {
    let mut world = World::new();
    for fact in facts {
        world.tell(fact);
        let before = world.seen(10);
        assert_eq!(world.tell(fact), Move::Stay, "a fact does something once: {fact:?}");
        assert_eq!(world.seen(10), before);
        world.check();
    }
    world
}

fn permute(places: &mut Vec<usize>, from: usize, visit: &mut impl FnMut(&[usize])) {
    if from == places.len() {
        return visit(places);
    }
    for other in from..places.len() {
        places.swap(from, other);
        permute(places, from + 1, visit);
        places.swap(from, other);
    }
}

#[test]
fn of_two_subscriptions_the_larger_counts_and_the_smaller_after_it() {
    let of = |id: u64, fact: Fact| match fact {
        Fact::State(_, state) => Fact::State(id, State { order: id, ..state }),
        Fact::Payment(_, payment) => Fact::Payment(id, payment),
        other @ Fact::OrderRefunded(_) => other,
    };
    let active = SubscriptionStatus::Active;
    let facts = [
        of(1, state(10, active, ENTERPRISE, 41)),
        of(1, paid(1, 10)),
        of(2, state(11, active, PROFESSIONAL, 42)),
        of(2, paid(2, 11)),
    ];
    let mut world = told(facts.iter());
    assert_eq!((world.account().period.plan, world.billing.current(&offers()).unwrap().id), (Plan::Enterprise, 1));
    // A renewal of the smaller one begins no period of the larger.
    assert_eq!(world.tell(&of(2, paid(3, 42))), Move::Stay);
    world.tell(&of(1, state(41, SubscriptionStatus::Expired, ENTERPRISE, 41)));
    assert_eq!((world.account().period.plan, world.billing.current(&offers()).unwrap().id), (Plan::Professional, 2));
    assert_eq!(world.account().period.reference, "invoice-3");
    world.check();
}

proptest! {
    #[test]
    fn with_tasks_in_between_the_ledger_adds_up_and_the_plan_is_the_same(
        life in 0..lives().len(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0..=10_u64), 0..40),
    ) {
        let (_, facts, on, plan, _) = lives().swap_remove(life);
        let mut world = World::new();
        let random = picks.iter().map(|(pick, used)| (pick.get(&facts), *used));
        for (number, (fact, used)) in random.chain(facts.iter().map(|fact| (fact, 3))).enumerate() {
            world.run(number, used);
            world.tell(fact);
            world.check();
        }
        prop_assert_eq!(world.account().as_of(day(on)).period.plan, plan);
    }
}
