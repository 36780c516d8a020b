//! A task as it is stored, as it is asked for, and where it stands.

use garde::Validate;
use input::schema;
use lease::LeaseState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use table::{Key, Millis};
use utoipa::ToSchema;

use crate::json_text::JsonText;
use crate::records::Kind;

/// The largest payload, result or other object, in bytes of JSON.
pub(crate) const LARGEST_OBJECT: usize = 32 * 1024;
/// How often a task is tried again unless it says otherwise.
const USUAL_RETRIES: u64 = 3;
/// How often at most.
const MOST_RETRIES: u64 = 100;
/// The longest type, in characters.
pub const LONGEST_TYPE: usize = 50;
/// What is said of what is no type.
pub const NO_TYPE: &str = "must be 1 to 50 letters, digits, dots, dashes or underscores";

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Waits for a worker, for the first time or again.
    Pending,
    /// Locked by a worker.
    Running,
    /// Ended well.
    Success,
    /// Ended badly, its retries used up.
    Failed,
    /// Ended badly; no retry would help.
    Error,
}

impl TaskStatus {
    /// Every status, as it is stored and shown.
    pub const ALL: [(&'static str, Self); 5] = [
        ("pending", Self::Pending),
        ("running", Self::Running),
        ("success", Self::Success),
        ("failed", Self::Failed),
        ("error", Self::Error),
    ];

    /// The status as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }

    /// Whether the task has ended, for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Error)
    }
}

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// `task`.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub campaign_id: u64,
    /// What kind of work it is.
    #[serde(rename = "type")]
    pub task_type: String,
    /// Where it stood when it was last written: see [`Task::status_at`].
    pub status: TaskStatus,
    /// What the worker needs to know.
    pub payload: JsonText,
    /// How often it is tried again.
    pub max_retries: u64,
    /// How often it has been tried again.
    pub retry_count: u64,
    /// The lease: who has locked it, and until when.
    #[serde(flatten)]
    pub lease: LeaseState,
    /// Since when it is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_at: Option<Millis>,
    /// What its last worker made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JsonText>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Who reported last, and what: by this a report that comes again is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_holder: Option<String>,
    /// What was reported last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_report: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Millis>,
    /// When it ended, if it ended badly: by this it is listed among those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last written.
    pub updated_at: Millis,
}

impl Task {
    /// Where it stands at `now`: a lock that has run out holds nobody off, whether or not that has been written down.
    #[must_use]
    pub fn status_at(&self, now: Millis) -> TaskStatus {
        if self.status == TaskStatus::Running && !self.lease.is_held(now) { TaskStatus::Pending } else { self.status }
    }

    /// Who has locked it, at `now`.
    #[must_use]
    pub fn locked_by(&self, now: Millis) -> Option<&str> {
        self.lease.lease_owner.as_deref().filter(|_| self.lease.is_held(now))
    }
}

/// A task that is to be made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
pub struct NewTask {
    /// The campaign that it is for.
    #[garde(required, range(min = 1))]
    #[schema(schema_with = schema::number)]
    campaign_id: Option<u64>,
    /// What kind of work it is: a word that workers know.
    #[garde(required, inner(custom(check_type)))]
    #[schema(schema_with = type_schema)]
    #[serde(rename = "type")]
    r#type: Option<String>,
    /// What the worker needs to know, up to 32 KiB of JSON.
    #[garde(inner(custom(check_object)))]
    #[schema(schema_with = schema::object)]
    payload: Option<Map<String, Json>>,
    /// How often it is tried again; three times unless given.
    #[garde(inner(range(max = MOST_RETRIES)))]
    #[schema(schema_with = schema::whole::<0, MOST_RETRIES>)]
    max_retries: Option<u64>,
}

impl NewTask {
    /// Whose it is to be.
    #[must_use]
    pub fn campaign_id(&self) -> u64 {
        self.campaign_id.unwrap_or_default()
    }

    /// The task with this number, made at `created_at`, and due since `due`.
    #[must_use]
    pub fn at(self, id: u64, created_at: Millis, due: Millis) -> Task {
        Task {
            key: Kind::Task.key(id),
            kind: Kind::Task,
            id,
            campaign_id: self.campaign_id.unwrap_or_default(),
            task_type: self.r#type.unwrap_or_default(),
            status: TaskStatus::Pending,
            payload: JsonText(Json::Object(self.payload.unwrap_or_default())),
            max_retries: self.max_retries.unwrap_or(USUAL_RETRIES),
            retry_count: 0,
            lease: LeaseState::claimable_from(due),
            locked_at: None,
            result: None,
            last_error: None,
            last_holder: None,
            last_report: None,
            finished_at: None,
            failed_at: None,
            created_at,
            updated_at: created_at,
        }
    }
}

/// The schema of a type, as `check_type` has it.
#[must_use]
pub fn type_schema() -> schema::schema::Object {
    schema::pattern(1, LONGEST_TYPE, "^[A-Za-z0-9_.-]+$")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
fn check_type(text: &str, (): &()) -> garde::Result {
    if is_type(text) { Ok(()) } else { Err(garde::Error::new(NO_TYPE)) }
}

/// Whether a text can be a type.
#[must_use]
pub fn is_type(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=LONGEST_TYPE).contains(&text.len()) && text.bytes().all(is_word)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the validator's signature")]
pub(crate) fn check_object(object: &Map<String, Json>, (): &()) -> garde::Result {
    if serde_json::to_string(object).map_or(usize::MAX, |text| text.len()) > LARGEST_OBJECT {
        return Err(garde::Error::new(format!("must have at most {LARGEST_OBJECT} bytes of JSON")));
    }
    Ok(())
}
