//! Knows how a portal's records are had by its recipe: signed in, page by page, each page checked against what the recipe and the portal say of it. A
//! recipe is data (`portals/*.json`). Knows nothing of jobs, accounts or files.
//!
//! ```text
//! Recipes::load ─► Recipe ─┐
//!                 Fetcher ─┼─► Scrape::next_page ─► Batch { rows, cursor } … ─► None: all of it was had, and adds up
//!                 SignIn  ─┘
//! ```
//!
//! Whoever has half of a portal's records has no file: rows are worth something when [`Scrape::next_page`] has said `None`. A [`Cursor`] is what a later
//! attempt goes on from.

mod error;
mod page;
mod portals;
pub mod recipe;
mod scrape;
mod unique;

pub use error::{Change, Fault, Place, Remedy, ScrapeError};
pub use portals::{RecipeError, Recipes};
pub use recipe::Recipe;
pub use scrape::{Batch, Cursor, Scrape, SignIn};
pub use unique::Unique;
