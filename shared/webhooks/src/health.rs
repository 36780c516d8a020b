//! What an attempt says of its endpoint: that it is well, that it has begun to fail, or that nothing is to be told to it any more. Pure.

use std::time::Duration;

use table::{Condition, Millis, Update};

use crate::endpoint::Endpoint;

/// After how long without a success a failure switches an endpoint off.
const PATIENCE: Duration = Duration::from_hours(5 * 24);

/// How an attempt went, for its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It was answered with a 2xx.
    Success,
    /// It was not.
    Failure,
    /// The endpoint says that it is gone (410).
    Gone,
}

/// Whether a change switches the endpoint off.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// What is written of its health.
    Noted(Update),
    /// It is switched off.
    SwitchedOff(Update),
}

/// What is to be written of an endpoint after an attempt; nothing if it is as it was. Each is conditional on what it was decided by: an
/// endpoint that has succeeded, was switched on or was given another address meanwhile is left alone.
pub(crate) fn change(endpoint: &Endpoint, sign: Sign, now: Millis) -> Option<Change> {
    let noted = |update: Update| Some(Change::Noted(update.add("version", 1)));
    let switched_off = |reason: &str| {
        Update::new()
            .set("is_active", false)
            .set("disabled_reason", reason)
            .set("disabled_at", now)
            .set("owner_untold", true)
            .add("version", 1)
            .when(Condition::equal("is_active", true))
            .when(Condition::equal("url", endpoint.url.clone()))
    };
    match (sign, endpoint.failing_since) {
        (Sign::Success, Some(_)) => noted(Update::new().remove("failing_since").when(Condition::Exists("pk"))),
        // A test of one that is switched off already.
        (Sign::Failure | Sign::Gone, _) if !endpoint.is_active => None,
        (Sign::Gone, _) => Some(Change::SwitchedOff(switched_off("It answered with status 410: it is gone"))),
        (Sign::Failure, None) => {
            noted(Update::new().set_if_absent("failing_since", now).when(Condition::equal("is_active", true)))
        }
        (Sign::Failure, Some(since)) if since.after(PATIENCE) <= now => {
            let update = switched_off("Every attempt of five days has failed");
            Some(Change::SwitchedOff(update.when(Condition::equal("failing_since", since))))
        }
        (Sign::Success, None) | (Sign::Failure, Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use table::{Item, Key};
    use uuid::Uuid;

    use super::*;
    use crate::event::TaskEvent;

    const DAY: Duration = Duration::from_hours(24);
    const NOW: Millis = Millis(1_705_314_600_000);

    fn endpoint(is_active: bool, failing_since: Option<Millis>) -> Endpoint {
        Endpoint {
            key: Key::new("USER#u", "ENDPOINT#e"),
            id: Uuid::nil(),
            user_id: "u".to_owned(),
            url: "https://example.com/hook".to_owned(),
            description: None,
            events: TaskEvent::ALL.to_vec(),
            is_active,
            disabled_reason: None,
            disabled_at: None,
            owner_untold: false,
            failing_since,
            secrets: Vec::new(),
            version: 4,
            created_at: Millis(0),
            updated_at: Millis(0),
        }
    }

    fn ago(days: u32, milliseconds: u64) -> Millis {
        Millis(NOW.0 - u64::try_from((DAY * days).as_millis()).unwrap() + milliseconds)
    }

    /// The endpoint's item after the change that an attempt makes, as it was `before` that.
    fn after(seen: &Endpoint, sign: Sign, before: &Endpoint) -> Endpoint {
        let mut item: Item = serde_dynamo::to_item(before).unwrap();
        match change(seen, sign, NOW) {
            Some(Change::Noted(update) | Change::SwitchedOff(update)) => {
                update.apply(&mut item);
            }
            None => {}
        }
        serde_dynamo::from_item(item).unwrap()
    }

    #[test]
    fn five_days_of_failure_and_410_switch_off_and_a_success_forgets() {
        for (failing_since, sign, is_active, then_failing) in [
            (None, Sign::Success, true, None),
            (Some(ago(4, 0)), Sign::Success, true, None),
            (None, Sign::Failure, true, Some(NOW)),
            (Some(ago(1, 0)), Sign::Failure, true, Some(ago(1, 0))),
            (Some(ago(5, 1)), Sign::Failure, true, Some(ago(5, 1))),
            (Some(ago(5, 0)), Sign::Failure, false, Some(ago(5, 0))),
            (Some(ago(9, 0)), Sign::Failure, false, Some(ago(9, 0))),
            (None, Sign::Gone, false, None),
        ] {
            let endpoint = endpoint(true, failing_since);
            let after = after(&endpoint, sign, &endpoint);
            assert_eq!((after.is_active, after.failing_since), (is_active, then_failing), "{failing_since:?} {sign:?}");
            assert_eq!((after.disabled_at.is_some(), after.disabled_reason.is_some()), (!is_active, !is_active));
            assert_eq!(after.owner_untold, !is_active);
        }
    }

    #[test]
    fn what_has_changed_meanwhile_is_left_alone() {
        let (failing, gone) = (endpoint(true, Some(ago(6, 0))), endpoint(true, None));
        let moved = Endpoint { url: "https://example.com/other".to_owned(), ..gone.clone() };
        for (seen, sign, before) in [
            (&failing, Sign::Failure, &endpoint(true, None)),
            (&failing, Sign::Failure, &endpoint(true, Some(ago(0, 0)))),
            (&gone, Sign::Gone, &moved),
            (&gone, Sign::Gone, &endpoint(false, None)),
            (&endpoint(false, None), Sign::Failure, &endpoint(false, None)),
            (&endpoint(false, None), Sign::Gone, &endpoint(false, None)),
        ] {
            assert!(after(seen, sign, before) == *before);
        }
    }
}
