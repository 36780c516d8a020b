//! What operators did: who, when, what, on what, and how it went. In the table `events`:
//!
//! | pattern | key condition |
//! |---|---|
//! | what was done on a day, by time | `pk = OPERATOR#2024-01-15`, `sk` begins with the moment, thirteen digits |
//!
//! An entry is written before anything is done, as `asked`, and says afterwards how it went; where what is done is a transaction that can hold it, in that
//! transaction. So nothing is done that no entry tells of; and one that still says `asked` is of something whose doer died, or whose answer was lost: nobody
//! knows whether it was done.

use std::time::Duration;

use jobs::Elsewhere;
use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Key, Millis, Query, Table, TableError, Update, cursor, new_nonce};

use crate::operator::Operator;
use crate::page::{ListError, Listing, Paging};
use crate::shown;

/// For how long an entry is kept.
const KEPT: Duration = Duration::from_hours(400 * 24);
/// A day.
const DAY: Duration = Duration::from_hours(24);
/// How many days are looked into for one page.
const DAYS: usize = 8;
/// The longest text of an entry, in characters.
const LONGEST: usize = 1_000;

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Ends a job.
    CancelJob,
    /// Takes a job, or a part of one, up again.
    RetryJob,
    /// Deletes jobs that failed some time ago, or all.
    CleanJobs,
    /// Starts a run of a schedule out of turn.
    RunSchedule,
    /// Stops a schedule until it is resumed.
    PauseSchedule,
    /// Lets a schedule run again.
    ResumeSchedule,
    /// Makes a failed or resting credential available.
    ResetCredential,
    /// Switches a credential off.
    DisableCredential,
    /// Switches a credential on.
    EnableCredential,
    /// Takes a credential from who holds it.
    ReleaseCredential,
    /// Adds credentials.
    ImportCredentials,
    /// Takes a task of the worker API from who has locked it.
    ReleaseTask,
    /// Ends a task of the worker API.
    CancelTask,
    /// Takes a task of the worker API up again.
    RetryTask,
    /// Switches a proxy off.
    DisableProxy,
    /// Switches a proxy on, its failures forgotten.
    EnableProxy,
    /// Takes up what a dead letter was for.
    RedriveLetter,
    /// Deletes dead letters.
    PurgeLetters,
    /// Adds a user.
    CreateUser,
    /// Lets a user call again.
    ActivateUser,
    /// Lets a user call no more.
    DeactivateUser,
    /// Lets a user run the deployment.
    PromoteUser,
    /// Lets a user run the deployment no more.
    DemoteUser,
    /// Sets what an operator signs in to the console with.
    SetPassword,
    /// Takes that away.
    RemovePassword,
    /// Makes an API key.
    CreateKey,
    /// Makes an API key work no more.
    RevokeKey,
    /// Makes the first keys that an API's sessions are signed with.
    CreateSessionKeys,
    /// Replaces them.
    RotateSessionKeys,
    /// Adds a user of the portal jobs.
    CreatePortalUser,
    /// Lets a user of the portal jobs call again.
    ActivatePortalUser,
    /// Lets a user of the portal jobs call no more.
    DeactivatePortalUser,
    /// Gives a user of the portal jobs another password.
    SetPortalPassword,
    /// Deletes a user of the portal jobs.
    DeletePortalUser,
    /// Adds what portal jobs log in with at a portal.
    CreatePortalAccount,
    /// Changes it.
    ChangePortalAccount,
    /// Deletes it.
    DeletePortalAccount,
    /// Puts the overview's numbers right.
    CorrectTallies,
    /// What a later release has written down: that is read here too, while a rollout is under way or was undone.
    #[serde(other)]
    Other,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was asked for. Of an entry of some minutes ago: nobody knows whether it was done.
    Asked,
    /// It was done.
    Done,
    /// It was not done: what it was to be done to did not allow it.
    Refused,
    /// It was not done, or not all of it: something failed.
    Failed,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When it was asked for.
    #[serde(serialize_with = "shown::moment")]
    pub at: Millis,
    /// By whom: an operator's e-mail address and id, or the id alone, or `droverctl:` and an identity.
    pub by: String,
    /// What.
    pub action: Action,
    /// On what, as `extract/USER/JOB` or `credential/7`.
    pub on: String,
    /// How it went.
    pub outcome: Outcome,
    /// More: why it was refused, or how many.
    pub detail: Option<String>,
}

/// The audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    table: Table,
    clock: Clock,
}

/// Something that was asked for, and whose outcome is to be told.
#[derive(Debug)]
#[must_use = "how it went is to be told"]
pub struct Asked<'audit> {
    audit: &'audit Audit,
    key: Key,
}

/// What an act has come to, as the log is told.
pub(crate) trait Told {
    /// The outcome, and more of it.
    fn told(&self) -> (Outcome, Option<String>);
}

