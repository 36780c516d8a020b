//! A user's account: the plan, its period, and the units and slots that it grants. The moves here are pure: what is written, and under which
//! condition.
//!
//! `units_limit` is what the period was granted, and always `units_available + units_reserved + units_used`: what a task has set aside when a
//! period ends is charged to the next, and so is taken from the units of that one.

use jobs::{Account, Entry};
use serde::{Deserialize, Serialize};
use table::{Condition, Item, Key, Millis, Table, TableError, Transaction, Update};

use crate::keys::account_key;
use crate::plan::Plan;

/// A user's account, as it is stored. It is the only place that knows the user's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudAccount {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// The plan and its period.
    #[serde(flatten)]
    pub period: Period,
    /// What is left and used of the period's units, what the user's tasks came to, and how many may run.
    #[serde(flatten)]
    pub account: Account,
    /// When the account was opened.
    pub created_at: Millis,
}

/// A period of a plan. Units that it leaves unused do not carry over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The reference that its units were granted under; the same reference is granted once.
    #[serde(rename = "period")]
    pub reference: String,
    /// The plan.
    pub plan: Plan,
    /// The compute units of the period.
    pub units_limit: u64,
    /// When it began.
    pub period_start: Millis,
    /// When it ends.
    pub period_end: Millis,
    /// Since when periods that renew themselves are counted: each ends a whole number of months after this.
    pub period_anchor: Millis,
    /// Whether the next one begins by itself: so it is where nobody pays for the next. Of a paid one the biller begins it, and what is left of
    /// this one lasts until then.
    pub renews_itself: bool,
    /// The plan of a next one that begins by itself, where that is another one than this: a subscription that was cancelled ends so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_plan: Option<Plan>,
}

/// A change of an account, with the entries of its ledger that tell of it: parts of one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    key: Key,
    update: Update,
    entries: Vec<Entry>,
}

impl Change {
    /// Adds the change to a transaction, for whatever else belongs to it to be done together: first the account's update, then each entry.
    ///
    /// The transaction fails if the account is not any more as it was read (read it again and try again), or if the reference was used before
    /// ([`crate::Accounts::has_entry`] tells): then the change is done.
    pub fn add_to(self, mut transaction: Transaction, table: &Table) -> Result<Transaction, TableError> {
        transaction = transaction.update(table, &self.key, self.update)?;
        for entry in &self.entries {
            transaction = entry.add_to(transaction, table)?;
        }
        Ok(transaction)
    }

    /// Makes the change to an account in memory, if it is as it was read; says whether it was. For tests of what transactions add up to.
    #[must_use]
    pub fn apply(&self, account: &mut Item) -> bool {
        self.update.apply(account)
    }

    /// The entries of the ledger that it writes.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl CloudAccount {
    /// The account of a new user, and the entry of its first grant. `units` in place of the plan's, if given.
    #[must_use]
    pub fn opened(user: &str, plan: Plan, units: Option<u64>, now: Millis) -> (Self, Entry) {
        let key = account_key(user);
        let period = Period::by_itself(plan, units.unwrap_or_else(|| plan.compute_units()), now, now);
        let grant = Entry::grant(&key, &period.reference, period.units_limit, now);
        let account = Account::granted(period.units_limit, plan.concurrent_tasks());
        (Self { key, period, account, created_at: now }, grant)
    }

