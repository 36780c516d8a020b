//! The lease's rules against a model of what a lease is, over any sequence of calls and any passing of time.

use std::time::Duration;

use lease::rules;
use proptest::prelude::*;
use table::{AttributeValue, Clock, Item, Millis};

const OWNERS: [&str; 3] = ["ann", "bob", "cid"];
const LEASE: Duration = Duration::from_secs(30);

/// What happens next. A token is given as an offset from the newest one, so that stale, current and unheard-of ones all occur; a renewal
/// may arrive some seconds late.
#[derive(Clone, Debug)]
enum Step {
    Claim { owner: usize },
    Renew { behind: u64, late: u64 },
    Release { behind: u64, pause: Option<u64> },
    Withdraw,
    Offer { pause: u64 },
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..OWNERS.len()).prop_map(|owner| Step::Claim { owner }),
        6 => (0_u64..3, prop_oneof![Just(0_u64), 0..90_u64]).prop_map(|(behind, late)| Step::Renew { behind, late }),
        4 => (0_u64..3, prop::option::weighted(0.9, 0_u64..60)).prop_map(|(behind, pause)| Step::Release { behind, pause }),
        1 => Just(Step::Withdraw),
        2 => (0_u64..60).prop_map(|pause| Step::Offer { pause }),
        6 => (0_u64..45).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 0..80)
}

/// The lease as one would explain it.
#[derive(Debug, Default)]
struct Model {
    claims: u64,
    holder: Option<&'static str>,
    free_from: Option<Millis>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_rules_do_what_the_model_says(steps in steps()) {
        let clock = Clock::fake(Millis(1_700_000_000_000));
        let mut item = Item::from([("claimable_at".to_owned(), AttributeValue::N(clock.now().0.to_string()))]);
        let mut model = Model { free_from: Some(clock.now()), ..Model::default() };
        for (number, step) in steps.into_iter().enumerate() {
            let (now, nonce) = (clock.now(), number.to_string());
            match step {
                Step::Claim { owner } => {
                    let free = model.free_from.is_some_and(|from| from <= now);
                    prop_assert_eq!(rules::claim(now, OWNERS[owner], LEASE, &nonce).apply(&mut item), free);
                    if free {
                        model = Model { claims: model.claims + 1, holder: Some(OWNERS[owner]), free_from: Some(now.after(LEASE)) };
                    }
                }
                Step::Renew { behind, late } => {
                    let until = Millis(now.after(LEASE).0 - late * 1_000);
                    let newest = model.free_from.is_some_and(|from| from <= until);
                    let ours = behind == 0 && model.holder.is_some();
                    let token = model.claims.wrapping_sub(behind);
                    prop_assert_eq!(rules::renew(token, until).apply(&mut item), ours && newest);
                    if ours && newest {
                        model.free_from = Some(until);
                    }
                }
                Step::Release { behind, pause } => {
                    let ours = behind == 0 && model.holder.is_some();
                    let (token, from) = (model.claims.wrapping_sub(behind), pause.map(|s| now.after(Duration::from_secs(s))));
                    prop_assert_eq!(rules::release(token, from, &nonce).apply(&mut item), ours);
                    if ours {
                        model = Model { holder: None, free_from: from, ..model };
                    }
                }
                Step::Withdraw => {
                    prop_assert_eq!(rules::withdraw(&nonce).apply(&mut item), model.free_from.is_some());
                    model = Model { holder: None, free_from: None, ..model };
                }
                Step::Offer { pause } => {
                    let (from, is_closed) = (now.after(Duration::from_secs(pause)), model.free_from.is_none());
                    prop_assert_eq!(rules::offer(from, &nonce).apply(&mut item), is_closed);
                    if is_closed {
                        model.free_from = Some(from);
                    }
                }
                Step::Wait { seconds } => clock.advance(Duration::from_secs(seconds)),
            }
            let number_at = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
            prop_assert_eq!(number_at("lease_token").unwrap_or(0), model.claims, "the token counts the claims");
            prop_assert_eq!(number_at("claimable_at"), model.free_from.map(|from| from.0));
            prop_assert_eq!(item.get("lease_owner").and_then(|owner| owner.as_s().ok()).map(String::as_str), model.holder);
        }
    }
}
