//! What `top` shows, as lines of text.

use anstyle::{AnsiColor, Style};
use table::Millis;
use tallies::{JobTally, Overview, PoolTally, Rates, Series};

use crate::plain::{clipped, plain};

const HEADING: Style = Style::new().bold();
const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const FAINT: Style = Style::new().dimmed();
/// How wide the first column is.
const NAME: usize = 14;
/// How wide a column of numbers is.
const NUMBER: usize = 10;
/// The heights of bars.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many of the last minutes are drawn: as many as fit beside the numbers in 80 columns.
const DRAWN: usize = 24;

/// How everything stood at a moment.
pub(super) struct Frame<'a> {
    pub(super) title: String,
    pub(super) overview: &'a Overview,
    pub(super) rates: &'a Rates,
    /// Why it is not newer.
    pub(super) trouble: Option<&'a str>,
}

impl Frame<'_> {
    /// All lines.
    pub(super) fn lines(&self, now: Millis) -> Vec<String> {
        let mut lines = vec![format!("{HEADING}{}{HEADING:#}   {now}", plain(&self.title)), String::new()];
        lines.push(heading("JOBS", &["WAITING", "RESTING", "RUNNING", "DONE", "FAILED", "OLDEST"]));
        lines.extend(self.overview.jobs.iter().map(|jobs| of_jobs(jobs, now)));
        lines.push(String::new());
        lines.push(format!(
            "{}  {HEADING}CLAIMED, MINUTE BY MINUTE{HEADING:#}",
            heading("A MINUTE", &["CLAIMED", "DONE", "FAILED"])
        ));
        lines.extend(self.rates.series.iter().map(of_series));
        lines.push(String::new());
        lines.push(heading("CREDENTIALS", &["FREE", "IN USE", "RESTING", "FAILED", "OFF"]));
        match self.overview.pools.as_slice() {
            [] => lines.push(format!("{FAINT}none{FAINT:#}")),
            pools => lines.extend(pools.iter().map(of_pool)),
        }
        lines
    }

    /// As many as fit. What goes over the end is counted on the last line; why it is not newer stands there before all else.
    pub(super) fn fitted(&self, now: Millis, width: usize, height: usize) -> Vec<String> {
        let mut lines = self.lines(now);
        let trouble = self.trouble.map(|trouble| format!("{BAD}{}{BAD:#}", clipped(&plain(trouble), width)));
        let room = height.saturating_sub(usize::from(trouble.is_some()));
        if lines.len() > room {
            let left_out = lines.len() - room + 1;
            lines.truncate(room.saturating_sub(1));
            lines.push(format!(
                "{FAINT}{left_out} more lines: make the window higher, or droverctl top --once{FAINT:#}"
            ));
            lines.truncate(room);
        }
        lines.extend(trouble);
        lines.into_iter().map(|line| within(&line, width)).collect()
    }
}

/// A line without what goes over the edge. What colours it takes no room; a line that is cut loses its colours.
fn within(line: &str, width: usize) -> String {
    let bare = anstream::adapter::strip_str(line).to_string();
    if bare.chars().count() <= width { line.to_owned() } else { clipped(&bare, width).into_owned() }
}

fn heading(name: &str, columns: &[&str]) -> String {
    let columns = columns.iter().map(|column| format!("{column:>NUMBER$}")).collect::<Vec<_>>().concat();
    format!("{HEADING}{name:NAME$}{columns}{HEADING:#}")
}

fn named(name: &str) -> String {
    format!("{:NAME$}", clipped(&plain(name), NAME - 1))
}

fn number(count: u64) -> String {
    format!("{count:>NUMBER$}")
}

/// A number that is bad if there is any.
fn bad(count: u64) -> String {
    if count == 0 { number(count) } else { format!("{BAD}{}{BAD:#}", number(count)) }
}

fn of_jobs(jobs: &JobTally, now: Millis) -> String {
    let oldest = jobs.oldest_waiting.map_or_else(|| "-".to_owned(), |since| age(since, now));
    let ended_well = number(jobs.completed);
    let all = [number(jobs.waiting), number(jobs.resting), number(jobs.running), ended_well, bad(jobs.failed)].concat();
    format!("{}{all}{oldest:>NUMBER$}", named(jobs.kind.as_str()))
}

fn of_series(series: &Series) -> String {
    // The last minute is not over: what is told is that before it.
    let told = |points: &[u64]| points.iter().rev().nth(1).copied().unwrap_or(0);
    let numbers = [number(told(&series.claimed)), number(told(&series.completed)), bad(told(&series.failed))].concat();
    format!("{}{numbers}  {}", named(series.kind.as_str()), bars(&series.claimed))
}

