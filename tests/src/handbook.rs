//! The Debian Administrator's Handbook, a real manual in HTML, to be served by a test: tests/fetch-handbook gets it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use axum::Router;
use axum::extract::Path as Asked;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Some pages of the manual.
#[derive(Clone, Debug)]
pub struct Handbook {
    /// Where its files are.
    pub folder: PathBuf,
    /// The names of its pages.
    pub files: Vec<String>,
}

impl Handbook {
    /// The first pages of the manual, so many.
    pub fn open(pages: usize) -> anyhow::Result<Self> {
        let folder =
            std::env::var("DROVER_HANDBOOK").context("DROVER_HANDBOOK is not set: run the suites by tests/run")?;
        let folder = PathBuf::from(folder);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("no manual in {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "html") {
                files.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        files.sort();
        files.truncate(pages);
        ensure!(files.len() == pages, "only {} pages in {}", files.len(), folder.display());
        Ok(Self { folder, files })
    }

    /// The whole manual as a site.
    pub fn pages(&self) -> Router {
        let folder = self.folder.clone();
        Router::new().route("/{file}", get(async move |Asked(file): Asked<String>| serve(&folder, &file)))
    }
}

fn serve(folder: &Path, file: &str) -> Response {
    let content_type = match file.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("png") => "image/png",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => ([(CONTENT_TYPE, content_type)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
