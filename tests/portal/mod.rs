//! contracts/portal-jobs.md with its section of the rulings. Each test is a tenant of its own. What the scraper will do is done by the tests
//! themselves: `drover_tests::portal::PortalDesk`.

mod administration;
mod errors;
mod login;
mod pwmr;
mod queue;
mod tenants;