fn of_pool(pool: &PoolTally) -> String {
    let numbers =
        [number(pool.available), number(pool.in_use), number(pool.cooldown), bad(pool.failed), number(pool.disabled)];
    named(&pool.platform) + &numbers.concat()
}

/// The last points as bars, the highest of them as high as there is.
fn bars(points: &[u64]) -> String {
    let last = &points[points.len().saturating_sub(DRAWN)..];
    let highest = last.iter().copied().max().unwrap_or(0);
    let bar = |count: &u64| {
        if *count == 0 {
            return ' ';
        }
        let height = (u128::from(*count) * BARS.len() as u128).div_ceil(u128::from(highest));
        usize::try_from(height - 1).ok().and_then(|height| BARS.get(height)).copied().unwrap_or(BARS[7])
    };
    last.iter().map(bar).collect()
}

/// For how long something has been so.
fn age(since: Millis, now: Millis) -> String {
    let minutes = now.0.saturating_sub(since.0) / 60_000;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use tallies::Kind;

    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn overview(pools: usize) -> Overview {
        let job = |kind| JobTally {
            kind,
            waiting: 12,
            resting: 1,
            running: 100_000,
            completed: 5,
            failed: 2,
            cancelled: 0,
            oldest_waiting: Some(NOW.before(std::time::Duration::from_mins(7))),
        };
        let pool = |n| PoolTally {
            platform: format!("platform-{n}\u{1b}[2J"),
            available: 3,
            in_use: 2,
            cooldown: 1,
            failed: 0,
            disabled: 4,
        };
        Overview {
            jobs: Kind::JOBS.into_iter().map(job).collect(),
            pools: (0..pools).map(pool).collect(),
            is_cut: false,
        }
    }

    fn rates() -> Rates {
        let series = |kind| Series {
            kind,
            submitted: vec![0; 60],
            claimed: (0..60).collect(),
            completed: vec![1; 60],
            failed: vec![0; 60],
            cancelled: vec![0; 60],
        };
        Rates { from: Millis(0), step_seconds: 60, series: Kind::ALL.into_iter().map(series).collect() }
    }

    fn bare(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    fn frame<'a>(overview: &'a Overview, rates: &'a Rates, trouble: Option<&'a str>) -> Frame<'a> {
        Frame { title: "drover  eu-west-1   every 5 s   q ends".to_owned(), overview, rates, trouble }
    }

    #[test]
    fn all_of_it_fits_into_an_old_terminal() {
        let (overview, rates) = (overview(6), rates());
        let lines = bare(&frame(&overview, &rates, None).fitted(NOW, 80, 24));
        assert!(lines.len() <= 24, "{} lines", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert_eq!(lines[2], "JOBS             WAITING   RESTING   RUNNING      DONE    FAILED    OLDEST");
        assert_eq!(lines[3], "extract               12         1    100000         5         2     7 min");
        assert_eq!(lines[9], "extract               58         1         0  ▅▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇████████");
        assert!(lines.last().is_some_and(|line| !line.contains("more lines")), "{lines:#?}");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_trouble_is_told() {
        let (overview, rates) = (overview(50), rates());
        for (width, height) in [(80, 24), (40, 10), (10, 3), (1, 1), (1, 0)] {
            let lines = bare(&frame(&overview, &rates, Some("no answer\u{1b}[2J")).fitted(NOW, width, height));
            assert!(lines.len() <= height.max(1), "{width} x {height}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width} x {height}: {lines:#?}");
            assert!(!lines.concat().contains('\u{1b}'), "{lines:#?}");
        }
        let lines = bare(&frame(&overview, &rates, Some("no answer")).fitted(NOW, 80, 24));
        assert!(lines[22].contains("more lines") && lines[23] == "no answer", "{lines:#?}");
    }

    #[test]
    fn bars_are_as_high_as_there_is() {
        for (points, expected) in
            [(vec![], ""), (vec![0, 0], "  "), (vec![0, 1, 4, 8], " ▁▄█"), (vec![u64::MAX, 1], "█▁")]
        {
            assert_eq!(bars(&points), expected, "{points:?}");
        }
    }

    #[test]
    fn an_age_is_told_in_what_people_count_by() {
        let since = |minutes: u64| Millis(NOW.0 - minutes * 60_000);
        for (minutes, expected) in [(0, "0 min"), (119, "119 min"), (120, "2 h"), (2_879, "47 h"), (2_880, "2 days")] {
            assert_eq!(age(since(minutes), NOW), expected);
        }
    }
}
