//! Jobs, users and accounts as callers see them. Times have no zone, as the contract shows them; they are UTC.

use portals::{JobFile, JobStatus, Portal, PortalAccount, PortalJob, User};
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;
use uuid::Uuid;

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalJob, example = json!({
    "job_id": "018d0a7c-5f80-7000-8000-000000000001", "email": "user@example.com", "status": "completed",
    "message": "Scrape completed successfully", "created_at": "2023-07-01T12:00:00", "updated_at": "2023-07-01T12:05:00",
    "entity_name": "Example Entity", "worker": "worker-1", "portal": "pwmr",
    "files": [
        {"format": "csv", "bytes": 81_404, "url": "/cpcb/queue/job/018d0a7c-5f80-7000-8000-000000000001/download?format=csv"},
        {"format": "xlsx", "bytes": 60_017, "url": "/cpcb/queue/job/018d0a7c-5f80-7000-8000-000000000001/download?format=xlsx"},
    ],
}))]
pub(crate) struct JobView {
    job_id: Uuid,
    email: String,
    #[schema(value_type = JobStatus)]
    status: JobStatus,
    /// How far it is; of one that failed, why.
    message: String,
    /// UTC, without a zone.
    created_at: String,
    /// UTC, without a zone.
    updated_at: String,
    /// Whom the account is of; null until the portal has said so.
    entity_name: Option<String>,
    /// The worker that is at it, or was last; null until there is one.
    worker: Option<String>,
    portal: Portal,
    /// All records that the portal has, in each form; empty until the job has completed.
    files: Vec<FileView>,
}

/// A file of a job's result.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalJobFile)]
pub(crate) struct FileView {
    /// Its form.
    #[schema(example = "csv")]
    format: String,
    /// Its size in bytes.
    bytes: u64,
    /// The path that it is downloaded from.
    url: String,
}

/// A job that was started.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalJobStarted, example = json!({"message": "PWM Scraper Started!", "job_id": "018d0a7c-5f80-7000-8000-000000000001"}))]
pub(crate) struct StartedView {
    pub(crate) message: &'static str,
    pub(crate) job_id: Uuid,
}

/// A job that was queued.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalJobQueued, example = json!({
    "job_id": "018d0a7c-5f80-7000-8000-000000000001", "status": "queued", "message": "Job successfully queued",
}))]
pub(crate) struct QueuedView {
    job_id: Uuid,
    #[schema(value_type = JobStatus)]
    status: JobStatus,
    message: String,
}

/// A job that was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalJobDeleted, example = json!({"status": "success", "message": "Job deleted successfully"}))]
pub(crate) struct DeletedView {
    status: &'static str,
    message: &'static str,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalUser, example = json!({
    "username": "alice", "tenant": "acme", "is_active": true, "created_at": "2023-07-01T12:00:00", "updated_at": "2023-07-01T12:00:00",
}))]
pub(crate) struct UserView {
    username: String,
    /// With whom they share accounts and jobs.
    tenant: String,
    is_active: bool,
    /// UTC, without a zone.
    created_at: String,
    /// UTC, without a zone.
    updated_at: String,
}

/// An account at a portal, without what it logs in with.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalAccount, example = json!({
    "tenant": "acme", "portal": "pwmr", "email": "user@example.com", "created_at": "2023-07-01T12:00:00", "updated_at": "2023-07-01T12:00:00",
}))]
pub(crate) struct AccountView {
    tenant: String,
    portal: Portal,
    email: String,
    /// UTC, without a zone.
    created_at: String,
    /// When its credentials were last changed; UTC, without a zone.
    updated_at: String,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalUsers)]
pub(crate) struct UsersView {
    pub(crate) users: Vec<UserView>,
    /// What the next page is asked for by; null where there is none.
    pub(crate) next_cursor: Option<String>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalAccounts)]
pub(crate) struct AccountsView {
    pub(crate) accounts: Vec<AccountView>,
    /// What the next page is asked for by; null where there is none.
    pub(crate) next_cursor: Option<String>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalAdministrationDone, example = json!({"message": "User deleted"}))]
pub(crate) struct Done {
    pub(crate) message: &'static str,
}

impl JobView {
    pub(crate) fn of(job: &PortalJob) -> Self {
        Self {
            job_id: job.id,
            email: job.email.clone(),
            status: job.status(),
            message: job.told().to_owned(),
            created_at: zoneless(job.job.created_at),
            updated_at: zoneless(job.job.updated_at),
            entity_name: job.entity_name.clone(),
            worker: job.worker().map(str::to_owned),
            portal: job.portal,
            files: job.files.iter().map(|file| FileView::of(job, file)).collect(),
        }
    }
}

impl FileView {
    fn of(job: &PortalJob, file: &JobFile) -> Self {
        let (id, form) = (job.id, file.form());
        let url = format!("/cpcb/queue/job/{id}/download?format={form}");
        Self { format: form.to_owned(), bytes: file.bytes, url }
    }
}

impl QueuedView {
    pub(crate) fn of(job: &PortalJob) -> Self {
        Self { job_id: job.id, status: job.status(), message: job.told().to_owned() }
    }
}

impl DeletedView {
    pub(crate) const DONE: Self = Self { status: "success", message: "Job deleted successfully" };
}

impl UserView {
    pub(crate) fn of(user: &User) -> Self {
        Self {
            username: user.name.clone(),
            tenant: user.tenant.clone(),
            is_active: user.is_active,
            created_at: zoneless(user.created_at),
            updated_at: zoneless(user.updated_at),
        }
    }
}

impl AccountView {
    pub(crate) fn of(account: &PortalAccount) -> Self {
        Self {
            tenant: account.tenant.clone(),
            portal: account.portal,
            email: account.email.clone(),
            created_at: zoneless(account.created_at),
            updated_at: zoneless(account.updated_at),
        }
    }
}

fn zoneless(moment: Millis) -> String {
    moment.to_string().trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_zone() {
        assert_eq!(zoneless(Millis(1_688_212_800_999)), "2023-07-01T12:00:00");
    }
}
