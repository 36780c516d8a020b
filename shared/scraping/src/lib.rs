//! Knows how to fetch the pages of strangers safely and politely, and how to turn them into rows; knows nothing of jobs,
//! tasks or HTTP APIs.

pub mod address;
mod dial;
pub mod export;
pub mod fetch;
mod politeness;
mod robots;
pub mod selectors;
mod settings;

pub use address::AddressPolicy;
pub use dial::Dialer;
pub use export::{Format, PageMetadata, RowWriter};
pub use fetch::{Ask, Fault, FetchError, FetchOptions, Fetcher, GuardedClient, Page, Retries, Visit};
pub use selectors::{Extraction, SelectorSpec, Selectors};
pub use settings::Settings;
