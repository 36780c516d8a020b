//! Moments, as one reads them: how long ago, or in how long; the moment itself behind it.

use std::time::Duration;

use maud::{Markup, html};
use table::Millis;

/// A moment, seen from now: `3 min ago`, `in 2 h`.
pub(crate) fn moment(at: Millis, now: Millis) -> Markup {
    let said = if at > now { format!("in {}", span(now.until(at))) } else { format!("{} ago", span(at.until(now))) };
    html! { time datetime=(at) title=(at) { (said) } }
}

/// A moment that there may be none of.
pub(crate) fn moment_or_none(at: Option<Millis>, now: Millis) -> Markup {
    at.map_or_else(nothing, |at| moment(at, now))
}

/// A moment in full: `2024-01-15 10:30:00 UTC`.
pub(crate) fn exact(at: Millis) -> Markup {
    let text = at.to_string().replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(at) { (text) } }
}

/// What stands where there is nothing.
pub(crate) fn nothing() -> Markup {
    html! { span.none aria-label="none" role="img" { "–" } }
}

/// How long something takes, to its greatest two units at most: `45 s`, `3 min`, `2 h 5 min`, `4 d`.
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..36_000 if minutes % 60 > 0 => format!("{hours} h {} min", minutes % 60),
        3_600..172_800 => format!("{hours} h"),
        _ => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_by_what_matters_of_them() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (7_500, "2 h 5 min"),
            (36_000, "10 h"),
            (40_000, "11 h"),
            (172_800, "2 d"),
            (8_640_000, "100 d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), told, "{seconds}");
        }
    }

    #[test]
    fn a_moment_is_seen_from_now() {
        let now = Millis(1_705_314_600_000);
        let told = |at| moment(Millis(at), now).into_string();
        assert!(told(now.0 - 61_000).contains(">1 min ago<"), "{}", told(now.0 - 61_000));
        assert!(told(now.0 + 61_000).contains(">in 1 min<"), "{}", told(now.0 + 61_000));
        assert!(told(now.0).contains("datetime=\"2024-01-15T10:30:00Z\""), "{}", told(now.0));
        assert_eq!(exact(now).into_string(), "<time datetime=\"2024-01-15T10:30:00Z\">2024-01-15 10:30:00 UTC</time>");
    }
}
