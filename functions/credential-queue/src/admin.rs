//! `/api/scraper-credentials/admin/…`: what administrators do.

pub(crate) mod credentials;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod platforms;

/// What was done.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Done {
    message: &'static str,
}
