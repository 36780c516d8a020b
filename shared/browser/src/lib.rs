//! Knows how to render a page of strangers in a real browser, which reaches nothing but what may be fetched; knows nothing of tasks,
//! nor of what is taken from a page.
//!
//! One browser per process ([`Browser`]), whose processes and files are a [`subprocess`]'s, and for each page a context of its own in it, with no
//! cookie, no cache and no connection of any other page's, whose only way out is an [`egress_proxy`] of that page's own. Which documents the page
//! itself may ask for, and when, decides [`scraping::Fetcher`], as it does for pages that need no browser (`gate`).
//! Why it is built so: `docs/decisions/0017-browser.md`.

mod browser;
mod cdp;
mod error;
mod flags;
mod gate;
mod options;
mod process;
mod progress;
mod settings;
mod tab;
mod visit;

pub use browser::{Browser, Rendered};
pub use egress_proxy::{Names, ProxyUse, Upstream, UpstreamKind};
pub use error::{RenderError, RenderFault};
pub use options::RenderOptions;
pub use settings::Settings;
