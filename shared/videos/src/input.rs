//! Orders and schedules as callers send them.

use garde::{Error as Rule, Validate};
use input::{Fault, form_needing, rules, schema};
use serde::Deserialize;
use serde_json::Value as Json;
use table::Millis;
use thiserror::Error;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::order::{Mode, Order};
use crate::schedule::{NewSchedule, ScheduleChange};

/// The longest user name or hashtag, in characters.
pub const LONGEST_VALUE: usize = 100;
/// The longest id of a folder, in characters.
const LONGEST_FOLDER: usize = 200;
/// How many videos a job fetches: at most, and unless it says otherwise.
const LIMITS: (u32, u32) = (1, 200);
const USUAL_LIMIT: u32 = 50;
/// From one run of a schedule to the next, in minutes: five, to a year.
const INTERVALS: (u32, u32) = (5, 525_600);

/// What is wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// Fields are at fault.
    #[error("fields are at fault")]
    Invalid(Vec<Fault>),
    /// It is well formed, and cannot be done.
    #[error("{0}")]
    Impossible(&'static str),
}

impl From<Vec<Fault>> for InputError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Invalid(faults)
    }
}

/// `POST /jobs`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct OrderForm {
    /// What `value` names.
    #[garde(skip)]
    mode: Option<Mode>,
    /// A user name or a hashtag, with or without its `@` or `#`: 1 to 100 letters of any script, digits, dots, dashes and underscores.
    #[garde(inner(custom(source)))]
    #[schema(schema_with = source_schema)]
    value: Option<String>,
    /// How many videos, at most; 50 unless given.
    #[garde(inner(range(min = LIMITS.0, max = LIMITS.1)))]
    #[schema(schema_with = schema::whole::<{ LIMITS.0 as u64 }, { LIMITS.1 as u64 }>)]
    limit: Option<u32>,
    /// Whether a version without a watermark is looked for; it is unless this is false.
    #[garde(skip)]
    no_watermark: Option<bool>,
    /// Only videos made then or later.
    #[garde(inner(custom(moment)))]
    #[schema(schema_with = schema::moment_or_day)]
    since: Option<String>,
    /// Only videos made then or before.
    #[garde(inner(custom(moment)))]
    #[schema(schema_with = schema::moment_or_day)]
    until: Option<String>,
    /// The folder of Google Drive that theirs are made in; the deployment's own unless given.
    #[garde(inner(custom(folder)))]
    #[schema(schema_with = folder_schema)]
    drive_folder_id: Option<String>,
}

impl OrderForm {
    /// The fields without which no job is made.
    pub const NEEDED: [&str; 2] = ["mode", "value"];
}

/// `POST /scheduled-jobs` and `PATCH /scheduled-jobs/{id}`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct ScheduleForm {
    /// What its owner calls it.
    #[garde(inner(custom(rules::name)))]
    #[schema(schema_with = schema::name)]
    name: Option<String>,
    /// What `value` names.
    #[garde(skip)]
    mode: Option<Mode>,
    /// A user name or a hashtag, with or without its `@` or `#`: 1 to 100 letters of any script, digits, dots, dashes and underscores.
    #[garde(inner(custom(source)))]
    #[schema(schema_with = source_schema)]
    value: Option<String>,
    /// How many videos a run fetches, at most; 50 unless given.
    #[garde(inner(range(min = LIMITS.0, max = LIMITS.1)))]
    #[schema(schema_with = schema::whole::<{ LIMITS.0 as u64 }, { LIMITS.1 as u64 }>)]
    limit: Option<u32>,
    /// Whether a version without a watermark is looked for; it is unless this is false.
    #[garde(skip)]
    no_watermark: Option<bool>,
    /// The folder of Google Drive that theirs are made in; the deployment's own unless given.
    #[garde(inner(custom(folder)))]
    #[schema(schema_with = folder_schema)]
    drive_folder_id: Option<String>,
    /// From one run to the next.
    #[garde(inner(range(min = INTERVALS.0, max = INTERVALS.1)))]
    #[schema(schema_with = schema::whole::<{ INTERVALS.0 as u64 }, { INTERVALS.1 as u64 }>)]
    interval_minutes: Option<u32>,
    /// Whether it runs; it does unless this is false.
    #[garde(skip)]
    enabled: Option<bool>,
}

