//! Knows three portals that show records to those who sign in, as public portals do: `pwmr` pages by posting forms with a view state, as ASP.NET's do; `bwmr`
//! shows a table of JSON that its page asks for with a CSRF token; `ewmr` splits its table over tabs of linked pages, in an old encoding. Their records are the
//! same on each run. Sessions end, pages come slowly, change, break or lie, as a test wishes ([`Plan`]). Knows nothing of Drover.
//!
//! A test starts one in its own process ([`StandIn::start`]); `portal-stand-in` serves one to a deployed stack, with the same for tests at `/_control/…`.

mod bwmr;
mod control;
mod ewmr;
mod html;
mod plan;
mod pwmr;
mod records;
mod server;
mod sheet;
mod stand_in;

pub use plan::{Plan, Trouble, What};
pub use records::{Portal, Record};
pub use server::serve;
pub use stand_in::{Account, StandIn};