/// An entry as it is stored.
#[derive(Deserialize)]
struct Stored {
    sk: String,
    at: Millis,
    operator: String,
    action: Action,
    target: String,
    outcome: Outcome,
    #[serde(default)]
    detail: Option<String>,
}

/// Where a list goes on: after the entry of this sort key of this day, or at the beginning of the day.
#[derive(Serialize, Deserialize)]
struct Position {
    day: String,
    after: Option<String>,
}

impl Audit {
    /// The log in the table `events`.
    #[must_use]
    pub const fn new(events: Table, clock: Clock) -> Self {
        Self { table: events, clock }
    }

    /// A page of what was done, the newest first: from the end of the day (UTC) that `from` lies in, today if none, back as far as it is kept. At most
    /// eight requests, one for each day that is looked into: where eight days have left nothing, the page is empty and goes on.
    pub async fn list(&self, from: Option<Millis>, paging: Paging<'_>) -> Result<Listing<Entry>, ListError> {
        let now = self.clock.now();
        let mut at = match paging.position::<Position>()? {
            Some(position) if is_place(&position) => position,
            Some(_) => return Err(ListError::Cursor),
            None => Position { day: from.unwrap_or(now).day(), after: None },
        };
        let oldest = now.before(KEPT).day();
        let mut entries = Vec::new();
        for _ in 0..DAYS {
            if at.day < oldest {
                return Ok(Listing { items: entries, next: None });
            }
            let wanted = (paging.limit() as usize).saturating_sub(entries.len());
            let (found, last) = self.of_day(&at, wanted).await?;
            entries.extend(found);
            at = match last {
                Some(last) => Position { day: at.day, after: Some(last) },
                None => Position { day: day_before(&at.day).ok_or(ListError::Cursor)?, after: None },
            };
            if entries.len() >= paging.limit() as usize {
                break;
            }
        }
        Ok(Listing { items: entries, next: cursor::write(&at) })
    }

    /// Up to so many entries of a day, and the last of them if there may be more.
    async fn of_day(&self, at: &Position, wanted: usize) -> Result<(Vec<Entry>, Option<String>), TableError> {
        let pk = partition(&at.day);
        let start = at.after.as_ref().map(|last| Key::new(pk.as_str(), last).into_item());
        let query = Query::new(Condition::equal("pk", pk)).descending(true).consistent();
        let query = query.limit(u32::try_from(wanted).unwrap_or(u32::MAX)).start(start);
        let page = self.table.query::<Stored>(query).await?;
        let last = page.next.and_then(|_| page.items.last().map(|last| last.sk.clone()));
        Ok((page.items.into_iter().map(Entry::from).collect(), last))
    }

    /// Writes down that something was asked for. From here on it may be done. One request.
    pub async fn asked(&self, by: &Operator, action: Action, on: &str) -> Result<Asked<'_>, TableError> {
        let now = self.clock.now();
        let key = Key::new(partition(&now.day()), format!("{:013}#{}", now.0, new_nonce()));
        let entry = Update::new()
            .set("at", now)
            .set("operator", by.to_string())
            .set("action", name(action))
            .set("target", bounded(on))
            .set("outcome", name(Outcome::Asked))
            .set("expires_at", now.after(KEPT).epoch_seconds());
        self.table.update(&key, entry).await?;
        Ok(Asked { audit: self, key })
    }
}

impl Asked<'_> {
    /// That it was done, as a part of the transaction that does it.
    pub(crate) fn done(&self) -> Elsewhere<'_> {
        let update = outcome(Outcome::Done, None).when(Condition::equal("outcome", name(Outcome::Asked)));
        Elsewhere { table: &self.audit.table, key: self.key.clone(), update }
    }

    /// Says how it went, and gives that back. What was done stays done where that cannot be written: the entry stays as `asked`, and the log says why.
    pub(crate) async fn told<T: Told>(self, result: T) -> T {
        let ((told, detail), entry) = (result.told(), self.key.sk.clone());
        if let Err(error) = self.ended(told, detail.as_deref()).await {
            tracing::error!(%error, entry, ?told, "the audit log was not told how it went");
        }
        result
    }

    /// Says how it went. One request.
    pub async fn ended(self, outcome: Outcome, detail: Option<&str>) -> Result<(), TableError> {
        match self.audit.table.update(&self.key, ending(outcome, detail)).await {
            // A transaction knows better whose answer was lost.
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Anything that can fail has gone as its success tells, or has failed, which its log tells more of.
impl<T: Told, E: Told> Told for Result<T, E> {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            Ok(done) => done.told(),
            Err(error) => error.told(),
        }
    }
}

