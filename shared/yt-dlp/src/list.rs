//! The videos of a source.

use std::collections::HashSet;

use crate::fault::Fault;
use crate::line::Line;
use crate::options::Options;
use crate::run::{Limits, Run};
use crate::settings::Settings;
use crate::source::Source;
use crate::video::Video;
use crate::{Access, YtDlp};

/// How many bytes a list may transfer. A page of TikTok's, with 15 to 30 videos, has some 200 kB.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// After how many videos in a row that are older than wanted a profile's list ends. Some profiles begin with old ones, which are pinned.
const OLDER_IN_A_ROW: u32 = 20;

/// Which videos are wanted.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Of which source.
    pub source: Source,
    /// How many at most.
    pub limit: u32,
    /// Published then or later, in seconds since 1970. A video that does not say when it was published is never left out.
    pub since: Option<i64>,
    /// Published then or before, in seconds since 1970.
    pub until: Option<i64>,
}

/// The videos of a source, as they are found. Dropped, the search ends.
pub struct Videos {
    run: Option<Run>,
    choice: Choice,
    seen: HashSet<String>,
}

impl YtDlp {
    /// The videos of a source. Costs a process until they have all come; what is wrong with the source comes with the first.
    pub async fn list(&self, listing: &Listing, access: &Access) -> Result<Videos, Fault> {
        let settings = &self.settings;
        let template = match &listing.source {
            Source::Profile(_) => &settings.profiles,
            Source::Hashtag(_) => &settings.hashtags,
        };
        let url = template
            .url(listing.source.name())
            .ok_or_else(|| Fault::Ours("the source's address is none".to_owned()))?;
        let limits = Limits { time: settings.listing_limit, bytes: MAX_BYTES };
        let run = Run::start(settings, access, &limits, &url, |proxy, cookies, _| {
            Options::listing(settings, proxy, cookies, &url)
        })
        .await?;
        Ok(Videos { run: Some(run), choice: Choice::of(listing, settings), seen: HashSet::new() })
    }
}

impl Videos {
    /// The next video; none after the last. Each comes once, by its id. A fault is the end too: what came before it stays true.
    pub async fn next(&mut self) -> Result<Option<Video>, Fault> {
        while let Some(run) = &mut self.run {
            let line = match run.next().await {
                Ok(line) => line,
                Err(fault) => {
                    self.run = None;
                    return Err(fault);
                }
            };
            let entry = match line {
                Some(Line::Entry(entry)) => entry,
                Some(_) => continue,
                None => return self.end().await,
            };
            // An entry that says nowhere to be is none.
            let Some(video) = Video::of(&entry, None) else { continue };
            if !self.seen.insert(video.id.clone()) {
                continue;
            }
            let (taken, goes_on) = self.choice.judge(video.created_at);
            if !goes_on {
                self.run = None;
            }
            if taken {
                return Ok(Some(video));
            }
        }
        Ok(None)
    }

    async fn end(&mut self) -> Result<Option<Video>, Fault> {
        let Some(run) = self.run.take() else { return Ok(None) };
        let ended = run.end().await?;
        if ended.is_well() {
            return Ok(None);
        }
        match ended.fault() {
            Fault::Empty => Ok(None),
            fault => Err(fault),
        }
    }
}

/// Which of the videos that are found are taken, and when there is no need to look on.
#[derive(Debug)]
struct Choice {
    left: u32,
    since: Option<i64>,
    until: Option<i64>,
    /// Whether the source's newest videos come first.
    by_age: bool,
    older: u32,
}

impl Choice {
    fn of(listing: &Listing, settings: &Settings) -> Self {
        let by_age = matches!(&listing.source, Source::Profile(name) if is_tiktok(settings, name));
        Self { left: listing.limit, since: listing.since, until: listing.until, by_age, older: 0 }
    }

    /// Whether this one is taken, and whether to look on.
    fn judge(&mut self, created_at: Option<i64>) -> (bool, bool) {
        let is_old = matches!((created_at, self.since), (Some(created), Some(since)) if created < since);
        let is_new = matches!((created_at, self.until), (Some(created), Some(until)) if created > until);
        self.older = if is_old { self.older + 1 } else { 0 };
        let taken = !is_old && !is_new && self.left > 0;
        self.left -= u32::from(taken);
        (taken, self.left > 0 && !(self.by_age && self.older >= OLDER_IN_A_ROW))
    }
}

/// Whether profiles are TikTok's, whose list begins with the newest.
fn is_tiktok(settings: &Settings, name: &crate::source::Name) -> bool {
    settings.profiles.url(name.as_str()).is_some_and(|url| url.host_str() == Some("www.tiktok.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(limit: u32, since: Option<i64>, until: Option<i64>, by_age: bool) -> Choice {
        Choice { left: limit, since, until, by_age, older: 0 }
    }

    /// Which of these are taken, and how many are looked at.
    fn taken(mut choice: Choice, created: &[Option<i64>]) -> (Vec<usize>, usize) {
        let mut taken = Vec::new();
        for (index, created) in created.iter().enumerate() {
            let (is_taken, goes_on) = choice.judge(*created);
            if is_taken {
                taken.push(index);
            }
            if !goes_on {
                return (taken, index + 1);
            }
        }
        (taken, created.len())
    }

    #[test]
    fn the_limit_ends_the_search() {
        assert_eq!(taken(choice(2, None, None, true), &[Some(9), None, Some(7)]), (vec![0, 1], 2));
    }

    #[test]
    fn what_is_too_old_or_too_new_is_left_out_and_what_is_undated_is_not() {
        let created = [Some(11), Some(10), None, Some(5), Some(4), Some(6)];
        assert_eq!(taken(choice(9, Some(5), Some(10), false), &created), (vec![1, 2, 3, 5], 6));
    }

    #[test]
    fn a_profile_is_not_searched_to_its_beginning_and_pinned_videos_do_not_end_it() {
        let mut created = vec![Some(1), Some(2), Some(1)];
        created.extend((0..5).map(|age| Some(100 - age)));
        created.extend((0..50).map(|age| Some(40 - age)));
        let (found, looked_at) = taken(choice(99, Some(50), None, true), &created);
        assert_eq!((found, looked_at), (vec![3, 4, 5, 6, 7], 8 + 20));
        assert_eq!(taken(choice(99, Some(50), None, false), &created).1, created.len());
    }
}
