//! Any history, told in any batches, in any order, with repeats and batches of which only a part is written: the counts are those of the items as they
//! are, counted one by one. The writes are those that production sends, made to items in memory.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use table::{AttributeValue, Item, Key, Millis, Update};

use crate::change::{Change, Source};
use crate::delta::Delta;
use crate::kind::Kind;
use crate::names::Event;
use crate::overview::Overview;
use crate::piece::{MOST_CHANGES, Piece, marks_key};
use crate::rates::{Last, Rates};
use crate::standing::JOB_STATES;
use crate::tidy::empty_hours;
use crate::writes::{COUNTS, LANES, RATES, WAITING};

/// When the histories begin: a quarter to an hour, so that they go on into the next.
const BEGIN: Millis = Millis(1_700_001_900_000);
/// When they are looked at.
const NOW: Millis = Millis(BEGIN.0 + 50 * 60_000);
const ITEMS: usize = 9;

/// What becomes of an item next.
#[derive(Clone, Debug)]
struct Step {
    item: usize,
    /// Of the states that it may have; none: it is deleted.
    state: Option<usize>,
    claims: i64,
    /// How much later it is than the step before, in seconds: not always later.
    later: u64,
}

/// How changes are told: which, by which lane, and how much of what is to be written is, if not all.
#[derive(Clone, Debug)]
struct Batch {
    changes: Vec<prop::sample::Index>,
    lane: u8,
    written: Option<usize>,
    tidied: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..ITEMS, prop::option::weighted(0.9, 0_usize..6), 0_i64..3, 0_u64..150)
        .prop_map(|(item, state, claims, later)| Step { item, state, claims, later: later.saturating_sub(100) * 20 });
    prop::collection::vec(step, 1..120)
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let changes = prop::collection::vec(any::<prop::sample::Index>(), 1..30);
    let batch = (changes, 0..LANES, prop::option::weighted(0.2, 0_usize..3), any::<bool>())
        .prop_map(|(changes, lane, written, tidied)| Batch { changes, lane, written, tidied });
    prop::collection::vec(batch, 0..20)
}

/// What an item's table and platform are.
fn source(item: usize) -> Source {
    match item {
        0..=2 => Source::Extract,
        3 => Source::Portal,
        4..=5 => Source::Video,
        _ => Source::Credentials,
    }
}

fn image(item: usize, state: usize, claims: i64, at: Millis) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: i64| AttributeValue::N(number.to_string());
    let mut image = BTreeMap::from([("lease_token", number(claims))]);
    if source(item) == Source::Credentials {
        let (status, _) = credentials::Status::ALL[state % 5];
        let platform = if item == 6 { "linkedin" } else { "glassdoor" };
        image.extend([("status", text(status)), ("pool", text(platform)), ("success_count", number(claims / 2))]);
    } else {
        let status = ["pending", "pending", "running", "completed", "failed", "cancelled"][state];
        let moment = number(i64::try_from(at.0).unwrap());
        image.extend([("status", text(status)), ("job_kind", text("any")), ("progress", number(0))]);
        image.extend((state == 0).then(|| ("turn", text("250#1"))));
        image.extend((state == 0).then_some(("claimable_at", moment)));
        image.extend((item == 5).then(|| ("part_of", AttributeValue::M(Item::new()))));
    }
    image.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The changes that the steps are told as, and the items as they are in the end.
fn history(steps: &[Step]) -> (Vec<Change>, BTreeMap<usize, Item>) {
    let (mut changes, mut items, mut at) = (Vec::new(), BTreeMap::<usize, Item>::new(), BEGIN);
    for (number, step) in steps.iter().enumerate() {
        at = Millis((at.0 + step.later * 1_000).min(NOW.0));
        let before = items.remove(&step.item).unwrap_or_default();
        let claims = before.get("lease_token").and_then(|n| n.as_n().ok()?.parse().ok()).unwrap_or(0);
        let after = step.state.map(|state| image(step.item, state, claims + step.claims, at)).unwrap_or_default();
        if !after.is_empty() {
            items.insert(step.item, after.clone());
        }
        changes.push(Change { source: source(step.item), sequence: format!("{number:030}"), at, before, after });
    }
    (changes, items)
}

/// The table, as it is.
#[derive(Clone, Debug, Default)]
struct Store(BTreeMap<(String, String), Item>);

