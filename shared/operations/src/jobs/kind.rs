//! The kinds of jobs, and where those of each lie.

use serde::Serialize;
use uuid::Uuid;

/// A kind of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The extraction cloud's tasks.
    Extract,
    /// Portal jobs.
    Portal,
    /// Video jobs.
    Video,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Extract, Self::Portal, Self::Video];

    /// What it is called: as its queue is.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extract => extract::QUEUE_KIND,
            Self::Portal => portals::QUEUE_KIND,
            Self::Video => videos::QUEUE_KIND,
        }
    }

    /// The kind that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The partition that a tenant's jobs of this kind lie in.
    pub(crate) fn partition(self, tenant: &str) -> String {
        match self {
            Self::Extract => extract::task_key(tenant, Uuid::nil()).pk,
            Self::Portal => portals::partition(tenant),
            Self::Video => videos::account_key(tenant).pk,
        }
    }

    /// What those partitions begin with.
    pub(crate) const fn partition_prefix(self) -> &'static str {
        match self {
            Self::Extract => "USER#",
            Self::Portal | Self::Video => "TENANT#",
        }
    }

    /// What the sort keys of jobs begin with, before their ids.
    pub(crate) const fn job_prefix(self) -> &'static str {
        match self {
            Self::Extract => "TASK#",
            Self::Portal | Self::Video => "JOB#",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
            assert_eq!(kind.partition("t"), format!("{}t", kind.partition_prefix()));
        }
        assert_eq!(Kind::named("webhooks"), None);
    }
}
