//! What a session's token says.

use serde::{Deserialize, Serialize};
use table::Millis;

use crate::tokens::{Claims, Term};

/// A session, as its token says it: the claims of RFC 7519. It has no `Debug`: `csrf` is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    #[serde(flatten)]
    term: Term,
    /// The user's id.
    #[serde(rename = "sub")]
    pub user_id: String,
    /// The session's id.
    #[serde(rename = "jti")]
    pub id: String,
    /// What a browser must repeat with every request that changes something: no page of another site can know it.
    pub csrf: String,
    /// Whom the token is for, where it is not for the extraction cloud.
    #[serde(rename = "aud", default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
}

impl Session {
    /// A session of an hour from `now`.
    pub(crate) fn new(
        user_id: &str,
        (id, csrf): (String, String),
        audience: Option<&'static str>,
        now: Millis,
    ) -> Self {
        let audience = audience.map(str::to_owned);
        Self { term: Term::beginning(now), user_id: user_id.to_owned(), id, csrf, audience }
    }

    /// The same session before another audience: it is over when this one is, and ended when this one is.
    pub(crate) fn before(&self, audience: Option<&'static str>, csrf: String) -> Self {
        Self { csrf, audience: audience.map(str::to_owned), ..self.clone() }
    }

    /// From when nobody need remember that it was ended, in seconds since the epoch.
    pub(crate) const fn forgotten_at(&self) -> u64 {
        self.term.forgotten_at()
    }
}

impl Claims for Session {
    fn term(&self) -> &Term {
        &self.term
    }
}