impl Store {
    /// All writes or none, as a transaction has it.
    fn write(&mut self, writes: &[(Key, Update)]) -> bool {
        let mut after = self.0.clone();
        let all = writes.iter().all(|(key, update)| {
            let item = after.entry((key.pk.clone(), key.sk.clone())).or_insert_with(|| key.clone().into_item());
            update.apply(item)
        });
        if all {
            self.0 = after;
        }
        all
    }

    /// As [`crate::Tallies::count`] does it.
    fn count(&mut self, changes: &[Change], lane: u8, most: usize) {
        for mut piece in Piece::of_all(changes).into_iter().take(most) {
            while !piece.is_empty() && !self.write(&piece.writes(lane)) {
                let mut left_out = 0;
                for second in piece.seconds() {
                    let key = marks_key(second);
                    if let Some(marks) = self.0.get(&(key.pk, key.sk)) {
                        left_out += piece.leave_out(second, marks);
                    }
                }
                assert!(left_out > 0, "refused, and nothing of it is counted");
            }
        }
    }

    fn tidy(&mut self) {
        for item in empty_hours(self.partition(WAITING)).into_iter().flatten() {
            let key: Key = table::decode(item).unwrap();
            self.0.remove(&(key.pk, key.sk));
        }
    }

    fn partition(&self, pk: &str) -> Vec<Item> {
        self.0.iter().filter(|((of, _), _)| of == pk).map(|(_, item)| item.clone()).collect()
    }

    fn overview(&self) -> Overview {
        Overview::of(&self.partition(COUNTS), &self.partition(WAITING), NOW)
    }

    fn rates(&self) -> Rates {
        Rates::of(&self.partition(RATES), Last::Hour, NOW)
    }
}

/// The numbers of an overview by what they are of, but zeros.
fn numbers(overview: &Overview) -> BTreeMap<(String, &'static str), u64> {
    let jobs = overview.jobs.iter().flat_map(|jobs| {
        let of = [jobs.waiting, jobs.resting, jobs.running, jobs.completed, jobs.failed, jobs.cancelled];
        JOB_STATES.into_iter().zip(of).map(move |(state, count)| ((jobs.kind.as_str().to_owned(), state), count))
    });
    let pools = overview.pools.iter().flat_map(|pool| {
        let of = [pool.available, pool.in_use, pool.failed, pool.cooldown, pool.disabled];
        let names = credentials::Status::ALL.map(|(name, _)| name);
        names.into_iter().zip(of).map(move |(state, count)| ((pool.platform.clone(), state), count))
    });
    jobs.chain(pools).filter(|(_, count)| *count > 0).collect()
}

/// The same, counted one by one.
fn counted(items: &BTreeMap<usize, Item>) -> BTreeMap<(String, &'static str), u64> {
    let mut counts = BTreeMap::new();
    for (number, item) in items {
        let status = item["status"].as_s().unwrap().as_str();
        let of = match number {
            0..=2 => "extract",
            3 => "portal",
            4 => "video",
            5 => "videos",
            6 => "linkedin",
            _ => "glassdoor",
        };
        let state = match status {
            "pending" if item.contains_key("turn") => "waiting",
            "pending" => "resting",
            other => {
                let mut known = JOB_STATES.into_iter().chain(credentials::Status::ALL.map(|(name, _)| name));
                known.find(|state| *state == other).unwrap()
            }
        };
        *counts.entry((of.to_owned(), state)).or_default() += 1;
    }
    counts
}