    /// Whether the period is over and the next one begins by itself.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        self.period.renews_itself && self.period.period_end <= now
    }

    /// The period that `now` lies in, where periods renew themselves: of the same plan, or of the one that comes next.
    #[must_use]
    pub fn renewal(&self, now: Millis) -> Period {
        let Period { plan, units_limit, period_anchor, next_plan, .. } = self.period;
        match next_plan.filter(|next| *next != plan) {
            Some(next) => Period::by_itself(next, next.compute_units(), period_anchor, now),
            None => Period::by_itself(plan, units_limit, period_anchor, now),
        }
    }

    /// The account as it is at `now`: with the next period begun, if that is due. It is written by the next task that is submitted; nobody has
    /// to write it to see it.
    #[must_use]
    pub fn as_of(mut self, now: Millis) -> Self {
        if self.is_due(now) {
            self.period = self.renewal(now);
            self.account.units_used = 0;
            self.account.units_available = limit(self.period.units_limit) - self.account.units_reserved;
            self.account.slots = self.account.slots.resized(self.period.plan.concurrent_tasks());
        }
        self
    }

    /// Begins a period: the old one's units expire, the new one's are granted, on condition that the account is as it was read.
    #[must_use]
    pub fn begin(&self, next: &Period, now: Millis) -> Change {
        let balance = &self.account;
        let update = self
            .unchanged()
            .and(next.terms())
            .set("period", next.reference.as_str())
            .set("period_start", next.period_start)
            .set("units_available", limit(next.units_limit) - balance.units_reserved)
            .set("units_used", 0_i64)
            .when(Condition::equal("units_available", balance.units_available))
            .when(Condition::equal("units_reserved", balance.units_reserved))
            .when(Condition::equal("units_used", balance.units_used))
            .and(balance.slots.resize(next.plan.concurrent_tasks()));
        let entries = vec![
            Entry::expiry(&self.key, &self.period.reference, balance, now),
            Entry::grant(&self.key, &next.reference, next.units_limit, now),
        ];
        Change { key: self.key.clone(), update, entries }
    }

    /// Puts the period on other terms, those of `terms`, which is of the same reference and start: another plan, another end, another plan after
    /// it. The limit is the new plan's from now on, and what was used stays used. `reference` says what the plan was changed for.
    #[must_use]
    pub fn change_terms(&self, terms: &Period, reference: &str, now: Millis) -> Change {
        let more = limit(terms.units_limit) - limit(self.period.units_limit);
        let mut update = self.unchanged().and(terms.terms());
        let mut entries = Vec::new();
        if terms.plan != self.period.plan || more != 0 {
            update = update.add("units_available", more).and(self.account.slots.resize(terms.plan.concurrent_tasks()));
            entries.push(Entry::plan_change(&self.key, reference, more, now));
        }
        Change { key: self.key.clone(), update, entries }
    }

    /// Holds while plan and period are as they were read.
    fn unchanged(&self) -> Update {
        Update::new()
            .when(Condition::equal("period", self.period.reference.as_str()))
            .when(Condition::equal("plan", self.period.plan.as_str()))
            .when(Condition::equal("units_limit", self.period.units_limit))
    }

    /// What submitting a task asks of the account beside its units: that no period is due to begin, and that the plan runs such tasks.
    #[must_use]
    pub fn may_submit(task_type: crate::TaskType, now: Millis) -> Vec<Condition> {
        let later = Millis(now.0.saturating_add(1));
        let running =
            Condition::Any(vec![Condition::at_least("period_end", later), Condition::equal("renews_itself", false)]);
        let plans = Plan::ALL.into_iter().filter(|plan| plan.runs(task_type)).map(|plan| plan.as_str().into());
        vec![running, Condition::OneOf("plan", plans.collect())]
    }
}

impl Period {
    /// A period that was paid for. `then` is the plan that follows by itself where nobody pays for another; none where the biller will begin the
    /// next.
    #[must_use]
    pub fn paid(reference: String, plan: Plan, start: Millis, end: Millis, then: Option<Plan>) -> Self {
        Self {
            reference,
            plan,
            units_limit: plan.compute_units(),
            period_start: start,
            period_end: end,
            period_anchor: end,
            renews_itself: then.is_some(),
            next_plan: then,
        }
    }

    /// Sets all but what tells the period from another.
    fn terms(&self) -> Update {
        Update::new()
            .set("period_end", self.period_end)
            .set("period_anchor", self.period_anchor)
            .set("renews_itself", self.renews_itself)
            .set_or_remove("next_plan", self.next_plan.map(Plan::as_str))
            .set("plan", self.plan.as_str())
            .set("units_limit", self.units_limit)
    }

    /// The period of a plan that nobody pays for month by month: from the last whole month since `anchor` to the next.
    fn by_itself(plan: Plan, units_limit: u64, anchor: Millis, now: Millis) -> Self {
        let months = anchor.months_until(now);
        let (start, end) = (anchor.after_months(months), anchor.after_months(months + 1));
        let reference = format!("month-{start}");
        Self {
            reference,
            plan,
            units_limit,
            period_start: start,
            period_end: end,
            period_anchor: anchor,
            renews_itself: true,
            next_plan: None,
        }
    }
}

