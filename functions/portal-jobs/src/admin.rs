//! `/cpcb/admin`: what administrators do with users and accounts.

pub(crate) mod accounts;
pub(crate) mod users;

use api::portal::Error;
use api::query::Parameters;
use input::Fault;
use portals::Listing;
use table::TableError;

/// The longest cursor that is read, in characters.
const LONGEST_CURSOR: usize = 2_000;

/// The page of a listing that `limit` and `cursor` ask for.
async fn page<T>(
    given: &Parameters,
    list: impl AsyncFnOnce(u32, Option<&str>) -> Result<Option<Listing<T>>, TableError>,
) -> Result<Listing<T>, Error> {
    let limit = u32::try_from(given.limit()?).unwrap_or(1);
    let listing = list(limit, given.text("cursor", LONGEST_CURSOR)?).await?;
    listing.ok_or_else(|| Fault::new("cursor", "must be a next_cursor of this listing").into())
}