impl ScheduleForm {
    /// The fields without which no schedule is made.
    pub const NEEDED: [&str; 4] = ["name", "mode", "value", "interval_minutes"];
}

impl Order {
    /// Reads the order of a new job.
    pub fn read(body: &Json) -> Result<Self, InputError> {
        let form: OrderForm = form_needing(body, &OrderForm::NEEDED)?;
        let missing = || vec![Fault::new("mode", "is required")];
        let at = |text: Option<String>| text.as_deref().and_then(Millis::parse);
        let order = Self {
            mode: form.mode.ok_or_else(missing)?,
            value: form.value.as_deref().map(bare).unwrap_or_default(),
            limit: form.limit.unwrap_or(USUAL_LIMIT),
            no_watermark: form.no_watermark.unwrap_or(true),
            since: at(form.since),
            until: at(form.until),
            drive_folder_id: form.drive_folder_id,
        };
        match (order.since, order.until) {
            (Some(since), Some(until)) if until < since => {
                Err(InputError::Impossible("until must not be before since"))
            }
            _ => Ok(order),
        }
    }
}

impl NewSchedule {
    /// Reads a new schedule.
    pub fn read(body: &Json) -> Result<Self, InputError> {
        let form: ScheduleForm = form_needing(body, &ScheduleForm::NEEDED)?;
        let missing = || vec![Fault::new("mode", "is required")];
        Ok(Self {
            name: form.name.unwrap_or_default(),
            order: Order {
                mode: form.mode.ok_or_else(missing)?,
                value: form.value.as_deref().map(bare).unwrap_or_default(),
                limit: form.limit.unwrap_or(USUAL_LIMIT),
                no_watermark: form.no_watermark.unwrap_or(true),
                since: None,
                until: None,
                drive_folder_id: form.drive_folder_id,
            },
            interval_minutes: form.interval_minutes.unwrap_or(INTERVALS.1),
            enabled: form.enabled.unwrap_or(true),
        })
    }
}

impl ScheduleChange {
    /// Reads a change: any of the fields; one that is null stays as it is.
    pub fn read(body: &Json) -> Result<Self, InputError> {
        let form: ScheduleForm = form_needing(body, &[])?;
        Ok(Self {
            name: form.name,
            mode: form.mode,
            value: form.value.as_deref().map(bare),
            limit: form.limit,
            no_watermark: form.no_watermark,
            drive_folder_id: form.drive_folder_id,
            interval_minutes: form.interval_minutes,
            enabled: form.enabled,
        })
    }
}

/// A user name or hashtag without the sign that people write before it.
fn bare(value: &str) -> String {
    value.strip_prefix(['@', '#']).unwrap_or(value).to_owned()
}

/// A user name or hashtag: it becomes a part of addresses and of folders' names.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
fn source(value: &str, (): &()) -> garde::Result {
    let value = value.strip_prefix(['@', '#']).unwrap_or(value);
    if !(1..=LONGEST_VALUE).contains(&value.chars().count()) {
        return Err(Rule::new(format!("must have 1 to {LONGEST_VALUE} characters")));
    }
    if !value.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)) {
        return Err(Rule::new("must be letters, digits, dots, dashes and underscores"));
    }
    if value.starts_with('.') {
        return Err(Rule::new("must not begin with a dot"));
    }
    Ok(())
}

