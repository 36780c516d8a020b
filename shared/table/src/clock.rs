//! The one source of time. Production reads the system's clock; a test turns its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch, UTC. The unit of every time stored in a table, but for TTL attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `duration` after this one.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `duration` before this one, the epoch at the earliest.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long until `later`; zero if that has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }

    /// Whole seconds since the epoch, as DynamoDB's TTL wants them.
    #[must_use]
    pub const fn epoch_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Reads an RFC 3339 date-time with a zone; `None` if it is none, or before 1970.
    #[must_use]
    pub fn parse_timestamp(text: &str) -> Option<Self> {
        Self::of(text.parse().ok()?)
    }

    /// Reads an RFC 3339 date-time with a zone, or a date (midnight UTC); `None` if it is neither, or before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_timestamp(text).or_else(|| {
            let date = text.parse::<jiff::civil::DateTime>().ok()?;
            Self::of(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        })
    }

    /// The moment so many calendar months later, UTC; in a shorter month its last day. The moment itself where that is beyond the calendar.
    #[must_use]
    pub fn after_months(self, months: u32) -> Self {
        let later = |moment: jiff::Zoned| moment.checked_add(jiff::Span::new().try_months(months).ok()?).ok();
        self.in_calendar().and_then(later).and_then(|moment| Self::of(moment.timestamp())).unwrap_or(self)
    }

    /// How many whole calendar months have passed until `later`; 0 if that is not later.
    #[must_use]
    pub fn months_until(self, later: Self) -> u32 {
        let (Some(from), Some(to)) = (self.in_calendar(), later.in_calendar()) else { return 0 };
        let years = i32::from(to.year()) - i32::from(from.year());
        let months = years * 12 + i32::from(to.month()) - i32::from(from.month());
        let months = u32::try_from(months).unwrap_or(0);
        if self.after_months(months) > later { months.saturating_sub(1) } else { months }
    }

    /// The day it lies in, UTC: `2024-01-15`.
    #[must_use]
    pub fn day(self) -> String {
        self.to_string().chars().take("2024-01-15".len()).collect()
    }

    fn in_calendar(self) -> Option<jiff::Zoned> {
        let moment = jiff::Timestamp::from_millisecond(i64::try_from(self.0).ok()?).ok()?;
        Some(moment.to_zoned(jiff::tz::TimeZone::UTC))
    }

    fn of(moment: jiff::Timestamp) -> Option<Self> {
        u64::try_from(moment.as_millisecond()).ok().map(Self)
    }
}

/// RFC 3339, UTC, whole seconds, `Z`: the form of every response (RULINGS.md, "One deployment, five APIs").
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.epoch_seconds()).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_second(seconds) {
            Ok(moment) => moment.fmt(f),
            Err(_) => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

/// Tells the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fake(Arc<AtomicU64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is turned, for tests; clones turn together.
    #[must_use]
    pub fn fake(start: Millis) -> Self {
        Self(Source::Fake(Arc::new(AtomicU64::new(start.0))))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Source::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the clock")]
                let now = std::time::SystemTime::now();
                let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Source::Fake(now) => Millis(now.load(Ordering::SeqCst)),
        }
    }

    /// Turns a fake clock on by `duration`; the system's clock is not moved.
    pub fn advance(&self, duration: Duration) {
        if let Source::Fake(now) = &self.0 {
            now.fetch_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_rfc_3339_in_whole_seconds() {
        assert_eq!(Millis(1_705_314_600_999).to_string(), "2024-01-15T10:30:00Z");
    }

    #[test]
    fn times_are_read_with_a_zone_or_as_a_date() {
        for (text, expected) in [
            ("2024-01-15T10:30:00Z", Some(1_705_314_600_000)),
            ("2024-01-15T11:30:00+01:00", Some(1_705_314_600_000)),
            ("2024-01-15T10:30:00.250Z", Some(1_705_314_600_250)),
            ("2024-01-15T10:30:00", Some(1_705_314_600_000)),
            ("2024-01-15", Some(1_705_276_800_000)),
            ("1969-12-31", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(Millis::parse(text), expected.map(Millis), "{text}");
            let has_zone = text.len() > "2024-01-15T10:30:00".len();
            assert_eq!(Millis::parse_timestamp(text), expected.filter(|_| has_zone).map(Millis), "{text}");
        }
    }

    #[test]
    fn months_are_the_calendars() {
        let moment = |text: &str| Millis::parse(text).unwrap();
        for (from, months, to) in [
            ("2024-01-31", 1, "2024-02-29"),
            ("2024-01-31", 2, "2024-03-31"),
            ("2023-12-15", 1, "2024-01-15"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", 0, "2024-02-29"),
        ] {
            let (from, to) = (moment(from), moment(to));
            assert_eq!(from.after_months(months), to);
            assert_eq!(from.months_until(to), months);
            assert_eq!(from.months_until(Millis(to.0 - 1)), months.saturating_sub(1));
        }
        assert_eq!(moment("2024-02-29").months_until(moment("2023-01-01")), 0);
        assert_eq!(Millis(1_705_363_199_999).day(), "2024-01-15");
    }

    #[test]
    fn a_fake_clock_moves_only_when_turned_and_its_clones_with_it() {
        let clock = Clock::fake(Millis(1_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(500));
        assert_eq!(same.now(), Millis(1_500));
    }
}