fn oldest(items: &BTreeMap<usize, Item>, kind: Kind) -> Option<Millis> {
    let of = |number: usize| match number {
        0..=2 => Kind::Extract,
        3 => Kind::Portal,
        4 => Kind::Video,
        _ => Kind::Videos,
    };
    let waiting = items.iter().filter(|(number, item)| of(**number) == kind && item.contains_key("turn"));
    let since = waiting.map(|(_, item)| item["claimable_at"].as_n().unwrap().parse::<u64>().unwrap());
    since.min().map(|since| Millis(since - since % 60_000))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_told_however_often_counts_once(steps in steps(), batches in batches(), order in any::<u64>()) {
        let (changes, items) = history(&steps);
        let mut store = Store::default();
        for Batch { changes: told, lane, written, tidied } in &batches {
            let told: Vec<_> = told.iter().map(|index| index.get(&changes).clone()).collect();
            store.count(&told, *lane, written.unwrap_or(usize::MAX));
            if *tidied {
                store.tidy();
            }
        }
        // What has not been told yet, or was not written, is told in the end: a stream goes on until all is.
        let mut rest = changes.clone();
        let by = usize::try_from(order % rest.len() as u64).unwrap();
        rest.rotate_left(by);
        for (number, batch) in rest.chunks(1 + by % 17).enumerate() {
            store.count(batch, u8::try_from(number % 4).unwrap(), usize::MAX);
        }

        let overview = store.overview();
        prop_assert_eq!(numbers(&overview), counted(&items));
        for jobs in &overview.jobs {
            prop_assert_eq!(jobs.oldest_waiting, oldest(&items, jobs.kind), "{:?}", jobs.kind);
        }
        let (mut submitted, mut claimed) = (BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new());
        for change in &changes {
            let claims = |item: &Item| item.get("lease_token").map_or(0, |n| n.as_n().unwrap().parse::<u64>().unwrap());
            let minute = (change.at.0 / 60_000, change.source);
            let is_there = !change.after.is_empty();
            *submitted.entry(minute).or_default() += u64::from(is_there && change.before.is_empty());
            *claimed.entry(minute).or_default() += if is_there { claims(&change.after) - claims(&change.before) } else { 0 };
        }
        let rates = store.rates();
        for series in &rates.series {
            let source = match series.kind {
                Kind::Extract => Source::Extract,
                Kind::Portal => Source::Portal,
                // Video jobs and their videos are of one stream: they are compared together.
                Kind::Video => continue,
                Kind::Videos => Source::Video,
                Kind::Credentials => Source::Credentials,
            };
            let video = rates.series.iter().find(|other| other.kind == Kind::Video && source == Source::Video);
            for point in 0..Last::Hour.points() {
                let minute = (rates.from.0 / 60_000 + point as u64, source);
                let both = |of: fn(&crate::Series) -> &Vec<u64>| of(series)[point] + video.map_or(0, |video| of(video)[point]);
                let expected = |of: &BTreeMap<_, u64>| of.get(&minute).copied().unwrap_or(0);
                prop_assert_eq!(both(|series| &series.submitted), expected(&submitted));
                prop_assert_eq!(both(|series| &series.claimed), expected(&claimed));
            }
        }
        // When nobody waits, nothing is kept of who did.
        store.tidy();
        let hours: BTreeSet<_> = store.partition(WAITING).iter().filter_map(crate::writes::time_of).collect();
        let waiting = items.values().filter(|item| item.contains_key("turn")).count();
        prop_assert!(hours.len() <= waiting, "{:?} of {}", hours, waiting);
    }

    #[test]
    fn what_is_put_together_does_not_depend_on_the_order(steps in steps(), at in any::<prop::sample::Index>()) {
        let (changes, _) = history(&steps);
        let sum = |changes: &[Change]| changes.iter().map(Delta::of).fold(Delta::default(), |sum, more| sum.plus(&more));
        let (first, second) = changes.split_at(at.index(changes.len()));
        prop_assert_eq!(sum(second).plus(&sum(first)), sum(&changes));
    }

    #[test]
    fn each_transaction_is_small_enough_for_every_engine(steps in steps()) {
        let (changes, _) = history(&steps);
        let pieces = Piece::of_all(&changes);
        for piece in &pieces {
            prop_assert!(piece.len() <= MOST_CHANGES && piece.writes(3).len() <= 10);
        }
        let counting = changes.iter().filter(|change| !Delta::of(change).is_empty()).count();
        prop_assert_eq!(pieces.iter().map(Piece::len).sum::<usize>(), counting);
    }
}

/// So the test can fail: without marks a change that is told of twice counts twice.
#[test]
fn without_marks_a_repeat_counts_twice() {
    let (changes, _) = history(&[Step { item: 0, state: Some(2), claims: 1, later: 0 }]);
    let mut store = Store::default();
    for _ in 0..2 {
        assert!(store.write(&Delta::of(&changes[0]).writes(0)));
    }
    assert_eq!(store.overview().jobs[0].running, 2);
}

