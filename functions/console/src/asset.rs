//! The console's files: each at an address that holds its hash, so that it is kept for ever, and a page and its files are always of one version.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::fault::Fault;

/// A file.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// As long as anything may be kept.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

impl Asset {
    /// Where it is, below the console.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// `GET /console/assets/{name}`.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Fault> {
    let found = [STYLE, SCRIPT, LOGO].into_iter().find(|asset| asset.name == name);
    let asset = found.ok_or(Fault::NotFound("There is no such file"))?;
    Ok(([(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, FOR_EVER)], asset.content).into_response())
}
