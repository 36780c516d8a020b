//! contracts/video-jobs.md with its section of the rulings. Each test is a tenant of its own. What the scraper does, is done by the tests
//! themselves (`drover_tests::video::Studio`), of whose jobs the stack's scraper does not hear; but in `scraper`, which is about that, and `source`
//! and `memory`, which have one of their own.

mod errors;
mod jobs;
mod limits;
mod memory;
mod scale;
mod scheduled_jobs;
mod scheduler;
mod scraper;
mod socket;
mod source;
mod stats;
mod tenants;
mod videos;
