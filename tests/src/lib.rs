//! Knows how the suites reach the deployed stack: its API as any caller, its tables and queues as an operator, a site to be scraped,
//! stand-ins for providers, and the proxy that makes faults. Knows nothing of what any suite expects.

pub mod answer;
pub mod aws;
pub mod chaos;
pub mod fleet;
pub mod function;
pub mod gateway;
pub mod held;
pub mod leaks;
mod operator;
pub mod process;
pub mod providers;
pub mod quiet;
pub mod raw;
pub mod receiver;
pub mod scraper;
pub mod second_engine;
pub mod sign_in;
pub mod site;
mod stack;
pub mod store;
pub mod user;
pub mod video;
pub mod webhooks;
pub mod worker;

pub use operator::key_of;
pub use stack::{CROWD, Stack, eventually};
pub use user::{User, id_of, json_of};
