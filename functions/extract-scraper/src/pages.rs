//! One page: how it is had, and what is taken from it.

use std::sync::Arc;
use std::time::Duration;

use browser::{RenderError, RenderFault};
use extract::{OwnConfig, TaskConfig};
use scraping::export::Row;
use scraping::{FetchOptions, Page, PageMetadata, Retries, Selectors};

use crate::App;
use crate::pace::Pace;

/// What was taken from a page.
pub(crate) struct Taken {
    pub(crate) metadata: PageMetadata,
    pub(crate) rows: Vec<Row>,
    pub(crate) warnings: Vec<String>,
}

/// Has one page, and takes its rows.
pub(crate) async fn take<'url>(
    app: &App,
    url: &'url str,
    config: &TaskConfig,
    selectors: &Arc<Selectors>,
    rate: &Pace,
) -> (&'url str, Result<Taken, RenderError>) {
    rate.turn().await;
    let page = match page(app, url, config).await {
        Ok(page) => page,
        Err(error) => return (url, Err(error)),
    };
    let metadata = PageMetadata::from(&page);
    let selectors = Arc::clone(selectors);
    // Parsing works on the processor: elsewhere, so that the lease is renewed meanwhile.
    let extraction = tokio::task::spawn_blocking(move || selectors.extract(&page.text, &page.final_url)).await;
    let taken = match extraction {
        Ok(extraction) => {
            let rows = extraction.rows.into_iter();
            let rows = if config.pages.include_metadata {
                rows.map(|row| metadata.prepend_to(row)).collect()
            } else {
                rows.collect()
            };
            Taken { metadata, rows, warnings: extraction.warnings }
        }
        Err(_) => Taken { metadata, rows: Vec::new(), warnings: vec!["the page could not be read".to_owned()] },
    };
    (url, Ok(taken))
}

/// The page, by the way that the task's type has it. The only place that knows the ways.
async fn page(app: &App, url: &str, config: &TaskConfig) -> Result<Page, RenderError> {
    if let OwnConfig::Advanced(own) = &config.own {
        // Such a task is not begun where there is none.
        let renderer = app.renderer.as_ref().ok_or_else(|| RenderFault::NoBrowser.of_text(url))?;
        return renderer.page(&app.fetcher, url, &config.pages, own).await;
    }
    let timeout = Duration::from_secs(config.pages.timeout.into());
    let retries = match &config.own {
        OwnConfig::Bulk(own) => Retries::Each(own.retry_attempts as usize),
        _ => Retries::default(),
    };
    let options = FetchOptions { timeout, retries, follow_redirects: config.pages.follow_redirects };
    Ok(app.fetcher.fetch(url, options).await?)
}