fn limit(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jobs::ledger;
    use proptest::prelude::*;

    use super::*;
    use crate::TaskType;

    const JANUARY_31: Millis = Millis(1_706_702_400_000); // 2024-01-31T12:00:00Z

    fn moment(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    #[test]
    fn periods_are_months_since_the_account_was_opened() {
        let (account, _) = CloudAccount::opened("u", Plan::Free, None, JANUARY_31);
        for (now, start, end) in [
            ("2024-02-01", "2024-01-31T12:00:00Z", "2024-02-29T12:00:00Z"),
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z", "2024-03-31T12:00:00Z"),
            ("2024-03-31T11:59:59Z", "2024-02-29T12:00:00Z", "2024-03-31T12:00:00Z"),
            ("2025-01-01", "2024-12-31T12:00:00Z", "2025-01-31T12:00:00Z"),
        ] {
            let period = account.renewal(moment(now));
            assert_eq!((period.period_start, period.period_end), (moment(start), moment(end)), "at {now}");
            assert_eq!(account.is_due(moment(now)), moment(now) >= account.period.period_end);
        }
    }

    #[test]
    fn what_is_set_aside_when_a_period_ends_is_taken_from_the_next_and_nothing_else_carries_over() {
        let (mut account, grant) = CloudAccount::opened("u", Plan::Free, None, JANUARY_31);
        let job = Key::new(&account.key.pk, "TASK#1");
        let mut entries = vec![grant, Entry::reserve(&account.key, &job, 30, JANUARY_31)];
        account.account = Account { units_available: 970, units_reserved: 30, ..account.account };
        let now = moment("2024-05-01");

        let change = account.begin(&account.renewal(now), now);
        entries.extend(change.entries().iter().cloned());
        let mut item = item(&account);
        assert!(change.update.apply(&mut item));
        assert!(!change.update.apply(&mut item), "a period begins once");
        let renewed: CloudAccount = table::decode(item).unwrap();
        assert_eq!(renewed.account, account.clone().as_of(now).account_moved());
        assert_eq!(renewed.period, account.as_of(now).period);
        assert_eq!((renewed.account.units_available, renewed.account.units_reserved), (970, 30));
        assert_eq!(ledger::check(&entries, &renewed.account), Ok(()));
    }

    #[test]
    fn another_plan_within_a_period_keeps_what_was_used() {
        let (mut account, grant) = CloudAccount::opened("u", Plan::Enterprise, None, JANUARY_31);
        let job = Key::new(&account.key.pk, "TASK#1");
        let reserve = Entry::reserve(&account.key, &job, 5_000, JANUARY_31);
        account.account = Account { units_available: 95_000, units_reserved: 5_000, ..account.account };
        account.account.slots.slots_free = 8;

        let Period { period_start, period_end, ref reference, .. } = account.period;
        let terms = Period::paid(reference.clone(), Plan::Free, period_start, period_end, Some(Plan::Free));
        let change = account.change_terms(&terms, "downgrade-1", JANUARY_31);
        let mut item = item(&account);
        assert!(change.update.apply(&mut item));
        assert!(!change.update.apply(&mut item), "a change is made once");
        let changed: CloudAccount = table::decode(item).unwrap();
        assert_eq!((changed.period.plan, changed.period.units_limit), (Plan::Free, 1_000));
        assert_eq!((changed.account.units_available, changed.account.units_reserved), (-4_000, 5_000));
        assert_eq!((changed.account.slots.slots, changed.account.slots.slots_free), (2, -10));
        let entries = [grant, reserve, change.entries()[0].clone()];
        assert_eq!(ledger::check(&entries, &changed.account), Ok(()));
    }

    #[test]
    fn what_was_paid_for_once_ends_as_the_free_plan_by_itself() {
        let (mut account, _) = CloudAccount::opened("u", Plan::Free, None, JANUARY_31);
        let (start, end) = (moment("2024-02-10"), moment("2024-03-10"));
        let paid = |then| Period::paid("invoice-1".to_owned(), Plan::Professional, start, end, then);
        let mut item = item(&account);
        assert!(account.begin(&paid(None), start).update.apply(&mut item));
        account = table::decode(item.clone()).unwrap();
        assert_eq!(account.period, paid(None));
        assert!(!account.is_due(moment("2025-01-01")), "the biller begins the next");

        let cancelled = account.change_terms(&paid(Some(Plan::Free)), "event-1", start);
        assert_eq!(cancelled.entries(), [], "no units move");
        assert!(cancelled.update.apply(&mut item));
        account = table::decode(item).unwrap();
        assert_eq!(account.period, paid(Some(Plan::Free)));
        assert_eq!(account.clone().as_of(Millis(end.0 - 1)).period.plan, Plan::Professional);
        let after = account.as_of(end);
        assert_eq!((after.period.plan, after.account.units_available), (Plan::Free, 1_000));
        assert_eq!((after.account.slots.slots, after.account.slots.slots_free), (2, 2));
        // Its months are counted anew, so that none is one that was granted before.
        assert_eq!((after.period.period_start, after.period.period_end), (end, moment("2024-04-10")));
    }

    #[test]
    fn the_condition_of_a_submission_knows_plan_and_period() {
        let now = moment("2024-05-01");
        let (due, _) = CloudAccount::opened("u", Plan::Professional, None, JANUARY_31);
        let mut paid = due.clone();
        paid.period.renews_itself = false;
        let (free, _) = CloudAccount::opened("u", Plan::Free, None, now);
        for (account, task_type, may) in [
            (&due, TaskType::SimpleScraping, false),
            (&paid, TaskType::AdvancedScraping, true),
            (&free, TaskType::SimpleScraping, true),
            (&free, TaskType::BulkScraping, false),
        ] {
            let holds = Condition::All(CloudAccount::may_submit(task_type, now)).holds(&item(account));
            assert_eq!(holds, may, "{task_type:?} of {account:?}");
        }
    }

    /// What happens to an account.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Submit(u64),
        /// One of the open jobs ends, having used so much.
        End(usize, u64),
        Renew,
        Change(Plan),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_u64..700).prop_map(Step::Submit),
            4 => (any::<usize>(), 0_u64..900).prop_map(|(job, used)| Step::End(job, used)),
            1 => Just(Step::Renew),
            1 => prop::sample::select(Plan::ALL.to_vec()).prop_map(Step::Change),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn the_ledger_adds_up_to_the_balance_and_that_to_the_limit(steps in steps()) {
            let (account, grant) = CloudAccount::opened("u", Plan::Free, None, JANUARY_31);
            let (mut item, mut ledger, mut open) = (item(&account), vec![grant], Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                let account: CloudAccount = table::decode(item.clone()).unwrap();
                let now = account.period.period_end;
                match step {
                    Step::Submit(units) => {
                        let job = Key::new(&account.key.pk, format!("TASK#{number}"));
                        if Account::reserve(units).apply(&mut item) {
                            ledger.push(Entry::reserve(&account.key, &job, units, now));
                            open.push((job, units));
                        }
                    }
                    Step::End(job, used) if !open.is_empty() => {
                        let (job, units) = open.remove(job % open.len());
                        prop_assert!(Account::settle(units, used, jobs::Outcome::Failed).apply(&mut item));
                        ledger.push(Entry::settle(&account.key, &job, units, used, now));
                    }
                    Step::End(..) => {}
                    Step::Renew => {
                        let change = account.begin(&account.renewal(now), now);
                        prop_assert!(change.update.apply(&mut item));
                        prop_assert!(!change.update.apply(&mut item), "begun twice");
                        ledger.extend(change.entries);
                    }
                    Step::Change(plan) => {
                        let terms = Period { plan, units_limit: plan.compute_units(), ..account.period.clone() };
                        let change = account.change_terms(&terms, &number.to_string(), now);
                        prop_assert!(change.update.apply(&mut item));
                        ledger.extend(change.entries);
                    }
                }
                let account: CloudAccount = table::decode(item.clone()).unwrap();
                let balance = &account.account;
                prop_assert_eq!(ledger::check(&ledger, balance), Ok(()));
                let sum = balance.units_available + balance.units_reserved + balance.units_used;
                prop_assert_eq!(sum, limit(account.period.units_limit));
            }
        }
    }

    fn item(account: &CloudAccount) -> table::Item {
        table::encode(account).unwrap()
    }

    impl CloudAccount {
        /// Its balance, after a move of its slots.
        fn account_moved(mut self) -> Account {
            self.account.slots.slot_moves += 1;
            self.account
        }
    }
}