impl Told for TableError {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            // It may have been done: the entry says that it was asked for, and no more.
            Self::Unavailable(_) => (Outcome::Asked, Some("there was no answer: it may have been done".to_owned())),
            Self::ConditionFailed(_) | Self::Broken(_) => (Outcome::Failed, Some("the table failed".to_owned())),
        }
    }
}

impl From<Stored> for Entry {
    fn from(stored: Stored) -> Self {
        let Stored { at, operator: by, action, target: on, outcome, detail, .. } = stored;
        Self { at, by, action, on, outcome, detail }
    }
}

fn outcome(outcome: Outcome, detail: Option<&str>) -> Update {
    Update::new().set("outcome", name(outcome)).set_or_remove("detail", detail.map(bounded))
}

/// How an act ended, as its doer knows. What its transaction has written down as done is not undone by an error after that.
fn ending(told: Outcome, detail: Option<&str>) -> Update {
    let known = match told {
        Outcome::Done => vec![name(Outcome::Asked).into(), name(Outcome::Done).into()],
        Outcome::Asked | Outcome::Refused | Outcome::Failed => vec![name(Outcome::Asked).into()],
    };
    outcome(told, detail).when(Condition::OneOf("outcome", known))
}

/// An action or outcome as it is stored.
fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        // Both are names.
        Ok(_) | Err(_) => String::new(),
    }
}

fn partition(day: &str) -> String {
    format!("OPERATOR#{day}")
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn day_before(day: &str) -> Option<String> {
    Some(Millis::parse(day)?.before(DAY).day())
}

fn is_place(position: &Position) -> bool {
    let is_day = Millis::parse(&position.day).is_some_and(|moment| moment.day() == position.day);
    is_day && position.after.as_ref().is_none_or(|after| (1..=100).contains(&after.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_by_the_same_name() {
        for action in [Action::CancelJob, Action::ReleaseCredential, Action::CreateUser, Action::CorrectTallies] {
            let read: Action = serde_json::from_value(name(action).into()).unwrap();
            assert_eq!(read, action);
        }
        let later: Action = serde_json::from_value("of_a_later_release".into()).unwrap();
        assert_eq!(later, Action::Other);
        assert_eq!(name(Outcome::Asked), "asked");
        assert_eq!(name(Action::RunSchedule), "run_schedule");
    }

    #[test]
    fn what_a_transaction_has_done_is_not_undone_by_an_error_after_it() {
        for (before, told, after) in [
            (Outcome::Asked, Outcome::Done, Outcome::Done),
            (Outcome::Asked, Outcome::Refused, Outcome::Refused),
            (Outcome::Asked, Outcome::Failed, Outcome::Failed),
            (Outcome::Asked, Outcome::Asked, Outcome::Asked),
            (Outcome::Done, Outcome::Asked, Outcome::Done),
            (Outcome::Done, Outcome::Done, Outcome::Done),
            (Outcome::Done, Outcome::Failed, Outcome::Done),
            (Outcome::Done, Outcome::Refused, Outcome::Done),
        ] {
            let mut entry = table::Item::new();
            assert!(outcome(before, None).apply(&mut entry));
            ending(told, Some("why")).apply(&mut entry);
            let stored = entry.get("outcome").and_then(|outcome| outcome.as_s().ok().cloned());
            assert_eq!(stored, Some(name(after)), "{before:?} {told:?}");
        }
        let mut nothing = table::Item::new();
        assert!(!ending(Outcome::Done, None).apply(&mut nothing), "an entry that nobody asked for");
    }

    #[test]
    fn what_may_have_been_done_is_not_told_as_failed() {
        for (error, outcome) in [
            (TableError::Unavailable("no answer".to_owned()), Outcome::Asked),
            (TableError::Broken("odd".to_owned()), Outcome::Failed),
        ] {
            assert_eq!(error.told().0, outcome, "{error}");
        }
    }

    #[test]
    fn days_go_back_one_by_one() {
        for (day, before) in [("2024-03-01", "2024-02-29"), ("2024-01-01", "2023-12-31")] {
            assert_eq!(day_before(day).as_deref(), Some(before));
        }
        assert_eq!(day_before("yesterday"), None);
    }

    #[test]
    fn a_position_is_a_day_and_a_short_key() {
        let position =
            |day: &str, after: Option<&str>| Position { day: day.to_owned(), after: after.map(str::to_owned) };
        for (position, is) in [
            (position("2024-01-15", None), true),
            (position("2024-01-15", Some("1705314600000#x")), true),
            (position("2024-01-15", Some("")), false),
            (position("2024-01-15T10:00:00Z", None), false),
            (position("15 January", None), false),
            (position("2024-01-15", Some(&"x".repeat(101))), false),
        ] {
            assert_eq!(is_place(&position), is, "{}", position.day);
        }
    }
}