/// [`source`].
fn source_schema() -> Object {
    let rest = LONGEST_VALUE - 1;
    schema::pattern(1, LONGEST_VALUE + 1, &format!(r"^[@#]?[\p{{L}}\p{{N}}_-][\p{{L}}\p{{N}}._-]{{0,{rest}}}$"))
}

/// [`folder`].
fn folder_schema() -> Object {
    schema::pattern(1, LONGEST_FOLDER, "^[A-Za-z0-9_-]+$")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
fn folder(id: &str, (): &()) -> garde::Result {
    let fits = (1..=LONGEST_FOLDER).contains(&id.len());
    if fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Ok(());
    }
    Err(Rule::new(format!("must be 1 to {LONGEST_FOLDER} letters, digits, dashes and underscores")))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
fn moment(text: &str, (): &()) -> garde::Result {
    if text.len() <= 40 && Millis::parse(text).is_some() {
        return Ok(());
    }
    Err(Rule::new("must be a date and time of ISO 8601, as 2024-01-01T00:00:00Z, or a date"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: &Json) -> Vec<String> {
        match Order::read(body) {
            Ok(order) => panic!("{order:?} was read of {body}"),
            Err(InputError::Impossible(why)) => vec![why.to_owned()],
            Err(InputError::Invalid(faults)) => faults.into_iter().map(|fault| fault.field).collect(),
        }
    }

    #[test]
    fn an_order_has_what_is_usual_where_it_says_nothing() {
        let order = Order::read(&json!({"mode": "profile", "value": "@khaby.lame", "extra": 1})).unwrap();
        assert_eq!((order.value.as_str(), order.limit, order.no_watermark), ("khaby.lame", 50, true));
        let order = Order::read(&json!({"mode": "hashtag", "value": "día", "limit": 200, "no_watermark": false,
            "since": "2024-01-01", "until": "2024-12-31T23:59:59Z", "drive_folder_id": "1a-B_"}))
        .unwrap();
        assert_eq!((order.mode, order.limit, order.no_watermark), (Mode::Hashtag, 200, false));
        assert_eq!(order.until.unwrap().to_string(), "2024-12-31T23:59:59Z");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        for (body, wrong) in [
            (json!({}), vec!["mode", "value"]),
            (json!({"mode": null, "value": null}), vec!["mode", "value"]),
            (json!({"mode": "user", "value": 5, "limit": "x"}), vec!["limit", "mode", "value"]),
            (json!({"mode": "profile", "value": "a/b", "limit": 0}), vec!["limit", "value"]),
            (json!({"mode": "profile", "value": "..", "limit": 201}), vec!["limit", "value"]),
            (json!({"mode": "profile", "value": "a", "limit": 1.5}), vec!["limit"]),
            (json!({"mode": "profile", "value": "a", "since": "soon"}), vec!["since"]),
            (json!({"mode": "profile", "value": "a", "drive_folder_id": "a/b"}), vec!["drive_folder_id"]),
            (json!([]), vec![""]),
            (
                json!({"mode": "profile", "value": "a", "since": "2024-02-01", "until": "2024-01-01"}),
                vec!["until must not be before since"],
            ),
        ] {
            let mut found = faults(&body);
            found.sort();
            assert_eq!(found, wrong, "{body}");
        }
    }

    #[test]
    fn a_schedule_needs_its_interval_and_a_change_needs_nothing() {
        let whole = json!({"name": "Daily", "mode": "profile", "value": "a", "interval_minutes": 5});
        let new = NewSchedule::read(&whole).unwrap();
        assert_eq!((new.interval_minutes, new.enabled, new.order.limit), (5, true, 50));
        assert!(NewSchedule::read(&json!({"name": "Daily", "mode": "profile", "value": "a"})).is_err());
        assert_eq!(ScheduleChange::read(&json!({})).unwrap(), ScheduleChange::default());
        assert!(ScheduleChange::read(&json!({"interval_minutes": 4})).is_err());
        assert!(ScheduleChange::read(&json!({"enabled": "yes"})).is_err());
    }
}
