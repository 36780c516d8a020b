//! `/console`: what runs, what waits, what fails, and how that has been.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use table::Millis;
use tallies::{JobTally, Kind, Last, Overview, PoolTally, Rates, Series as Counts};

use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::view::pager::{escaped, with};
use crate::view::plot::{Plot, Scale, Series};
use crate::view::table::table;
use crate::view::text::shown;
use crate::view::time::{moment_or_none, span};

/// `GET /console`.
pub(crate) async fn show(State(app): State<App>, frame: Frame) -> Result<Response, Fault> {
    let (overview, hour, day) =
        tokio::try_join!(app.tallies.overview(), app.tallies.rates(Last::Hour), app.tallies.rates(Last::Day))?;
    let body = html! {
        h1 { "Overview" }
        div #tiles data-live { (tiles(&overview, frame.now)) }
        h2 { "Jobs" }
        div #jobs data-live { (jobs(&frame, &overview.jobs)) }
        h2 { "The last hour" }
        div.plots #hour data-live { (plots("hour", &hour)) }
        h2 { "The last day" }
        div.plots #day data-live { (plots("day", &day)) }
        h2 { "Credentials" }
        div #pools data-live {
            (pools(&frame, &overview.pools))
            @if overview.is_cut { p { "There are more platforms than are shown here." } }
        }
    };
    Ok(frame.page(Section::Overview, "Overview", &body))
}

/// The few numbers that one looks for first. A video is a part of a job: it is no job more.
fn tiles(overview: &Overview, now: Millis) -> Markup {
    let jobs = || overview.jobs.iter().filter(|tally| tally.kind != Kind::Videos);
    let sum = |of: fn(&JobTally) -> u64| jobs().map(of).sum::<u64>();
    let oldest = overview.jobs.iter().filter_map(|tally| tally.oldest_waiting).min();
    let free: u64 = overview.pools.iter().map(|pool| pool.available).sum();
    html! {
        ul.tiles {
            (tile("Running", &sum(|tally| tally.running).to_string(), false))
            (tile("Waiting", &sum(|tally| tally.waiting).to_string(), false))
            (tile("Waiting longest", &oldest.map_or_else(|| "–".to_owned(), |oldest| span(oldest.until(now))), false))
            (tile("Failed", &sum(|tally| tally.failed).to_string(), sum(|tally| tally.failed) > 0))
            (tile("Credentials free", &free.to_string(), !overview.pools.is_empty() && free == 0))
        }
    }
}

fn tile(what: &str, number: &str, is_bad: bool) -> Markup {
    html! {
        li { span.what { (what) } span class=(if is_bad { "number bad" } else { "number" }) { (number) } }
    }
}

/// What a kind is called on pages.
const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Extract => "Extraction tasks",
        Kind::Portal => "Portal jobs",
        Kind::Video => "Video jobs",
        Kind::Videos => "Videos of video jobs",
        Kind::Credentials => "Credentials",
    }
}

fn jobs(frame: &Frame, tallies: &[JobTally]) -> Markup {
    let row = |tally: &JobTally| {
        let list = frame.to(&format!("/jobs?kind={}", tally.kind.as_str()));
        let number = |number: u64| html! { (number) };
        vec![
            // Videos are seen on their jobs' pages.
            html! { @if tally.kind == Kind::Videos { (name(tally.kind)) } @else { a href=(list) { (name(tally.kind)) } } },
            number(tally.waiting),
            number(tally.resting),
            number(tally.running),
            number(tally.completed),
            html! {
                @if tally.failed > 0 && tally.kind != Kind::Videos {
                    a href=(with(&list, "status", "failed")) { (tally.failed) }
                } @else { (tally.failed) }
            },
            number(tally.cancelled),
            moment_or_none(tally.oldest_waiting, frame.now),
        ]
    };
    let columns = ["Kind", "Waiting", "Resting", "Running", "Completed", "Failed", "Cancelled", "Waiting since"];
    table("Jobs of each kind, by state", &columns, &tallies.iter().map(row).collect::<Vec<_>>(), "There are no jobs.")
}

fn pools(frame: &Frame, pools: &[PoolTally]) -> Markup {
    let row = |pool: &PoolTally| {
        let number = |number: u64| html! { (number) };
        vec![
            html! { a href=(frame.to(&format!("/credentials?platform={}", escaped(&pool.platform)))) { (shown(&pool.platform)) } },
            number(pool.available),
            number(pool.in_use),
            number(pool.cooldown),
            number(pool.failed),
            number(pool.disabled),
        ]
    };
    let columns = ["Platform", "Available", "In use", "Cooling down", "Failed", "Disabled"];
    let rows: Vec<_> = pools.iter().map(row).collect();
    table("Credentials of each platform, by state", &columns, &rows, "There are no credentials yet.")
}

/// What has happened a minute: to jobs, and who has claimed.
fn plots(id: &str, rates: &Rates) -> Markup {
    let points = rates.series.first().map_or(0, |series| series.submitted.len());
    let step = rates.step_seconds.max(1);
    let time = |point: usize| Millis(rates.from.0 + u64::try_from(point).unwrap_or(0) * step * 1_000);
    let a_minute = |count: u64| {
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * 60.0 / f64::from(u32::try_from(step).unwrap_or(1))
    };
    let sum = |kinds: &[Kind], of: fn(&Counts) -> &Vec<u64>| -> Vec<f64> {
        let count = |point: usize| {
            let counts = rates.series.iter().filter(|series| kinds.contains(&series.kind));
            counts.filter_map(|series| of(series).get(point)).sum()
        };
        (0..points).map(|point| a_minute(count(point))).collect()
    };
    let jobs = [Kind::Extract, Kind::Portal, Kind::Video];
    let happened = Plot {
        id: &format!("{id}-jobs"),
        title: "Jobs a minute",
        scale: Scale::Minutes,
        times: (0..points).map(time).collect(),
        series: vec![
            Series { name: "Submitted", values: sum(&jobs, |series| &series.submitted) },
            Series { name: "Completed", values: sum(&jobs, |series| &series.completed) },
            Series { name: "Failed", values: sum(&jobs, |series| &series.failed) },
            Series { name: "Cancelled", values: sum(&jobs, |series| &series.cancelled) },
        ],
    };
    let claimed = Plot {
        id: &format!("{id}-claims"),
        title: "Claims a minute",
        scale: Scale::Minutes,
        times: (0..points).map(time).collect(),
        series: vec![
            Series { name: "Credentials", values: sum(&[Kind::Credentials], |series| &series.claimed) },
            Series { name: "Extraction tasks", values: sum(&[Kind::Extract], |series| &series.claimed) },
            Series { name: "Portal jobs", values: sum(&[Kind::Portal], |series| &series.claimed) },
            Series {
                name: "Video jobs and videos",
                values: sum(&[Kind::Video, Kind::Videos], |series| &series.claimed),
            },
        ],
    };
    html! { (happened.shown()) (claimed.shown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_a_minute_whatever_a_points_time() {
        let counts = |kind| Counts {
            kind,
            submitted: vec![0, 20],
            claimed: vec![10, 0],
            completed: vec![0, 0],
            failed: vec![0, 0],
            cancelled: vec![0, 0],
        };
        let series = Kind::ALL.into_iter().map(counts).collect();
        let rates = Rates { from: Millis(1_705_314_600_000), step_seconds: 600, series };
        let page = plots("day", &rates).into_string();
        // Of three kinds of jobs twenty each, in ten minutes.
        for part in [
            "Submitted: 6 at the end",
            "Credentials: 0 at the end, 1 at most",
            "Video jobs and videos: 0 at the end, 2 at most",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
