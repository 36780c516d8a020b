//! What workers' reports do to a proxy: pure.

use std::time::Duration;

use lease::backoff;
use table::{Condition, Millis, Update};

use crate::proxy::{Proxy, Standing};
use crate::records::Kind;

/// The longest rest of a proxy that keeps failing.
const LONGEST_REST: Duration = Duration::from_hours(24);

/// When a proxy is put to rest, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthPolicy {
    /// After how many failures since it last worked.
    pub errors: u32,
    /// The first rest.
    pub rest: Duration,
}

/// What a worker says of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthReport {
    /// It has worked.
    Success,
    /// It has not.
    Failure,
}

impl HealthReport {
    /// The write that takes the report of a proxy like most: one that neither rests nor comes to rest by this.
    pub(crate) fn at_once(self, policy: HealthPolicy, now: Millis) -> Update {
        match self {
            Self::Success => worked(now).when(Condition::Absent("resting")),
            Self::Failure => failed(now).when(Condition::Absent("resting")).when(policy.bears_another()),
        }
    }

    /// The write that takes the report, if the proxy still is as it is.
    pub(crate) fn on(self, proxy: &Proxy, policy: HealthPolicy, now: Millis) -> Update {
        let as_it_is = match proxy.claimable_at {
            Some(seen) => Condition::equal("claimable_at", seen),
            None => Condition::Absent("claimable_at"),
        };
        match (self, proxy.standing(now)) {
            (Self::Success, _) if proxy.resting.is_some() => {
                // It works: what is left of its rest is for nothing.
                worked(now).set("claimable_at", now).remove("resting").when(as_it_is)
            }
            (Self::Success, _) => worked(now).when(as_it_is).when(Condition::Absent("resting")),
            // Of workers who were using it when it came to rest, or when it was switched off.
            (Self::Failure, Standing::Resting(_) | Standing::Disabled) => failed(now).when(as_it_is),
            (Self::Failure, Standing::Active) if proxy.error_count + 1 >= policy.errors.into() => failed(now)
                .set("claimable_at", now.after(backoff::doubled(policy.rest, proxy.rests, LONGEST_REST)))
                .set("resting", Kind::Proxy.as_str())
                .add("rests", 1)
                .when(as_it_is)
                .when(Condition::at_least("error_count", i64::from(policy.errors) - 1)),
            (Self::Failure, Standing::Active) => failed(now).when(as_it_is).when(policy.bears_another()),
        }
    }
}

impl HealthPolicy {
    /// Holds where a failure more is not the one too many, or makes no difference.
    fn bears_another(self) -> Condition {
        let fewer = Condition::at_most("error_count", i64::from(self.errors) - 2);
        Condition::Any(vec![fewer, Condition::Absent("claimable_at")])
    }
}

/// The write that ends the rest of a proxy whose time has come: it may be used whether or not this is written, and is only taken from the
/// index `resting`. Its failures stay: one more, and it rests for longer.
pub(crate) fn rested(until: Millis, now: Millis) -> Update {
    Update::new()
        .remove("resting")
        .set("updated_at", now)
        .when(Condition::Exists("resting"))
        .when(Condition::equal("claimable_at", until))
}

fn worked(now: Millis) -> Update {
    reported(now).set("error_count", 0_u64).set("last_succeeded_at", now).remove("rests")
}

fn failed(now: Millis) -> Update {
    reported(now).add("error_count", 1).set("last_failed_at", now)
}

