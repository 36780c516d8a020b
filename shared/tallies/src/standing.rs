//! What an item counts as, from the item alone: pure. So whatever becomes of it, what it counted as before and counts as now differ by what changes in
//! the counts, and all those differences together are the counts.

use credentials::{Platform, Status as CredentialStatus};
use jobs::Status as JobStatus;
use table::{Item, Millis};

use crate::change::Source;
use crate::kind::Kind;

/// The states of a job, as they are counted: what waits is told from what rests.
pub(crate) const JOB_STATES: [&str; 6] = [WAITING, RESTING, RUNNING, COMPLETED, FAILED, CANCELLED];
pub(crate) const WAITING: &str = "waiting";
pub(crate) const RESTING: &str = "resting";
pub(crate) const RUNNING: &str = JobStatus::Running.as_str();
pub(crate) const COMPLETED: &str = JobStatus::Completed.as_str();
pub(crate) const FAILED: &str = JobStatus::Failed.as_str();
pub(crate) const CANCELLED: &str = JobStatus::Cancelled.as_str();

/// What are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// The jobs of a kind.
    Jobs(Kind),
    /// The credentials of a platform.
    Pool(String),
}

/// What an item counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) group: Group,
    /// The attribute that counts it.
    pub(crate) state: &'static str,
    /// Since when it waits, if it does: it could be claimed since.
    pub(crate) waits_since: Option<Millis>,
    /// How often it was claimed.
    pub(crate) claims: i64,
    /// How often it was reported as working, or ended well.
    pub(crate) successes: i64,
    /// How often it was reported as not working, or ended badly.
    pub(crate) failures: i64,
    /// How often it was cancelled.
    pub(crate) cancellations: i64,
}

impl Group {
    /// Of what the rates are that it has part in.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Jobs(kind) => *kind,
            Self::Pool(_) => Kind::Credentials,
        }
    }
}

impl Standing {
    /// What an item of a table counts as; none if it is nothing that is counted, or there is none.
    pub(crate) fn of(source: Source, item: &Item) -> Option<Self> {
        match source {
            Source::Credentials => Self::of_credential(item),
            Source::Extract => Self::of_job(Kind::Extract, None, item),
            Source::Portal => Self::of_job(Kind::Portal, None, item),
            Source::Video => Self::of_job(Kind::Video, Some(Kind::Videos), item),
        }
    }

    /// A job has what makes an item one (`jobs::Job`); a part of another counts as `parts`, or not at all. One that is marked as deleted is none.
    fn of_job(kind: Kind, parts: Option<Kind>, item: &Item) -> Option<Self> {
        let is_part = item.contains_key("part_of");
        let is_deleted = item.get("deleted").is_some_and(|deleted| deleted.as_bool() == Ok(&true));
        if is_deleted || !["job_kind", "progress"].iter().all(|name| item.contains_key(*name)) {
            return None;
        }
        let status = text(item, "status")?;
        let status = JobStatus::ALL.into_iter().find(|known| known.as_str() == status)?;
        let state = match status {
            JobStatus::Pending if item.contains_key("turn") => WAITING,
            JobStatus::Pending => RESTING,
            other => other.as_str(),
        };
        let waits_since =
            (state == WAITING).then(|| number(item, "claimable_at").or_else(|| number(item, "created_at")));
        Some(Self {
            group: Group::Jobs(if is_part { parts? } else { kind }),
            state,
            waits_since: waits_since.flatten().and_then(|since| u64::try_from(since).ok()).map(Millis),
            claims: number(item, "lease_token").unwrap_or(0),
            successes: i64::from(status == JobStatus::Completed),
            failures: i64::from(status == JobStatus::Failed),
            cancellations: i64::from(status == JobStatus::Cancelled),
        })
    }

    fn of_credential(item: &Item) -> Option<Self> {
        let status = text(item, "status")?;
        let (_, status) = CredentialStatus::ALL.into_iter().find(|(name, _)| *name == status)?;
        let platform = text(item, "pool").filter(|name| Platform::is_name(name))?;
        Some(Self {
            group: Group::Pool(platform.to_owned()),
            state: status.as_str(),
            waits_since: None,
            claims: number(item, "lease_token").unwrap_or(0),
            successes: number(item, "success_count").unwrap_or(0),
            failures: number(item, "failure_count").unwrap_or(0),
            cancellations: 0,
        })
    }
}

pub(crate) fn text<'item>(item: &'item Item, name: &str) -> Option<&'item str> {
    Some(item.get(name)?.as_s().ok()?.as_str())
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use table::AttributeValue;

    use super::*;

    fn item(texts: &[(&str, &str)], numbers: &[(&str, i64)]) -> Item {
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())));
        let numbers = numbers.iter().map(|(name, n)| ((*name).to_owned(), AttributeValue::N(n.to_string())));
        texts.chain(numbers).collect()
    }

    #[test]
    fn a_job_counts_as_what_it_is() {
        let turn = ("turn", "250#1");
        for (texts, state, since) in [
            (vec![("status", "pending"), turn], WAITING, Some(Millis(7))),
            (vec![("status", "pending")], RESTING, None),
            (vec![("status", "running")], RUNNING, None),
            (vec![("status", "completed")], COMPLETED, None),
            (vec![("status", "failed")], FAILED, None),
            (vec![("status", "cancelled")], CANCELLED, None),
        ] {
            let texts = [texts, vec![("job_kind", "extract-failed")]].concat();
            let job = item(&texts, &[("progress", 0), ("claimable_at", 7), ("lease_token", 3)]);
            let standing = Standing::of(Source::Extract, &job).unwrap();
            assert_eq!((standing.state, standing.waits_since, standing.claims), (state, since, 3));
            assert_eq!(standing.group, Group::Jobs(Kind::Extract));
        }
    }

    #[test]
    fn what_is_no_job_counts_as_nothing() {
        let job = item(&[("status", "running"), ("job_kind", "video")], &[("progress", 0)]);
        let with = |name: &str, value: AttributeValue| {
            let mut job = job.clone();
            job.insert(name.to_owned(), value);
            job
        };
        let part = with("part_of", AttributeValue::M(Item::new()));
        let kind = |source, item: &Item| Standing::of(source, item).map(|standing| standing.group.kind());
        assert_eq!(kind(Source::Video, &job), Some(Kind::Video));
        assert_eq!(kind(Source::Video, &part), Some(Kind::Videos));
        assert_eq!(kind(Source::Extract, &part), None, "a batch of a bulk task is no task");
        for other in [
            Item::new(),
            with("deleted", AttributeValue::Bool(true)),
            with("status", AttributeValue::S("odd".to_owned())),
            item(&[("status", "running"), ("job_kind", "video-schedule")], &[]),
            item(&[("status", "available"), ("pool", "No Name")], &[]),
        ] {
            for source in [Source::Video, Source::Credentials] {
                assert_eq!(Standing::of(source, &other), None, "{other:?}");
            }
        }
        let deleted_before = with("deleted", AttributeValue::Bool(false));
        assert_eq!(kind(Source::Video, &deleted_before), Some(Kind::Video));
    }

    #[test]
    fn a_credential_counts_as_what_was_last_written() {
        for (name, _) in CredentialStatus::ALL {
            let credential = item(&[("status", name), ("pool", "linkedin")], &[("success_count", 2)]);
            let standing = Standing::of(Source::Credentials, &credential).unwrap();
            assert_eq!((standing.state, standing.successes, standing.failures), (name, 2, 0));
            assert_eq!(standing.group, Group::Pool("linkedin".to_owned()));
        }
    }
}