/// A change of an item of the credentials' table.
fn change(sequence: &str, before: Item, after: Item) -> Change {
    Change { source: Source::Credentials, sequence: sequence.to_owned(), at: BEGIN, before, after }
}

/// So a recount that has read the item between both finds that something was counted.
#[test]
fn what_is_changed_and_changed_back_in_one_batch_is_written_to() {
    let (free, held) = (image(6, 0, 0, BEGIN), image(6, 1, 1, BEGIN));
    let mut store = Store::default();
    store.count(&[change("0", Item::new(), free.clone())], 0, usize::MAX);
    let before = store.partition(COUNTS);
    store.count(&[change("1", free.clone(), held.clone()), change("2", held, free)], 0, usize::MAX);
    let after = store.partition(COUNTS);
    assert_ne!(before, after);
    let without_writes = |mut items: Vec<Item>| {
        for item in &mut items {
            item.remove("writes");
        }
        items
    };
    assert_eq!(without_writes(before), without_writes(after), "and nothing is added");
}

#[test]
fn changes_of_two_shards_with_one_sequence_number_are_two() {
    let of = |pk: &str| {
        let mut item = image(6, 0, 0, BEGIN);
        item.extend(["pk", "sk"].map(|name| (name.to_owned(), AttributeValue::S(pk.to_owned()))));
        item
    };
    let mut store = Store::default();
    for _ in 0..2 {
        store.count(&[change("7", Item::new(), of("one")), change("7", Item::new(), of("other"))], 0, usize::MAX);
    }
    assert_eq!(store.overview().pools[0].available, 2);
}

/// A whole batch of one second is one transaction: what it costs, and how often the marks of a second are written, follow from that.
#[test]
fn a_hundred_changes_of_a_second_are_counted_together() {
    let made = |number: u32| change(&number.to_string(), Item::new(), image(6, 0, 0, BEGIN));
    let changes: Vec<_> = (0..100).map(made).collect();
    assert_eq!(Piece::of_all(&changes).len(), 1);
}

#[test]
fn a_probe_is_seen_once_and_counts_as_nothing() {
    let probe = Item::from([
        ("probe".to_owned(), AttributeValue::S("name".to_owned())),
        ("expires_at".to_owned(), AttributeValue::N("1700003600".to_owned())),
    ]);
    let mut store = Store::default();
    for _ in 0..2 {
        store.count(&[change("1", Item::new(), probe.clone()), change("2", probe.clone(), Item::new())], 0, usize::MAX);
    }
    let seen: Vec<_> = store.partition("PROBED#name").iter().map(|item| item["seen"].clone()).collect();
    assert_eq!(seen, [AttributeValue::N("1".to_owned())]);
    assert_eq!(store.overview(), Store::default().overview());
}

/// An item of ten minutes costs one unit to write, also where all that can happen does in each of them, a hundred thousand times.
#[test]
fn ten_minutes_are_one_unit() {
    let events = (0..10).flat_map(|minute| Event::ALL.map(|event| ((Kind::Credentials, minute, event), 100_000)));
    let delta = Delta { events: events.collect(), ..Delta::default() };
    let mut store = Store::default();
    assert!(store.write(&delta.writes(0)));
    let [item] = store.partition(RATES).try_into().unwrap();
    // By DynamoDB's rules: the names, the texts, and of numbers a byte for two digits, and one more.
    let size = |(name, value): (&String, &AttributeValue)| match value {
        AttributeValue::N(digits) => name.len() + digits.len().div_ceil(2) + 1,
        other => name.len() + other.as_s().unwrap().len(),
    };
    let bytes: usize = item.iter().map(size).sum();
    assert!(bytes < 1_024 && item.len() == 53, "{bytes} bytes, {} attributes", item.len());
}

#[test]
fn a_count_that_is_set_back_is_nothing_that_has_happened() {
    let credential = |failures: i64| {
        let mut credential = image(6, 0, 4, BEGIN);
        credential.insert("failure_count".to_owned(), AttributeValue::N(failures.to_string()));
        credential
    };
    let change = |before, after| change("1", credential(before), credential(after));
    assert!(Delta::of(&change(3, 0)).is_empty());
    assert_eq!(Delta::of(&change(3, 4)).events.into_values().collect::<Vec<_>>(), [1]);
}
