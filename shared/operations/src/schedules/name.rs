//! What a schedule is called: its kind, its tenant and its id.

use std::fmt;

use serde::Serialize;
use table::Key;
use uuid::Uuid;

use crate::jobs::kind::Kind;
use crate::jobs::name::JobName;

/// What the sort keys of video schedules begin with.
const SCHEDULE: &str = "SCHEDULE#";

/// A kind of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Of video jobs.
    Video,
    /// Tasks of the extraction cloud that look at their pages again and again.
    Monitor,
}

/// What a schedule is called. Written `video/TENANT/ID`, `monitor/USER/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ScheduleName {
    /// Its kind.
    pub kind: ScheduleKind,
    /// Whose it is.
    pub tenant: String,
    /// Its id; of a monitor that of its task.
    pub id: Uuid,
}

impl ScheduleKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Video, Self::Monitor];

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Monitor => "monitor",
        }
    }

    /// The kind that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl ScheduleName {
    /// The schedule of this kind, tenant and id; none if no tenant is called so.
    #[must_use]
    pub fn new(kind: ScheduleKind, tenant: &str, id: Uuid) -> Option<Self> {
        let JobName { tenant, id, .. } = JobName::new(Kind::Video, tenant, id)?;
        Some(Self { kind, tenant, id })
    }

    /// The schedule that lies at a key of a kind of jobs; none if something else does. Monitors are jobs: they are found as such.
    pub(crate) fn at(kind: Kind, key: &Key) -> Option<Self> {
        let tenant = key.pk.strip_prefix(kind.partition_prefix()).filter(|_| kind == Kind::Video)?;
        Self::new(ScheduleKind::Video, tenant, key.sk.strip_prefix(SCHEDULE)?.parse().ok()?)
    }

    /// The task that a monitor is.
    pub(crate) fn task(&self) -> JobName {
        JobName { kind: Kind::Extract, tenant: self.tenant.clone(), id: self.id }
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_called_by_its_kind_tenant_and_id() {
        let id = Uuid::from_u128(7);
        let key = videos::schedule_key("t", id);
        let name = ScheduleName::at(Kind::Video, &key).unwrap();
        assert_eq!(name.to_string(), format!("video/t/{id}"));
        assert_eq!(ScheduleName::at(Kind::Portal, &key), None);
        assert_eq!(ScheduleName::at(Kind::Video, &videos::job_key("t", id)), None);
        for kind in ScheduleKind::ALL {
            assert_eq!(ScheduleKind::named(kind.as_str()), Some(kind));
        }
    }
}
