//! contracts/portal-jobs.md with its section of the rulings. Each test is a tenant of its own. Where the scraper is not what
//! is tested, the tests themselves do what it does: `drover_tests::portal::PortalDesk`.

mod administration;
mod download;
mod errors;
mod hold;
mod login;
mod pwmr;
mod queue;
mod scraper;
mod tenants;
