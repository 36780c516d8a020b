//! What a session's token says.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use table::Millis;

/// How long a session lasts (RULINGS.md, "extract-cloud").
pub const SESSION_LENGTH: Duration = Duration::from_hours(1);

/// Who issues the tokens.
const ISSUER: &str = "drover";
/// How far two functions' clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(5);

/// A session, as its token says it: the claims of RFC 7519, times in seconds since the epoch. It has no `Debug`: `csrf` is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    iss: String,
    /// The user's id.
    #[serde(rename = "sub")]
    pub user_id: String,
    /// The session's id.
    #[serde(rename = "jti")]
    pub id: String,
    /// What a browser must repeat in a header with every request that changes something: no page of another site can know it.
    pub csrf: String,
    iat: u64,
    exp: u64,
}

impl Session {
    /// A session of an hour from `now`.
    pub(crate) fn new(user_id: &str, (id, csrf): (String, String), now: Millis) -> Self {
        let (iat, exp) = (now.epoch_seconds(), now.after(SESSION_LENGTH).epoch_seconds());
        Self { iss: ISSUER.to_owned(), user_id: user_id.to_owned(), id, csrf, iat, exp }
    }

    /// Whether it is one of ours that goes on at `now`.
    pub(crate) fn is_good_at(&self, now: Millis) -> bool {
        let (now, leeway) = (now.epoch_seconds(), LEEWAY.as_secs());
        self.iss == ISSUER && self.iat <= now + leeway && now < self.exp
    }

    /// From when nobody need remember that it was ended, in seconds since the epoch.
    pub(crate) const fn forgotten_at(&self) -> u64 {
        self.exp + LEEWAY.as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_for_an_hour() {
        let begun = Millis(1_705_314_600_000);
        let session = Session::new("u", ("s".to_owned(), "c".to_owned()), begun);
        let at = |seconds: i64| Millis(begun.0.saturating_add_signed(seconds * 1_000));
        for (seconds, is_good) in [(-6, false), (-5, true), (0, true), (3_599, true), (3_600, false), (90_000, false)] {
            assert_eq!(session.is_good_at(at(seconds)), is_good, "{seconds} s after it began");
        }
        let foreign = Session { iss: "https://accounts.google.com".to_owned(), ..session };
        assert!(!foreign.is_good_at(begun));
    }
}