fn reported(now: Millis) -> Update {
    Update::new().set("updated_at", now).when(Condition::Exists("pk"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use table::{Item, decode};

    use super::HealthReport::{Failure, Success};
    use super::*;
    use crate::proxy::ProxyFields;

    const POLICY: HealthPolicy = HealthPolicy { errors: 3, rest: Duration::from_secs(300) };
    const REST: u64 = 300_000;

    /// A proxy in a table, and a clock.
    struct Lab {
        item: Item,
        policy: HealthPolicy,
        now: Millis,
    }

    impl Lab {
        fn new(policy: HealthPolicy) -> Self {
            let new = ProxyFields::read(&json!({"host": "a", "port": 80})).ok().unwrap();
            Self { item: serde_dynamo::to_item(new.at(7, Millis(5), None)).unwrap(), policy, now: Millis(10) }
        }

        fn proxy(&self) -> Proxy {
            decode(self.item.clone()).unwrap()
        }

        /// Takes a report as it is taken: at once, or else after a look.
        fn take(&mut self, report: HealthReport) -> Proxy {
            if !report.at_once(self.policy, self.now).apply(&mut self.item) {
                let write = report.on(&self.proxy(), self.policy, self.now);
                assert!(write.apply(&mut self.item), "{report:?} was not taken: {:?}", self.item);
            }
            self.proxy()
        }

        fn switch(&mut self, on: bool) {
            let change: ProxyFields = input::form(&json!({"is_active": on})).ok().unwrap();
            assert!(change.change(self.now, None).apply(&mut self.item));
        }
    }

    #[test]
    fn it_rests_when_it_has_failed_so_often_and_longer_each_time() {
        let mut lab = Lab::new(POLICY);
        for errors in 1..=2 {
            let proxy = lab.take(Failure);
            assert_eq!((proxy.error_count, proxy.standing(lab.now)), (errors, Standing::Active));
        }
        for (rests, pause) in [(1, REST), (2, 2 * REST), (3, 4 * REST)] {
            let until = Millis(lab.now.0 + pause);
            let proxy = lab.take(Failure);
            assert_eq!((proxy.rests, proxy.standing(lab.now)), (rests, Standing::Resting(until)));
            // Failures of others meanwhile count, but lengthen nothing.
            let proxy = lab.take(Failure);
            assert_eq!(
                (proxy.rests, proxy.error_count, proxy.standing(lab.now)),
                (rests, 2 + 2 * rests, Standing::Resting(until))
            );
            // The time passes, and whether that is written down makes no difference to the next failure.
            lab.now = until;
            assert_eq!(lab.proxy().standing(lab.now), Standing::Active);
            if rests == 2 {
                assert!(rested(until, lab.now).apply(&mut lab.item));
                assert!(!rested(until, lab.now).apply(&mut lab.item), "once is enough");
                assert_eq!(lab.proxy().standing(lab.now), Standing::Active);
            }
        }
        let proxy = lab.take(Success);
        assert_eq!((proxy.error_count, proxy.rests, proxy.resting), (0, 0, None));
        assert_eq!(lab.take(Failure).standing(lab.now), Standing::Active);
    }

    #[test]
    fn a_success_ends_a_rest_and_never_undoes_an_administrators_word() {
        let mut lab = Lab::new(HealthPolicy { errors: 1, ..POLICY });
        assert!(matches!(lab.take(Failure).standing(lab.now), Standing::Resting(_)));
        assert_eq!(lab.take(Success).standing(lab.now), Standing::Active);
        lab.take(Failure);
        let until = lab.proxy().claimable_at.unwrap();
        lab.switch(false);
        for report in [Failure, Success, Failure] {
            lab.now = Millis(lab.now.0 + REST);
            assert_eq!(lab.take(report).standing(lab.now), Standing::Disabled, "{report:?}");
        }
        assert!(!rested(until, lab.now).apply(&mut lab.item));
        assert_eq!(lab.proxy().error_count, 1, "what is reported is counted all the same");
        lab.switch(true);
        let proxy = lab.proxy();
        assert_eq!((proxy.standing(lab.now), proxy.error_count, proxy.rests), (Standing::Active, 0, 0));
    }

    #[test]
    fn of_many_who_saw_the_same_one_puts_it_to_rest() {
        let mut lab = Lab::new(POLICY);
        (lab.take(Failure), lab.take(Failure));
        let seen = lab.proxy();
        let write = Failure.on(&seen, POLICY, lab.now);
        assert!(write.apply(&mut lab.item) && !write.apply(&mut lab.item));
        // Whoever saw it fail, and comes after a success, does not put it to rest.
        let mut lab = Lab::new(POLICY);
        (lab.take(Failure), lab.take(Failure));
        let write = Failure.on(&lab.proxy(), POLICY, lab.now);
        lab.take(Success);
        assert!(!write.apply(&mut lab.item));
    }

    #[test]
    fn nothing_is_written_where_no_proxy_is() {
        for report in [Success, Failure] {
            assert!(!report.at_once(POLICY, Millis(5)).apply(&mut Item::new()));
        }
    }
}
