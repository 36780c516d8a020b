//! contracts/video-jobs.md with its section of the rulings. Each test is a tenant of its own. What the scraper does is done by the tests
//! themselves: `drover_tests::video::Studio`.

mod errors;
mod jobs;
mod limits;
mod scale;
mod scheduled_jobs;
mod scheduler;
mod scraper;
mod socket;
mod stats;
mod tenants;
mod videos;
