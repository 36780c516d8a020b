//! How soon it is looked for more lines: soon while they come, seldom while none do.

use std::time::Duration;

const SOONEST: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_secs(2);

/// The pause before the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(Duration);

impl Pace {
    pub(crate) const fn new() -> Self {
        Self(SOONEST)
    }

    /// How long to wait now, after a look that has found something or not.
    pub(crate) fn pause(&mut self, found: bool) -> Duration {
        let pause = if found { SOONEST } else { self.0 };
        self.0 = (pause * 2).min(LATEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_less_and_less_often_until_something_comes() {
        let mut pace = Pace::new();
        let looks = [false, false, false, false, false, true, false, false];
        let pauses = looks.map(|found| u64::try_from(pace.pause(found).as_millis()).unwrap());
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 2_000, 250, 500, 1_000]);
    }
}
