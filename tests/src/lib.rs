//! Knows how the suites reach the deployed stack: its API as any caller, its tables and queues as an operator, a site to be scraped,
//! stand-ins for providers, platforms and proxies, and the proxy that makes faults. Knows nothing of what any suite expects.

pub mod answer;
pub mod aws;
pub mod chaos;
pub mod drive;
mod droverctl;
pub mod event_source;
pub mod fleet;
pub mod forward_proxy;
pub mod function;
pub mod gateway;
pub mod handbook;
pub mod held;
pub mod leaks;
pub mod mails;
pub mod monitor;
pub mod node;
mod operations;
mod operator;
pub mod own_scraper;
pub mod platform;
pub mod portal;
pub mod portal_site;
pub mod process;
pub mod providers;
pub mod quiet;
pub mod raw;
pub mod receiver;
pub mod routes;
pub mod scene;
pub mod scraper;
pub mod second_engine;
pub mod sign_in;
pub mod site;
pub mod socket;
mod stack;
pub mod store;
pub mod user;
pub mod video;
pub mod video_platform;
pub mod webhooks;
pub mod worker;

pub use droverctl::Said;
pub use operator::key_of;
pub use stack::{CROWD, Stack, eventually};
pub use user::{User, id_of, json_of};
