//! Query strings of listings.

use api::query::Parameters;
use api::video::Error;
use input::Fault;
use jobs::Status;
use videos::{Filter, LONGEST_VALUE, Mode, VideoStatus};

/// The most of a listing that one page holds, and how much unless a caller says otherwise.
pub(crate) const LARGEST_PAGE: u64 = 200;
const USUAL_PAGE: u64 = 50;
/// How far a listing goes.
pub(crate) const FURTHEST: u64 = 1_000_000;

/// Which part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub limit: usize,
    pub offset: usize,
}

/// `limit` and `offset`.
pub(crate) fn page(given: &Parameters) -> Result<Page, Error> {
    let limit = given.number("limit", 1, LARGEST_PAGE).map_err(Error::query)?.unwrap_or(USUAL_PAGE);
    let offset = given.number("offset", 0, FURTHEST).map_err(Error::query)?.unwrap_or(0);
    Ok(Page { limit: usize::try_from(limit).unwrap_or(1), offset: usize::try_from(offset).unwrap_or(usize::MAX) })
}

/// `status` of jobs.
pub(crate) fn job_status(given: &Parameters) -> Result<Option<Status>, Error> {
    let place = given.word("status", &Status::ALL.map(Status::as_str)).map_err(Error::query)?;
    Ok(place.and_then(|place| Status::ALL.get(place).copied()))
}

/// `mode`, `value`, `author_username`, `hashtag` and `status` of videos.
pub(crate) fn filter(given: &Parameters) -> Result<Filter, Error> {
    let text = |name| Ok::<_, Fault>(given.text(name, LONGEST_VALUE)?.map(str::to_owned));
    let read = || {
        let mode = given.word("mode", &Mode::ALL.map(Mode::as_str))?;
        let status = given.word("status", &VideoStatus::ALL.map(VideoStatus::as_str))?;
        Ok(Filter {
            mode: mode.and_then(|place| Mode::ALL.get(place).copied()),
            value: text("value")?,
            author_username: text("author_username")?,
            hashtag: text("hashtag")?,
            status: status.and_then(|place| VideoStatus::ALL.get(place).copied()),
        })
    };
    read().map_err(Error::query)
}
